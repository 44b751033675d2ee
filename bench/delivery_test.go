//go:build bench

package bench

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/event"
	"cairn/internal/journal"
	"cairn/internal/natsd"
	"cairn/test/kit"
)

var waiting = flag.Int("waiting", 2_000_000, "how many `records` wait for delivery in BenchmarkDelivery")

// waitingRecord makes a record of about 1.3 KB whose ids, times and addresses vary as
// in genuine ones.
func waitingRecord(account, region string, at time.Time, i int) event.Entry {
	r := event.Record{
		EventVersion: "1.11", EventTime: at, EventSource: "ec2.amazonaws.com",
		EventName: []string{"DescribeInstances", "RunInstances", "TerminateInstances"}[i%3], AWSRegion: region,
		SourceIPAddress: fmt.Sprintf("198.51.100.%d", i%250), ReadOnly: i%3 == 0,
		UserAgent: "aws-sdk-go-v2/1.48.0 os/linux lang/go#1.26.0 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.344.2",
		UserIdentity: event.UserIdentity{
			Type: "AssumedRole", PrincipalID: fmt.Sprint("AROAEXAMPLEEXAMPLE:session-", i%50), AccountID: account,
			ARN:         fmt.Sprintf("arn:aws:sts::%s:assumed-role/deployer/session-%d", account, i%50),
			AccessKeyID: "ASIAEXAMPLEEXAMPLE", SessionContext: &event.SessionContext{CreationDate: at, Issuer: &event.SessionIssuer{
				Type: "Role", PrincipalID: "AROAEXAMPLEEXAMPLE", ARN: "arn:aws:iam::" + account + ":role/deployer", AccountID: account, UserName: "deployer",
			}},
		},
		RequestParameters: fmt.Appendf(nil, `{"instancesSet":{"items":[{"instanceId":"i-%016x"},{"instanceId":"i-%016x"}]},"filterSet":{}}`, i*7919, i*104729),
		RequestID:         fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i*2654435761), i),
		EventID:           fmt.Sprintf("%08x-1111-4111-8111-%012x", uint32(i*40503), i),
		EventType:         event.APICall, ManagementEvent: true, RecipientAccountID: account, EventCategory: event.Management,
		TLSDetails: &event.TLSDetails{TLSVersion: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ClientProvidedHostHeader: "ec2.eu-west-1.amazonaws.com"},
	}
	return r.Encode(false)
}

// lastRegion is the region of the last record only: its log file is the last one.
const lastRegion = "eu-north-1"

// fillJournal appends the records to the journal of an engine that does not run.
func fillJournal(b *testing.B, dir, account string, n int) (size int) {
	b.Helper()
	server, err := natsd.Start(b.Context(), natsd.Options{Dir: filepath.Join(dir, "nats"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	j, err := journal.Open(b.Context(), server.JetStream(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	regions := []string{"eu-west-1", "eu-west-1", "eu-west-1", "us-east-1"}
	at := time.Now().Add(-time.Hour)
	batch := make([]event.Entry, 0, 400)
	for i := range n {
		region := regions[i%len(regions)]
		if i == n-1 {
			region = lastRegion
		}
		batch = append(batch, waitingRecord(account, region, at.Add(time.Duration(i)*time.Millisecond), i))
		size += len(batch[len(batch)-1].JSON)
		if len(batch) == cap(batch) || i == n-1 {
			if err := j.Append(b.Context(), batch...); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	return size
}

// processor is what a process has used.
type processor struct {
	cpu  time.Duration
	peak int64 // resident memory at its highest, in bytes
}

func processOf(b *testing.B, pid int) (p processor) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skipf("skipped: what a process uses is read from /proc: %v", err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(string(f))
		if err != nil {
			b.Fatal(err)
		}
		p.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if _, err := fmt.Sscan(rest, &p.peak); err != nil {
				b.Fatal(err)
			}
			p.peak <<= 10
		}
	}
	return p
}

// exportingTrail makes a trail with a bucket and a log group, and starts it.
func exportingTrail(b *testing.B, e *kit.Engine, bucket string) {
	b.Helper()
	cfg, ctx := e.Config(b, ""), b.Context()
	must := func(_ any, err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	people, trails := iam.NewFromConfig(cfg), cloudtrail.NewFromConfig(cfg)
	must(objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region}}))
	must(objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`)}))
	must(people.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("exporter"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}))
	must(people.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("exporter"), PolicyName: aws.String("export"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`)}))
	must(cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("trail")}))
	must(trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
		Name: aws.String("audit"), S3BucketName: &bucket, EnableLogFileValidation: aws.Bool(true), IsMultiRegionTrail: aws.Bool(true),
		CloudWatchLogsLogGroupArn: aws.String("arn:aws:logs:" + kit.Region + ":" + e.Account + ":log-group:trail:*"),
		CloudWatchLogsRoleArn:     aws.String("arn:aws:iam::" + e.Account + ":role/exporter"),
	}))
	must(trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("audit")}))
}

// BenchmarkDelivery starts an engine whose journal holds records that wait for a
// trail with a bucket and a log group, and measures until both have all: time,
// processor time, and the most memory the whole engine took. Event history reads the
// same records meanwhile. Issue 4 wants 50,000 records a second on two cores, in less
// than 512 MB however many wait.
func BenchmarkDelivery(b *testing.B) {
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "data")
		e := kit.StartEngine(b, dir)
		exportingTrail(b, e, "files")
		e.Stop(b, syscall.SIGTERM)
		begun := time.Now()
		size := fillJournal(b, dir, e.Account, *waiting)
		b.Logf("%d records of %d bytes appended in %v", *waiting, size / *waiting, time.Since(begun).Round(time.Second))

		// An engine that starts looks for intents without an outcome, in what the journal
		// has had since the last checkpoint: here that is all, and no delivery's part.
		begun = time.Now()
		e = kit.StartEngine(b, dir)
		started := time.Since(begun)
		begun = time.Now()
		var files, events time.Duration
		logs := cloudwatchlogs.NewFromConfig(e.Config(b, ""))
		stream := e.Account + "_CloudTrail_" + kit.Region
		for deadline := begun.Add(20 * time.Minute); files == 0 || events == 0; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				b.Fatal("not delivered in 20 minutes")
			}
			if last, _ := filepath.Glob(filepath.Join(dir, "objects", "objects", "files", "AWSLogs", e.Account, "CloudTrail", lastRegion, "*", "*", "*", "*.gz")); files == 0 && len(last) > 0 {
				files = time.Since(begun)
			}
			if files == 0 {
				continue // asking is recorded, and so exported too: not before it may be there
			}
			out, err := logs.GetLogEvents(b.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("trail"), LogStreamName: &stream, Limit: aws.Int32(200)})
			if err != nil {
				b.Fatal(err)
			}
			for _, event := range out.Events {
				if strings.Contains(*event.Message, `"awsRegion":"`+lastRegion+`"`) {
					events = time.Since(begun)
				}
			}
		}
		used, took := processOf(b, e.PID()), max(files, events)
		perCPU := float64(*waiting) / used.cpu.Seconds() * 2
		b.Logf("started in %v; log files after %v, log group too after %v: %.0f records/s; %v of processor time: %.0f records/s of two cores; at most %d MB resident",
			started.Round(time.Millisecond), files.Round(time.Millisecond), events.Round(time.Millisecond), float64(*waiting)/took.Seconds(), used.cpu, perCPU, used.peak>>20)
		b.ReportMetric(float64(*waiting)/took.Seconds(), "records/s")
		b.ReportMetric(perCPU, "records/s-of-two-cores")
		b.ReportMetric(float64(used.peak>>20), "MB-peak")
		e.Stop(b, syscall.SIGTERM)
	}
}
