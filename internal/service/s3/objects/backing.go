package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// backing is versitygw's POSIX backend, run on threads that stand in its
// folder, with its writes made durable. Operations that are not here answer
// NotImplemented: bucket configuration is not kept in this package.
type backing struct {
	backend.BackendUnsupported
	posix *posix.Posix
	on    *threads
	// objects and versions are the absolute folders of current and older
	// versions; sidecar says that metadata is in files of its own.
	objects  string
	versions string
	sidecar  bool
	meta     meta.MetadataStorer
	keys     keys
	// staged are files of which stage was called: *os.File. markers are the delete
	// markers being made: *marker by the path of the object each hides.
	staged, markers sync.Map
	// appendPart is appendPart, and stage is stage; tests put others in their places.
	appendPart func(to, from *os.File) error
	stage      func(*os.File) error
}

var _ backend.Backend = (*backing)(nil)

// path is where the current version of an object is.
func (b *backing) path(bucket, key string) string {
	return filepath.Join(b.objects, bucket, filepath.FromSlash(key))
}

// on1 runs f on a thread of b.
func on1[T any](b *backing, f func() (T, error)) (T, error) {
	var out T
	err := b.on.do(func() (err error) { out, err = f(); return err })
	return out, err
}

// write runs f on a thread of b and then makes the object durable.
func write[T any](b *backing, bucket, key *string, f func() (T, error)) (T, error) {
	out, err := on1(b, f)
	if err == nil {
		err = b.settle(deref(bucket), deref(key))
	}
	return out, err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (b *backing) String() string { return b.posix.String() }

func (b *backing) Shutdown() { b.posix.Shutdown() }

func (b *backing) NormalizeObjectKey(bucket, object string) string {
	return b.posix.NormalizeObjectKey(bucket, object)
}

func (b *backing) HeadBucket(ctx context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	return on1(b, func() (*s3.HeadBucketOutput, error) { return b.posix.HeadBucket(ctx, in) })
}

//nolint:staticcheck // ST1003: the name is that of versitygw's interface
func (b *backing) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput) ([]byte, error) {
	return on1(b, func() ([]byte, error) { return b.posix.GetBucketAcl(ctx, in) })
}

func (b *backing) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) error {
	_, err := write(b, in.Bucket, nil, func() (any, error) { return nil, b.posix.CreateBucket(ctx, in, acl) })
	return err
}

func (b *backing) DeleteBucket(ctx context.Context, bucket string) error {
	_, err := write(b, &bucket, nil, func() (any, error) { return nil, b.posix.DeleteBucket(ctx, bucket) })
	return err
}

func (b *backing) PutBucketVersioning(ctx context.Context, bucket string, status types.BucketVersioningStatus) error {
	_, err := write(b, &bucket, nil, func() (any, error) { return nil, b.posix.PutBucketVersioning(ctx, bucket, status) })
	return err
}

func (b *backing) GetBucketVersioning(ctx context.Context, bucket string) (s3response.GetBucketVersioningOutput, error) {
	return on1(b, func() (s3response.GetBucketVersioningOutput, error) { return b.posix.GetBucketVersioning(ctx, bucket) })
}

// The server asks for these of every request, on behalf of its own access
// rules, which are not used.

func (b *backing) GetBucketPolicy(ctx context.Context, bucket string) ([]byte, error) {
	return on1(b, func() ([]byte, error) { return b.posix.GetBucketPolicy(ctx, bucket) })
}

func (b *backing) GetBucketOwnershipControls(ctx context.Context, bucket string) (types.ObjectOwnership, error) {
	return on1(b, func() (types.ObjectOwnership, error) { return b.posix.GetBucketOwnershipControls(ctx, bucket) })
}

func (b *backing) GetBucketCors(ctx context.Context, bucket string) ([]byte, error) {
	return on1(b, func() ([]byte, error) { return b.posix.GetBucketCors(ctx, bucket) })
}

func (b *backing) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	if strings.HasSuffix(deref(in.Key), "/") { // a folder, which has no data
		return alone(b, in.Bucket, in.Key, func() (s3response.PutObjectOutput, error) { return b.posix.PutObject(ctx, in) })
	}
	return write(b, in.Bucket, in.Key, func() (s3response.PutObjectOutput, error) {
		in.Body = entire(in.Body, in.ContentLength)
		free := func() {}
		defer func() { free() }()
		out, err := b.posix.PutObjectWithPostFunc(ctx, in, func(f *os.File) error {
			if err := b.stage(f); err != nil {
				return err
			}
			b.staged.Store(f, nil)
			give := b.keys.take(*in.Bucket, *in.Key) // not before: a body may take long
			free = func() { b.staged.Delete(f); give() }
			return nil
		})
		if err == nil && out.Size == nil { // how it answers if a folder took the name meanwhile
			err = s3err.GetAPIError(s3err.ErrExistingObjectIsDirectory)
		}
		return out, b.named(*in.Bucket, *in.Key, err)
	})
}

// named is the error of putting an object. The backend says of every failure to give
// it its name that a folder has the name, which would be the caller's to mend; of one
// of the disk it is not.
func (b *backing) named(bucket, key string, err error) error {
	if !errors.Is(err, s3err.GetAPIError(s3err.ErrExistingObjectIsDirectory)) {
		return err
	}
	path := b.path(bucket, key)
	if info, serr := os.Stat(path); serr == nil && info.IsDir() {
		return err
	}
	for path = filepath.Dir(path); path != b.objects; path = filepath.Dir(path) {
		if info, serr := os.Stat(path); serr == nil && !info.IsDir() {
			return err
		}
	}
	return fmt.Errorf("put %s/%s: it could not be given its name, and no folder has it", bucket, key)
}

func (b *backing) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	out, err := on1(b, func() (*s3.HeadObjectOutput, error) {
		out, err := b.posix.HeadObject(ctx, in)
		if err == nil && deref(in.VersionId) != "" {
			b.tellLock(ctx, in, out)
		}
		return out, err
	})
	if out != nil {
		out.LastModified = born(out.VersionId, out.LastModified)
	}
	return out, err
}

func (b *backing) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	out, err := on1(b, func() (*s3.GetObjectOutput, error) { return b.posix.GetObject(ctx, in) })
	if out != nil {
		out.LastModified = born(out.VersionId, out.LastModified)
	}
	return out, err
}

func (b *backing) GetObjectAttributes(ctx context.Context, in *s3.GetObjectAttributesInput) (s3response.GetObjectAttributesResponse, error) {
	return on1(b, func() (s3response.GetObjectAttributesResponse, error) { return b.posix.GetObjectAttributes(ctx, in) })
}

func (b *backing) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	return alone(b, in.Bucket, in.Key, func() (s3response.CopyObjectOutput, error) {
		out, err := b.posix.CopyObject(ctx, in)
		if err == nil && !strings.HasSuffix(*in.Key, "/") {
			// As above, but without a word of it.
			etag, _ := b.meta.RetrieveAttribute(nil, *in.Bucket, *in.Key, "etag")
			if string(etag) != deref(out.CopyObjectResult.ETag) {
				err = s3err.GetAPIError(s3err.ErrExistingObjectIsDirectory)
			}
		}
		return out, b.named(deref(in.Bucket), deref(in.Key), err)
	})
}

func (b *backing) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (s3response.ListObjectsResult, error) {
	return on1(b, func() (s3response.ListObjectsResult, error) { return b.posix.ListObjects(ctx, in) })
}

func (b *backing) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	return on1(b, func() (s3response.ListObjectsV2Result, error) { return b.posix.ListObjectsV2(ctx, in) })
}

func (b *backing) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	out, err := on1(b, func() (s3response.ListVersionsResult, error) { return b.posix.ListObjectVersions(ctx, in) })
	for i := range out.Versions {
		out.Versions[i].LastModified = born(out.Versions[i].VersionId, out.Versions[i].LastModified)
	}
	for i := range out.DeleteMarkers {
		out.DeleteMarkers[i].LastModified = born(out.DeleteMarkers[i].VersionId, out.DeleteMarkers[i].LastModified)
	}
	return out, err
}

func (b *backing) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	return write(b, in.Bucket, in.Key, func() (*s3.DeleteObjectOutput, error) { return b.delete(ctx, in) })
}

// delete deletes one object, or one version of it, on a thread of b.
func (b *backing) delete(ctx context.Context, in *s3.DeleteObjectInput) (out *s3.DeleteObjectOutput, err error) {
	defer b.keys.take(deref(in.Bucket), deref(in.Key))()
	switch {
	case deref(in.VersionId) == "":
		defer b.marking(deref(in.Bucket), deref(in.Key))()
	case !b.sidecar && !strings.HasSuffix(deref(in.Key), "/"): // folders have no versions
		out, err = b.deleteCurrent(in)
	}
	if out == nil && err == nil {
		out, err = b.posix.DeleteObject(ctx, in)
	}
	if err == nil {
		err = b.retime(ctx, in.Bucket, in.Key, in.VersionId, out)
	}
	return out, err
}

// DeleteObjects deletes many objects and syncs once.
func (b *backing) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (result s3response.DeleteResult, err error) {
	err = b.on.do(func() error {
		for _, o := range in.Delete.Objects {
			out, err := b.delete(ctx, &s3.DeleteObjectInput{Bucket: in.Bucket, Key: o.Key, VersionId: o.VersionId})
			if err != nil {
				result.Error = append(result.Error, s3err.ObjectDeleteError(o.Key, o.VersionId, err))
				continue
			}
			done := types.DeletedObject{Key: o.Key, VersionId: o.VersionId, DeleteMarker: out.DeleteMarker}
			if out.DeleteMarker != nil && *out.DeleteMarker {
				done.DeleteMarkerVersionId = out.VersionId
			}
			result.Deleted = append(result.Deleted, done)
		}
		return nil
	})
	if err == nil {
		err = syncAll(b.objects)
	}
	return result, err
}

func (b *backing) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	return on1(b, func() (s3response.InitiateMultipartUploadResult, error) {
		return b.posix.CreateMultipartUpload(ctx, in)
	})
}

// CompleteMultipartUpload copies the parts into one file. The file is synced
// as it grows, so that it is complete on disk before it gets its name and its
// parts are removed.
//
// The backend takes a part that could not be copied for one it may copy another
// way, goes on where the copy stopped, and passes over the error of that. So the
// call is canceled, which it heeds before it gives the object its name.
func (b *backing) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	var version string
	out, err := alone(b, in.Bucket, in.Key, func() (out s3response.CompleteMultipartUploadResult, err error) {
		if err := b.hasUpload(deref(in.Bucket), deref(in.Key), deref(in.UploadId)); err != nil {
			return out, err
		}
		// The server's end does not cancel it: a write under way is waited for.
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		out, version, err = b.posix.CompleteMultipartUploadWithCopy(ctx, in, func(from, to *os.File) (bool, error) {
			err := b.appendPart(to, from)
			if err != nil {
				cancel(err)
			}
			return true, err // repeatable: the part stays
		})
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return out, err
	})
	return out, version, err
}

// hasUpload returns NoSuchUpload for an upload that was neither begun nor completed
// to the object that is there. The backend asks only whether there is an object, and
// answers that it stored what it did not. It answers so too for an upload that another
// call completes, be it one that failed and could not take that back; but here no other
// call is at it. It runs on a thread of b.
func (b *backing) hasUpload(bucket, key, upload string) error {
	if err := b.reopen(bucket, uploads(key), key, upload); err != nil {
		return err
	}
	_, err := os.Stat(filepath.Join(b.objects, bucket, uploads(key), upload))
	if err == nil || b.completed(bucket, key, upload) {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for upload %s to %s/%s: %w", upload, bucket, key, err)
	}
	return s3err.GetAPIError(s3err.ErrNoSuchUpload)
}

// appendPart copies one part to the end of the object being completed.
func appendPart(to, from *os.File) error {
	if _, err := io.Copy(to, from); err != nil {
		return fmt.Errorf("copy a part of an upload: %w", err)
	}
	return stage(to)
}

func (b *backing) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput) error {
	return b.on.do(func() error {
		defer b.keys.take(deref(in.Bucket), deref(in.Key))()
		if err := b.reopen(deref(in.Bucket), uploads(deref(in.Key)), deref(in.Key), deref(in.UploadId)); err != nil {
			return err
		}
		return b.posix.AbortMultipartUpload(ctx, in)
	})
}

func (b *backing) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (s3response.ListMultipartUploadsResult, error) {
	return on1(b, func() (s3response.ListMultipartUploadsResult, error) { return b.posix.ListMultipartUploads(ctx, in) })
}

func (b *backing) ListParts(ctx context.Context, in *s3.ListPartsInput) (s3response.ListPartsResult, error) {
	return on1(b, func() (s3response.ListPartsResult, error) { return b.posix.ListParts(ctx, in) })
}

func (b *backing) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	return on1(b, func() (*s3.UploadPartOutput, error) {
		in.Body = entire(in.Body, in.ContentLength)
		return b.posix.UploadPart(ctx, in)
	})
}

func (b *backing) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	return on1(b, func() (s3response.CopyPartResult, error) { return b.posix.UploadPartCopy(ctx, in) })
}

func (b *backing) GetObjectTagging(ctx context.Context, bucket, object, version string) (map[string]string, error) {
	return on1(b, func() (map[string]string, error) { return b.posix.GetObjectTagging(ctx, bucket, object, version) })
}

func (b *backing) PutObjectTagging(ctx context.Context, bucket, object, version string, tags map[string]string) error {
	_, err := alone(b, &bucket, &object, func() (any, error) {
		return nil, b.posix.PutObjectTagging(ctx, bucket, object, version, tags)
	})
	return err
}

func (b *backing) DeleteObjectTagging(ctx context.Context, bucket, object, version string) error {
	_, err := alone(b, &bucket, &object, func() (any, error) {
		return nil, b.posix.DeleteObjectTagging(ctx, bucket, object, version)
	})
	return err
}

func (b *backing) PutObjectLockConfiguration(ctx context.Context, bucket string, config []byte) error {
	_, err := write(b, &bucket, nil, func() (any, error) { return nil, b.posix.PutObjectLockConfiguration(ctx, bucket, config) })
	return err
}

func (b *backing) GetObjectLockConfiguration(ctx context.Context, bucket string) ([]byte, error) {
	return on1(b, func() ([]byte, error) { return b.posix.GetObjectLockConfiguration(ctx, bucket) })
}

func (b *backing) PutObjectRetention(ctx context.Context, bucket, object, version string, retention []byte) error {
	_, err := alone(b, &bucket, &object, func() (any, error) {
		return nil, b.posix.PutObjectRetention(ctx, bucket, object, version, retention)
	})
	return err
}

func (b *backing) GetObjectRetention(ctx context.Context, bucket, object, version string) ([]byte, error) {
	return on1(b, func() ([]byte, error) { return b.posix.GetObjectRetention(ctx, bucket, object, version) })
}

func (b *backing) PutObjectLegalHold(ctx context.Context, bucket, object, version string, status bool) error {
	_, err := alone(b, &bucket, &object, func() (any, error) {
		return nil, b.posix.PutObjectLegalHold(ctx, bucket, object, version, status)
	})
	return err
}

func (b *backing) GetObjectLegalHold(ctx context.Context, bucket, object, version string) (*bool, error) {
	return on1(b, func() (*bool, error) { return b.posix.GetObjectLegalHold(ctx, bucket, object, version) })
}
