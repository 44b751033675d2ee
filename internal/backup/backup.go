// Package backup copies a folder that is being written to as it was at one
// instant, and puts such a copy back.
//
// It is the atomic snapshot by double collect: all files are looked at, those that
// are new or changed are copied, and that is repeated until a look finds every
// file and folder as the look before did. Nothing was changed in between then, so
// the copies are what a crash of the writer at that moment would have left: the
// state it has to recover from anyway. It does not matter who writes, or how; a
// writer that rests for a moment only makes it end.
//
// "As before" means the same inode, size, and times of change. A change leaves its
// time, which the kernel counts in ticks: a file or folder that was changed less
// than a tick before it was looked at counts as changed.
//
// A copy is a folder:
//
//	data/       the files
//	MANIFEST    what there is: a line of JSON each, and a checksum of all lines
//
// The manifest is written last, so that a copy without one is none.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Names in a copy.
const (
	manifestName = "MANIFEST"
	dataName     = "data"
)

var (
	// ErrBusy says that the folder was never found at rest.
	ErrBusy = errors.New("the folder never came to rest")
	// ErrNotEmpty says that a folder to write to has something in it.
	ErrNotEmpty = errors.New("the folder is not empty")
	// ErrDamaged says that a copy is not as it was made.
	ErrDamaged = errors.New("the backup is damaged")
)

// Options say what to copy.
type Options struct {
	// From is the folder, To the folder of the copy: empty, or not there yet.
	From, To string
	// Skip tells which files are left out, by their path below From with slashes:
	// what means nothing anywhere else, such as locks.
	Skip func(path string) bool
	// Rest makes those who write to From rest, and is called when a look found
	// little to copy; the function it returns ends that. Nil if nobody writes.
	Rest func(ctx context.Context) (end func(), err error)
	// Looks bounds how often the folder is looked at while it rests. Default 100.
	Looks int
}

// Summary is what a copy holds.
type Summary struct {
	Files int
	Bytes int64
	// Rested is how long writers had to rest, Looks how often was looked.
	Rested time.Duration
	Looks  int
}

// busyLooks is how often the folder is looked at, and copied, before its writers
// have to rest: the first look copies most of it.
const busyLooks = 2

// pause is the time between two looks that differ: more than a tick, after which
// changes can be told from those before.
const pause = 20 * time.Millisecond

// Make copies a folder. note is kept in the manifest. A crash leaves a folder
// without a manifest, which Restore refuses.
func Make(ctx context.Context, o Options, note map[string]string) (*Summary, error) {
	if o.Looks == 0 {
		o.Looks = 100
	}
	if err := emptyFolder(o.To); err != nil {
		return nil, fmt.Errorf("make a backup in %s: %w", o.To, err)
	}
	c := &copier{o: o, files: map[string]*copied{}}
	if err := os.MkdirAll(c.to(""), 0o700); err != nil {
		return nil, fmt.Errorf("make a backup in %s: %w", o.To, err)
	}
	for range busyLooks {
		done, err := c.look(ctx)
		if err != nil || done && o.Rest == nil {
			return c.finish(note, err)
		}
		if done { // the moment will do, but at rest nothing is half done in it
			break
		}
		time.Sleep(pause)
	}
	err := c.atRest(ctx)
	return c.finish(note, err)
}

// atRest looks until nothing changes any more, with writers at rest.
func (c *copier) atRest(ctx context.Context) error {
	if c.o.Rest != nil {
		end, err := c.o.Rest(ctx)
		if err != nil {
			return fmt.Errorf("let the writers of %s rest: %w", c.o.From, err)
		}
		begun := time.Now()
		defer func() {
			end()
			c.rested = time.Since(begun)
		}()
	}
	for range c.o.Looks {
		if done, err := c.look(ctx); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("copy %s: %w in %d looks: %s kept changing; try again when less is going on", c.o.From, ErrBusy, c.o.Looks, c.last)
}

// mark tells one state of a file or folder from another.
type mark struct {
	dev, ino, size    uint64
	mode              uint32
	modified, changed unix.Timespec
	old               bool // changed long enough before it was looked at
	modifiedTime      time.Time
}

func (m *mark) same(n *mark) bool {
	return m.old && m.dev == n.dev && m.ino == n.ino && m.size == n.size && m.mode == n.mode &&
		m.modified == n.modified && m.changed == n.changed
}

// tick is more than a kernel's clock for files goes by at once; coarse is that of
// file systems that keep whole seconds, or two.
const (
	tick   = 15 * time.Millisecond
	coarse = 2100 * time.Millisecond
)

// markOf looks at a file or folder. It reports false for what is gone.
func markOf(path string) (*mark, bool, error) {
	var st unix.Stat_t
	now := time.Now()
	if err := unix.Lstat(path, &st); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, false, nil
		}
		return nil, false, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	m := &mark{
		dev: st.Dev, ino: st.Ino, size: uint64(st.Size), mode: st.Mode, modified: st.Mtim, changed: st.Ctim,
		modifiedTime: time.Unix(st.Mtim.Unix()),
	}
	wait := tick
	if st.Ctim.Nsec == 0 {
		wait = coarse
	}
	m.old = now.Sub(time.Unix(st.Ctim.Unix())) > wait
	return m, true, nil
}

func (m *mark) kind() uint32 { return m.mode & unix.S_IFMT }

// copied is a file or folder as it was copied.
type copied struct {
	mark
	entry entry
}

// copier holds what was copied so far.
type copier struct {
	o      Options
	files  map[string]*copied // by path below From
	looks  int
	rested time.Duration
	last   string // what changed last
}

func (c *copier) from(path string) string { return filepath.Join(c.o.From, filepath.FromSlash(path)) }

func (c *copier) to(path string) string {
	return filepath.Join(c.o.To, dataName, filepath.FromSlash(path))
}

// look goes through the folder once, and copies what is not as it was copied. It
// reports whether there was nothing to do.
func (c *copier) look(ctx context.Context) (same bool, err error) {
	c.looks++
	same = true
	seen := make(map[string]bool, len(c.files))
	if err := c.walk(ctx, "", seen, &same); err != nil {
		return false, err
	}
	for path, f := range c.files {
		if seen[path] {
			continue
		}
		same, c.last = false, path
		delete(c.files, path)
		if f.kind() != unix.S_IFDIR { // folders go at the end, when they are empty
			if err := os.Remove(c.to(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, fmt.Errorf("copy %s: %w", c.o.From, err)
			}
		}
	}
	return same, nil
}

// walk looks at a file or folder and what is below it.
func (c *copier) walk(ctx context.Context, path string, seen map[string]bool, same *bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if path != "" && c.o.Skip != nil && c.o.Skip(path) {
		return nil
	}
	m, there, err := markOf(c.from(path))
	if err != nil {
		return fmt.Errorf("copy %s: %w", c.o.From, err)
	}
	if !there { // its folder changes with it, which the next look sees
		*same, c.last = false, path
		return nil
	}
	switch m.kind() {
	case unix.S_IFSOCK, unix.S_IFIFO:
		return nil // holds nothing
	case unix.S_IFREG, unix.S_IFDIR:
	default:
		return fmt.Errorf("copy %s: %s is neither a file nor a folder; the data folder has none such, take it away", c.o.From, c.from(path))
	}
	seen[path] = true
	if was := c.files[path]; was == nil || !was.same(m) {
		*same, c.last = false, path
		if err := c.copy(path, m); err != nil {
			return err
		}
	}
	if m.kind() != unix.S_IFDIR {
		return nil
	}
	entries, err := os.ReadDir(c.from(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", c.o.From, err)
	}
	for _, e := range entries {
		if err := c.walk(ctx, strings.TrimPrefix(path+"/"+e.Name(), "/"), seen, same); err != nil {
			return err
		}
	}
	return nil
}

// copy copies one file or folder, as it was when m was taken or later: the next
// look compares with m.
func (c *copier) copy(path string, m *mark) error {
	f := &copied{mark: *m, entry: entry{Path: path, Modified: m.modifiedTime, Folder: m.kind() == unix.S_IFDIR}}
	was := c.files[path]
	if was != nil && was.kind() != m.kind() {
		if err := os.RemoveAll(c.to(path)); err != nil {
			return fmt.Errorf("copy %s: %w", c.o.From, err)
		}
		prefix := path + "/" // what was below is copied anew, if it is there
		for below := range c.files {
			if strings.HasPrefix(below, prefix) {
				delete(c.files, below)
			}
		}
	}
	delete(c.files, path)
	err := f.entry.read(c.from(path), c.to(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone meanwhile: the next look sees
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", c.from(path), err)
	}
	c.files[path] = f
	return nil
}

// finish makes the copy durable and writes the manifest, or takes away what there is.
func (c *copier) finish(note map[string]string, err error) (*Summary, error) {
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.to("")))
	}
	entries := make([]entry, 0, len(c.files))
	sum := &Summary{Rested: c.rested, Looks: c.looks}
	for _, f := range c.files {
		entries = append(entries, f.entry)
		if !f.entry.Folder {
			sum.Files++
			sum.Bytes += f.entry.Size
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.Path, b.Path) })
	if err := c.sweep(); err != nil {
		return nil, err
	}
	if err := syncTree(c.o.To); err != nil {
		return nil, fmt.Errorf("make the backup in %s durable: %w", c.o.To, err)
	}
	if err := writeManifest(filepath.Join(c.o.To, manifestName), note, entries); err != nil {
		return nil, err
	}
	return sum, nil
}

// sweep removes folders of the copy that are not in the folder any more.
func (c *copier) sweep() error {
	err := filepath.WalkDir(c.to(""), func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		path, err := filepath.Rel(c.to(""), name)
		if err != nil {
			return err
		}
		if path != "." && c.files[filepath.ToSlash(path)] == nil {
			if err := os.RemoveAll(name); err != nil { //nolint:gosec // the backup's own folder, which only its maker may write to
				return err
			}
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tidy the backup up: %w", err)
	}
	return nil
}

// emptyFolder makes a folder, or finds it empty.
func emptyFolder(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(path, 0o700)
	}
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("%w: it holds %s; choose another one", ErrNotEmpty, entries[0].Name())
	}
	return err
}
