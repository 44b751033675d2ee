package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/service/s3/lifecycle"
)

// lockedBucket makes a bucket with object lock and a default retention.
func lockedBucket(t *testing.T, c *sdk.Client, name string, mode types.ObjectLockRetentionMode, days int32) *string {
	t.Helper()
	ok[*sdk.CreateBucketOutput](t)(c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: aws.Bool(true)}))
	if days > 0 {
		ok[*sdk.PutObjectLockConfigurationOutput](t)(c.PutObjectLockConfiguration(t.Context(), &sdk.PutObjectLockConfigurationInput{
			Bucket: &name, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: "Enabled", Rule: &types.ObjectLockRule{
				DefaultRetention: &types.DefaultRetention{Mode: mode, Days: aws.Int32(days)},
			}},
		}))
	}
	return &name
}

// TestDefaultRetention: every new version is protected from the moment it is
// there, older ones are not, and only GOVERNANCE can be gone around.
func TestDefaultRetention(t *testing.T) {
	for _, mode := range []types.ObjectLockRetentionMode{"GOVERNANCE", "COMPLIANCE"} {
		t.Run(string(mode), func(t *testing.T) {
			g := newGate(t)
			c, ctx, k := g.root(), t.Context(), aws.String("k")
			b := lockedBucket(t, c, "locked", mode, 0)
			before := ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("before")}))
			conf := &types.ObjectLockConfiguration{ObjectLockEnabled: "Enabled", Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: mode, Days: aws.Int32(30)}}}
			ok[*sdk.PutObjectLockConfigurationOutput](t)(c.PutObjectLockConfiguration(ctx, &sdk.PutObjectLockConfigurationInput{Bucket: b, ObjectLockConfiguration: conf}))
			got := ok[*sdk.GetObjectLockConfigurationOutput](t)(c.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: b})).ObjectLockConfiguration
			if d := got.Rule.DefaultRetention; got.ObjectLockEnabled != "Enabled" || d.Mode != mode || aws.ToInt32(d.Days) != 30 || d.Years != nil {
				t.Errorf("configuration came back as %+v", got)
			}
			v := ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("after")})).VersionId
			kept := ok[*sdk.GetObjectRetentionOutput](t)(c.GetObjectRetention(ctx, &sdk.GetObjectRetentionInput{Bucket: b, Key: k, VersionId: v})).Retention
			if until := time.Until(*kept.RetainUntilDate); kept.Mode != mode || until < 29*24*time.Hour || until > 31*24*time.Hour {
				t.Errorf("a new version is retained as %+v", kept)
			}
			_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: v})
			wantCode(t, err, "AccessDenied")
			del := ok[*sdk.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
				{Key: k, VersionId: v}, {Key: k, VersionId: before.VersionId},
			}}}))
			if len(del.Errors) != 1 || aws.ToString(del.Errors[0].Code) != "AccessDenied" || len(del.Deleted) != 1 || *del.Deleted[0].VersionId != *before.VersionId {
				t.Errorf("of a locked and an unlocked version: deleted %+v, errors %+v", del.Deleted, del.Errors)
			}
			// A delete marker takes nothing away.
			ok[*sdk.DeleteObjectOutput](t)(c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k}))
			// Shortening the retention is going around it.
			_, err = c.PutObjectRetention(ctx, &sdk.PutObjectRetentionInput{Bucket: b, Key: k, VersionId: v, Retention: &types.ObjectLockRetention{
				Mode: mode, RetainUntilDate: aws.Time(time.Now().Add(time.Hour)),
			}})
			wantCode(t, err, "AccessDenied")
			_, err = c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: v, BypassGovernanceRetention: aws.Bool(true)})
			if mode == "COMPLIANCE" {
				wantCode(t, err, "AccessDenied")
			} else if err != nil {
				t.Errorf("going around GOVERNANCE: %v", err)
			}
			_, err = c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Suspended"}})
			wantCode(t, err, "InvalidBucketState")
		})
	}
}

// TestRetentionOfUploads: completed uploads and copies are protected too, and
// what an upload itself asks for goes before the default.
func TestRetentionOfUploads(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	b := lockedBucket(t, c, "locked", "COMPLIANCE", 10)
	k := aws.String("parts")
	up := ok[*sdk.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: b, Key: k}))
	part := ok[*sdk.UploadPartOutput](t)(c.UploadPart(ctx, &sdk.UploadPartInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")}))
	ok[*sdk.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
		Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}},
	}}))
	ok[*sdk.CopyObjectOutput](t)(c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("locked/parts")}))
	ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{
		Bucket: b, Key: aws.String("own"), Body: strings.NewReader("x"), ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: aws.Time(time.Now().Add(time.Hour)),
	}))
	for key, mode := range map[string]types.ObjectLockMode{"parts": "COMPLIANCE", "copy": "COMPLIANCE", "own": "GOVERNANCE"} {
		head := ok[*sdk.HeadObjectOutput](t)(c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: &key}))
		if head.ObjectLockMode != mode {
			t.Errorf("%s is locked as %q, want %q", key, head.ObjectLockMode, mode)
		}
	}
}

// TestBypassNeedsPermission: going around governance mode is an action of its own.
func TestBypassNeedsPermission(t *testing.T) {
	g := newGate(t)
	ctx, k := t.Context(), aws.String("k")
	b := lockedBucket(t, g.root(), "locked", "GOVERNANCE", 1)
	v := ok[*sdk.PutObjectOutput](t)(g.root().PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x")})).VersionId
	user := g.client(g.user(t, "cleaner", account, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:DeleteObject","s3:DeleteObjectVersion"],"Resource":"*"}]}`))
	_, err := user.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: v, BypassGovernanceRetention: aws.Bool(true)})
	wantCode(t, err, "AccessDenied")
}

// TestLockOutlivesLifecycle: rules do not remove what is locked, and a legal
// hold stands after the retention has ended.
func TestLockOutlivesLifecycle(t *testing.T) {
	g := newGate(t)
	c, ctx, k := g.root(), t.Context(), aws.String("k")
	lockedBucket(t, c, "locked", "COMPLIANCE", 100)
	for range 2 {
		putText(t, c, "locked", "k", "text")
	}
	putRules(t, c, "locked", types.LifecycleRule{NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}, Expiration: after(1)})
	if s := g.sweep(t, 3); s != (lifecycle.Stats{Expired: 1, Locked: 1}) {
		t.Errorf("in a bucket of locked versions: %+v", s)
	}
	if got := left(t, c, "locked"); got != "k k -k*" {
		t.Errorf("left: %s", got)
	}

	g.ahead.Store(0)
	free := lockedBucket(t, c, "held", "", 0)
	v := ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{
		Bucket: free, Key: k, Body: strings.NewReader("x"), ObjectLockLegalHoldStatus: "ON",
		ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: aws.Time(time.Now().Add(1200 * time.Millisecond)),
	})).VersionId
	putText(t, c, "held", "k", "newer")
	putRules(t, c, "held", types.LifecycleRule{NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}})
	head := ok[*sdk.HeadObjectOutput](t)(c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: free, Key: k, VersionId: v}))
	if head.ObjectLockLegalHoldStatus != "ON" || head.ObjectLockMode != "GOVERNANCE" {
		t.Errorf("HEAD of a held old version says %q and %q", head.ObjectLockLegalHoldStatus, head.ObjectLockMode)
	}
	time.Sleep(time.Until(*head.ObjectLockRetainUntilDate)) // the object store has the machine's clock
	_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: free, Key: k, VersionId: v})
	wantCode(t, err, "AccessDenied")
	del := ok[*sdk.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: free, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: k, VersionId: v}}}}))
	if len(del.Errors) != 1 {
		t.Errorf("deleted a held version: %+v", del)
	}
	if s := g.sweep(t, 3); s.Removed != 0 || s.Locked == 0 {
		t.Errorf("with a held version: %+v", s)
	}
}
