package account

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/setup/internal/resource"
)

// lifecycleRule is the id of the one lifecycle rule the module makes.
const lifecycleRule = "cloudtrail-logs"

func (c *Client) putBucket(ctx context.Context, w *resource.Bucket, found resource.Spec, say func(string)) error {
	if f, _ := found.(*resource.Bucket); f != nil {
		return c.putBucketTags(ctx, w.Bucket, w.Tags)
	}
	// The bucket is born with its tags: a crash right after this call leaves one
	// that is known as ours.
	in := &s3.CreateBucketInput{Bucket: &w.Bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{Tags: s3Tags(w.Tags)}}
	if w.ObjectLock {
		in.ObjectLockEnabledForBucket = aws.Bool(true)
	}
	// us-east-1 is the one region that must not be named (S3 API reference).
	if c.Region != "us-east-1" {
		in.CreateBucketConfiguration.LocationConstraint = types.BucketLocationConstraint(c.Region)
	}
	err := settle(ctx, say, aborted, func() error {
		_, err := c.s3.CreateBucket(ctx, in)
		return err
	})
	if is(err, "BucketAlreadyExists") {
		return fmt.Errorf("%w: choose another s3_bucket_name", errForeignBucket)
	}
	if err != nil || len(w.Tags) == 0 {
		return err
	}
	// Once more, for endpoints that do not know tags in CreateBucket.
	return settle(ctx, say, busy, func() error { return c.putBucketTags(ctx, w.Bucket, w.Tags) })
}

func (c *Client) putBucketTags(ctx context.Context, bucket string, tags map[string]string) error {
	if len(tags) == 0 {
		_, err := c.s3.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &bucket})
		return err
	}
	_, err := c.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: &types.Tagging{TagSet: s3Tags(tags)}})
	return err
}

func s3Tags(tags map[string]string) []types.Tag {
	var set []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return set
}

// putSetting writes one setting of a bucket; each is one idempotent call.
func (c *Client) putSetting(ctx context.Context, wanted resource.Spec) error {
	var err error
	switch w := wanted.(type) {
	case *resource.BucketVersioning:
		_, err = c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &w.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(w.Status)},
		})
	case *resource.BucketEncryption:
		_, err = c.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
			Bucket: &w.Bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{
					SSEAlgorithm: types.ServerSideEncryption(w.Algorithm), KMSMasterKeyID: optional(w.KMSKey),
				},
				BucketKeyEnabled: &w.BucketKey,
			}}},
		})
	case *resource.PublicAccessBlock:
		_, err = c.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
			Bucket: &w.Bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
				BlockPublicAcls: &w.BlockPublicACLs, BlockPublicPolicy: &w.BlockPublicPolicy,
				IgnorePublicAcls: &w.IgnorePublicACLs, RestrictPublicBuckets: &w.RestrictPublicBuckets,
			},
		})
	case *resource.BucketPolicy:
		_, err = c.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &w.Bucket, Policy: aws.String(string(w.Policy))})
	case *resource.BucketObjectLock:
		_, err = c.s3.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{
			Bucket: &w.Bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{
				ObjectLockEnabled: types.ObjectLockEnabledEnabled,
				Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionMode(w.Mode), Days: &w.Days}},
			},
		})
	case *resource.BucketLifecycle:
		_, err = c.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
			Bucket: &w.Bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{lifecycleOf(w)}},
		})
	case *resource.BucketLogging:
		_, err = c.s3.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{
			Bucket: &w.Bucket, BucketLoggingStatus: &types.BucketLoggingStatus{
				LoggingEnabled: &types.LoggingEnabled{TargetBucket: &w.TargetBucket, TargetPrefix: &w.TargetPrefix},
			},
		})
	default:
		return fmt.Errorf("no way to change %s", wanted.Kind())
	}
	return err
}

// Unset takes a setting away from a bucket that stays.
func (c *Client) Unset(ctx context.Context, found resource.Spec, say func(string)) error {
	return settle(ctx, say, aborted, func() error {
		var err error
		switch f := found.(type) {
		case *resource.BucketVersioning:
			_, err = c.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: &f.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
			})
		case *resource.BucketLifecycle:
			_, err = c.s3.DeleteBucketLifecycle(ctx, &s3.DeleteBucketLifecycleInput{Bucket: &f.Bucket})
		case *resource.BucketLogging:
			_, err = c.s3.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: &f.Bucket, BucketLoggingStatus: &types.BucketLoggingStatus{}})
		case *resource.BucketObjectLock:
			_, err = c.s3.PutObjectLockConfiguration(ctx, &s3.PutObjectLockConfigurationInput{
				Bucket: &f.Bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled},
			})
		default:
			return fmt.Errorf("no way to take away %s", found.Kind())
		}
		return err
	})
}

func lifecycleOf(w *resource.BucketLifecycle) types.LifecycleRule {
	rule := types.LifecycleRule{
		ID: aws.String(lifecycleRule), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: &w.AbortMultipartDays},
	}
	if w.TransitionDays > 0 {
		rule.Transitions = []types.Transition{{Days: &w.TransitionDays, StorageClass: types.TransitionStorageClass(w.StorageClass)}}
	}
	if w.ExpirationDays > 0 {
		rule.Expiration = &types.LifecycleExpiration{Days: &w.ExpirationDays}
	}
	if w.NoncurrentDays > 0 {
		rule.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: &w.NoncurrentDays}
	}
	return rule
}

// Empty reports whether a bucket holds no object and no old version.
func (c *Client) Empty(ctx context.Context, bucket string) (bool, error) {
	out, err := c.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, fmt.Errorf("look into bucket %s: %w", bucket, Plain(err))
	}
	return len(out.Versions)+len(out.DeleteMarkers) == 0, nil
}

// removeBucket deletes a bucket, and empties it first if it may. A crash
// while emptying leaves fewer objects; destroying again goes on.
func (c *Client) removeBucket(ctx context.Context, f *resource.Bucket, say func(string)) error {
	remove := func() error {
		return settle(ctx, say, aborted, func() error {
			_, err := c.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &f.Bucket})
			return missing(err, "NoSuchBucket")
		})
	}
	err := remove()
	if !is(err, "BucketNotEmpty") {
		return err
	}
	if !f.ForceDestroy {
		return fmt.Errorf("%w; it holds log files: set force_destroy = true in its module block to delete them too", Plain(err))
	}
	// Log files on their way may arrive after the bucket was emptied.
	for range 3 {
		if err = c.emptyBucket(ctx, f, say); err != nil {
			return err
		}
		if err = remove(); !is(err, "BucketNotEmpty") {
			return err
		}
	}
	return err
}

// emptyBucket deletes all versions of all objects. Like Terraform's
// force_destroy it passes over a GOVERNANCE lock; COMPLIANCE holds for it too.
func (c *Client) emptyBucket(ctx context.Context, f *resource.Bucket, say func(string)) error {
	bucket, gone := f.Bucket, 0
	for {
		out, err := c.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket})
		if err != nil {
			return fmt.Errorf("list its objects: %w", err)
		}
		var ids []types.ObjectIdentifier
		for _, v := range out.Versions {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range out.DeleteMarkers {
			ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
		}
		if len(ids) == 0 {
			return nil
		}
		in := &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}}
		if f.ObjectLock {
			in.BypassGovernanceRetention = aws.Bool(true)
		}
		done, err := c.s3.DeleteObjects(ctx, in)
		if err != nil {
			return fmt.Errorf("delete its objects: %w", err)
		}
		if len(done.Errors) > 0 {
			e := done.Errors[0]
			hint := ""
			if f.ObjectLock {
				hint = "; the bucket has object lock: objects locked in COMPLIANCE mode can be deleted when their retention has ended, and not before"
			}
			return fmt.Errorf("delete %s and %d more: %s: %s%s", aws.ToString(e.Key), len(done.Errors)-1, aws.ToString(e.Code), strings.TrimSuffix(aws.ToString(e.Message), "."), hint)
		}
		gone += len(ids)
		say(fmt.Sprintf("%d objects and versions deleted", gone))
	}
}
