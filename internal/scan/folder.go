package scan

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// folder is a local folder as a store.
type folder struct{ root string }

// openFolder returns the log files of a local folder. Where in a bucket's layout
// it is shows in its own path.
func openFolder(root string) (*tree, error) {
	whole, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	p := place{}
	if whole = filepath.ToSlash(whole); strings.Contains(whole+"/", "/"+logsRoot+"/") {
		p = start(whole[strings.LastIndex(whole+"/", "/"+logsRoot+"/"):])
		p.prefix = ""
	}
	return &tree{store: folder{root: root}, start: p, inFlight: 2 * runtime.GOMAXPROCS(0)}, nil
}

func (d folder) list(ctx context.Context, l listing, each func(File) error) (folders []string, err error) {
	dir := l.folder
	entries, err := os.ReadDir(filepath.Join(d.root, filepath.FromSlash(dir)))
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if e.IsDir() {
			folders = append(folders, e.Name())
			continue
		}
		if err := d.file(path.Join(dir, e.Name()), e, each); err != nil {
			return nil, err
		}
	}
	if !l.all {
		return folders, nil
	}
	for _, name := range folders {
		if _, err := d.list(ctx, listing{folder: dir + name + "/", all: true}, each); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// file gives one file; links to files are files, links to folders are left out,
// because they may lead in circles.
func (d folder) file(key string, e fs.DirEntry, each func(File) error) error {
	info, err := e.Info()
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Stat(filepath.Join(d.root, filepath.FromSlash(key)))
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil // gone since, or nothing that can be read
	}
	return each(File{Key: key, Size: info.Size(), Modified: info.ModTime()})
}

func (d folder) open(_ context.Context, f File) (io.ReadCloser, error) {
	return openRaw(filepath.Join(d.root, filepath.FromSlash(f.Key)))
}

// single is one local file as a source. It is read whatever its name says.
type single struct {
	path string
	info fs.FileInfo
}

var _ Source = (*single)(nil)

// List implements [Source].
func (s *single) List(_ context.Context, _ Window, _ bool, each func(File) error) error {
	return each(named(File{Key: filepath.ToSlash(s.path), Size: s.info.Size(), Modified: s.info.ModTime()}))
}

// Open implements [Source].
func (s *single) Open(context.Context, File) (io.ReadCloser, error) { return os.Open(s.path) }
