package objects

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// The backend tells the age of a version by its file: but it copies a version
// that a newer one replaces, makes a delete marker of the file of the object it
// hides, and copies a version back when it becomes current again. Clients see
// LastModified, and lifecycle rules delete by it, so the true time is put right
// here: a version id is a ULID, which begins with the millisecond it was made
// in.
//
// One time stays the copy's: of a noncurrent version with the id "null" (made
// before versioning was switched on), LastModified is when it was replaced.

// crockford are the digits of a ULID.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Born returns when a version was made, by its id; ok is false for "null" and
// for ids that are no ULIDs.
func Born(version string) (at time.Time, ok bool) {
	const timeDigits = 10 // of 26: 48 bits of milliseconds, before 80 random ones
	if len(version) != 26 || version[0] > '7' {
		return time.Time{}, false
	}
	var ms int64
	for i := range len(version) {
		v := strings.IndexByte(crockford, version[i])
		if v < 0 {
			return time.Time{}, false
		}
		if i < timeDigits {
			ms = ms<<5 | int64(v)
		}
	}
	return time.UnixMilli(ms).UTC(), true
}

// born is the LastModified of a version whose file says at.
func born(version *string, at *time.Time) *time.Time {
	if t, ok := Born(deref(version)); ok {
		return &t
	}
	return at
}

// retime gives the file of an object's current version the time that version
// was made, after asked (a version id; nil for none) was deleted: the file is
// now a delete marker, or the copy of a version that became current again. A
// crash before it leaves another time, which only listings of current objects
// show.
func (b *backing) retime(ctx context.Context, bucket, key, asked *string, out *s3.DeleteObjectOutput) error {
	var at time.Time
	if deref(asked) == "" {
		if out.DeleteMarker == nil || !*out.DeleteMarker {
			return nil // gone, without versions
		}
		var ok bool
		if at, ok = Born(deref(out.VersionId)); !ok {
			at = time.Now() // a marker that has the id "null"
		}
	} else {
		head, err := b.posix.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			return nil //nolint:nilerr // none is left, or a delete marker: nothing lists its time
		}
		var ok bool
		if at, ok = Born(deref(head.VersionId)); !ok {
			return nil
		}
	}
	err := os.Chtimes(b.path(deref(bucket), deref(key)), at, at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed meanwhile
	}
	return err
}
