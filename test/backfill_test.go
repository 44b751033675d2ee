//go:build e2e

package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

// judged is what `cairn validate --json` says.
type judged struct {
	Findings []struct{ Severity, Kind, Key, Text string }
	Report   struct {
		Digests, BackfillDigests, LogFiles struct{ Valid, Invalid, Unverified int }
	}
}

// cairnValidate runs `cairn validate --json`.
func cairnValidate(t testing.TB, c kit.Client, args ...string) (j judged, code int) {
	t.Helper()
	out, stderr, code := c.Both(t, kit.Binary(t), append([]string{"validate", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &j); err != nil {
		t.Fatalf("%v: exit code %d: %s %s", err, code, out, stderr)
	}
	return j, code
}

// allow lets CloudTrail write some of its folders in the bucket, and no others.
func (c *chained) allow(folders ...string) {
	c.Helper()
	var resources []string
	for _, f := range folders {
		resources = append(resources, fmt.Sprintf(`"arn:aws:s3:::audited/logs/AWSLogs/%s/%s/*"`, digestAccount, f))
	}
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::audited"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":[` + strings.Join(resources, ",") + `]}]}`
	if _, err := c.s3.PutBucketPolicy(c.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("audited"), Policy: &policy}); err != nil {
		c.Fatal(err)
	}
}

// TestBackfill has a bucket refuse log files for several intervals of digests, then
// digests, then all, and answer again. The genuine aws CLI and cairn validate find
// every file on a chain: what was late in a backfill digest.
func TestBackfill(t *testing.T) {
	t.Parallel()
	c := startChained(t, t.TempDir())
	regions := []string{kit.Region, "us-east-1"}
	status := func(refused func(*cloudtrail.GetTrailStatusOutput) bool) {
		t.Helper()
		kit.Eventually(t, "the outage in the trail's status", func() bool {
			out, err := c.trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: &c.arn})
			if err != nil {
				t.Fatal(err)
			}
			return refused(out)
		})
	}
	c.act(regions...)
	for _, region := range regions {
		kit.Eventually(t, "a digest of "+region, func() bool { return len(c.keys("audited", digestsOf(region))) > 0 })
	}
	c.allow("CloudTrail-Digest")
	c.act(regions...)
	status(func(s *cloudtrail.GetTrailStatusOutput) bool {
		return aws.ToString(s.LatestDeliveryError) == "AccessDenied"
	})
	time.Sleep(7 * time.Second) // three digests
	c.allow("CloudTrail")
	status(func(s *cloudtrail.GetTrailStatusOutput) bool {
		return aws.ToString(s.LatestDigestDeliveryError) == "AccessDenied" && s.LatestDeliveryError == nil
	})
	time.Sleep(5 * time.Second)
	c.act(regions...)
	c.allow("nothing")
	c.act(regions...)
	status(func(s *cloudtrail.GetTrailStatusOutput) bool {
		return aws.ToString(s.LatestDeliveryError) == "AccessDenied"
	})
	c.allow("*")
	c.act(regions...)
	status(func(s *cloudtrail.GetTrailStatusOutput) bool {
		return s.LatestDeliveryError == nil && s.LatestDigestDeliveryError == nil
	})
	c.finish("audited")

	for _, region := range regions {
		c.allValid(region)
		digests := c.keys("audited", digestsOf(region))
		backfills := 0
		for _, key := range digests {
			if strings.HasSuffix(key, "_backfill.json.gz") {
				backfills++
			}
		}
		logs := len(c.keys("audited", "/CloudTrail/"+region+"/"))
		j, code := cairnValidate(t, c.client, "--trail", c.arn, "--region", region)
		if r := j.Report; code != 0 || backfills == 0 && region == kit.Region || r.BackfillDigests.Valid != backfills || r.Digests.Valid != len(digests)-backfills || r.LogFiles.Valid != logs {
			t.Errorf("%s: exit code %d: %+v; there are %d digests, %d of them backfill digests, and %d log files", region, code, j, len(digests), backfills, logs)
		}
		out, _ := c.client.Run(t, c.aws, "--region", region, "cloudtrail", "validate-logs", "--trail-arn", c.arn, "--start-time", c.started.Format(time.RFC3339))
		want := fmt.Sprintf("%d/%d log files valid", logs, logs)
		if backfills > 0 {
			want = fmt.Sprintf("%d/%d backfill digest files valid\n", backfills, backfills) + want
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s: the aws CLI does not say %q: %s", region, want, out)
		}
	}
	// A log file that only a backfill digest lists is held to it.
	for _, key := range c.keys("audited", digestsOf(kit.Region)) {
		if !strings.HasSuffix(key, "_backfill.json.gz") {
			continue
		}
		listed := unzip(t, c.get(key).body)
		_, log, _ := strings.Cut(listed, `"s3Object":"`)
		log, _, _ = strings.Cut(log, `"`)
		c.remove(log)
		if _, _, complaints, code := c.validate(kit.Region); code != 1 || !strings.Contains(complaints, log+"\tINVALID: not found") {
			t.Errorf("without %s: exit code %d\n%s", log, code, complaints)
		}
		return
	}
	t.Error("no backfill digest to tamper with")
}
