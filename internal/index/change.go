package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"cairn/internal/index/part"
	"cairn/internal/index/tally"
)

// change is an index that is being changed. Every step that a crash can fall
// between goes through step, so that tests can stop before each.
type change struct {
	dir   string
	mu    sync.Mutex // guards state, and the report of a Build
	state *state
	lock  *os.File
	log   *os.File
	fault func(step string) error
}

// ErrBusy says that another process changes the index.
var ErrBusy = errors.New("another process is at work on the index")

// begin opens an index to change it, makes it if there is none, and puts in
// order what a crash left.
func begin(dir, source string, fault func(string) error) (_ *change, err error) {
	c := &change{dir: dir, fault: fault}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open index %s: %w", dir, err), c.close())
		}
	}()
	if err := c.makeDir(ownDir(dir)); err != nil {
		return nil, err
	}
	if c.lock, err = os.OpenFile(filepath.Join(ownDir(dir), "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := unix.Flock(int(c.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(ErrBusy, err)
	}
	if err := c.openLog(source); err != nil {
		return nil, err
	}
	if c.state.source != source {
		return nil, fmt.Errorf("it is the index of %s, not of %s", c.state.source, source)
	}
	return c, c.recover()
}

// openLog reads the log and cuts off what a crash left of a line.
func (c *change) openLog(source string) (err error) {
	if c.log, err = os.OpenFile(logPath(c.dir), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return err
	}
	b, err := os.ReadFile(logPath(c.dir))
	if err != nil {
		return err
	}
	s, size, err := readLog(b)
	if err != nil && !errors.Is(err, ErrNone) {
		return err
	}
	if size < len(b) {
		if err := c.log.Truncate(int64(size)); err != nil {
			return err
		}
	}
	if size > 0 {
		c.state = s
		return nil
	}
	c.state = newState()
	if err := c.write(&commit{Format: format, Source: source}, true); err != nil {
		return err
	}
	return syncDir(ownDir(c.dir))
}

// partFiles are the extensions of the files of a part.
var partFiles = []string{part.Extension, part.PagesExtension, tally.Extension}

// recover carries on with what the log says was done: parts still to be moved,
// and files that no line names.
func (c *change) recover() error {
	for _, p := range c.state.parts {
		if err := c.publish(p); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(ownDir(c.dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		extension := filepath.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), extension)
		if !slices.Contains(partFiles, extension) || c.state.parts[name] != nil {
			continue
		}
		if err := c.remove(filepath.Join(ownDir(c.dir), e.Name())); err != nil {
			return err
		}
	}
	return c.removeOldParts()
}

// removeOldParts deletes what is in the folders of days and belongs to no line.
func (c *change) removeOldParts() error {
	days, err := filepath.Glob(filepath.Join(c.dir, "day=*"))
	if err != nil {
		return err
	}
	for _, d := range days {
		entries, err := os.ReadDir(d)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), part.Extension); ok && c.state.parts[name] == nil {
				if err := c.remove(filepath.Join(d, e.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// commit makes a change happen. Its parts are in the index's own folder, synced.
func (c *change) commit(line *commit) error {
	if err := c.step("sync " + ownDir("")); err != nil {
		return err
	}
	if err := syncDir(ownDir(c.dir)); err != nil {
		return fmt.Errorf("write index %s: %w", c.dir, err)
	}
	dropped := make([]*partInfo, 0, len(line.Drop))
	for _, name := range line.Drop {
		dropped = append(dropped, c.state.parts[name])
	}
	if err := c.write(line, false); err != nil {
		return fmt.Errorf("write index %s: %w", c.dir, err)
	}
	// The commit has happened. What follows is done by recover, too.
	for _, p := range line.Add {
		if err := c.publish(p); err != nil {
			return fmt.Errorf("write index %s: %w", c.dir, err)
		}
	}
	for _, p := range dropped {
		if err := c.withdraw(p); err != nil {
			return fmt.Errorf("write index %s: %w", c.dir, err)
		}
	}
	return nil
}

// write adds a line to the log and syncs it.
func (c *change) write(line *commit, first bool) error {
	b, err := line.line()
	if err != nil {
		return err
	}
	if err := c.step("log"); err != nil {
		// A crash may leave any part of the line.
		_, werr := c.log.Write(b[:len(b)/2])
		return errors.Join(err, werr)
	}
	if _, err := c.log.Write(b); err != nil {
		return err
	}
	if err := c.step("sync log"); err != nil {
		return err
	}
	if err := c.log.Sync(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.apply(line, first)
}

// publish moves a part to the folder of its day, unless it is there.
func (c *change) publish(p *partInfo) error {
	staged := stagedPath(c.dir, p)
	if !exists(staged) {
		return nil
	}
	if err := c.makeDir(dayDir(c.dir, p.Day)); err != nil {
		return err
	}
	if err := c.step("move " + p.Name); err != nil {
		return err
	}
	if err := os.Rename(staged, partPath(c.dir, p)); err != nil {
		return err
	}
	return syncDir(dayDir(c.dir, p.Day))
}

// withdraw takes a part that no line names any more out of the folder of its day.
// It stays in the index's own for those who opened the index before, until the
// next Build.
func (c *change) withdraw(p *partInfo) error {
	if err := c.step("withdraw " + p.Name); err != nil {
		return err
	}
	if err := os.Rename(partPath(c.dir, p), stagedPath(c.dir, p)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (c *change) remove(path string) error {
	if err := c.step("remove " + filepath.Base(path)); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeDir makes a folder and those above it, durably.
func (c *change) makeDir(dir string) error {
	if exists(dir) {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := c.makeDir(parent); err != nil {
			return err
		}
	}
	if err := c.step("mkdir " + filepath.Base(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func (c *change) step(name string) error {
	if c.fault == nil {
		return nil
	}
	return c.fault(name)
}

func (c *change) close() error {
	var errs []error
	for _, f := range []*os.File{c.log, c.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
