package natsd

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzScan reads anything as a file of messages: what it finds is within it, in
// order, and all of it once it is cut to that.
func FuzzScan(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x1e\x00\x00\x00aaaaaaaabbbbbbbb\x00\x00ssssssss"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := blockFile{path: filepath.Join(t.TempDir(), "1.blk"), stream: "S", index: 1, size: int64(len(text))}
		if err := os.WriteFile(b.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := b.scan()
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, run := range found.runs {
			if run[0] < at || run[1] <= run[0] || run[1] > len(text) {
				t.Fatalf("runs %v of %d bytes", found.runs, len(text))
			}
			at = run[1]
		}
		if found.whole() {
			return
		}
		if err := found.keep(); err != nil {
			t.Fatal(err)
		}
		if len(found.runs) == 0 {
			return // the file is gone
		}
		again, err := b.scan()
		if err != nil || !again.whole() || again.last != found.last || again.messages != found.messages {
			t.Fatalf("what was kept is not what was found: %v", err)
		}
	})
}

// FuzzDescribes takes anything for a stream's description: only what the server
// writes is one.
func FuzzDescribes(f *testing.F) {
	f.Add([]byte(`{"Created":"2026-01-02T03:04:05Z","name":"S"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if describes(text, "S") && describes(text, "T") {
			t.Fatalf("%q describes two streams", text)
		}
	})
}
