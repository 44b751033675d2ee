package objects

import (
	"context"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"

	"cairn/internal/awserr"
)

// tellLock completes what HEAD says of a version: of one that is not current
// the backend leaves out retention and legal hold.
func (b *backing) tellLock(ctx context.Context, in *s3.HeadObjectInput, out *s3.HeadObjectOutput) {
	bucket, key, version := deref(in.Bucket), deref(in.Key), deref(in.VersionId)
	if on, err := b.posix.GetObjectLegalHold(ctx, bucket, key, version); err == nil && on != nil {
		out.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOff
		if *on {
			out.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn
		}
	}
	data, err := b.posix.GetObjectRetention(ctx, bucket, key, version)
	if err != nil {
		return // none, or no object lock in this bucket
	}
	if r, err := auth.ParseObjectLockRetentionOutput(data); err == nil {
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = types.ObjectLockMode(r.Mode), r.RetainUntilDate
	}
}

// Asker is a Store, as far as Held needs one.
type Asker interface {
	// Ask is Store.Ask.
	Ask(ctx context.Context, req *Request) (*Answer, error)
}

// Held reports whether a version of an object is under legal hold. The backend
// asks for that itself when a version is deleted, but not once the version's
// retention has ended: a hold stands until it is taken away, whatever else
// ends.
func Held(ctx context.Context, store Asker, bucket, key, version string) (bool, error) {
	resp, err := store.Ask(ctx, &Request{Method: http.MethodHead, Bucket: bucket, Key: key, Query: url.Values{"versionId": {version}}})
	switch {
	case err == nil:
		return resp.Header.Get("X-Amz-Object-Lock-Legal-Hold") == "ON", nil
	case awserr.Is(err, "NoSuchKey"), awserr.Is(err, "MethodNotAllowed"), awserr.Is(err, "BadRequest"):
		return false, nil // not there, or a delete marker, which cannot be held
	}
	return false, err
}
