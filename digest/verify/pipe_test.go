//go:build unix

package verify

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPipeInACopy does not wait for a pipe in the place of a log file.
func TestPipeInACopy(t *testing.T) {
	tr := sixHours(t)
	dir := tr.Store.Save(t, tr.Bucket, true)
	path := filepath.Join(dir, tr.Logs[3])
	if err := errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	expect(t, Options{Source: openFolder(t, dir)}, "invalid log-format "+base(tr.Logs[3]))
}
