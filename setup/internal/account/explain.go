package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/internal/arn"
	"cairn/internal/policy"
	"cairn/setup/internal/resource"
)

// Access is one thing CloudTrail must be allowed to do on a trail's bucket.
type Access struct {
	// Sid is the id AWS's documentation gives to the statement that allows it.
	Sid string
	// Action is s3:GetBucketAcl or s3:PutObject.
	Action string
	// Resource is the ARN pattern the statement has to allow.
	Resource string
	// ACL is true if files are put with the ACL bucket-owner-full-control.
	ACL bool
}

// Needs lists what a trail's bucket policy must allow (spec 5.1). The trail's
// ARN says whose account and which partition it is.
func Needs(t *resource.Trail) []Access {
	own, err := arn.Parse(t.ARN)
	if err != nil { // nothing is known then but the bucket
		own = arn.ARN{Partition: "aws", Account: "*"}
	}
	bucket := "arn:" + own.Partition + ":s3:::" + t.Bucket
	folder := bucket + "/"
	if t.Prefix != "" {
		folder += t.Prefix + "/"
	}
	folder += "AWSLogs/" + own.Account + "/*"
	return []Access{
		{Sid: "AWSCloudTrailAclCheck20150319", Action: "s3:GetBucketAcl", Resource: bucket},
		{Sid: "AWSCloudTrailWrite20150319", Action: "s3:PutObject", Resource: folder, ACL: true},
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
	if !readable {
		return fmt.Errorf("%w\nthe bucket policy of %s cannot be read from this account; it %s", Plain(err), t.Bucket, must(t, Needs(t)))
	}
	lacking := lackingIn(t, text)
	if len(lacking) == 0 {
		return fmt.Errorf("%w; the policy of %s seems to allow all CloudTrail needs: if it was just changed, apply again in a minute", Plain(err), t.Bucket)
	}
	return fmt.Errorf("%w\n%s", Plain(err), lacks(t, lacking))
}

// Foresee says why CloudTrail would refuse the trail for its bucket, or nothing
// if it would not or if that cannot be told: a bucket of another account whose
// policy cannot be read.
func (c *Client) Foresee(ctx context.Context, t *resource.Trail) string {
	if _, err := c.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &t.Bucket}); is(err, "NotFound") || is(err, "NoSuchBucket") {
		return fmt.Sprintf("there is no bucket %s: make it first (the cloudtrail-bucket module does), or correct its name", t.Bucket)
	}
	text, readable := c.bucketPolicyText(ctx, t.Bucket)
	if !readable {
		return ""
	}
	if lacking := lackingIn(t, text); len(lacking) > 0 {
		return lacks(t, lacking)
	}
	return ""
}

// lacks says what a bucket policy that was read does not allow.
func lacks(t *resource.Trail, lacking []Access) string {
	return fmt.Sprintf("the bucket policy of %s lacks %d of the 2 statements CloudTrail needs; it %s", t.Bucket, len(lacking), must(t, lacking))
}

// must spells out what a bucket policy has to allow, and the statements for it.
func must(t *resource.Trail, lacking []Access) string {
	var b strings.Builder
	b.WriteString("must let cloudtrail.amazonaws.com ")
	var statements []map[string]any
	for i, a := range lacking {
		if i > 0 {
			b.WriteString(" and ")
		}
		fmt.Fprintf(&b, "%s on %s", a.Action, a.Resource)
		if a.ACL {
			b.WriteString(" with s3:x-amz-acl bucket-owner-full-control")
		}
		statements = append(statements, a.Statement(t.ARN))
	}
	doc, err := json.MarshalIndent(statements, "", "  ")
	if err != nil {
		return b.String() + "."
	}
	return fmt.Sprintf("%s.\nAsk the owner of the bucket to add to the Statement list of its policy:\n%s", b.String(), doc)
}

// Statement is the policy statement that allows the access to one trail.
func (a Access) Statement(trailARN string) map[string]any {
	equals := map[string]any{"aws:SourceArn": trailARN}
	if a.ACL {
		equals["s3:x-amz-acl"] = "bucket-owner-full-control"
	}
	return map[string]any{
		"Sid": a.Sid, "Effect": "Allow", "Principal": map[string]any{"Service": "cloudtrail.amazonaws.com"},
		"Action": a.Action, "Resource": a.Resource, "Condition": map[string]any{"StringEquals": equals},
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
	return ok && len(lackingIn(t, text)) == 0
}

// lackingIn returns what a bucket policy does not allow the trail.
func lackingIn(t *resource.Trail, text string) []Access {
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		return Needs(t)
	}
	var out []Access
	for _, a := range Needs(t) {
		if !policy.Evaluate(a.Query(t, doc)).Allowed {
			out = append(out, a)
		}
	}
	return out
}

// Query asks whether a bucket policy allows the access as CloudTrail uses it
// for the trail: for a log file, with the headers it puts files with (spec
// 1.4).
func (a Access) Query(t *resource.Trail, doc *policy.Document) *policy.Query {
	own, err := arn.Parse(t.ARN)
	if err != nil {
		own = arn.ARN{Account: "*"}
	}
	q := &policy.Query{
		Principal: policy.Principal{Service: "cloudtrail.amazonaws.com"}, Action: a.Action, Resource: a.Resource,
		ResourcePolicy: doc,
		Context: policy.Context{
			"aws:sourcearn": {t.ARN}, "aws:sourceaccount": {own.Account}, "aws:securetransport": {"true"},
			"aws:principalisawsservice": {"true"}, "aws:principalservicename": {"cloudtrail.amazonaws.com"},
		},
	}
	if !a.ACL {
		return q
	}
	q.Resource = strings.TrimSuffix(a.Resource, "*") + "CloudTrail/file.json.gz"
	q.Context["s3:x-amz-acl"] = []string{"bucket-owner-full-control"}
	q.Context["s3:x-amz-server-side-encryption"] = []string{"AES256"}
	if t.KMSKey != "" {
		q.Context["s3:x-amz-server-side-encryption"] = []string{"aws:kms"}
		q.Context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = []string{t.KMSKey}
	}
	return q
}
