//go:build e2e

package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/test/kit"
)

// TestTerraform sets the own-bucket example up with Terraform and the real AWS
// provider, sees that neither Terraform nor cairn wants a change after it, and
// destroys it.
func TestTerraform(t *testing.T) {
	t.Parallel()
	terraform, plugins := kit.Tool(t, "terraform"), kit.PluginDir(t)
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, ""), Dir: filepath.Join(kit.CopyExamples(t), "examples", "own-bucket")}
	c.Env = append(c.Env, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_VAR_account_id=111122223333")

	c.Must(t, terraform, "init", "-input=false", "-plugin-dir="+plugins)
	c.Must(t, terraform, "apply", "-input=false", "-auto-approve", "-no-color")
	if out, code := c.Run(t, terraform, "plan", "-input=false", "-no-color", "-detailed-exitcode"); code != 0 {
		t.Errorf("terraform wants changes right after its own apply (exit code %d):\n%s", code, out)
	}
	if out, code := c.Run(t, kit.Binary(t), "plan", "--detailed-exitcode", c.Dir); code != 0 {
		t.Errorf("cairn wants changes after terraform's apply (exit code %d):\n%s", code, out)
	}
	// What delivery put into the bucket has to go first: the example does not
	// let Terraform delete log files.
	c.Must(t, terraform, "destroy", "-input=false", "-auto-approve", "-no-color", "-target=module.cloudtrail")
	awsCLI := kit.Tool(t, "aws")
	emptyBucket(t, c, awsCLI, "digitalmarketplaces-account-cloudtrail-bucket")
	c.Must(t, terraform, "destroy", "-input=false", "-auto-approve", "-no-color")
}

// TestTerraformSomeoneElses sets the someone-elses-bucket example up with
// Terraform, in a bucket its owner has opened; cairn then wants no change.
func TestTerraformSomeoneElses(t *testing.T) {
	t.Parallel()
	terraform, plugins := kit.Tool(t, "terraform"), kit.PluginDir(t)
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, ""), Dir: filepath.Join(kit.CopyExamples(t), "examples", "someone-elses-bucket")}
	c.Env = append(c.Env, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_VAR_account_id=111122223333")
	c.Must(t, kit.Binary(t), "account", "add", "444455556666", "--data", e.Dir)
	owner := s3.NewFromConfig(e.Config(t, "444455556666"), pathStyle)
	openTo(t, owner, "gds-audit-cloudtrails", "111122223333")

	c.Must(t, terraform, "init", "-input=false", "-plugin-dir="+plugins)
	c.Must(t, terraform, "apply", "-input=false", "-auto-approve", "-no-color")
	if out, code := c.Run(t, terraform, "plan", "-input=false", "-no-color", "-detailed-exitcode"); code != 0 {
		t.Errorf("terraform wants changes right after its own apply (exit code %d):\n%s", code, out)
	}
	if out, code := c.Run(t, kit.Binary(t), "plan", "--detailed-exitcode", c.Dir); code != 0 {
		t.Errorf("cairn wants changes after terraform's apply (exit code %d):\n%s", code, out)
	}
	kit.Eventually(t, "log files in the other account's bucket", func() bool {
		return len(delivered(t, owner, "gds-audit-cloudtrails")) > 0
	})
	c.Must(t, terraform, "destroy", "-input=false", "-auto-approve", "-no-color")
}

// openTo makes a bucket and lets the trails of an account in, below its id.
func openTo(t *testing.T, owner *s3.Client, bucket, account string) {
	t.Helper()
	if _, err := owner.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}); err != nil {
		t.Fatal(err)
	}
	letIn(t, owner, bucket, account)
}

// letIn gives a bucket the policy that lets the trails of an account in.
func letIn(t *testing.T, owner *s3.Client, bucket, account string) {
	t.Helper()
	policy := strings.NewReplacer("BUCKET", bucket, "ACCOUNT", account).Replace(`{
	  "Version": "2012-10-17", "Statement": [
	  {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:GetBucketAcl",
	   "Resource": "arn:aws:s3:::BUCKET",
	   "Condition": {"StringEquals": {"aws:SourceAccount": "ACCOUNT"}}},
	  {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject",
	   "Resource": "arn:aws:s3:::BUCKET/ACCOUNT/AWSLogs/ACCOUNT/*",
	   "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": "ACCOUNT"}}}]}`)
	if _, err := owner.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
}

// emptyBucket deletes all versions of all objects of a bucket.
func emptyBucket(t testing.TB, c kit.Client, awsCLI, bucket string) {
	t.Helper()
	type version struct{ Key, VersionId string }
	var list struct{ Versions, DeleteMarkers []version }
	out := c.Must(t, awsCLI, "s3api", "list-object-versions", "--bucket", bucket)
	if strings.TrimSpace(out) == "" {
		return
	}
	c.JSON(t, &list, awsCLI, "s3api", "list-object-versions", "--bucket", bucket)
	for _, v := range append(list.Versions, list.DeleteMarkers...) {
		c.Must(t, awsCLI, "s3api", "delete-object", "--bucket", bucket, "--key", v.Key, "--version-id", v.VersionId)
	}
}
