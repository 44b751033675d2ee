package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Restore copies a backup to a folder that is empty or not there, and checks every
// byte on the way. Folders get mode 0700, files 0600. The files named last are
// written last, so that a crash leaves a folder without them. On an error what was
// written is taken away again.
func Restore(ctx context.Context, from, to string, last ...string) (_ *Summary, err error) {
	m, err := ReadManifest(from)
	if err != nil {
		return nil, err
	}
	if err := emptyFolder(to); err != nil {
		return nil, fmt.Errorf("restore to %s: %w", to, err)
	}
	if err := os.Chmod(to, 0o700); err != nil { //nolint:gosec // a folder is entered by its x bit
		return nil, fmt.Errorf("restore to %s: %w", to, err)
	}
	sum := &Summary{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restore %s to %s: %w", from, to, err), empty(to))
		}
	}()
	put := func(late bool) error {
		for i := range m.entries {
			e := &m.entries[i]
			if err := ctx.Err(); err != nil {
				return err
			}
			if slices.Contains(last, e.Path) != late {
				continue
			}
			if err := e.put(filepath.Join(from, dataName), to); err != nil {
				return err
			}
			if !e.Folder {
				sum.Files++
				sum.Bytes += e.Size
			}
		}
		if err := m.times(to); err != nil {
			return err
		}
		return syncTree(to)
	}
	if err := put(false); err != nil {
		return nil, err
	}
	// A crash before this leaves a folder that lacks what it is known by.
	return sum, put(true)
}

// put restores one file or folder.
func (e *entry) put(from, to string) error {
	source, target := filepath.Join(from, filepath.FromSlash(e.Path)), filepath.Join(to, filepath.FromSlash(e.Path))
	if e.Folder {
		if err := os.MkdirAll(target, 0o700); err != nil {
			return err
		}
		return e.attribute(target)
	}
	in, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer func() { _ = in.Close() }() // it was only read
	size, sum, err := write(target, in)
	if err != nil {
		return err
	}
	if size != e.Size || sum != e.SHA256 {
		return fmt.Errorf("%w: %s is not what was backed up (%d bytes with checksum %s, want %d with %s); take another backup",
			ErrDamaged, source, size, sum, e.Size, e.SHA256)
	}
	return e.attribute(target)
}

func (e *entry) attribute(target string) error {
	for name, value := range e.Attrs {
		if err := unix.Lsetxattr(target, name, value, 0); err != nil {
			return fmt.Errorf("set attribute %s of %s: %w; choose a folder on a file system that has attributes, as the one of the backup had", name, target, err)
		}
	}
	return nil
}

// times gives files and folders the times they had: of objects, clients see them.
// Folders come after what is in them.
func (m *Manifest) times(to string) error {
	for i := range slices.Backward(m.entries) {
		e := &m.entries[i]
		err := os.Chtimes(filepath.Join(to, filepath.FromSlash(e.Path)), e.Modified, e.Modified)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // one of those that come last
			return err
		}
	}
	return nil
}

// empty removes what is in a folder.
func empty(path string) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
	}
	return err
}
