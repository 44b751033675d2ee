package lake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck damages files of segments, each in another way, and demands that
// exactly they are named.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	table, err := l.Table("t")
	if err != nil {
		t.Fatal(err)
	}
	rows := func(n int) (list []Row) {
		for i := range 3000 {
			list = append(list, Row{Pos: Position{Timestamp: int64(n*10_000 + i), Seq: uint64(n)}, Stream: "s", Message: []byte(strings.Repeat("message ", 20))})
		}
		return list
	}
	if err := table.Append(t.Context(), &Batch{Rows: rows(1), To: "1"}); err != nil {
		t.Fatal(err)
	}
	if err := table.Append(t.Context(), &Batch{Rows: rows(2), From: "1", To: "2"}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	check := func() Checked {
		t.Helper()
		c, err := Check(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := check(); len(c.Damaged) > 0 || c.Tables != 1 || c.Segments != 2 || c.Bytes == 0 {
		t.Fatalf("%+v", c)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "0*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		was, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, now := range map[string][]byte{
			"a byte in the middle": flip(was, len(was)/2), "the first byte": flip(was, 0), "the last byte": flip(was, len(was)-1),
			"cut off": was[:len(was)-1], "longer": append(append([]byte(nil), was...), 0), "empty": nil,
		} {
			if err := os.WriteFile(name, now, 0o600); err != nil {
				t.Fatal(err)
			}
			if c := check(); len(c.Damaged) != 1 || c.Damaged[0].File != name {
				t.Errorf("%s: %s: damaged are %v", filepath.Base(name), what, c.Damaged)
			}
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if c := check(); len(c.Damaged) != 1 || c.Damaged[0].File != name {
			t.Errorf("%s removed: damaged are %v", filepath.Base(name), c.Damaged)
		}
		if err := os.WriteFile(name, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	manifests, err := filepath.Glob(filepath.Join(dir, "*", manifestName))
	if err != nil || len(manifests) != 1 {
		t.Fatal(manifests, err)
	}
	if err := os.WriteFile(manifests[0], []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := check(); len(c.Damaged) != 1 || c.Damaged[0].File != manifests[0] {
		t.Errorf("a damaged manifest: %v", c.Damaged)
	}
}

func flip(b []byte, i int) []byte {
	b = append([]byte(nil), b...)
	b[i] ^= 0x10
	return b
}
