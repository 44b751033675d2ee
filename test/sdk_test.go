//go:build e2e

package test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"cairn/test/kit"
)

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTwoAccounts sets up the someone-elses-bucket example: first the bucket
// does not let the trail in, then its owner opens it.
func TestTwoAccounts(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, kit.Binary(t), "account", "add", "444455556666", "--data", e.Dir)
	owner := s3.NewFromConfig(e.Config(t, "444455556666"), pathStyle)
	bucket := aws.String("gds-audit-cloudtrails")
	if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}); err != nil {
		t.Fatal(err)
	}
	example := kit.Repository(t, "examples", "someone-elses-bucket")
	apply := []string{"apply", "--auto-approve", "--var", "account_id=111122223333", example}
	out, errs, code := c.Both(t, kit.Binary(t), apply...)
	if code != 1 || !strings.Contains(errs, "cloudtrail.amazonaws.com") ||
		!strings.Contains(errs, "gds-audit-cloudtrails/111122223333/AWSLogs/111122223333/") {
		t.Errorf("apply to a closed bucket ended with %d and did not say which statement is missing:\n%s%s", code, out, errs)
	}
	letIn(t, owner, *bucket, "111122223333")
	c.Must(t, kit.Binary(t), apply...)
	if out, code := c.Run(t, kit.Binary(t), "plan", "--detailed-exitcode", "--var", "account_id=111122223333", example); code != 0 {
		t.Errorf("a second plan wants changes:\n%s", out)
	}
	kit.Eventually(t, "log files in the other account's bucket", func() bool {
		return len(delivered(t, owner, *bucket)) > 0
	})

	// The owner closes the bucket: delivery fails, says so, and goes on later.
	if _, err := owner.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	trails := cloudtrail.NewFromConfig(e.Config(t, ""))
	kit.Eventually(t, "LatestDeliveryError in the trail's status", func() bool {
		status, err := trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("digitalmarketplace-gds-audit-cloudtrail")})
		return err == nil && aws.ToString(status.LatestDeliveryError) == "AccessDenied"
	})
	// The requester's own account may not read the owner's bucket.
	mine := s3.NewFromConfig(e.Config(t, ""), pathStyle)
	_, err := mine.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	var denied smithy.APIError
	if !errors.As(err, &denied) || denied.ErrorCode() != "AccessDenied" {
		t.Errorf("another account listed the bucket: %v", err)
	}
}

// TestObjectsWithSDK uploads with every payload form the SDK has and reads back.
func TestObjectsWithSDK(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir())
	ctx, client := t.Context(), s3.NewFromConfig(e.Config(t, ""), pathStyle)
	bucket := aws.String("sdk-objects")
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region}}); err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	for name, algorithm := range map[string]types.ChecksumAlgorithm{
		"crc32": types.ChecksumAlgorithmCrc32, "sha256": types.ChecksumAlgorithmSha256, "crc64": types.ChecksumAlgorithmCrc64nvme,
	} {
		put, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: &name, Body: bytes.NewReader(text), ChecksumAlgorithm: algorithm})
		if err != nil {
			t.Errorf("put with %s: %v", algorithm, err)
			continue
		}
		got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &name, ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Errorf("get %s: %v", name, err)
			continue
		}
		back, err := io.ReadAll(got.Body) // the SDK checks the checksum here
		if err != nil || !bytes.Equal(back, text) {
			t.Errorf("%s came back with %d bytes, %v", name, len(back), err)
		}
		if put.ETag == nil || *put.ETag != *got.ETag {
			t.Errorf("%s has ETag %v, then %v", name, put.ETag, got.ETag)
		}
	}
}

// TestPlanForesees plans a trail into buckets that would refuse it: the plan
// says why, before anything is tried.
func TestPlanForesees(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	client := s3.NewFromConfig(e.Config(t, ""), pathStyle)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("plain-bucket"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}); err != nil {
		t.Fatal(err)
	}
	for bucket, want := range map[string]string{
		"plain-bucket": "the bucket policy of plain-bucket lacks 2 of the 2 statements CloudTrail needs; it must let cloudtrail.amazonaws.com " +
			"s3:GetBucketAcl on arn:aws:s3:::plain-bucket and s3:PutObject on arn:aws:s3:::plain-bucket/AWSLogs/111122223333/*",
		"no-such-bucket": "there is no bucket no-such-bucket",
	} {
		writeFile(t, c.Dir+"/main.tf", `
			provider "aws" { region = "eu-west-1" }
			module "cloudtrail" {
			  source      = "../modules/cloudtrail/cloudtrail"
			  trail_name  = "foreseen"
			  bucket_name = "`+bucket+`"
			}`)
		if out := c.Must(t, kit.Binary(t), "plan", c.Dir); !strings.Contains(out, "Warning: module.cloudtrail.aws_cloudtrail.this: CloudTrail would refuse this trail: "+want) {
			t.Errorf("the plan for %s does not say why it would fail:\n%s", bucket, out)
		}
		var plan struct{ Warnings []string }
		c.JSON(t, &plan, kit.Binary(t), "plan", "--json", c.Dir)
		if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], want) {
			t.Errorf("the JSON plan for %s warns of %q", bucket, plan.Warnings)
		}
	}
}
