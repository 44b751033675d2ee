package look

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cairn/setup/check"
	"cairn/setup/internal/account"
)

// bucket asks for a bucket's configuration, in the bucket's own region.
func (l *looking) bucket(b *check.Bucket) {
	l.tasks = append(l.tasks, func() {
		owner := l.r.client
		if c := l.r.owners[b.Name]; c != nil {
			owner = c
		}
		region := owner.Region
		sub := &looking{r: l.r, ctx: l.ctx}
		ask(sub, "s3:ListBucket", &b.Exists, func(ctx context.Context) (exists bool, err error) {
			exists, region, err = headBucket(ctx, owner, b.Name)
			return exists, err
		})
		err := sub.run()
		if err == nil && (b.Exists.Seen || b.Exists.Not != nil) {
			sub.bucketSettings(s3Client(owner, region), b)
			err = sub.run()
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.fatal = append(l.fatal, errors.Unwrap(err))
		}
	})
}

func s3Client(c *account.Client, region string) *s3.Client {
	return s3.NewFromConfig(c.Config(), func(o *s3.Options) { o.Region, o.UsePathStyle = region, c.PathStyle() })
}

// headBucket says whether a bucket exists and where. S3 tells the region even
// to those who may not read the bucket.
func headBucket(ctx context.Context, c *account.Client, name string) (exists bool, region string, err error) {
	region = c.Region
	out, err := s3Client(c, region).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if err == nil {
		if found := aws.ToString(out.BucketRegion); found != "" {
			region = found
		}
		return true, region, nil
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		if found := answer.Response.Header.Get("X-Amz-Bucket-Region"); found != "" {
			region = found
		}
	}
	switch {
	case isCode(err, "NotFound", "NoSuchBucket"):
		return false, region, nil
	case status(err) == 301:
		return true, region, nil
	}
	return false, region, err
}

func (l *looking) bucketSettings(c *s3.Client, b *check.Bucket) {
	name := &b.Name
	ask(l, "s3:GetBucketPolicy", &b.Policy, func(ctx context.Context) (string, error) {
		out, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: name})
		return setting(out, err, func() string { return aws.ToString(out.Policy) }, "NoSuchBucketPolicy")
	})
	ask(l, "s3:GetBucketPublicAccessBlock", &b.PublicAccess, func(ctx context.Context) (check.PublicAccess, error) {
		out, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: name})
		return setting(out, err, func() check.PublicAccess { return publicAccess(out.PublicAccessBlockConfiguration) }, "NoSuchPublicAccessBlockConfiguration")
	})
	ask(l, "s3:GetEncryptionConfiguration", &b.Encryption, func(ctx context.Context) (check.Encryption, error) {
		out, err := c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: name})
		return setting(out, err, func() check.Encryption { return encryption(out.ServerSideEncryptionConfiguration) }, "ServerSideEncryptionConfigurationNotFoundError")
	})
	ask(l, "s3:GetBucketVersioning", &b.Versioning, func(ctx context.Context) (check.Versioning, error) {
		out, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: name})
		return setting(out, err, func() check.Versioning {
			return check.Versioning{Status: string(out.Status), MFADelete: out.MFADelete == types.MFADeleteStatusEnabled}
		})
	})
	ask(l, "s3:GetBucketObjectLockConfiguration", &b.ObjectLock, func(ctx context.Context) (check.ObjectLock, error) {
		out, err := c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: name})
		return setting(out, err, func() check.ObjectLock { return objectLock(out.ObjectLockConfiguration) },
			"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration")
	})
	ask(l, "s3:GetBucketLogging", &b.LogsTo, func(ctx context.Context) (string, error) {
		out, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: name})
		return setting(out, err, func() string {
			if out.LoggingEnabled == nil {
				return ""
			}
			return aws.ToString(out.LoggingEnabled.TargetBucket)
		})
	})
	ask(l, "s3:GetLifecycleConfiguration", &b.Lifecycle, func(ctx context.Context) (check.Lifecycle, error) {
		out, err := c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: name})
		return setting(out, err, func() check.Lifecycle { return lifecycle(out.Rules) }, "NoSuchLifecycleConfiguration")
	})
	ask(l, "s3:GetBucketOwnershipControls", &b.Ownership, func(ctx context.Context) (string, error) {
		out, err := c.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: name})
		return setting(out, err, func() string {
			if out.OwnershipControls == nil || len(out.OwnershipControls.Rules) == 0 {
				return ""
			}
			return string(out.OwnershipControls.Rules[0].ObjectOwnership)
		}, "OwnershipControlsNotFoundError")
	})
	ask(l, "s3:GetBucketAcl", &b.PublicGrants, func(ctx context.Context) ([]string, error) {
		out, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: name})
		return setting(out, err, func() []string { return publicGrants(out.Grants) })
	})
}

// setting returns what a read showed, the zero value if it answered that
// there is none.
func setting[O, T any](out *O, err error, value func() T, none ...string) (T, error) {
	var zero T
	switch {
	case isCode(err, none...):
		return zero, nil
	case err != nil:
		return zero, err
	case out == nil:
		return zero, nil
	}
	return value(), nil
}

func publicAccess(c *types.PublicAccessBlockConfiguration) check.PublicAccess {
	if c == nil {
		return check.PublicAccess{}
	}
	return check.PublicAccess{
		BlockACLs: aws.ToBool(c.BlockPublicAcls), IgnoreACLs: aws.ToBool(c.IgnorePublicAcls),
		BlockPolicy: aws.ToBool(c.BlockPublicPolicy), RestrictBuckets: aws.ToBool(c.RestrictPublicBuckets),
	}
}

func encryption(c *types.ServerSideEncryptionConfiguration) check.Encryption {
	if c != nil {
		for _, r := range c.Rules {
			if d := r.ApplyServerSideEncryptionByDefault; d != nil {
				return check.Encryption{Algorithm: string(d.SSEAlgorithm), Key: aws.ToString(d.KMSMasterKeyID)}
			}
		}
	}
	return check.Encryption{}
}

func objectLock(c *types.ObjectLockConfiguration) check.ObjectLock {
	if c == nil || c.Rule == nil || c.Rule.DefaultRetention == nil {
		return check.ObjectLock{}
	}
	r := c.Rule.DefaultRetention
	lock := check.ObjectLock{Mode: string(r.Mode), For: fmt.Sprintf("%d days", aws.ToInt32(r.Days))}
	if years := aws.ToInt32(r.Years); years > 0 {
		lock.For = fmt.Sprintf("%d years", years)
	}
	return lock
}

func lifecycle(rules []types.LifecycleRule) check.Lifecycle {
	var l check.Lifecycle
	for _, r := range rules {
		if r.Status != types.ExpirationStatusEnabled {
			continue
		}
		l.Rules++
		if r.AbortIncompleteMultipartUpload != nil {
			l.AbortsUploads = true
		}
		if r.Expiration == nil {
			continue
		}
		if days := aws.ToInt32(r.Expiration.Days); days > 0 && (l.ExpireDays == 0 || days < l.ExpireDays) {
			l.ExpireDays = days
		}
	}
	return l
}

// publicGrants lists the grants of an ACL that are for everybody.
func publicGrants(grants []types.Grant) []string {
	var list []string
	for _, g := range grants {
		if g.Grantee == nil {
			continue
		}
		if _, group, ok := strings.Cut(aws.ToString(g.Grantee.URI), "/groups/global/"); ok {
			list = append(list, string(g.Permission)+" to "+group)
		}
	}
	return list
}
