package verify

import (
	"context"
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/digest"
	"cairn/digest/digesttest"
)

// TestListedElsewhere has a trail that went to another bucket: what digests list
// in the old one says nothing of files of the same name in the new one.
func TestListedElsewhere(t *testing.T) {
	tr := sixHours(t)
	old := tr.Bucket
	tr.Bucket = "second"
	tr.Hour(t, 2, func(n *digest.Next) {
		late := tr.object(tr.Logs[12])
		tr.remove(tr.Logs[12])
		tr.Store[old+"/"+tr.Logs[12]] = late
		n.LogFiles[0].Bucket = old
	})
	o := Options{Source: source{tr.Store}, Bucket: "second"}
	expect(t, o)
	for _, i := range []int{3, 12} { // of an old digest, and of one in the new bucket
		tr.Store[tr.Full(tr.Logs[i])] = digesttest.Object{Body: digest.Encode([]byte(`{"Records":[{"eventID":"forged"}]}`))}
	}
	expect(t, o, "invalid log-unlisted "+base(tr.Logs[3]), "invalid log-unlisted "+base(tr.Logs[12]))
}

// TestKeyOfAnotherTime has digests signed with keys that were used earlier and
// later than the digest was made.
func TestKeyOfAnotherTime(t *testing.T) {
	end := clock(13, 4, 4) // of digest 2
	for name, c := range map[string]struct {
		from, to time.Time
		want     func(tr *trail) []string
	}{
		"of its time":     {end.Add(-29 * 24 * time.Hour), end, only()},
		"not known":       {time.Time{}, time.Time{}, only()},
		"begun just then": {end.Add(2 * time.Hour), end.AddDate(0, 0, 30), only()},
		"run out":         {end.AddDate(0, 0, -30), end.Add(-2 * time.Hour), dig(DigestKey, 2, "unverified hole 2")},
		"of later": {end.Add(3 * time.Hour), end.AddDate(0, 0, 33), func(tr *trail) []string {
			return []string{"unverified digest-key " + base(tr.Digests[2])}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := sixHours(t)
			o := resigned(t, tr, 2, digesttest.OtherKey())
			o.Keys = &KeyList{Keys: append(keyList().Keys, RegionKey{"eu-west-1", publicKey(digesttest.OtherKey(), c.from, c.to)})}
			expect(t, o, c.want(tr)...)
		})
	}
}

func publicKey(k *rsa.PrivateKey, from, to time.Time) digest.PublicKey {
	der := digest.MarshalPublicKey(&k.PublicKey)
	return digest.PublicKey{Value: der, Fingerprint: digest.Fingerprint(der), ValidFrom: from, ValidTo: to}
}

// resigned makes a trail's digests from the i-th on again, that one with another
// key.
func resigned(t *testing.T, tr *trail, i int, key *rsa.PrivateKey) Options {
	t.Helper()
	var link digest.Previous
	for n := range tr.Digests {
		f := tr.Read(t, n)
		name, err := digest.ParseKey(tr.Digests[n])
		if err != nil {
			t.Fatal(err)
		}
		by := digesttest.Key()
		if n == i {
			by = key
		}
		link = tr.Put(t, by, digest.Next{Name: name, Bucket: tr.Bucket, Start: f.Start, Previous: link, LogFiles: f.LogFiles}).Link()
	}
	return of(tr)
}

// TestNewestRemoved removes the newest digests and leaves their log files.
func TestNewestRemoved(t *testing.T) {
	for removed, want := range map[int][]string{
		1: {"note pending 2"},
		2: {"note pending 4"},
		3: {"note pending 6"},
		4: {"note pending 6", "unverified overdue 2"},
		5: {"note pending 6", "unverified overdue 4"},
	} {
		tr := sixHours(t)
		tr.remove(tr.Digests[6-removed:]...)
		expect(t, of(tr), want...)
	}
}

// TestPlaceRemoved removes all there was of a place that has to be there.
func TestPlaceRemoved(t *testing.T) {
	tr := sixHours(t)
	other := &trail{digesttest.NewTrail(tr.Store, "t1")}
	other.Region = "us-east-1"
	other.Hour(t, 1)
	keys := keyList()
	keys.Keys[0].Region = ""
	o := of(tr)
	o.Keys = keys
	o.Expect = []digest.Place{tr.Place}
	o.Delivered = func(_ context.Context, p digest.Place) (time.Time, error) {
		return map[string]time.Time{"eu-west-1": tr.At, "us-east-1": other.At}[p.Region], nil
	}
	expect(t, o)
	for key := range tr.Store {
		if strings.Contains(key, "/eu-west-1/") {
			delete(tr.Store, key)
		}
	}
	expect(t, o, "invalid head-missing")
	o.Region = "us-east-1"
	expect(t, o)
}

// TestOlderChainRemoved has a trail that was stopped and started again: its first
// chain is one that nothing in the second speaks of.
func TestOlderChainRemoved(t *testing.T) {
	tr := sixHours(t)
	saved := Heads{}.With(expect(t, of(tr)).Heads)
	tr.At, tr.Link = tr.At.Add(5*time.Hour), digest.Previous{}
	tr.Hour(t, 1)
	o := of(tr)
	o.Heads = saved
	saved = saved.With(expect(t, o, "note gap").Heads)
	tr.Hour(t, 1)
	o.Heads = saved
	saved = saved.With(expect(t, o, "note gap").Heads)
	if len(saved) != 2 || saved[0].Key != tr.Digests[5] || saved[1].Key != tr.Digests[7] {
		t.Errorf("the heads are %+v", saved)
	}
	tr.remove(tr.Digests[:6]...)
	tr.remove(tr.Logs[:12]...)
	o.Heads = saved
	expect(t, o, "invalid head-missing "+base(tr.Digests[5]))
	// Without heads nothing tells.
	expect(t, of(tr))

	// A head that a part of its chain comes to is left behind.
	part := sixHours(t)
	part.Hour(t, 1)
	all := Heads{}.With(expect(t, of(part)).Heads)
	part.Hour(t, 1)
	o = of(part)
	o.From = part.At.Add(-time.Minute)
	if all = all.With(expect(t, o).Heads); len(all) != 1 || all[0].Key != part.Digests[7] {
		t.Errorf("after a part of the same chain: %+v", all)
	}
}

// TestBesidePlaces puts files where readers of the whole bucket find them and no
// digest can be about them.
func TestBesidePlaces(t *testing.T) {
	const account = "AWSLogs/111122223333/"
	files := map[string]string{
		account + "CloudTrail/f.json.gz":                     "invalid log-unlisted f.json.gz",
		account + "CloudTrail-Digest/f.json.gz":              "invalid digest-stray f.json.gz",
		account + "CloudTrail/evil/2025/03/01/g.json.gz":     "invalid log-unlisted g.json.gz",
		"AWSLogs/f.json.gz":                                  "note passed-over f.json.gz",
		"AWSLogs/evil/CloudTrail/eu-west-1/f.json.gz":        "note passed-over ",
		"AWSLogs/o-1a2b/evil/CloudTrail/eu-west-1/f.json.gz": "note passed-over ",
		"/" + account + "CloudTrail/eu-west-1/f.json.gz":     "note passed-over ",
		account: "", account + "CloudTrail/": "", "AWSLogs/": "", "AWSLogs/o-1a2b/": "", // as consoles leave them
	}
	tr := sixHours(t)
	var want []string
	for key, found := range files {
		tr.Store[tr.Full(key)] = digesttest.Object{Body: digest.Encode([]byte(`{"Records":[{}]}`))}
		if found != "" {
			want = append(want, found)
		}
	}
	if r := expect(t, of(tr), want...); r.Digests.Valid != 6 {
		t.Errorf("%+v", r)
	}
}

// TestCopyHidesNothing puts files into a copy that readers show.
func TestCopyHidesNothing(t *testing.T) {
	tr := sixHours(t)
	dir := tr.Store.Save(t, tr.Bucket, true)
	o := Options{Source: openFolder(t, dir)}
	expect(t, o)
	for key, content := range map[string]string{
		tr.Logs[3] + MetadataSuffix:                          `{"Records":[{}]}`,
		"AWSLogs/111122223333/CloudTrail/x" + MetadataSuffix: `{"Records":[{}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, key), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("eu-west-1", filepath.Join(dir, "AWSLogs/111122223333/CloudTrail/us-east-1")); err != nil {
		t.Fatal(err)
	}
	expect(t, o, "invalid log-unlisted "+base(tr.Logs[3])+MetadataSuffix, "invalid log-unlisted x"+MetadataSuffix, "invalid log-unlisted us-east-1")
}
