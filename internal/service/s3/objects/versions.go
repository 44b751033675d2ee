package objects

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
)

// deleteCurrent deletes the current version for good, by putting the one before it in
// its place. The backend would remove the one and then copy the other: a crash, or a
// full disk, between the two would leave a key that has versions and none to be read.
// It does nothing, and returns nil, if it is not the current version that is asked for,
// or there is no other.
func (b *backing) deleteCurrent(in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	bucket, key, version := deref(in.Bucket), deref(in.Key), deref(in.VersionId)
	current, err := b.meta.RetrieveAttribute(nil, bucket, key, "version-id")
	if errors.Is(err, meta.ErrNoSuchKey) {
		current, err = []byte("null"), nil
	}
	if err != nil || string(current) != version {
		return nil, nil //nolint:nilnil,nilerr // the backend knows what to answer
	}
	path, folder := b.path(bucket, key), b.versionFolder(bucket, key)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at a version to delete: %w", err)
	}
	etag, _ := b.meta.RetrieveAttribute(nil, bucket, key, "etag") // a marker has none
	err = backend.EvaluateObjectDeletePreconditions(string(etag), info.ModTime(), info.Size(), backend.ObjectDeletePreconditions{
		IfMatch: in.IfMatch, IfMatchLastModTime: in.IfMatchLastModifiedTime, IfMatchSize: in.IfMatchSize,
	})
	if err != nil {
		return nil, err
	}
	// A crash before the version was to be replaced leaves a copy of it there.
	if err := os.Remove(filepath.Join(folder, version)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the copy of a version to delete: %w", err)
	}
	older, err := list(folder)
	if err != nil || len(older) == 0 {
		return nil, err
	}
	_, err = b.meta.RetrieveAttribute(nil, bucket, key, "delete-marker")
	marked := err == nil
	err = os.Rename(filepath.Join(folder, older[len(older)-1]), path)
	if errors.Is(err, syscall.EXDEV) { // somebody mounted another file system there
		return nil, nil //nolint:nilnil // the backend copies it
	}
	if err != nil {
		return nil, fmt.Errorf("put the version before in the place of the one deleted: %w", err)
	}
	for dir := folder; dir != filepath.Join(b.versions, bucket) && os.Remove(dir) == nil; { // while they are empty
		dir = filepath.Dir(dir)
	}
	return &s3.DeleteObjectOutput{DeleteMarker: &marked, VersionId: in.VersionId}, nil
}
