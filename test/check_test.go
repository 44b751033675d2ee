//go:build e2e

package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/test/kit"
)

// finding is what these tests look at in a report of cairn check.
type finding struct{ ID, Status, Severity, Trail, Evidence, Remedy, Permission string }

// checkJSON runs cairn check --json and returns its findings and exit code.
func checkJSON(t testing.TB, c kit.Client, args ...string) ([]finding, int) {
	t.Helper()
	out, errs, code := c.Both(t, kit.Binary(t), append([]string{"check", "--json"}, args...)...)
	var report struct {
		Accounts []struct{ Findings []finding }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Accounts) != 1 {
		t.Fatalf("cairn check --json ended with %d: %v\n%s%s", code, err, out, errs)
	}
	return report.Accounts[0].Findings, code
}

// failed lists the checks that failed.
// failed returns the checks that failed, but for those of alarms: the example
// makes none.
func failed(list []finding) []string {
	var ids []string
	for _, f := range list {
		if f.Status == "fail" && !strings.HasPrefix(f.ID, "alarm-") {
			ids = append(ids, f.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// TestCheck looks at the own-bucket example, in which nothing of weight is
// wrong, then plants defects one at a time and finds exactly those.
func TestCheck(t *testing.T) {
	t.Parallel()
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, "")}
	files := []string{"--var", "account_id=111122223333", kit.Repository(t, "examples", "own-bucket")}
	c.Must(t, kit.Binary(t), append([]string{"apply", "--auto-approve"}, files...)...)
	const trail, bucket = "digitalmarketplaces-account-cloudtrail", "digitalmarketplaces-account-cloudtrail-bucket"
	kit.Eventually(t, "the trail delivers", func() bool {
		list, _ := checkJSON(t, c, "--severity", "high")
		return slices.ContainsFunc(list, func(f finding) bool { return f.ID == "trail-delivery" && f.Status == "pass" })
	})
	for _, args := range [][]string{nil, files, {"--trail", trail}} {
		list, code := checkJSON(t, c, append([]string{"--severity", "high"}, args...)...)
		if ids := failed(list); len(ids) > 0 || code != 0 || len(list) < 15 {
			t.Errorf("%v: exit code %d, %d findings, failed %v", args, code, len(list), ids)
		}
	}
	usual := []string{"bucket-access-logging", "trail-cmk"}
	list, code := checkJSON(t, c, append([]string{"--severity", "medium"}, files...)...)
	if ids := failed(list); !slices.Equal(ids, usual) || code != 3 {
		t.Errorf("exit code %d, failed %v, want %v", code, ids, usual)
	}
	alarms := 0
	for _, f := range list {
		if strings.HasPrefix(f.ID, "alarm-") && f.Status == "fail" {
			alarms++
		}
	}
	if alarms != 15 {
		t.Errorf("%d alarms are found missing, want all 15", alarms)
	}

	ctx, cfg := t.Context(), e.Config(t, "")
	trails, buckets, roles := cloudtrail.NewFromConfig(cfg), s3.NewFromConfig(cfg, pathStyle), iam.NewFromConfig(cfg)
	for _, defect := range []struct {
		plant func() error
		want  []string
	}{
		{func() error {
			_, err := trails.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: aws.String(trail)})
			return err
		}, []string{"trail-drift", "trail-logging"}},
		{func() error {
			_, err := buckets.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: aws.String(bucket)})
			return err
		}, []string{"bucket-public-access-block", "trail-drift"}},
		{func() error {
			_, err := buckets.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket: aws.String(bucket), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
			})
			return err
		}, []string{"bucket-versioning", "trail-drift"}},
		{func() error {
			_, err := roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: aws.String(trail + "-cloudwatch-logs"), PolicyName: aws.String("wide"),
				PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
			})
			return err
		}, []string{"role-permissions-narrow"}},
	} {
		if err := defect.plant(); err != nil {
			t.Fatal(err)
		}
		list, code := checkJSON(t, c, append([]string{"--severity", "medium"}, files...)...)
		want := slices.Sorted(slices.Values(append(slices.Clone(usual), defect.want...)))
		if ids := failed(list); !slices.Equal(ids, want) || code != 3 {
			t.Errorf("exit code %d, failed %v, want %v", code, ids, want)
		}
		// Apply takes away what differs from the files; the rest goes by hand.
		c.Must(t, kit.Binary(t), append([]string{"apply", "--auto-approve"}, files...)...)
	}
}

// TestCheckBadTrail looks at a trail with much wrong, whose bucket is another
// account's: what its owner alone may read is unknown, by permission.
func TestCheckBadTrail(t *testing.T) {
	t.Parallel()
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, kit.Binary(t), "account", "add", "444455556666", "--data", e.Dir)
	ctx, bucket := t.Context(), aws.String("open-to-anybodys-trails")
	owner := s3.NewFromConfig(e.Config(t, "444455556666"), pathStyle)
	if _, err := owner.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(`{"Version": "2012-10-17", "Statement": [
	  {"Sid": "Trails", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["s3:GetBucketAcl", "s3:PutObject"],
	   "Resource": ["arn:aws:s3:::open-to-anybodys-trails", "arn:aws:s3:::open-to-anybodys-trails/*"]}]}`)}); err != nil {
		t.Fatal(err)
	}
	// The bucket's owner has a trail of its own there, and we have one.
	for _, account := range []string{"", "444455556666"} {
		if _, err := cloudtrail.NewFromConfig(e.Config(t, account)).CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("careless"), S3BucketName: bucket}); err != nil {
			t.Fatal(err)
		}
	}
	list, code := checkJSON(t, c, "--severity", "high")
	if want := []string{"account-trail", "trail-logging", "trail-multi-region"}; code != 3 || !slices.Equal(failed(list), want) {
		t.Errorf("exit code %d, failed %v, want %v", code, failed(list), want)
	}
	for _, f := range list {
		if strings.HasPrefix(f.ID, "bucket-policy") && (f.Status != "unknown" || f.Permission != "s3:GetBucketPolicy") {
			t.Errorf("%s of another account's bucket is %s, permission %q", f.ID, f.Status, f.Permission)
		}
	}
	list, code = checkJSON(t, kit.Client{Env: e.Environment(t, "444455556666")}, "--severity", "high")
	if ids := failed(list); code != 3 || !slices.Contains(ids, "bucket-policy-confused-deputy") || slices.Contains(ids, "bucket-policy-sufficient") {
		t.Errorf("for the owner: exit code %d, failed %v", code, ids)
	}
}
