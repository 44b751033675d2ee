package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/service/s3/lifecycle"
	"cairn/internal/service/s3/objects"
)

// sweep applies the lifecycle rules as if days had gone by.
func (g *gate) sweep(t *testing.T, days int) lifecycle.Stats {
	t.Helper()
	g.ahead.Store(int64(days) * int64(24*time.Hour))
	stats, err := g.service.Expire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func putRules(t *testing.T, c *sdk.Client, bucket string, rules ...types.LifecycleRule) {
	t.Helper()
	for i := range rules {
		rules[i].Status = types.ExpirationStatusEnabled
		if rules[i].Filter == nil {
			rules[i].Filter = &types.LifecycleRuleFilter{}
		}
	}
	ok[*sdk.PutBucketLifecycleConfigurationOutput](t)(c.PutBucketLifecycleConfiguration(t.Context(), &sdk.PutBucketLifecycleConfigurationInput{
		Bucket: &bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules},
	}))
}

func after(days int32) *types.LifecycleExpiration {
	return &types.LifecycleExpiration{Days: aws.Int32(days)}
}

// left lists what a bucket holds: KEY for a version, -KEY for a delete marker,
// the current ones with a star.
func left(t *testing.T, c *sdk.Client, bucket string) string {
	t.Helper()
	list := ok[*sdk.ListObjectVersionsOutput](t)(c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: &bucket}))
	var all []string
	star := func(latest *bool) string {
		if aws.ToBool(latest) {
			return "*"
		}
		return ""
	}
	for _, v := range list.Versions {
		all = append(all, *v.Key+star(v.IsLatest))
	}
	for _, m := range list.DeleteMarkers {
		all = append(all, "-"+*m.Key+star(m.IsLatest))
	}
	return strings.Join(all, " ")
}

func enableVersioning(t *testing.T, c *sdk.Client, bucket string, status types.BucketVersioningStatus) {
	t.Helper()
	ok[*sdk.PutBucketVersioningOutput](t)(c.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	}))
}

func TestExpiryWithoutVersions(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "short-lived")
	for _, key := range []string{"logs/ä +%.gz", "logs/deep/er", "logs", "keep/me"} {
		putText(t, c, "short-lived", key+"-", "some text")
	}
	ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String("short-lived"), Key: aws.String("tagged"), Body: strings.NewReader("x"), Tagging: aws.String("life=short")}))
	putRules(t, c, "short-lived",
		types.LifecycleRule{ID: aws.String("logs"), Filter: &types.LifecycleRuleFilter{Prefix: aws.String("logs/")}, Expiration: after(2)},
		types.LifecycleRule{Filter: &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("life"), Value: aws.String("short")}}, Expiration: after(5)})
	head := ok[*sdk.HeadObjectOutput](t)(c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: aws.String("short-lived"), Key: aws.String("logs/deep/er-")}))
	if want := `rule-id="logs"`; !strings.HasSuffix(aws.ToString(head.Expiration), want) {
		t.Errorf("x-amz-expiration is %q, want it to end with %s", aws.ToString(head.Expiration), want)
	}
	if s := g.sweep(t, 1); s != (lifecycle.Stats{}) {
		t.Errorf("after one day: %+v", s)
	}
	if s := g.sweep(t, 3); s != (lifecycle.Stats{Expired: 2}) {
		t.Errorf("after three days: %+v", s)
	}
	if got := left(t, c, "short-lived"); got != "keep/me-* logs-* tagged*" {
		t.Errorf("left: %s", got)
	}
	if s := g.sweep(t, 6); s != (lifecycle.Stats{Expired: 1}) {
		t.Errorf("after six days: %+v", s)
	}
	if s := g.sweep(t, 6); s != (lifecycle.Stats{}) {
		t.Errorf("a second time: %+v", s)
	}
	if r := g.last(t, "HeadObject"); r == nil {
		t.Error("nothing recorded")
	}
	for _, r := range g.records {
		if name := r["eventName"]; name == "DeleteObject" || name == "DeleteObjects" {
			t.Errorf("expiry was recorded: %v", r)
		}
	}
}

func TestExpiryOfVersions(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "aging")
	putText(t, c, "aging", "k", "before versioning")
	enableVersioning(t, c, "aging", "Enabled")
	for _, text := range []string{"one", "two", "three"} {
		putText(t, c, "aging", "k", text)
	}
	putText(t, c, "aging", "gone", "x")
	ok[*sdk.DeleteObjectOutput](t)(c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String("aging"), Key: aws.String("gone")}))
	putRules(t, c, "aging", types.LifecycleRule{
		Expiration:                  after(10),
		NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(2), NewerNoncurrentVersions: aws.Int32(1)},
	})
	if s := g.sweep(t, 3); s != (lifecycle.Stats{Removed: 2}) {
		t.Errorf("after three days: %+v", s)
	}
	if got := left(t, c, "aging"); got != "gone k* k -gone*" {
		t.Errorf("left: %s", got)
	}
	if text := getText(t, c, "aging", "k"); text != "three" {
		t.Errorf("the current version is %q", text)
	}
	putRules(t, c, "aging", types.LifecycleRule{NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(2)}, Expiration: after(10)})
	if s := g.sweep(t, 11); s != (lifecycle.Stats{Expired: 1, Removed: 2}) {
		t.Errorf("after eleven days: %+v", s)
	}
	// The marker that expiry set today hides a version; the other hides none.
	if got := left(t, c, "aging"); got != "k -gone* -k*" {
		t.Errorf("left: %s", got)
	}
	putRules(t, c, "aging", types.LifecycleRule{
		NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(2)},
		Expiration:                  &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)},
	})
	g.sweep(t, 20)
	g.sweep(t, 20)
	if got := left(t, c, "aging"); got != "" {
		t.Errorf("left in the end: %s", got)
	}
	ok[*sdk.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String("aging")}))
}

// nextSecond waits for the machine's clock, which files get their times from,
// to show another second: listings show no less.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

// TestTimesOfVersions: what a version's age is counted by must not change when
// a newer one comes or goes.
func TestTimesOfVersions(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "dated")
	b, k := aws.String("dated"), aws.String("k")
	enableVersioning(t, c, "dated", "Enabled")
	first := ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("one")}))
	nextSecond()
	second := ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("two")}))
	nextSecond()
	gone := ok[*sdk.DeleteObjectOutput](t)(c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k}))
	list := ok[*sdk.ListObjectVersionsOutput](t)(c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: b}))
	listed := map[string]time.Time{}
	for _, v := range list.Versions {
		listed[*v.VersionId] = *v.LastModified
	}
	for _, m := range list.DeleteMarkers {
		listed[*m.VersionId] = *m.LastModified
	}
	for what, id := range map[string]*string{"a replaced version": first.VersionId, "a hidden version": second.VersionId, "a delete marker": gone.VersionId} {
		if want, _ := objects.Born(*id); listed[*id].Unix() != want.Unix() {
			t.Errorf("%s was made at %v, its id says at %v", what, listed[*id], want)
		}
	}
	for _, v := range []*string{gone.VersionId, second.VersionId} {
		ok[*sdk.DeleteObjectOutput](t)(c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: v}))
	}
	now := ok[*sdk.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b}))
	if want, _ := objects.Born(*first.VersionId); now.Contents[0].LastModified.Unix() != want.Unix() {
		t.Errorf("a version that is current again was made at %v, its id says at %v", now.Contents[0].LastModified, want)
	}
	head := ok[*sdk.HeadObjectOutput](t)(c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: k}))
	if want, _ := objects.Born(*first.VersionId); head.LastModified.Unix() != want.Unix() {
		t.Errorf("HEAD says it was made at %v, want %v", head.LastModified, want)
	}
}

func TestUploadsAreEnded(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "unfinished")
	for _, key := range []string{"in/one", "in/two", "out"} {
		ok[*sdk.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: aws.String("unfinished"), Key: &key}))
	}
	putRules(t, c, "unfinished", types.LifecycleRule{
		Filter:                         &types.LifecycleRuleFilter{Prefix: aws.String("in/")},
		AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)},
	})
	if s := g.sweep(t, 6); s != (lifecycle.Stats{}) {
		t.Errorf("after six days: %+v", s)
	}
	if s := g.sweep(t, 8); s != (lifecycle.Stats{Aborted: 2}) {
		t.Errorf("after eight days: %+v", s)
	}
	list := ok[*sdk.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: aws.String("unfinished")}))
	if len(list.Uploads) != 1 || *list.Uploads[0].Key != "out" {
		t.Errorf("uploads left: %+v", list.Uploads)
	}
}

// TestLifecycleRefusals: what S3 does not take is not stored.
func TestLifecycleRefusals(t *testing.T) {
	g := newGate(t)
	c := g.root()
	makeBucket(t, c, "strict")
	tag := &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("k"), Value: aws.String("v")}}
	for name, rule := range map[string]types.LifecycleRule{
		"no action":         {Filter: &types.LifecycleRuleFilter{}},
		"a time of day":     {Filter: &types.LifecycleRuleFilter{}, Expiration: &types.LifecycleExpiration{Date: aws.Time(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))}},
		"two of one":        {Filter: &types.LifecycleRuleFilter{}, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1), ExpiredObjectDeleteMarker: aws.Bool(true)}},
		"uploads with tags": {Filter: tag, AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(1)}},
		"markers with tags": {Filter: tag, Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}},
		"keeps, no days":    {Filter: &types.LifecycleRuleFilter{}, NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NewerNoncurrentVersions: aws.Int32(3)}},
		"keeps too many":    {Filter: &types.LifecycleRuleFilter{}, NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(3), NewerNoncurrentVersions: aws.Int32(101)}},
		"moves after death": {Filter: &types.LifecycleRuleFilter{}, Expiration: after(5), Transitions: []types.Transition{{Days: aws.Int32(5), StorageClass: "GLACIER_IR"}}},
	} {
		rule.Status = types.ExpirationStatusEnabled
		_, err := c.PutBucketLifecycleConfiguration(t.Context(), &sdk.PutBucketLifecycleConfigurationInput{
			Bucket: aws.String("strict"), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule}},
		})
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		wantCode(t, err, "MalformedXML")
	}
}

// TestExpiryKeepsAway: a key that is being written to is left for the next run.
func TestExpiryKeepsAway(t *testing.T) {
	g := newGate(t)
	c := g.root()
	makeBucket(t, c, "contended")
	putText(t, c, "contended", "k", "old")
	putRules(t, c, "contended", types.LifecycleRule{Expiration: after(1)})
	ran, err := g.service.Alone("contended", "k", func() error {
		if s := g.sweep(t, 3); s != (lifecycle.Stats{Busy: 1}) {
			t.Errorf("while the key is taken: %+v", s)
		}
		return nil
	})
	if !ran || err != nil {
		t.Fatalf("ran %v, %v", ran, err)
	}
	if s := g.sweep(t, 3); s != (lifecycle.Stats{Expired: 1}) {
		t.Errorf("afterwards: %+v", s)
	}
	if ran, err := g.service.Alone("absent", "k", func() error { return nil }); ran || err != nil {
		t.Errorf("in a bucket that is not there: %v, %v", ran, err)
	}
}
