package backup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// tree returns what is in a folder: texts, folders, times and attributes.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := e.Info()
		if err != nil {
			return err
		}
		attrs, err := attributes(path)
		if err != nil {
			return err
		}
		text := "folder"
		if !e.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(b)
		}
		all[rel] = fmt.Sprintf("%s %v %q", text, info.ModTime().UnixNano(), attrs)
		return nil
	}))
	return all
}

// example makes a folder with all that can be in one.
func example(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "from")
	put(t, dir+"/cairn.json", "{}")
	put(t, dir+"/nats/1.blk", strings.Repeat("message", 10000))
	put(t, dir+"/objects/bucket/key with spaces\n and a line", "object")
	put(t, dir+"/lock", "")
	must(t, os.MkdirAll(dir+"/objects/empty/below", 0o755))
	if err := unix.Setxattr(dir+"/objects/bucket", "user.x", []byte("v\x00\xff"), 0); err != nil && !errors.Is(err, unix.ENOTSUP) {
		t.Fatal(err)
	}
	past := time.Date(2020, 1, 2, 3, 4, 5, 678, time.UTC)
	must(t, os.Chtimes(dir+"/nats/1.blk", past, past))
	must(t, os.Chtimes(dir+"/objects/bucket", past, past))
	return dir
}

func skipLock(path string) bool { return path == "lock" }

func TestThereAndBack(t *testing.T) {
	from := example(t)
	copyTo, back := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "deep", "back")
	s, err := Make(t.Context(), Options{From: from, To: copyTo, Skip: skipLock}, map[string]string{"format": "1"})
	must(t, err)
	if s.Files != 3 || s.Bytes != 2+70000+6 {
		t.Errorf("copied %+v", s)
	}
	m, err := ReadManifest(copyTo)
	if err != nil || m.Note["format"] != "1" {
		t.Fatal(m, err)
	}
	must(t, os.MkdirAll(filepath.Dir(back), 0o700))
	_, err = Restore(t.Context(), copyTo, back, "cairn.json")
	must(t, err)
	want := tree(t, from)
	delete(want, "lock")
	got := tree(t, back)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	must(t, filepath.WalkDir(back, func(path string, e fs.DirEntry, _ error) error {
		info, _ := e.Info()
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	}))
}

func TestRefused(t *testing.T) {
	from := example(t)
	full := t.TempDir()
	put(t, full+"/x", "")
	if _, err := Make(t.Context(), Options{From: from, To: full}, nil); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a backup in a full folder: %v", err)
	}
	good := filepath.Join(t.TempDir(), "copy")
	_, err := Make(t.Context(), Options{From: from, To: good}, nil)
	must(t, err)
	if _, err := Restore(t.Context(), good, full); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("restored to a full folder: %v", err)
	}
	must(t, os.Symlink("/etc", from+"/link"))
	if _, err := Make(t.Context(), Options{From: from, To: filepath.Join(t.TempDir(), "c")}, nil); err == nil || !strings.Contains(err.Error(), "neither a file nor a folder") {
		t.Errorf("a link: %v", err)
	}
	for name, spoil := range map[string]func(dir string){
		"no manifest":      func(dir string) { must(t, os.Remove(dir+"/MANIFEST")) },
		"a cut manifest":   func(dir string) { must(t, os.Truncate(dir+"/MANIFEST", 300)) },
		"a flipped bit":    func(dir string) { flip(t, dir+"/data/nats/1.blk") },
		"a flipped number": func(dir string) { flip(t, dir+"/MANIFEST") },
		"a missing file":   func(dir string) { must(t, os.Remove(dir+"/data/cairn.json")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, to := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "to")
			must(t, os.CopyFS(dir, os.DirFS(good)))
			spoil(dir)
			_, err := Restore(t.Context(), dir, to)
			if err == nil {
				t.Fatal("it was restored")
			}
			if left, _ := os.ReadDir(to); len(left) > 0 {
				t.Errorf("%v; it left %v", err, left)
			}
		})
	}
}

func flip(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	must(t, err)
	b[len(b)/2] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

// TestOneInstant copies files that a writer changes one after the other, with the
// same number: at every instant they differ by one at most. A copy that is not of
// one instant has more.
func TestOneInstant(t *testing.T) {
	dir := t.TempDir()
	const files = 8
	names := make([]string, files)
	for i := range names {
		names[i] = filepath.Join(dir, fmt.Sprintf("d%d", i%3), fmt.Sprint(i))
		put(t, names[i], strings.Repeat("\x00", 8))
	}
	var resting sync.Mutex
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := uint64(1); ; n++ {
			for _, name := range names {
				select {
				case <-stop:
					return
				default:
				}
				resting.Lock()
				text := binary.BigEndian.AppendUint64(nil, n)
				if rand.IntN(2) == 0 { // in place, or by another file renamed over it
					_ = os.WriteFile(name, text, 0o600)
				} else {
					_ = os.WriteFile(name+".tmp", text, 0o600)
					_ = os.Rename(name+".tmp", name)
				}
				resting.Unlock()
				time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	for round := range 5 {
		to := filepath.Join(t.TempDir(), fmt.Sprint(round))
		s, err := Make(t.Context(), Options{From: dir, To: to, Rest: func(context.Context) (func(), error) {
			resting.Lock()
			return resting.Unlock, nil
		}}, nil)
		must(t, err)
		least, most := ^uint64(0), uint64(0)
		for _, name := range names {
			rel, _ := filepath.Rel(dir, name)
			b, err := os.ReadFile(filepath.Join(to, dataName, rel))
			if err != nil || len(b) != 8 {
				t.Fatalf("%s: %d bytes, %v", rel, len(b), err)
			}
			n := binary.BigEndian.Uint64(b)
			least, most = min(least, n), max(most, n)
		}
		if most-least > 1 {
			t.Errorf("the copy has numbers from %d to %d (%+v)", least, most, s)
		}
	}
}

// TestBusy gives up on a folder that never rests, and leaves nothing.
func TestBusy(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	put(t, dir+"/x", "x")
	writer.Go(func() {
		for ctx.Err() == nil {
			_ = os.WriteFile(dir+"/x", []byte("y"), 0o600)
			time.Sleep(time.Millisecond)
		}
	})
	_, err := Make(t.Context(), Options{From: dir, To: to, Looks: 3}, nil)
	cancel()
	writer.Wait()
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "x kept changing") {
		t.Errorf("err = %v", err)
	}
	if left, _ := os.ReadDir(to); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

// FuzzManifest reads manifests that nobody wrote: no name leads outside.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	if err := writeManifest(dir+"/m", map[string]string{"a": "b"}, []entry{{Path: "", Folder: true}, {Path: "x/y", Size: 1, SHA256: "00"}}); err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/m")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}\n{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, e := range m.entries {
			if e.Path != "" && !filepath.IsLocal(e.Path) {
				t.Errorf("accepted %q", e.Path)
			}
		}
	})
}
