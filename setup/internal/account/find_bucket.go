package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/setup/internal/resource"
)

// errForeignBucket is a name another account already has.
var errForeignBucket = errors.New("the name is taken by another account, or these credentials may not read the bucket: choose another s3_bucket_name, or allow s3:ListBucket on it")

func (c *Client) findBucket(ctx context.Context, w *resource.Bucket) (resource.Spec, error) {
	head, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &w.Bucket})
	if err != nil {
		switch code(err) {
		case "NotFound", "NoSuchBucket":
			return nil, nil
		case "Forbidden", "AccessDenied":
			return nil, errForeignBucket
		case "MovedPermanently", "PermanentRedirect":
			return nil, fmt.Errorf("the bucket is in another region than %s: set the provider's region to the bucket's", c.Region)
		}
		return nil, err
	}
	if region := aws.ToString(head.BucketRegion); region != "" && region != c.Region {
		return nil, fmt.Errorf("the bucket is in %s, not in %s: set the provider's region to %s, or choose another s3_bucket_name", region, c.Region, region)
	}
	found := &resource.Bucket{Bucket: w.Bucket, ForceDestroy: w.ForceDestroy, Tags: map[string]string{}}
	lock, err := c.s3.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &w.Bucket})
	if err = missing(err, "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"); err != nil {
		return nil, fmt.Errorf("object lock: %w", err)
	}
	if lock != nil && lock.ObjectLockConfiguration != nil {
		found.ObjectLock = lock.ObjectLockConfiguration.ObjectLockEnabled == types.ObjectLockEnabledEnabled
	}
	tags, err := c.s3.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &w.Bucket})
	if err = missing(err, "NoSuchTagSet", "NoSuchTagSetError"); err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	if tags != nil {
		for _, t := range tags.TagSet {
			found.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	found.Tags = userTags(found.Tags)
	return found, nil
}

func (c *Client) findVersioning(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &bucket})
	if err != nil || out.Status == "" {
		return nil, missing(err, "NoSuchBucket")
	}
	return &resource.BucketVersioning{Bucket: bucket, Status: string(out.Status)}, nil
}

func (c *Client) findEncryption(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &bucket})
	if err != nil {
		return nil, missing(err, "NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError")
	}
	if out.ServerSideEncryptionConfiguration == nil {
		return nil, nil
	}
	for _, r := range out.ServerSideEncryptionConfiguration.Rules {
		if d := r.ApplyServerSideEncryptionByDefault; d != nil {
			return &resource.BucketEncryption{
				Bucket: bucket, Algorithm: string(d.SSEAlgorithm), KMSKey: aws.ToString(d.KMSMasterKeyID), BucketKey: aws.ToBool(r.BucketKeyEnabled),
			}, nil
		}
	}
	return nil, nil
}

func (c *Client) findPublicAccessBlock(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &bucket})
	if err != nil || out.PublicAccessBlockConfiguration == nil {
		return nil, missing(err, "NoSuchBucket", "NoSuchPublicAccessBlockConfiguration")
	}
	b := out.PublicAccessBlockConfiguration
	return &resource.PublicAccessBlock{
		Bucket: bucket, BlockPublicACLs: aws.ToBool(b.BlockPublicAcls), BlockPublicPolicy: aws.ToBool(b.BlockPublicPolicy),
		IgnorePublicACLs: aws.ToBool(b.IgnorePublicAcls), RestrictPublicBuckets: aws.ToBool(b.RestrictPublicBuckets),
	}, nil
}

func (c *Client) findBucketPolicy(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil {
		return nil, missing(err, "NoSuchBucket", "NoSuchBucketPolicy")
	}
	return &resource.BucketPolicy{Bucket: bucket, Policy: resource.Policy(aws.ToString(out.Policy))}, nil
}

func (c *Client) findObjectLock(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &bucket})
	if err != nil {
		return nil, missing(err, "NoSuchBucket", "ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")
	}
	if out.ObjectLockConfiguration == nil || out.ObjectLockConfiguration.Rule == nil || out.ObjectLockConfiguration.Rule.DefaultRetention == nil {
		return nil, nil
	}
	r := out.ObjectLockConfiguration.Rule.DefaultRetention
	days := aws.ToInt32(r.Days)
	if days == 0 {
		days = 365 * aws.ToInt32(r.Years)
	}
	return &resource.BucketObjectLock{Bucket: bucket, Mode: string(r.Mode), Days: days}, nil
}

func (c *Client) findLifecycle(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket})
	if err != nil {
		return nil, missing(err, "NoSuchBucket", "NoSuchLifecycleConfiguration")
	}
	if len(out.Rules) == 0 {
		return nil, nil
	}
	found := &resource.BucketLifecycle{Bucket: bucket}
	var other []string
	for _, r := range out.Rules {
		if aws.ToString(r.ID) != lifecycleRule || r.Status != types.ExpirationStatusEnabled || len(r.Transitions) > 1 {
			other = append(other, aws.ToString(r.ID))
			continue
		}
		if r.Expiration != nil {
			found.ExpirationDays = aws.ToInt32(r.Expiration.Days)
		}
		if r.NoncurrentVersionExpiration != nil {
			found.NoncurrentDays = aws.ToInt32(r.NoncurrentVersionExpiration.NoncurrentDays)
		}
		if r.AbortIncompleteMultipartUpload != nil {
			found.AbortMultipartDays = aws.ToInt32(r.AbortIncompleteMultipartUpload.DaysAfterInitiation)
		}
		for _, t := range r.Transitions {
			found.TransitionDays, found.StorageClass = aws.ToInt32(t.Days), string(t.StorageClass)
		}
	}
	found.Other = strings.Join(other, ", ")
	return found, nil
}

func (c *Client) findBucketLogging(ctx context.Context, bucket string) (resource.Spec, error) {
	out, err := c.s3.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &bucket})
	if err != nil || out.LoggingEnabled == nil {
		return nil, missing(err, "NoSuchBucket")
	}
	return &resource.BucketLogging{
		Bucket: bucket, TargetBucket: aws.ToString(out.LoggingEnabled.TargetBucket), TargetPrefix: aws.ToString(out.LoggingEnabled.TargetPrefix),
	}, nil
}

// unescape undoes the percent signs in which IAM returns documents.
func unescape(document string) (resource.Policy, error) {
	text, err := url.PathUnescape(document)
	if err != nil {
		return "", fmt.Errorf("policy document is not URL-encoded: %w", err)
	}
	return resource.Policy(text), nil
}
