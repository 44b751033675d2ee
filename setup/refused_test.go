package setup_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/setup"
)

// answering sends requests on, but answers those itself that say returns a
// code for (and after a colon, if given, a message): as AWS refuses them, in the
// service's own form.
type answering struct {
	mu  sync.Mutex
	n   int
	say func(n int, r *http.Request) (status int, code string)
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.n++
	n := a.n
	a.mu.Unlock()
	status, code := a.say(n, r)
	if code == "" {
		return http.DefaultTransport.RoundTrip(r)
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	code, message, given := strings.Cut(code, ": ")
	if !given {
		message = "refused"
	}
	body := fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message></Error>", code, message) // S3
	switch {
	case strings.Contains(r.Header.Get("X-Amz-Target"), "CloudTrail"):
		body = fmt.Sprintf(`{"__type":%q,"Message":%q}`, code, message)
	case r.Header.Get("X-Amz-Target") != "":
		body = fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		body = "<ErrorResponse>" + body + "</ErrorResponse>"
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func isS3(r *http.Request) bool {
	return r.Header.Get("X-Amz-Target") == "" && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// everythingAt describes everything, over the given transport.
func everythingAt(dir string, over http.RoundTripper) setup.Source {
	return setup.Source{Dir: dir, Transport: over}
}

// TestThrottled answers every third request with a request to slow down: it is
// made again, and all is set up in the end.
func TestThrottled(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	dir, refused := folder(t, everything), 0
	over := &answering{say: func(n int, r *http.Request) (int, string) {
		if n%3 != 0 {
			return 0, ""
		}
		refused++
		if isS3(r) {
			return http.StatusServiceUnavailable, "SlowDown"
		}
		return http.StatusBadRequest, "ThrottlingException"
	}}
	a := open(t, everythingAt(dir, over))
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	plan(t, open(t, everythingAt(dir, nil)), setup.Count{})
	if refused < 10 {
		t.Errorf("only %d requests were refused", refused)
	}
}

// TestLagging has an AWS whose copies do not agree at once: CreateTrail is
// refused several times because the bucket's policy, the role and its policy
// have not arrived where it looks (spec 4.4). It is tried again until they have.
func TestLagging(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	dir := folder(t, everything)
	lags := []string{
		"InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: interrupted",
		"InvalidCloudWatchLogsRoleArnException: Access denied. Check the trust relationships for your role.",
		"InvalidCloudWatchLogsLogGroupArnException: Access denied. Check the permissions for your role.",
		"S3BucketDoesNotExistException: S3 bucket interrupted does not exist!",
	}
	asked := 0
	over := &answering{say: func(_ int, r *http.Request) (int, string) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".CreateTrail") {
			return 0, ""
		}
		if asked++; asked > len(lags) {
			return 0, ""
		}
		return http.StatusBadRequest, lags[asked-1]
	}}
	a := open(t, everythingAt(dir, over))
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	plan(t, open(t, everythingAt(dir, nil)), setup.Count{})
	if asked != len(lags)+1 {
		t.Errorf("CreateTrail was asked for %d times", asked)
	}
}

// TestSessionEnds lets the session expire while applying: the message says what
// to do, and the same again completes.
func TestSessionEnds(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	dir, ends := folder(t, everything), false
	over := &answering{say: func(_ int, r *http.Request) (int, string) {
		switch {
		case !ends, r.Method == http.MethodGet, r.Method == http.MethodHead:
			return 0, ""
		case r.Header.Get("X-Amz-Target") != "":
			return http.StatusBadRequest, "ExpiredTokenException"
		}
		return http.StatusForbidden, "ExpiredToken"
	}}
	a := open(t, everythingAt(dir, over))
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends = true
	done, err := a.Apply(t.Context(), p, nil)
	if err == nil || !strings.Contains(err.Error(), "the session has ended: sign in again (aws sso login), or fetch new credentials, then run the same command again") {
		t.Errorf("did %+v and said %v", done, err)
	}
	a = open(t, everythingAt(dir, nil))
	if p, err = a.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	plan(t, open(t, everythingAt(dir, nil)), setup.Count{})
}

// TestWrongCredentials has a key nobody has, and a secret that is not the key's.
func TestWrongCredentials(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	right, err := c.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ key, secret, says string }{
		{"AKIAIOSFODNN7EXAMPLE", "x", "the access key is not one of this endpoint's"},
		{right.AccessKeyID, "x", "the secret does not belong to the access key"},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", tt.key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", tt.secret)
		files, err := setup.Read(everythingAt(folder(t, everything), nil))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := files.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("with key %s: %v", tt.key, err)
		}
	}
}

// TestFiveTrails finds no room for a trail, and says how to make some.
func TestFiveTrails(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	dir := folder(t, everything)
	a := open(t, everythingAt(dir, nil))
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	trails := cloudtrail.NewFromConfig(c)
	for i := range 4 {
		if _, err := trails.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{
			Name: aws.String(fmt.Sprintf("more-%d", i)), S3BucketName: aws.String("interrupted"), S3KeyPrefix: aws.String("v1"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	sixth := folder(t, `
provider "aws" { region = "eu-west-1" }
module "trail" {
  source         = "./cloudtrail"
  trail_name     = "one-too-many"
  s3_bucket_name = "interrupted"
  s3_bucket_key_prefix = "v1"
}`)
	a = open(t, setup.Source{Dir: sixth})
	if p, err = a.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = a.Apply(t.Context(), p, nil)
	if err == nil || !strings.Contains(err.Error(), "already has 5 trails") || !strings.Contains(err.Error(), "a region has room for five trails") {
		t.Errorf("the sixth trail: %v", err)
	}
}

// TestDeletedHalfWay removes the log group by hand between plan and apply: what
// was to be changed is not there; the message names it, and the same again
// makes it anew.
func TestDeletedHalfWay(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	dir := folder(t, everything)
	a := open(t, everythingAt(dir, nil))
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	changed := setup.Source{Dir: dir, Variables: []setup.Variable{{Assign: "v=2"}}}
	a = open(t, changed)
	if p, err = a.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloudwatchlogs.NewFromConfig(c).DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{
		LogGroupName: aws.String("interrupted-cloudtrail-log-group"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Apply(t.Context(), p, nil); err == nil || !strings.Contains(err.Error(), "module.cloudwatch.aws_cloudwatch_log_group.this") {
		t.Errorf("the log group is gone, and apply said %v", err)
	}
	a = open(t, changed)
	if p, err = a.Plan(t.Context()); err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	plan(t, open(t, changed), setup.Count{})
}

// TestPolicyIsNotJSON meets a bucket whose policy is not JSON: it is shown as
// what is to be replaced.
func TestPolicyIsNotJSON(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	dir := folder(t, everything)
	a := open(t, everythingAt(dir, nil))
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	garbled := roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && r.Method == http.MethodGet && r.URL.Query().Has("policy") {
			resp.Body.Close()
			resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader("not { JSON")), 10
			resp.Header.Set("Content-Length", "10")
		}
		return resp, err
	})
	p = plan(t, open(t, everythingAt(dir, garbled)), setup.Count{Change: 1})
	var text strings.Builder
	if err := p.WriteText(&text, false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "aws_s3_bucket_policy.this will be updated") {
		t.Errorf("the plan says\n%s", text.String())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestBucketElsewhere finds the bucket in another region than the files': it is
// neither changed nor made a second time.
func TestBucketElsewhere(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-west-2"))
	if err != nil {
		t.Fatal(err)
	}
	objects := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket:                    aws.String("interrupted"),
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraintUsWest2},
	}); err != nil {
		t.Fatal(err)
	}
	a := open(t, everythingAt(folder(t, everything), nil))
	_, err = a.Plan(t.Context())
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), "us-west-2") {
		t.Errorf("the plan said %v", err)
	}
	t.Log(err)
}
