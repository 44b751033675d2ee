package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
)

// completing is the end of the name of an upload's folder while it is completed: the
// upload's id, a dot, the ETag, and this.
const completing = ".inprogress"

// uploads is where the uploads of a key are, in its bucket.
func uploads(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(posix.MetaTmpMultipartDir, hex.EncodeToString(sum[:]))
}

// tidy takes back what was half done when the engine ended: temporary files are
// removed, and uploads that were being completed get their names again. It runs on a
// thread of b, before any call.
func (b *backing) tidy() error {
	buckets, err := list(b.objects)
	if err != nil {
		return fmt.Errorf("look for buckets: %w", err)
	}
	for _, bucket := range buckets {
		keys, err := list(filepath.Join(b.objects, bucket, posix.MetaTmpMultipartDir))
		if err != nil {
			return fmt.Errorf("look for uploads to %s: %w", bucket, err)
		}
		tmp := []string{filepath.Join(b.objects, bucket, posix.MetaTmpDir), filepath.Join(b.versions, bucket, posix.MetaTmpDir)}
		for _, k := range keys {
			in := filepath.Join(posix.MetaTmpMultipartDir, k)
			tmp = append(tmp, filepath.Join(b.objects, bucket, in))
			// A folder that was just made has no key yet, and no uploads.
			key, _ := b.meta.RetrieveAttribute(nil, bucket, in, "objname")
			if err := b.reopen(bucket, in, string(key), ""); err != nil {
				return err
			}
		}
		for _, dir := range tmp {
			if err := removeFiles(dir); err != nil {
				return fmt.Errorf("remove temporary files of %s: %w", bucket, err)
			}
		}
	}
	return nil
}

// removeFiles removes the files of a folder, not the folders in it.
func removeFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// list returns the names of what is in a folder, none if there is no such folder.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// reopen gives uploads of a key their names again that are named as if they were being
// completed: all of them, or one. Nobody may be completing them. The backend would take
// such an upload for one that another call completes, and answer that it is done. One
// that is done, but for the removal of its folder, is removed.
func (b *backing) reopen(bucket, in, key, upload string) error {
	names, err := list(filepath.Join(b.objects, bucket, in))
	if err != nil {
		return fmt.Errorf("look for uploads to %s/%s: %w", bucket, key, err)
	}
	for _, name := range names {
		id, rest, _ := strings.Cut(name, ".")
		if !strings.HasSuffix(rest, completing) || upload != "" && id != upload {
			continue
		}
		from, to := filepath.Join(in, name), filepath.Join(in, id)
		path := filepath.Join(b.objects, bucket, from)
		if b.completed(bucket, key, id) {
			err = errors.Join(os.RemoveAll(path), b.meta.DeleteAttributes(bucket, from))
		} else if err = b.meta.RenameObject(bucket, from, to); err == nil { // first: without a folder, nobody would
			err = os.Rename(path, filepath.Join(b.objects, bucket, to))
		}
		if err != nil {
			return fmt.Errorf("open upload %s to %s/%s again, which was not completed: %w", id, bucket, key, err)
		}
	}
	return nil
}

// completed reports whether the object that is there was made of the upload.
func (b *backing) completed(bucket, key, upload string) bool {
	text, err := b.meta.RetrieveAttribute(nil, bucket, key, "mp-metadata")
	if err != nil {
		return false
	}
	m, err := backend.UnmarshalMpUploadMetadata(text, false)
	return err == nil && m.UploadID == upload
}
