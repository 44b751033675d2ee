package scan

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRawFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := openRaw(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	name := filepath.Join(dir, "some")
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openRaw(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "content" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(make([]byte, 1)); err == nil {
		t.Error("read after it was closed")
	}
}

// TestPipes: a single file may be a pipe, which gives its bytes bit by bit; one
// in the place of a log file keeps nobody waiting.
func TestPipes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		defer w.Close()
		for b := range slices.Chunk(logFile(record(date(1, 2, 3), "a"), record(date(1, 2, 4), "b")), 50) {
			_, _ = w.Write(b)
		}
	}()
	src, err := Open(t.Context(), fmt.Sprintf("/dev/fd/%d", r.Fd()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ids, report := findIn(t, src, Query{Order: OldestFirst}); !slices.Equal(ids, []string{"a", "b"}) || report.DamagedFiles > 0 {
		t.Errorf("found %v in a pipe, %v", ids, report.Damaged)
	}
	name := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openRaw(name) // os.Open waits for somebody to write to it
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
