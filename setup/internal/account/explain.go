package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/internal/policy"
	"cairn/setup/internal/resource"
)

// access is one thing CloudTrail must be allowed to do on the bucket.
type access struct {
	sid, action, resource string
	acl                   bool
}

// needs lists what a trail's bucket policy must allow (spec 5.1). PutObject
// is asked for a file below the folder of the account.
func (c *Client) needs(t *resource.Trail) []access {
	bucket := "arn:" + c.Partition + ":s3:::" + t.Bucket
	folder := bucket + "/"
	if t.Prefix != "" {
		folder += t.Prefix + "/"
	}
	folder += "AWSLogs/" + c.ID + "/*"
	return []access{
		{sid: "AWSCloudTrailAclCheck20150319", action: "s3:GetBucketAcl", resource: bucket},
		{sid: "AWSCloudTrailWrite20150319", action: "s3:PutObject", resource: folder, acl: true},
	}
}

// explainTrail adds to an error about the bucket what its policy lacks. Often
// the bucket is another account's: then its policy cannot be read, and the
// whole of what is needed is told.
func (c *Client) explainTrail(ctx context.Context, t *resource.Trail, err error) error {
	if err == nil {
		return nil
	}
	if is(err, "S3BucketDoesNotExistException") {
		return fmt.Errorf("%w; make the bucket %s first (the cloudtrail-bucket module does), or correct its name", Plain(err), t.Bucket)
	}
	if !is(err, "InsufficientS3BucketPolicyException") {
		return err
	}
	text, readable := c.bucketPolicyText(ctx, t.Bucket)
	lacking := c.needs(t)
	if readable {
		lacking = c.lacking(t, text)
	}
	var b strings.Builder
	switch {
	case !readable:
		fmt.Fprintf(&b, "the bucket policy of %s cannot be read from this account; it", t.Bucket)
	case len(lacking) == 0:
		return fmt.Errorf("%w; the policy of %s seems to allow all CloudTrail needs: if it was just changed, apply again in a minute", Plain(err), t.Bucket)
	default:
		fmt.Fprintf(&b, "the bucket policy of %s lacks %d of the 2 statements CloudTrail needs; it", t.Bucket, len(lacking))
	}
	b.WriteString(" must let cloudtrail.amazonaws.com ")
	var statements []map[string]any
	for i, a := range lacking {
		if i > 0 {
			b.WriteString(" and ")
		}
		fmt.Fprintf(&b, "%s on %s", a.action, a.resource)
		if a.acl {
			b.WriteString(" with s3:x-amz-acl bucket-owner-full-control")
		}
		statements = append(statements, a.statement(t.ARN))
	}
	doc, jsonErr := json.MarshalIndent(statements, "", "  ")
	if jsonErr != nil {
		return fmt.Errorf("%w; %s", Plain(err), b.String())
	}
	return fmt.Errorf("%w\n%s.\nAsk the owner of the bucket to add to the Statement list of its policy:\n%s", Plain(err), b.String(), doc)
}

// statement is the statement that allows the access to one trail.
func (a access) statement(trailARN string) map[string]any {
	equals := map[string]any{"aws:SourceArn": trailARN}
	if a.acl {
		equals["s3:x-amz-acl"] = "bucket-owner-full-control"
	}
	return map[string]any{
		"Sid": a.sid, "Effect": "Allow", "Principal": map[string]any{"Service": "cloudtrail.amazonaws.com"},
		"Action": a.action, "Resource": a.resource, "Condition": map[string]any{"StringEquals": equals},
	}
}

// bucketPolicyText reads the bucket's policy. It returns false if it cannot;
// a bucket without a policy has an empty one.
func (c *Client) bucketPolicyText(ctx context.Context, bucket string) (string, bool) {
	out, err := c.s3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	switch {
	case is(err, "NoSuchBucketPolicy"):
		return `{"Version":"2012-10-17","Statement":[]}`, true
	case err != nil:
		return "", false
	}
	return aws.ToString(out.Policy), true
}

// bucketAllows reports whether the bucket's policy can be read and allows the
// trail: then a refusal is of the passing kind.
func (c *Client) bucketAllows(ctx context.Context, t *resource.Trail) bool {
	text, ok := c.bucketPolicyText(ctx, t.Bucket)
	return ok && len(c.lacking(t, text)) == 0
}

// lacking returns what a bucket policy does not allow the trail.
func (c *Client) lacking(t *resource.Trail, text string) []access {
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		return c.needs(t)
	}
	var out []access
	for _, a := range c.needs(t) {
		q := policy.Query{
			Principal: policy.Principal{Service: "cloudtrail.amazonaws.com"}, Action: a.action, Resource: strings.TrimSuffix(a.resource, "*") + "CloudTrail/file.json.gz",
			ResourceAccount: c.ID, ResourcePolicy: doc,
			Context: policy.Context{"aws:sourcearn": {t.ARN}, "aws:sourceaccount": {c.ID}, "aws:securetransport": {"true"}},
		}
		if a.acl {
			q.Context["s3:x-amz-acl"] = []string{"bucket-owner-full-control"}
		} else {
			q.Resource = a.resource
		}
		if !policy.Evaluate(&q).Allowed {
			out = append(out, a)
		}
	}
	return out
}
