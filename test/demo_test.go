//go:build e2e

package test

import (
	"regexp"
	"testing"
	"time"

	"cairn/test/kit"
)

// TestDemo runs `cairn demo` as the README does: the whole story, in time.
func TestDemo(t *testing.T) {
	start := time.Now()
	c := kit.Client{Env: []string{"PATH=", "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}}
	out := c.Must(t, kit.Binary(t), "demo")
	for _, line := range []string{
		`(?m)^   Apply complete! Resources: 9 added, 0 changed, 0 destroyed\.$`,
		`(?m)^   root  RunInstances  i-[0-9a-f]{17}$`,
		`(?m)^   ann   RunInstances  UnauthorizedOperation$`,
		`(?m)^   s3://digitalmarketplaces-account-cloudtrail-bucket/111122223333/AWSLogs/111122223333/CloudTrail/eu-west-1/.+_[A-Za-z0-9]{16}\.json\.gz$`,
		`"eventName": "RunInstances"`,
		`(?m)^   digitalmarketplaces-account-cloudtrail-cloudtrail-log-group, stream 111122223333_CloudTrail_eu-west-1$`,
		`(?m)^   \S+Z  ann   ec2:RunInstances .+ 127\.0\.0\.1  Client\.UnauthorizedOperation$`,
		`(?m)^   ([1-9]\d*)/\d+ log files valid$`,
		`(?m)^   All valid\.$`,
		`(?m)^     refused: Incorrect S3 bucket policy is detected for bucket: gds-audit-cloudtrails`,
		`(?m)^     s3://gds-audit-cloudtrails/111122223333/AWSLogs/111122223333/CloudTrail/`,
		`(?m)^Every step was seen to happen, in .+ s\.$`,
	} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("the demo does not say %s:\n%s", line, out)
		}
	}
	t.Logf("the story took %v", time.Since(start))
}
