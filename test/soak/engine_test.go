//go:build e2e

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/test/kit"
)

const (
	clients = 32 // of each account
	bucket  = "soak-evidence"
)

// TestSoak calls as fast as the engine answers, for SOAK (a duration, 20 s by
// default), as two accounts that use every service, and as clients that break
// off, send nonsense or nothing. Then it tells whether the engine grew.
func TestSoak(t *testing.T) {
	length := 20 * time.Second
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	admin := freeAddress(t)
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333", "--admin", admin, "--digest-interval", "10s")
	kit.Client{Env: e.Environment(t, "")}.Must(t, kit.Binary(t), "account", "add", "444455556666", "--data", e.Dir)
	prepare(t, e.Config(t, "111122223333"))

	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var (
		calls   atomic.Int64
		refused atomic.Int64
		running sync.WaitGroup
	)
	start := time.Now()
	for _, account := range []string{"111122223333", "444455556666"} {
		config := e.Config(t, account)
		config.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		for i := range clients {
			running.Go(func() { load(ctx, t, config, i, &calls, &refused) })
		}
	}
	for i := range 4 {
		running.Go(func() { bother(ctx, e.Endpoint, i) })
	}
	samples := watch(ctx, t, admin, start, length, &calls)
	running.Wait()

	var text strings.Builder
	Table(&text, samples)
	for _, trend := range Trends(samples) {
		fmt.Fprintf(&text, "%-16s mean %14.0f, over the second half %+14.0f of %.0f allowed\n", trend.Name, trend.Mean, trend.Growth, trend.Allowed)
		if !trend.Flat() {
			t.Errorf("%s grew by %.0f over the second half of the run", trend.Name, trend.Growth)
		}
	}
	t.Logf("%d calls in %s, %.0f/s, %d asked to come again\n%s", calls.Load(), length, float64(calls.Load())/length.Seconds(), refused.Load(), &text)
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// prepare makes a trail of everything, data events too, and what is called for.
func prepare(t *testing.T, config aws.Config) {
	ctx, objects, trails := t.Context(), s3.NewFromConfig(config, pathStyle), cloudtrail.NewFromConfig(config)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}))
	must(objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],
		 "Resource":["arn:aws:s3:::soak-evidence","arn:aws:s3:::soak-evidence/*"]}]}`)}))
	must(trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String(bucket), IsMultiRegionTrail: aws.Bool(true), EnableLogFileValidation: aws.Bool(true)}))
	must(trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("all")}))
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

// load is one client: it calls until ctx ends.
func load(ctx context.Context, t *testing.T, config aws.Config, number int, calls, refused *atomic.Int64) {
	mine := fmt.Sprintf("soak-%d-%d", number, rand.Uint32())
	objects, groups := s3.NewFromConfig(config, pathStyle), cloudwatchlogs.NewFromConfig(config)
	who, people, machines, trails := sts.NewFromConfig(config), iam.NewFromConfig(config), ec2.NewFromConfig(config), cloudtrail.NewFromConfig(config)
	body := strings.Repeat("soak ", 800)
	steps := []func() error{
		func() error {
			_, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &mine, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: kit.Region}})
			return err
		},
		func() error {
			_, err := groups.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &mine})
			return err
		},
		func() error {
			_, err := groups.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &mine, LogStreamName: &mine})
			return err
		},
		func() error { _, err := who.GetCallerIdentity(ctx, nil); return err },
		func() error { _, err := who.GetCallerIdentity(ctx, nil); return err },
		func() error {
			_, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &mine, Key: aws.String("k"), Body: strings.NewReader(body)})
			return err
		},
		func() error {
			out, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &mine, Key: aws.String("k")})
			if err == nil {
				_, err = io.Copy(io.Discard, out.Body)
				out.Body.Close()
			}
			return err
		},
		func() error {
			_, err := groups.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &mine, LogStreamName: &mine, LogEvents: []logtypes.InputLogEvent{
				{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &body},
			}})
			return err
		},
		func() error { _, err := people.CreateUser(ctx, &iam.CreateUserInput{UserName: &mine}); return err },
		func() error { _, err := people.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &mine}); return err },
		func() error { _, err := machines.DescribeInstances(ctx, nil); return err },
		func() error {
			if rand.IntN(20) > 0 { // it reads much
				return nil
			}
			_, err := groups.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &mine, Limit: aws.Int32(10), FilterPattern: aws.String("soak")})
			return err
		},
		func() error {
			if rand.IntN(50) > 0 { // AWS allows two a second
				return nil
			}
			_, err := trails.LookupEvents(ctx, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(10)})
			return err
		},
	}
	const once = 3 // the first ones make what the others use
	for i := 0; ctx.Err() == nil; i++ {
		if i == len(steps) {
			i = once
		}
		err := steps[i]()
		if calls.Add(1); err == nil || ctx.Err() != nil {
			continue
		}
		// An SDK that tried again a call it got no answer to may find its own work.
		if text := err.Error(); strings.Contains(text, "EntityAlreadyExists") || strings.Contains(text, "NoSuchEntity") {
			continue
		}
		if text := err.Error(); strings.Contains(text, "SlowDown") || strings.Contains(text, "Throttling") || strings.Contains(text, "ServiceUnavailable") {
			refused.Add(1)
			continue
		}
		t.Errorf("step %d: %v", i, err)
		return
	}
}

// bother sends what is no call, or not all of one.
func bother(ctx context.Context, endpoint string, number int) {
	address := strings.TrimPrefix(endpoint, "http://")
	texts := []string{
		"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
		"PUT /soak-evidence/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000),
		"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\nContent-Length: 2\r\n\r\n{}",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 5000),
	}
	for i := number; ctx.Err() == nil; i++ {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			continue
		}
		_, _ = io.WriteString(conn, texts[i%len(texts)])
		time.Sleep(20 * time.Millisecond)
		conn.Close()
	}
}

// watch samples the engine until ctx ends.
func watch(ctx context.Context, t *testing.T, admin string, start time.Time, length time.Duration, calls *atomic.Int64) []Sample {
	tick := time.NewTicker(max(time.Second, length/120))
	defer tick.Stop()
	client := &http.Client{Timeout: 30 * time.Second} // a loaded engine may take its time
	var samples []Sample
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-tick.C:
		}
		s, err := sample(t.Context(), client, admin)
		if err != nil {
			t.Errorf("look at the engine: %v", err)
			continue
		}
		s.At, s.Calls = time.Since(start), calls.Load()
		samples = append(samples, s)
	}
}

func sample(ctx context.Context, client *http.Client, admin string) (Sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return Sample{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return Sample{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Sample{}, errors.New(resp.Status)
	}
	return Read(resp.Body)
}
