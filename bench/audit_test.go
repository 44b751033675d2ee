//go:build bench

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/call"
	"cairn/internal/engine"
	"cairn/internal/journal"
	"cairn/internal/natsd"
	"cairn/internal/recorder"
	"cairn/internal/state"

	ec2service "cairn/internal/service/ec2"

	"cairn/event"
	"cairn/internal/identity"
)

// auditFor is how long each load of BenchmarkAudit lasts. Loads take turns, so that
// a machine that gets slower does so for all.
const (
	auditFor    = 1500 * time.Millisecond
	auditRounds = 3
)

// client calls an engine in this process.
type client struct{ s3 *s3.Client }

func newClient(b *testing.B, e *engine.Engine, dir string) *client {
	b.Helper()
	text, err := os.ReadFile(engine.CredentialsFile(dir))
	if err != nil {
		b.Fatal(err)
	}
	var id, secret string
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			id = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(value)
		}
	}
	c, err := config.LoadDefaultConfig(b.Context(), config.WithRegion("eu-west-1"), config.WithBaseEndpoint(e.URL()),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = connections })),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(id, secret, "")))
	if err != nil {
		b.Fatal(err)
	}
	return &client{s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })}
}

// sample is the latencies of one kind of call over some connections.
type sample struct {
	all  []time.Duration
	took time.Duration
}

func (s *sample) run(b *testing.B, connections int, do func(ctx context.Context, n int) error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), auditFor)
	defer cancel()
	lists := make([][]time.Duration, connections)
	var group sync.WaitGroup
	start := time.Now()
	for i := range connections {
		group.Go(func() {
			for n := i; ctx.Err() == nil; n += connections {
				at := time.Now()
				if err := do(context.WithoutCancel(ctx), n); err != nil {
					b.Error(err)
					return
				}
				lists[i] = append(lists[i], time.Since(at))
			}
		})
	}
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
	s.took += time.Since(start)
	s.all = append(s.all, slices.Concat(lists...)...)
}

func (s *sample) p50() time.Duration {
	slices.Sort(s.all)
	return s.all[len(s.all)/2].Round(time.Microsecond)
}

func (s *sample) rate() float64 { return float64(len(s.all)) / s.took.Seconds() }

// loadBucket is a bucket for each connection.
func loadBucket(n int) *string { return aws.String(fmt.Sprint("load-", n%connections)) }

// BenchmarkAudit measures what it costs that the intent of a change is durable
// before the change: the same calls on an engine that does it and one that does not,
// over one connection (latency) and 16 (throughput).
func BenchmarkAudit(b *testing.B) {
	clients := map[engine.Audit]*client{}
	modes := []engine.Audit{engine.AuditOutcome, engine.AuditIntent}
	for _, mode := range modes {
		dir := filepath.Join(b.TempDir(), "data")
		e, err := engine.Open(b.Context(), engine.Options{Dir: dir, Listen: "127.0.0.1:0", Audit: mode, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = e.Close() })
		clients[mode] = newClient(b, e, dir)
		for n := range connections {
			if _, err := clients[mode].s3.CreateBucket(b.Context(), &s3.CreateBucketInput{
				Bucket: loadBucket(n), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	body := strings.Repeat("x", 4<<10)
	calls := []struct {
		name string
		do   func(ctx context.Context, c *client, n int) error
	}{
		{"PutBucketTagging", func(ctx context.Context, c *client, n int) error { // as RunInstances: one row of state
			_, err := c.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: loadBucket(n), Tagging: &types.Tagging{
				TagSet: []types.Tag{{Key: aws.String("n"), Value: aws.String(fmt.Sprint(n))}},
			}})
			return err
		}},
		{"PutObject", func(ctx context.Context, c *client, n int) error {
			_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: loadBucket(n), Key: aws.String(fmt.Sprint("k", n%500)), Body: strings.NewReader(body)})
			return err
		}},
		{"GetBucketLocation (read)", func(ctx context.Context, c *client, n int) error {
			_, err := c.s3.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: loadBucket(n)})
			return err
		}},
	}
	for b.Loop() {
		for _, what := range calls {
			for _, at := range []int{1, connections} {
				got := map[engine.Audit]*sample{engine.AuditOutcome: {}, engine.AuditIntent: {}}
				for range auditRounds {
					for _, mode := range modes {
						got[mode].run(b, at, func(ctx context.Context, n int) error { return what.do(ctx, clients[mode], n) })
					}
				}
				o, i := got[engine.AuditOutcome], got[engine.AuditIntent]
				b.Logf("%-24s %2d connections: outcome p50 %v, %.0f/s; intent p50 %v, %.0f/s: %.2f times the time, %.2f of the rate", what.name, at,
					o.p50(), o.rate(), i.p50(), i.rate(), float64(i.p50())/float64(o.p50()), i.rate()/o.rate())
			}
		}
	}
}

// off is a journal that keeps nothing.
type off struct{}

func (off) Append(context.Context, ...event.Entry) error { return nil }

// BenchmarkRecorder measures what recording adds to a call: the same call through
// the dispatcher with the journal, and with one that keeps nothing, taking turns;
// beside what one write and fsync of a file on the same disk takes.
func BenchmarkRecorder(b *testing.B) {
	dir := b.TempDir()
	server, err := natsd.Start(b.Context(), natsd.Options{Dir: filepath.Join(dir, "nats"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	store, err := state.Open(b.Context(), server.JetStream(), "STATE")
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	j, err := journal.Open(b.Context(), server.JetStream(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	file, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	api := ec2service.New(store).API()
	root := identity.Principal{Kind: identity.Root, Account: "111122223333", ID: "111122223333", ARN: "arn:aws:iam::111122223333:root", AccessKeyID: "AKIAEXAMPLE"}
	log := slog.New(slog.DiscardHandler)
	with, without := call.NewDispatcher(recorder.New(j, time.Now), log), call.NewDispatcher(recorder.New(off{}, time.Now), log)
	do := func(d *call.Dispatcher) time.Duration {
		start := time.Now()
		_, err := d.Do(b.Context(), &call.Call{
			API: api, Op: api.Operations["DescribeInstances"], Principal: root, Region: "eu-west-1", Input: &ec2.DescribeInstancesInput{},
			RequestID: "3d0a3b62-7d39-4d0f-b9b2-6a4a3f6f3a11", SourceIP: "127.0.0.1", UserAgent: "bench", Host: "127.0.0.1:4566", Secure: true, Start: start,
		})
		if err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	raw := func() time.Duration {
		start := time.Now()
		if _, err := file.Write(make([]byte, 1500)); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var recorded, plain, sync sample
	for b.Loop() {
		for range 500 {
			recorded.all = append(recorded.all, do(with))
			plain.all = append(plain.all, do(without))
			sync.all = append(sync.all, raw())
		}
	}
	b.Logf("median of a call: %v recorded, %v with a journal that keeps nothing: recording adds %v; a write and fsync of this disk takes %v",
		recorded.p50(), plain.p50(), recorded.p50()-plain.p50(), sync.p50())
	b.ReportMetric(float64((recorded.p50() - plain.p50()).Microseconds()), "added-µs")
	b.ReportMetric(float64(sync.p50().Microseconds()), "fsync-µs")
}
