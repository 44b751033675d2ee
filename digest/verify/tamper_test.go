package verify

import (
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/digest"
	"cairn/digest/digesttest"
)

func TestUntouched(t *testing.T) {
	tr := sixHours(t)
	tr.Hour(t, 0)
	r, found := verify(t, of(tr))
	if d := cmp.Diff([]string{}, brief(found)); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	want := &Report{
		Chains: []Chain{{
			Bucket: tr.Bucket, Place: tr.Place, Trail: "t1", HomeRegion: "eu-west-1",
			From: start, To: start.Add(7 * time.Hour), Digests: Count{Valid: 7},
		}},
		Digests: Count{Valid: 7}, LogFiles: Count{Valid: 12}, Findings: map[Severity]int64{}, Heads: r.Heads,
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
	if r.Outcome() != Note || len(r.Heads) != 1 || r.Heads[0].Key != tr.Digests[6] {
		t.Errorf("outcome %s, heads %v", r.Outcome(), r.Heads)
	}
}

// tampering is a change to an untouched bucket of six hours, and what must be
// found: log file 2i and 2i+1 are listed by digest i.
type tampering struct {
	name string
	do   func(t *testing.T, tr *trail)
	want func(tr *trail) []string
}

// log and dig expect one finding about a log file or a digest, and others.
func log(kind Kind, i int, more ...string) func(*trail) []string {
	return func(tr *trail) []string {
		return sorted(append([]string{"invalid " + string(kind) + " " + base(tr.Logs[i])}, more...)...)
	}
}

func dig(kind Kind, i int, more ...string) func(*trail) []string {
	return func(tr *trail) []string {
		return sorted(append([]string{"invalid " + string(kind) + " " + base(tr.Digests[i])}, more...)...)
	}
}

func only(found ...string) func(*trail) []string {
	return func(*trail) []string { return sorted(found...) }
}

func TestTampering(t *testing.T) {
	for _, c := range slices.Concat(logTamperings(), digestTamperings(), signatureTamperings()) {
		t.Run(c.name, func(t *testing.T) {
			tr := sixHours(t)
			c.do(t, tr)
			r, found := verify(t, of(tr))
			if d := cmp.Diff(c.want(tr), brief(found)); d != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", d, found)
			}
			want := Note
			for _, f := range c.want(tr) {
				severity, _, _ := strings.Cut(f, " ")
				want = worse(want, Severity(severity))
			}
			if r.Outcome() != want {
				t.Errorf("the outcome is %s, want %s", r.Outcome(), want)
			}
		})
	}
}

func logTamperings() []tampering {
	renamed := func(tr *trail) string { return strings.Replace(tr.Logs[3], "_t1", "_xx", 1) }
	return []tampering{
		{"changed", func(t *testing.T, tr *trail) {
			tr.rewrite(t, tr.Logs[3], func(c []byte) []byte { return bytes.Replace(c, []byte("eventID"), []byte("EventID"), 1) })
		}, log(LogChanged, 3)},
		{"removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Logs[3]) }, log(LogMissing, 3)},
		{"renamed", func(_ *testing.T, tr *trail) { tr.move(tr.Logs[3], renamed(tr)) }, func(tr *trail) []string {
			return sorted("invalid log-missing "+base(tr.Logs[3]), "invalid log-unlisted "+base(renamed(tr)))
		}},
		{"renamed to no log file's name", func(_ *testing.T, tr *trail) { tr.move(tr.Logs[3], tr.Logs[3]+".bak") }, func(tr *trail) []string {
			return sorted("invalid log-missing "+base(tr.Logs[3]), "invalid log-unlisted "+base(tr.Logs[3])+".bak")
		}},
		{"a member appended", func(_ *testing.T, tr *trail) {
			tr.alter(tr.Logs[3], func(b []byte) []byte { return append(b, digest.Encode([]byte(`{"Records":[{"evil":1}]}`))...) })
		}, log(LogTrailing, 3)},
		{"a byte appended", func(_ *testing.T, tr *trail) {
			tr.alter(tr.Logs[3], func(b []byte) []byte { return append(b, 0) })
		}, log(LogTrailing, 3)},
		{"cut short", func(_ *testing.T, tr *trail) {
			tr.alter(tr.Logs[3], func(b []byte) []byte { return b[:len(b)-4] })
		}, log(LogFormat, 3)},
		{"emptied", func(_ *testing.T, tr *trail) { tr.alter(tr.Logs[3], func([]byte) []byte { return nil }) }, log(LogFormat, 3)},
		{"inflated", func(t *testing.T, tr *trail) {
			tr.alter(tr.Logs[3], func(b []byte) []byte {
				content, err := digest.Decode(b)
				if err != nil {
					t.Fatal(err)
				}
				return content
			})
		}, log(LogFormat, 3)},
		{"swapped with another", func(_ *testing.T, tr *trail) {
			a, b := tr.Full(tr.Logs[3]), tr.Full(tr.Logs[4])
			tr.Store[a], tr.Store[b] = tr.Store[b], tr.Store[a]
		}, func(tr *trail) []string {
			return sorted("invalid log-changed "+base(tr.Logs[3]), "invalid log-changed "+base(tr.Logs[4]))
		}},
		{"added", func(_ *testing.T, tr *trail) { tr.Log(clock(11, 34, 0)) }, log(LogUnlisted, 12)},
		{"added in another day's folder", func(_ *testing.T, tr *trail) {
			tr.Store[tr.Full(strings.Replace(tr.Logs[3], "/03/01/", "/03/02/", 1))] = tr.object(tr.Logs[3])
		}, log(LogUnlisted, 3)},
		// What counts is the content: this is what a storage class change or a
		// copy through a proxy may do.
		{"compressed anew", func(t *testing.T, tr *trail) {
			tr.alter(tr.Logs[3], func(b []byte) []byte {
				content, err := digest.Decode(b)
				if err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				w := gzip.NewWriter(&out)
				w.Name = "log"
				if _, err := w.Write(content); err != nil || w.Close() != nil {
					t.Fatal(err)
				}
				return out.Bytes()
			})
		}, only()},
	}
}

func digestTamperings() []tampering {
	moved := func(tr *trail) string { return strings.Replace(tr.Digests[2], "T130404Z", "T131404Z", 1) }
	return []tampering{
		{"digest changed", func(t *testing.T, tr *trail) {
			tr.rewrite(t, tr.Digests[2], func(c []byte) []byte {
				return bytes.Replace(c, []byte(`"hashAlgorithm":"`), []byte(`"hashAlgorithm": "`), 1)
			})
		}, dig(DigestSignature, 2, "unverified hole 2")},
		{"log file taken out of its digest", func(t *testing.T, tr *trail) {
			tr.rewrite(t, tr.Digests[2], func(c []byte) []byte {
				i := bytes.Index(c, []byte(`"logFiles":[`)) + len(`"logFiles":[`)
				j := bytes.Index(c[i:], []byte("},{"))
				return slices.Concat(c[:i], c[i+j+2:])
			})
			tr.remove(tr.Logs[4])
		}, dig(DigestSignature, 2, "unverified hole 1")},
		{"digest removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Digests[2]) }, dig(DigestMissing, 2, "unverified hole 2")},
		{"two in a row removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Digests[2], tr.Digests[3]) }, dig(DigestMissing, 3, "unverified hole 4")},
		{"digest and its log files removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Digests[2], tr.Logs[4], tr.Logs[5]) }, dig(DigestMissing, 2)},
		{"oldest removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Digests[0]) }, dig(DigestMissing, 0, "unverified hole 2")},
		{"all but the newest removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Digests[:5]...) }, dig(DigestMissing, 4, "unverified hole 10")},
		{"digest moved", func(_ *testing.T, tr *trail) { tr.move(tr.Digests[2], moved(tr)) }, func(tr *trail) []string {
			return sorted("invalid digest-missing "+base(tr.Digests[2]), "invalid digest-moved "+base(moved(tr)), "unverified hole 2")
		}},
		{"digest copied", func(_ *testing.T, tr *trail) { tr.Store[tr.Full(moved(tr))] = tr.object(tr.Digests[2]) }, func(tr *trail) []string {
			return sorted("invalid digest-moved " + base(moved(tr)))
		}},
		{"digest copied past the newest", func(_ *testing.T, tr *trail) {
			tr.Store[tr.Full(strings.Replace(tr.Digests[2], "T130404Z", "T170404Z", 1))] = tr.object(tr.Digests[2])
		}, func(tr *trail) []string {
			return sorted("invalid digest-moved " + strings.Replace(base(tr.Digests[2]), "T130404Z", "T170404Z", 1))
		}},
		{"digest copied over another", func(_ *testing.T, tr *trail) {
			tr.Store[tr.Full(tr.Digests[3])] = tr.object(tr.Digests[2])
		}, dig(DigestMoved, 3, "unverified hole 2")},
		{"digest renamed to no digest's name", func(_ *testing.T, tr *trail) { tr.move(tr.Digests[2], tr.Digests[2]+".old") }, func(tr *trail) []string {
			return sorted("invalid digest-missing "+base(tr.Digests[2]), "invalid digest-stray "+base(tr.Digests[2])+".old", "unverified hole 2")
		}},
		{"digest appended to", func(_ *testing.T, tr *trail) {
			tr.alter(tr.Digests[2], func(b []byte) []byte { return append(b, digest.Encode([]byte(`{}`))...) })
		}, dig(DigestTrailing, 2)},
		{"member missing", func(t *testing.T, tr *trail) {
			tr.rewrite(t, tr.Digests[2], func(c []byte) []byte {
				return bytes.Replace(c, []byte("previousDigestSignature"), []byte("previousDigestSigned"), 1)
			})
		}, dig(DigestFormat, 2, "unverified hole 2")},
		{"no gzip", func(_ *testing.T, tr *trail) { tr.alter(tr.Digests[2], func([]byte) []byte { return []byte("x") }) }, dig(DigestFormat, 2, "unverified hole 2")},
		{"a bomb", func(_ *testing.T, tr *trail) {
			bomb := digest.Encode(make([]byte, digest.MaxContent+1))
			tr.alter(tr.Digests[2], func([]byte) []byte { return bomb })
		}, dig(DigestFormat, 2, "unverified hole 2")},
		{"all digests removed", func(_ *testing.T, tr *trail) { tr.remove(tr.Digests...) }, only("unverified undigested 12")},
		{"everything removed", func(_ *testing.T, tr *trail) { clear(tr.Store) }, only("unverified nothing")},
	}
}

func signatureTamperings() []tampering {
	noSignature := func(i int) func(*testing.T, *trail) {
		return func(_ *testing.T, tr *trail) {
			tr.Store[tr.Full(tr.Digests[i])] = digesttest.Object{Body: tr.object(tr.Digests[i]).Body, Metadata: map[string]string{}}
		}
	}
	return []tampering{
		{"signed by another key", func(t *testing.T, tr *trail) {
			f := tr.Read(t, 2)
			name, err := digest.ParseKey(tr.Digests[2])
			if err != nil {
				t.Fatal(err)
			}
			tr.Put(t, digesttest.OtherKey(), digest.Next{Name: name, Bucket: tr.Bucket, Start: f.Start, Previous: f.Previous, LogFiles: f.LogFiles})
		}, dig(DigestKey, 2, "unverified hole 2")},
		// The digest after it has the signature too: its log files can be checked.
		{"signature removed", noSignature(2), dig(DigestSignature, 2)},
		{"signature of the newest removed", noSignature(5), dig(DigestSignature, 5, "unverified hole 2")},
		{"signature of another digest", func(_ *testing.T, tr *trail) {
			tr.Store[tr.Full(tr.Digests[2])] = digesttest.Object{Body: tr.object(tr.Digests[2]).Body, Metadata: tr.object(tr.Digests[1]).Metadata}
		}, dig(DigestSignature, 2)},
		{"signature in upper case", func(_ *testing.T, tr *trail) {
			m := maps.Clone(tr.object(tr.Digests[2]).Metadata)
			m[digest.MetaSignature] = strings.ToUpper(m[digest.MetaSignature])
			tr.Store[tr.Full(tr.Digests[2])] = digesttest.Object{Body: tr.object(tr.Digests[2]).Body, Metadata: m}
		}, only()},
		{"algorithm removed", func(_ *testing.T, tr *trail) {
			o := tr.object(tr.Digests[2])
			tr.Store[tr.Full(tr.Digests[2])] = digesttest.Object{Body: o.Body, Metadata: map[string]string{digest.MetaSignature: o.Metadata[digest.MetaSignature]}}
		}, dig(DigestSignature, 2)},
		// A signer that says something else of the digest before than what it is.
		{"previous hash", func(t *testing.T, tr *trail) {
			tr.again(t, 5, func(n *digest.Next) { n.Previous.Hash = digest.Hash(nil) })
		}, dig(PreviousHash, 4)},
		{"previous signature", func(t *testing.T, tr *trail) {
			tr.again(t, 5, func(n *digest.Next) { n.Previous.Signature = strings.Repeat("00", 256) })
		}, dig(PreviousSigned, 4)},
		{"content replaced and signed again", func(t *testing.T, tr *trail) {
			tr.again(t, 2, func(n *digest.Next) { n.LogFiles = n.LogFiles[:1] })
		}, func(tr *trail) []string {
			return sorted("invalid previous-hash "+base(tr.Digests[2]), "invalid previous-signature "+base(tr.Digests[2]), "invalid log-unlisted "+base(tr.Logs[5]))
		}},
	}
}
