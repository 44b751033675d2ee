//go:build crash

package crash

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestPowerCut takes the power away: what was written to files and not synced is
// gone, which kill -9 alone does not show. The data folder is on a file system in
// a file. The engine is stopped at a random moment, the file is copied as it is,
// and the copy goes on as the disk.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("skipped: a power cut needs root, to mount a file")
	}
	disk := filepath.Join(t.TempDir(), "disk")
	command(t, "truncate", "-s", "512M", disk)
	command(t, "mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", disk)
	// commit=300: the file system writes nothing by itself while it is copied.
	const options = "loop,commit=300"
	dir := mount(t, "ext4", options, disk)
	w := newWorld(t, filepath.Join(dir, "data"))
	cuts := max(2, *kills/5)
	for range cuts {
		disk = w.cut(dir, disk)
		command(t, "umount", dir)
		command(t, "mount", "-t", "ext4", "-o", options, disk, dir)
		w.start()
	}
	w.loadFor(300 * time.Millisecond)
	w.settle()
	w.engine.kill()
	t.Logf("%d power cuts", cuts)
}

func command(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v %s", name, args, err, out)
	}
}

// cut lets clients call until the power is cut, and returns the disk as it is then.
func (w *world) cut(dir, disk string) (after string) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	loaded := make(chan struct{})
	go func() { defer close(loaded); w.load(ctx) }()
	time.Sleep(time.Duration(100+w.rng.IntN(1200)) * time.Millisecond)
	w.engine.signal(syscall.SIGSTOP)
	time.Sleep(20 * time.Millisecond) // for writes under way
	after = disk + "+"
	command(w, "cp", "--sparse=always", disk, after)
	w.engine.kill()
	cancel()
	<-loaded
	if err := os.Remove(disk); err != nil {
		w.Error(err)
	}
	return after
}
