//go:build e2e

package test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/digest"
	"cairn/test/kit"
)

// chained is an engine with a trail whose log files are digested every two
// seconds.
type chained struct {
	testing.TB
	*kit.Engine
	client  kit.Client
	aws     string
	s3      *s3.Client
	trails  *cloudtrail.Client
	arn     string
	started time.Time
}

const digestAccount = "111122223333"

func startChained(t testing.TB, dir string) *chained {
	c := &chained{TB: t, aws: kit.Tool(t, "aws")}
	c.restart(dir)
	c.makeBucket("audited")
	out, err := c.trails.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{
		Name: aws.String("audit"), S3BucketName: aws.String("audited"), S3KeyPrefix: aws.String("logs"), IsMultiRegionTrail: aws.Bool(true),
		IncludeGlobalServiceEvents: aws.Bool(true), EnableLogFileValidation: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.arn, c.started = *out.TrailARN, time.Now().UTC().Truncate(time.Second)
	if _, err := c.trails.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: &c.arn}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *chained) restart(dir string) {
	c.Helper()
	c.Engine = kit.StartEngine(c.TB, dir, "--account", digestAccount, "--digest-interval", "2s")
	c.client = kit.Client{Env: c.Environment(c.TB, "")}
	c.s3 = s3.NewFromConfig(c.Config(c.TB, ""), pathStyle)
	c.trails = cloudtrail.NewFromConfig(c.Config(c.TB, ""))
}

// makeBucket makes a bucket that CloudTrail may write to (spec 5.1).
func (c *chained) makeBucket(name string) {
	c.Helper()
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::%[1]s"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::%[1]s/logs/AWSLogs/%[2]s/*",
		 "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}]}`, name, digestAccount)
	_, err := c.s3.CreateBucket(c.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	})
	if err == nil {
		_, err = c.s3.PutBucketPolicy(c.Context(), &s3.PutBucketPolicyInput{Bucket: &name, Policy: &policy})
	}
	if err != nil {
		c.Fatal(err)
	}
}

// act makes a call in each of some regions.
func (c *chained) act(regions ...string) {
	c.Helper()
	for _, region := range regions {
		config := c.Config(c.TB, "")
		config.Region = region
		if _, err := sts.NewFromConfig(config).GetCallerIdentity(c.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			c.Fatal(err)
		}
	}
}

// keys returns the keys in a bucket that hold a text, in order.
func (c *chained) keys(bucket, with string) []string {
	c.Helper()
	return kit.Keys(c.Context(), c.TB, c.s3, bucket, with)
}

func digestsOf(region string) string { return "/CloudTrail-Digest/" + region + "/" }

// finish stops logging, and waits for the final digest: nothing changes in the
// bucket after that.
func (c *chained) finish(bucket string) {
	c.Helper()
	if _, err := c.trails.StopLogging(c.Context(), &cloudtrail.StopLoggingInput{Name: &c.arn}); err != nil {
		c.Fatal(err)
	}
	last, since := 0, time.Now()
	kit.Eventually(c.TB, "no more digests after logging was stopped", func() bool {
		if n := len(c.keys(bucket, digestsOf(kit.Region))); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 5*time.Second
	})
}

var ratio = regexp.MustCompile(`(\d+)/(\d+) (digest|log) files valid`)

// validate runs `aws cloudtrail validate-logs` and returns how many digests and
// log files it looked at, what it complained of, and its exit code.
func (c *chained) validate(region string, more ...string) (digests, logs int, complaints string, code int) {
	c.Helper()
	args := append([]string{
		"--region", region, "cloudtrail", "validate-logs", "--trail-arn", c.arn,
		"--start-time", c.started.Format(time.RFC3339),
	}, more...)
	out, complaints, code := c.client.Both(c.TB, c.aws, args...)
	for _, m := range ratio.FindAllStringSubmatch(out, -1) {
		total, err := strconv.Atoi(m[2])
		if err != nil {
			c.Fatal(err)
		}
		if m[3] == "digest" {
			digests = total
		} else {
			logs = total
		}
	}
	return digests, logs, complaints, code
}

// allValid validates a region in which everything must be valid, and complete.
func (c *chained) allValid(region string, more ...string) {
	c.Helper()
	digests, logs, complaints, code := c.validate(region, more...)
	if code != 0 || complaints != "" {
		c.Errorf("%s: exit code %d\n%s", region, code, complaints)
	}
	if digests < 2 || logs < 1 {
		c.Errorf("%s: %d digests and %d log files validated: too few to show anything", region, digests, logs)
	}
	c.Logf("%s: %d digests, %d log files valid", region, digests, logs)
}

// object is an object with what has to be put back.
type object struct {
	key  string
	body []byte
	meta map[string]string
}

func (c *chained) get(key string) object {
	c.Helper()
	out, err := c.s3.GetObject(c.Context(), &s3.GetObjectInput{Bucket: aws.String("audited"), Key: &key})
	if err != nil {
		c.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		c.Fatal(err)
	}
	return object{key, body, out.Metadata}
}

func (c *chained) put(o object) {
	c.Helper()
	_, err := c.s3.PutObject(c.Context(), &s3.PutObjectInput{
		Bucket: aws.String("audited"), Key: &o.key, Body: bytes.NewReader(o.body), Metadata: o.meta,
	})
	if err != nil {
		c.Fatal(err)
	}
}

func (c *chained) remove(key string) {
	c.Helper()
	if _, err := c.s3.DeleteObject(c.Context(), &s3.DeleteObjectInput{Bucket: aws.String("audited"), Key: &key}); err != nil {
		c.Fatal(err)
	}
}

// edit returns an object with its text changed.
func edit(t testing.TB, o object, from, to string) object {
	t.Helper()
	text := unzip(t, o.body)
	changed := strings.Replace(text, from, to, 1)
	if changed == text {
		t.Fatalf("%s does not hold %s", o.key, from)
	}
	o.body = zipped(t, changed)
	return o
}

func unzip(t testing.TB, body []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestValidateLogs lets the genuine aws CLI validate what the engine delivered:
// untouched, and tampered with in every way it can find.
func TestValidateLogs(t *testing.T) {
	t.Parallel()
	c := startChained(t, t.TempDir())
	for range 4 {
		c.act(kit.Region, "us-east-1")
		time.Sleep(2 * time.Second)
	}
	c.finish("audited")
	c.allValid(kit.Region)
	c.allValid("us-east-1")

	digests := c.keys("audited", digestsOf(kit.Region))
	logs := c.keys("audited", "/CloudTrail/"+kit.Region+"/")
	middle, last, log := c.get(digests[len(digests)/2]), c.get(digests[len(digests)-1]), c.get(logs[len(logs)/2])

	var head struct{ Metadata map[string]string }
	c.client.JSON(t, &head, c.aws, "s3api", "head-object", "--bucket", "audited", "--key", middle.key)
	if len(head.Metadata["signature"]) != 512 || head.Metadata["signature-algorithm"] != "SHA256withRSA" {
		t.Errorf("the aws CLI sees the metadata %v", head.Metadata)
	}
	renamed := log
	renamed.key = strings.Replace(log.key, ".json.gz", "x.json.gz", 1)
	later := last
	name, err := digest.ParseKey(last.key)
	if err != nil {
		t.Fatal(err)
	}
	name.End = name.End.Add(time.Minute)
	later.key = name.Key()
	for _, tamper := range []struct {
		name string
		do   func()
		say  string
		undo func()
	}{
		{"changed log file", func() { c.put(edit(t, log, `"eventName":"`, `"eventName":"Not`)) }, log.key + "\tINVALID: hash value doesn't match", nil},
		{"appended-to log file", func() { c.put(edit(t, log, `]}`, `,{"evil":1}]}`)) }, log.key + "\tINVALID: ", nil},
		{"broken log file", func() { o := log; o.body = o.body[:len(o.body)/2]; c.put(o) }, log.key + "\tINVALID: ", nil},
		{"removed log file", func() { c.remove(log.key) }, log.key + "\tINVALID: not found", nil},
		{"renamed log file", func() { c.put(renamed); c.remove(log.key) }, log.key + "\tINVALID: not found", func() { c.remove(renamed.key) }},
		{"changed digest", func() { c.put(edit(t, middle, `"awsAccountId":"1`, `"awsAccountId":"2`)) }, middle.key + "\tINVALID: signature verification failed", nil},
		{"unsigned digest", func() { o := middle; o.meta = nil; c.put(o) }, middle.key + "\tINVALID: signature verification failed", nil},
		{"removed digest", func() { c.remove(middle.key) }, middle.key + "\tINVALID: not found", nil},
		{"moved digest", func() { c.put(later); c.remove(last.key) }, later.key + "\tINVALID: has been moved from its original location", func() { c.remove(later.key) }},
	} {
		t.Run(tamper.name, func(t *testing.T) {
			tamper.do()
			if _, _, complaints, code := c.validate(kit.Region); code != 1 || !strings.Contains(complaints, tamper.say) {
				t.Errorf("exit code %d, want 1\n%s\nwant ...%s", code, complaints, tamper.say)
			}
		})
		if tamper.undo != nil {
			tamper.undo()
		}
		for _, o := range []object{log, middle, last} {
			c.put(o)
		}
	}
	c.allValid(kit.Region) // put back, everything is valid again
}

// TestDigestsSurvive kills the engine while it writes digests, moves the trail to
// another bucket and deletes it: the chain stays whole, and no log file is
// forgotten.
func TestDigestsSurvive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startChained(t, dir)
	for i := range 5 {
		c.act(kit.Region, "us-east-1")
		time.Sleep(time.Duration(1500+i*300) * time.Millisecond)
		c.Stop(t, syscall.SIGKILL)
		c.restart(dir)
	}
	c.makeBucket("elsewhere")
	if _, err := c.trails.UpdateTrail(t.Context(), &cloudtrail.UpdateTrailInput{Name: &c.arn, S3BucketName: aws.String("elsewhere")}); err != nil {
		t.Fatal(err)
	}
	c.act(kit.Region, "us-east-1")
	kit.Eventually(t, "a digest in the new bucket", func() bool { return len(c.keys("elsewhere", digestsOf(kit.Region))) > 0 })
	c.act(kit.Region)
	before := len(c.keys("elsewhere", digestsOf(kit.Region)))
	if _, err := c.trails.DeleteTrail(t.Context(), &cloudtrail.DeleteTrailInput{Name: &c.arn}); err != nil {
		t.Fatal(err)
	}
	after := c.keys("elsewhere", "")
	if n := len(c.keys("elsewhere", digestsOf(kit.Region))); n <= before {
		t.Errorf("%d digests before the trail was deleted, %d right after: there is no final one", before, n)
	}
	for _, region := range []string{kit.Region, "us-east-1"} {
		c.allValid(region, "--s3-bucket", "elsewhere", "--s3-prefix", "logs")
	}
	digests, logs, _, _ := c.validate(kit.Region, "--s3-bucket", "elsewhere", "--s3-prefix", "logs")
	wantDigests := len(c.keys("audited", digestsOf(kit.Region))) + len(c.keys("elsewhere", digestsOf(kit.Region)))
	wantLogs := len(c.keys("audited", "/CloudTrail/"+kit.Region+"/")) + len(c.keys("elsewhere", "/CloudTrail/"+kit.Region+"/"))
	if digests != wantDigests || logs != wantLogs {
		t.Errorf("%d digests and %d log files are on the chain; there are %d and %d in the buckets", digests, logs, wantDigests, wantLogs)
	}
	time.Sleep(4 * time.Second)
	if now := c.keys("elsewhere", ""); !slices.Equal(now, after) {
		t.Errorf("written after the trail was deleted: %d objects, then %d", len(after), len(now))
	}
}
