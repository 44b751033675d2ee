package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/digest"
	"cairn/digest/digesttest"
)

func openFolder(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestCopyWithMetadata(t *testing.T) {
	tr := sixHours(t)
	o := Options{Source: openFolder(t, tr.Store.Save(t, tr.Bucket, true)), Bucket: tr.Bucket}
	if r := expect(t, o); r.Digests.Valid != 6 || r.LogFiles.Valid != 12 {
		t.Errorf("%+v", r)
	}
	o.Bucket = "" // not known
	expect(t, o)
}

// TestCopyWithoutMetadata checks that signatures are taken from the digests
// after, and the newest digest's from the saved head.
func TestCopyWithoutMetadata(t *testing.T) {
	tr := sixHours(t)
	heads := expect(t, of(tr)).Heads
	dir := tr.Store.Save(t, tr.Bucket, false)
	o := Options{Source: openFolder(t, dir)}
	r := expect(t, o, "unverified unsigned "+base(tr.Digests[5]))
	if r.Digests != (Count{Valid: 5, Unverified: 1}) || r.LogFiles != (Count{Valid: 10, Unverified: 2}) {
		t.Errorf("%+v", r)
	}
	o.Heads = heads
	if r := expect(t, o); r.Digests.Valid != 6 || r.LogFiles.Valid != 12 {
		t.Errorf("with its head: %+v", r)
	}

	// A changed digest has no signature that fits.
	tr.rewrite(t, tr.Digests[2], func(c []byte) []byte { return append(c, '\n') })
	tr.rewrite(t, tr.Logs[0], func(c []byte) []byte { return append(c, '\n') })
	o.Source = openFolder(t, tr.Store.Save(t, tr.Bucket, false))
	// The one before it has then nobody to vouch for it.
	expect(t, o, "invalid digest-signature "+base(tr.Digests[2]), "unverified unsigned "+base(tr.Digests[1]), "invalid log-changed "+base(tr.Logs[0]), "unverified hole 2")
}

// TestCopyStaysInside checks that keys and links do not lead out of the folder.
func TestCopyStaysInside(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, digest.Encode([]byte("x")), 0o600); err != nil {
		t.Fatal(err)
	}
	tr := newTrail("t1")
	tr.Hour(t, 1, func(n *digest.Next) {
		for _, key := range []string{"../secret", "/etc/passwd", "a/../../secret", "link"} {
			n.LogFiles = append(n.LogFiles, digest.LogFile{Bucket: tr.Bucket, Object: key, Hash: digest.Hash([]byte("x"))})
		}
	})
	dir := tr.Store.Save(t, tr.Bucket, true)
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	r := expect(t, Options{Source: openFolder(t, dir)},
		"invalid log-missing secret", "invalid log-missing passwd", "invalid log-missing secret", "unverified unreadable link")
	if r.LogFiles.Valid != 1 {
		t.Errorf("%+v", r)
	}
}

func TestKeyListFile(t *testing.T) {
	list := &KeyList{Keys: []RegionKey{{Region: "eu-west-1", PublicKey: digesttest.PublicKey()}, {PublicKey: digesttest.PublicKey()}}}
	var file strings.Builder
	if err := list.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ParseKeyList(strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]RegionKey{list.Keys[1], list.Keys[0]}, read.Keys); d != "" {
		t.Errorf("written and read (-want +got):\n%s", d)
	}
	// As the aws CLI prints times, in both its forms.
	for _, text := range []string{`"2025-02-28T10:04:04+00:00"`, `1740737044.0`} {
		s := strings.ReplaceAll(file.String(), `"2025-02-28T10:04:04Z"`, text)
		if s == file.String() {
			t.Fatal("there is no time to replace")
		}
		again, err := ParseKeyList(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		if !again.Keys[0].ValidFrom.Equal(list.Keys[0].ValidFrom) {
			t.Errorf("%s is read as %v", text, again.Keys[0].ValidFrom)
		}
	}
	for name, s := range map[string]string{
		"nothing":             ``,
		"no keys":             `{"PublicKeyList":[]}`,
		"no key":              `{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"x"}]}`,
		"another fingerprint": strings.Replace(file.String(), digesttest.PublicKey().Fingerprint, "31e8b5433410dfb61a9dc45cc65b22ff", 1),
		"another time":        strings.Replace(file.String(), `"2025-02-28T10:04:04Z"`, `"soon"`, 1),
	} {
		if _, err := ParseKeyList(strings.NewReader(s)); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func FuzzParseKeyList(f *testing.F) {
	// A fixed key: the corpus would differ from run to run with a new one.
	vector, err := os.ReadFile(filepath.Join("..", "testdata", "vector.json"))
	if err != nil {
		f.Fatal(err)
	}
	var v struct {
		Value       string `json:"public_key_value_base64_pkcs1_der"`
		Fingerprint string `json:"fingerprint"`
	}
	if err := json.Unmarshal(vector, &v); err != nil {
		f.Fatal(err)
	}
	f.Add(`{"PublicKeyList":[{"Region":"eu-west-1","Fingerprint":"` + v.Fingerprint + `","Value":"` + v.Value + `","ValidityStartTime":"2025-02-28T10:04:04Z","ValidityEndTime":1740737044.0}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseKeyList(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, k := range l.Keys {
			if digest.Fingerprint(k.Value) != k.Fingerprint {
				t.Error("a key with another fingerprint was taken")
			}
		}
	})
}

func FuzzParseHeads(f *testing.F) {
	f.Add(`{"heads":[]}`)
	f.Add(`{"heads":[{"bucket":"b","key":"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2025/03/01/111122223333_CloudTrail-Digest_eu-west-1_t1_eu-west-1_20250301T110404Z.json.gz","hash":"` + digest.Hash(nil) + `","signature":"00","end":"2025-03-01T11:04:04Z"}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ParseHeads(strings.NewReader(s)); err == nil {
			var out strings.Builder
			if err := h.With(nil).Write(&out); err != nil {
				t.Fatal(err)
			}
			if _, err := ParseHeads(strings.NewReader(out.String())); err != nil {
				t.Fatalf("written again it is refused: %v", err)
			}
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add(`{"Signature":"00"}`)
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMetadata([]byte(s))
		for name := range m {
			if err == nil && name != strings.ToLower(name) {
				t.Errorf("%q is not in lower case", name)
			}
		}
	})
}
