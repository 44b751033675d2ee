//go:build e2e

package test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/test/kit"
)

// TestLifecycle: a running engine does what lifecycle rules say, also after a
// restart, and only that.
func TestLifecycle(t *testing.T) {
	dir := t.TempDir()
	e := kit.StartEngine(t, dir)
	c, b := s3.NewFromConfig(e.Config(t, ""), pathStyle), aws.String("rules-of-life")
	makeTrailBucket(t, c, *b)
	for _, key := range []string{"old/one", "old/two", "new"} {
		if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader(key)}); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
	if _, err := c.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{
		Rules: []types.LifecycleRule{{
			ID: aws.String("past"), Status: types.ExpirationStatusEnabled,
			Filter: &types.LifecycleRuleFilter{Prefix: aws.String("old/")}, Expiration: &types.LifecycleExpiration{Date: &past},
		}},
	}}); err != nil {
		t.Fatal(err)
	}
	e.Stop(t, syscall.SIGTERM) // within the hour that rules are applied after
	e = kit.StartEngine(t, dir, "--lifecycle-interval", "1s")
	c = s3.NewFromConfig(e.Config(t, ""), pathStyle)
	var left []string
	kit.Eventually(t, "what is old expires", func() bool {
		list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b})
		if err != nil {
			t.Fatal(err)
		}
		left = nil
		for _, o := range list.Contents {
			left = append(left, *o.Key)
		}
		return len(left) == 1
	})
	if left[0] != "new" {
		t.Errorf("left is %q", left)
	}
}
