package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The backend writes an object to a temporary file, sets its metadata as
// extended attributes, and renames it into place; it never syncs. Here is
// what is added, and what a crash leaves:
//
//  1. the data is synced before it is renamed (stage): a crash leaves the old
//     object or none, never a torn one, because file systems journal the
//     attributes and the rename in the order they were made. So it is with
//     copies, older versions and parts of uploads (ordered);
//  2. after the rename the object and its folders are synced (settle) before the
//     call is answered: an answered write survives a power cut;
//  3. where older versions or sidecar files were written too, the whole file
//     system is synced instead, because those files are not known here.
//
// The name of a part of an unfinished upload is not synced: after a power cut
// completing it may answer InvalidPart, and the client uploads again.
//
// The temporary file has a name, in a folder that no listing shows and that is
// emptied at the start (tidy). A file without one (O_TMPFILE) goes by itself, but
// over an object that is there already the backend can only link it beside, and
// then rename that: a crash between the two leaves an object nobody put.

// stage makes the data of a file about to become an object durable.
func stage(f *os.File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync object data: %w", err)
	}
	return nil
}

// settle makes what happened to an object durable: its presence, content and
// metadata, or its absence. An empty key means the bucket itself.
func (b *backing) settle(bucket, key string) error {
	if b.sidecar || (key != "" && b.hasVersions(bucket, key)) {
		return syncAll(b.objects)
	}
	path := b.path(bucket, key)
	for {
		if err := syncPath(path); err != nil {
			return fmt.Errorf("sync object %s/%s: %w", bucket, key, err)
		}
		if path == b.objects {
			return nil
		}
		path = filepath.Dir(path)
	}
}

// hasVersions reports whether the object has older versions.
func (b *backing) hasVersions(bucket, key string) bool {
	_, err := os.Stat(b.versionFolder(bucket, key))
	return err == nil
}

// versionFolder is where the older versions of an object are: a folder named by the
// SHA-256 of its key.
func (b *backing) versionFolder(bucket, key string) string {
	sum := sha256.Sum256([]byte(key))
	h := hex.EncodeToString(sum[:])
	return filepath.Join(b.versions, bucket, h[:2], h[2:4], h[4:6], h)
}

// syncPath syncs a file or folder; one that is not there needs no sync, the
// folder above records its absence.
func syncPath(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
