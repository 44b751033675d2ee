package queries

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"cairn/internal/loginsights"
)

// FuzzFile reads files of queries as they may have become; what can be read comes
// back when it is written again.
func FuzzFile(f *testing.F) {
	var whole bytes.Buffer
	d := described{ID: "a", Query: "fields @message", Status: Complete, rows: [][]loginsights.Field{{{Name: "@message", Value: "x"}}, nil}}
	if err := d.write(&whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes(), []byte(`{"id":"a"}`+"\n[]\nnull\n"))
	f.Add(whole.Bytes()[:whole.Len()/2], []byte("[["))
	f.Fuzz(func(t *testing.T, file, text []byte) {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{file, packed.Bytes()} {
			d, err := parse(bytes.NewReader(b))
			if err != nil {
				continue
			}
			var again bytes.Buffer
			if err := d.write(&again); err != nil {
				t.Fatal(err)
			}
			same, err := parse(&again)
			if err != nil {
				t.Fatalf("%q comes back as an error: %v", b, err)
			}
			if diff := cmp.Diff(d, same, cmp.AllowUnexported(described{})); diff != "" {
				t.Error(diff)
			}
		}
	})
}
