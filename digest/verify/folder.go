package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"syscall"

	"cairn/digest"
)

// MetadataSuffix is what follows a key in the name of the file that has an
// object's user metadata in a local copy: a JSON object of strings, as
// aws s3api head-object --query Metadata prints it.
const MetadataSuffix = ".metadata.json"

// Folder is a local copy of a bucket: a file for each object, at the path its
// key is, as aws s3 sync makes it. A file KEY.metadata.json beside a digest has
// its metadata; without it the signature is taken from the digest after it.
//
// The name of the bucket is not looked at: a folder is one bucket.
type Folder struct{ root *os.Root }

// OpenFolder opens a local copy. Nothing outside the folder is read, be it by
// symbolic link or by a key with dots.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the copy of a bucket: %w", err)
	}
	return &Folder{root}, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// List implements [Source].
func (f *Folder) List(ctx context.Context, _, prefix, after string) iter.Seq2[string, error] {
	dir, _ := path.Split(prefix)
	return func(yield func(string, error) bool) {
		stop := errors.New("stop")
		err := fs.WalkDir(f.root.FS(), clean(dir), func(name string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist) && name == clean(dir):
				return stop
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case e.IsDir() || strings.HasSuffix(name, MetadataSuffix) && isDigest(name) || !strings.HasPrefix(name, prefix) || name <= after:
				return nil
			case !yield(name, nil):
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield("", err)
		}
	}
}

// Folders implements [Source].
func (f *Folder) Folders(_ context.Context, _, prefix string, file func(key string)) ([]string, error) {
	entries, err := fs.ReadDir(f.root.FS(), clean(prefix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
			continue
		}
		file(path.Join(clean(prefix), e.Name()))
	}
	return names, err
}

// Open implements [Source].
func (f *Folder) Open(_ context.Context, _, key string) (*Object, error) {
	if !fs.ValidPath(key) {
		return nil, ErrNotFound // no file of a copy can have such a name
	}
	// A pipe of that name, which nobody writes to, would be waited for without end;
	// so it is an empty file.
	file, err := f.root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	o := &Object{Body: file}
	if isDigest(key) {
		if o.Metadata, err = f.metadata(key); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return o, nil
}

// isDigest reports whether a key is in a folder of digests. Beside other files no
// metadata is looked for, and none hidden: readers would show it.
func isDigest(key string) bool { return strings.Contains(key, "/"+digest.Folder+"/") }

// metadata reads the metadata beside an object; nil if there is none.
func (f *Folder) metadata(key string) (map[string]string, error) {
	text, err := f.root.ReadFile(key + MetadataSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseMetadata(text)
}

// parseMetadata reads a metadata file.
func parseMetadata(text []byte) (map[string]string, error) {
	var m map[string]string
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("read the metadata beside it: %w", err)
	}
	lower := make(map[string]string, len(m))
	for name, value := range m {
		lower[strings.ToLower(name)] = value
	}
	return lower, nil
}

// clean turns the prefix of a folder into the name of it.
func clean(prefix string) string {
	if p := strings.Trim(prefix, "/"); p != "" {
		return p
	}
	return "."
}
