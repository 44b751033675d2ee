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

// The backend writes an object to an unnamed temporary file, sets its
// metadata as extended attributes, and links it into place; it never syncs.
// Here is what is added, and what a crash leaves:
//
//  1. the data is synced before it is linked (stage): a crash leaves the old
//     object or none, never a torn one, because file systems journal the
//     attributes and the link in the order they were made;
//  2. after the link the object and its folders are synced (settle) before the
//     call is answered: an answered write survives a power cut;
//  3. where older versions or sidecar files were written too, the whole file
//     system is synced instead, because those files are not known here.
//
// Parts of an unfinished multipart upload are not synced: after a power cut
// completing it may answer InvalidPart, and the client uploads again.

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
	path := filepath.Join(b.objects, bucket, filepath.FromSlash(key))
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

// hasVersions reports whether the object has older versions: a folder named by
// the SHA-256 of its key.
func (b *backing) hasVersions(bucket, key string) bool {
	sum := sha256.Sum256([]byte(key))
	h := hex.EncodeToString(sum[:])
	_, err := os.Stat(filepath.Join(b.versions, bucket, h[:2], h[2:4], h[4:6], h))
	return err == nil
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
