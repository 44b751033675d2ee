package segment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Folder is where a table's files are. Every step that a crash can fall between
// goes through it, so that tests can stop before each.
type Folder struct {
	Dir string
	// Fault, if set, is called before each step, which fails if it does.
	Fault func(step string) error
}

func (f *Folder) step(format string, args ...any) error {
	if f.Fault == nil {
		return nil
	}
	return f.Fault(fmt.Sprintf(format, args...))
}

// Path returns the path of a file.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Make makes the folder, durably.
func (f *Folder) Make() error {
	if _, err := os.Stat(f.Dir); err == nil {
		return nil
	}
	if err := f.step("mkdir"); err != nil {
		return err
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	return f.syncDir(filepath.Dir(f.Dir))
}

// Create opens a new file for writing; one that a crash left is overwritten.
func (f *Folder) Create(name string) (*os.File, error) {
	if err := f.step("create %s", name); err != nil {
		return nil, err
	}
	return os.OpenFile(f.Path(name), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
}

// Finish makes a written file durable and closes it.
func (f *Folder) Finish(file *os.File) error {
	if err := f.step("sync %s", filepath.Base(file.Name())); err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close())
}

// Rename replaces a file by another; Sync makes that durable.
func (f *Folder) Rename(from, to string) error {
	if err := f.step("rename %s", to); err != nil {
		return err
	}
	return os.Rename(f.Path(from), f.Path(to))
}

// Remove deletes a file, durably; it is no error if it is not there.
func (f *Folder) Remove(name string) error {
	if err := f.step("remove %s", name); err != nil {
		return err
	}
	err := os.Remove(f.Path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(err, f.syncDir(f.Dir))
}

// RemoveAll deletes the folder with everything in it.
func (f *Folder) RemoveAll() error {
	if err := f.step("remove all"); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(f.Dir), f.syncDir(filepath.Dir(f.Dir)))
}

// Sync makes the names of files durable.
func (f *Folder) Sync() error { return f.syncDir(f.Dir) }

func (f *Folder) syncDir(dir string) error {
	if err := f.step("sync folder"); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Discard deletes a file that no manifest names.
func (f *Folder) Discard(name string) error {
	if err := f.step("discard %s", name); err != nil {
		return err
	}
	return os.Remove(f.Path(name))
}
