package digest

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := GenerateKey()
	if err != nil {
		panic(err)
	}
	return k
})

func first(t testing.TB) *Signed {
	t.Helper()
	s, err := Make(testKey(), Next{
		Name: Name{Place: place, Trail: "t1", HomeRegion: "eu-west-1", End: end}, Bucket: "b", Start: end.Add(-time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMakeChain(t *testing.T) {
	a := first(t)
	if a.File.Previous != (Previous{}) || !strings.Contains(string(a.Content), `"newestEventTime":null,"oldestEventTime":null,"previousDigestS3Bucket":null`) ||
		!strings.HasSuffix(string(a.Content), `"previousDigestSignature":null,"logFiles":[]}`) {
		t.Errorf("a first and empty digest is %s", a.Content)
	}
	next := Next{
		Name: Name{Place: place, Trail: "t1", HomeRegion: "eu-west-1", End: end.Add(time.Hour)}, Bucket: "b", Start: end, Previous: a.Link(),
		LogFiles: []LogFile{
			{Bucket: "b", Object: "k1", Hash: Hash(nil), OldestEvent: end.Add(2 * time.Minute), NewestEvent: end.Add(3 * time.Minute)},
			{Bucket: "b", Object: "k2", Hash: Hash(nil), OldestEvent: end.Add(time.Minute), NewestEvent: end.Add(2 * time.Minute)},
		},
	}
	b, err := Make(testKey(), next)
	if err != nil {
		t.Fatal(err)
	}
	if !b.File.OldestEvent.Equal(end.Add(time.Minute)) || !b.File.NewestEvent.Equal(end.Add(3*time.Minute)) {
		t.Errorf("its events are from %v to %v", b.File.OldestEvent, b.File.NewestEvent)
	}
	for _, s := range []*Signed{a, b} {
		if err := Verify(&testKey().PublicKey, &s.File, s.Content, s.Metadata()["signature"]); err != nil {
			t.Error(err)
		}
		content, err := Decode(s.Object())
		if err != nil || !bytes.Equal(content, s.Content) {
			t.Errorf("decoded it differs: %v", err)
		}
	}
	again, err := Make(testKey(), next)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Object(), b.Object()) || again.Signature != b.Signature {
		t.Error("made again it differs")
	}
}

func TestMakeBackfill(t *testing.T) {
	n := Next{Name: Name{Place: place, Trail: "t1", HomeRegion: "eu-west-1", End: end, Backfill: true}, Bucket: "b", Start: end.Add(-time.Hour)}
	if _, err := Make(testKey(), n); err == nil {
		t.Error("a backfill digest without a time of generation was made")
	}
	n.Generated = end.Add(3 * time.Hour)
	s, err := Make(testKey(), n)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"signature": s.Signature, "signature-algorithm": "SHA256withRSA", "backfill-generation-timestamp": "2025-03-01T14:04:04Z"}
	if d := cmp.Diff(want, s.Metadata()); d != "" {
		t.Errorf("metadata (-want +got):\n%s", d)
	}
}

func TestMakeRefuses(t *testing.T) {
	for name, change := range map[string]func(n *Next){
		"no bucket":        func(n *Next) { n.Bucket = "" },
		"no trail":         func(n *Next) { n.Name.Trail = "" },
		"end before start": func(n *Next) { n.Start = n.Name.End.Add(time.Second) },
		"bad hash":         func(n *Next) { n.LogFiles = []LogFile{{Bucket: "b", Object: "k", Hash: "abc"}} },
		"half a link":      func(n *Next) { n.Previous.Bucket = "b" },
		"generated":        func(n *Next) { n.Generated = end },
	} {
		n := Next{Name: Name{Place: place, Trail: "t1", HomeRegion: "eu-west-1", End: end}, Bucket: "b", Start: end.Add(-time.Hour)}
		change(&n)
		if _, err := Make(testKey(), n); err == nil {
			t.Errorf("%s: a digest was made", name)
		}
	}
}

func TestVerifyFindsChange(t *testing.T) {
	s := first(t)
	other, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	moved, previous := s.File, s.File
	moved.Object += "x"
	previous.Previous.Signature = "00"
	for name, err := range map[string]error{
		"another key":        Verify(&other.PublicKey, &s.File, s.Content, s.Signature),
		"another content":    Verify(&testKey().PublicKey, &s.File, append(bytes.Clone(s.Content), ' '), s.Signature),
		"another place":      Verify(&testKey().PublicKey, &moved, s.Content, s.Signature),
		"another previous":   Verify(&testKey().PublicKey, &previous, s.Content, s.Signature),
		"not hexadecimal":    Verify(&testKey().PublicKey, &s.File, s.Content, "zz"),
		"no signature":       Verify(&testKey().PublicKey, &s.File, s.Content, ""),
		"a shorter one":      Verify(&testKey().PublicKey, &s.File, s.Content, s.Signature[2:]),
		"one changed number": Verify(&testKey().PublicKey, &s.File, s.Content, "00"+s.Signature[2:]),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParse(t *testing.T) {
	good := string(first(t).Content)
	tolerated := strings.Replace(good, `{`, `{"member":{"of":"tomorrow"},`, 1)
	if _, err := Parse([]byte(tolerated)); err != nil {
		t.Errorf("a member nobody knows: %v", err)
	}
	for _, m := range members {
		if _, err := Parse([]byte(strings.Replace(good, `"`+m+`"`, `"x`+m+`"`, 1))); err == nil || !strings.Contains(err.Error(), m) {
			t.Errorf("without %s: %v", m, err)
		}
	}
	for name, change := range map[string][2]string{
		"a fraction of a second": {`"digestEndTime":"2025-03-01T11:04:04Z"`, `"digestEndTime":"2025-03-01T11:04:04.5Z"`},
		"another zone":           {`"digestEndTime":"2025-03-01T11:04:04Z"`, `"digestEndTime":"2025-03-01T11:04:04+00:00"`},
		"end before start":       {"T10:04:04Z", "T12:04:04Z"},
		"half a link":            {`"previousDigestS3Bucket":null`, `"previousDigestS3Bucket":"b"`},
		"an empty link":          {`"previousDigestSignature":null`, `"previousDigestSignature":""`},
		"a number":               {`"b"`, `7`},
		"a file with no name":    {`"logFiles":[]`, `"logFiles":[{}]`},
		"something after it":     {`[]}`, `[]}{}`},
		"an event time":          {`"newestEventTime":null`, `"newestEventTime":"now"`},
	} {
		if strings.Count(good, change[0]) == 0 {
			t.Fatalf("%s: there is no %s to change", name, change[0])
		}
		if _, err := Parse([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestInflate(t *testing.T) {
	member := Encode([]byte("content"))
	flipped := bytes.Clone(member)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for name, c := range map[string]struct {
		object []byte
		want   error
	}{
		"one member":        {member, nil},
		"a second member":   {append(bytes.Clone(member), member...), ErrTrailing},
		"an empty member":   {append(bytes.Clone(member), Encode(nil)...), ErrTrailing},
		"a byte":            {append(bytes.Clone(member), 0), ErrTrailing},
		"a bomb":            {Encode(make([]byte, 101)), ErrTooLarge},
		"nothing":           {nil, errAny},
		"no gzip":           {[]byte(`{"Records":[]}`), errAny},
		"no end":            {member[:len(member)-1], errAny},
		"only a header":     {member[:10], errAny},
		"a wrong checksum":  {flipped, errAny},
		"the largest taken": {Encode(make([]byte, 100)), nil},
	} {
		var b bytes.Buffer
		_, err := Inflate(&b, bytes.NewReader(c.object), 100)
		if (err == nil) != (c.want == nil) || c.want != nil && !errors.Is(c.want, errAny) && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errAny = errors.New("any error")

func FuzzDecode(f *testing.F) {
	f.Add(first(f).Object())
	f.Add(Encode(nil))
	f.Fuzz(func(_ *testing.T, object []byte) {
		if content, err := Decode(object); err == nil {
			_, _ = Parse(content)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(first(f).Content)
	f.Add([]byte(`{"logFiles":[null]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		read, err := Parse(content)
		if err != nil {
			return
		}
		written, err := read.Content()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("what was read and written again is refused: %v", err)
		}
		if d := cmp.Diff(read.Previous, again.Previous); d != "" {
			t.Errorf("written again it differs (-want +got):\n%s", d)
		}
	})
}
