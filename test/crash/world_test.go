//go:build crash

package crash

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscreds "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trails "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/test/kit"
)

// Flags of a run: `make crash` sets them wide, `make test` leaves them small.
var (
	kills    = flag.Int("kills", 5, "how often the engine is killed")
	inject   = flag.Int("inject", 4, "how many write errors are injected with strace")
	damages  = flag.Int("damages", 6, "how many files are damaged")
	clock    = flag.Bool("clock", false, "set the clock: builds the program anew, with a clock that can be set")
	damageOf = flag.String("damageof", "", "damage only files whose path contains this")
	seed     = flag.Uint64("seed", 0, "what the random choices of a run follow from; 0 takes the time")
)

const (
	homeRegion = kit.Region
	objects    = "crash-objects" // the bucket of data events
	workers    = 4
)

// regions are where clients call.
var regions = []string{homeRegion, "us-east-1", "ap-southeast-2"}

// watched is a trail, and which calls it selects while it logs.
type watched struct {
	name     string
	selects  func(*Call) bool
	toggles  []Toggle
	logGroup bool
}

func (t *watched) bucket() string { return "crash-" + t.name }

func (t *watched) verdict() func(*Call) Verdict {
	switched := Switched(false, t.toggles)
	return func(c *Call) Verdict {
		if !t.selects(c) {
			return MustNot
		}
		return switched(c)
	}
}

// world is a data folder with its trails and clients, and what they wrote down.
type world struct {
	testing.TB
	dir        string
	address    string // of the AWS endpoint
	admin      string // of the metrics
	flags      []string
	wrap       []string
	id, secret string
	book       *Notebook
	rng        *rand.Rand
	trails     []*watched
	workers    []*worker
	engine     *engine
	lives      int
	exported   []Seen // was in the log group before it was deleted
}

// newWorld starts an engine on an empty folder and makes four trails: one of all
// management events, which exports to a log group too, one of data events, one of
// a single region, and one that is stopped and started.
func newWorld(t testing.TB, dir string, flags ...string) *world {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", s)
	w := &world{TB: t, dir: dir, address: freeAddress(t), admin: freeAddress(t), flags: flags, book: NewNotebook(), rng: rand.New(rand.NewPCG(s, 0))}
	management := func(c *Call) bool { return !c.Data }
	w.trails = []*watched{
		{name: "all", selects: management, logGroup: true},
		{name: "data", selects: func(c *Call) bool { return c.Data && strings.HasPrefix(c.Name, "s3 ") }},
		{name: "home", selects: func(c *Call) bool { return !c.Data && !c.Global && c.Region == homeRegion }},
		{name: "stopgo", selects: management},
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last engine (%v) said:\n%s", w.engine.failed, w.engine.said())
		}
	})
	for i := range workers {
		w.workers = append(w.workers, newWorker(w, i))
	}
	w.start()
	w.id, w.secret = credentials(t, dir)
	c := w.caller(homeRegion)
	c.bucket(objects, "")
	c.exporter()
	for _, tr := range w.trails {
		w.make(c, tr)
	}
	return w
}

// start starts the engine, and fails the test if it does not answer.
func (w *world) start() {
	w.Helper()
	if !w.try() {
		w.Fatalf("the engine did not start: %v\n%s", w.engine.failed, w.engine.said())
	}
}

// try starts the engine, and reports whether it answers.
func (w *world) try() bool {
	w.Helper()
	w.launch()
	return w.engine.up()
}

// launch starts the engine and does not wait.
func (w *world) launch() {
	w.Helper()
	for _, k := range w.workers {
		for _, s := range slices.Concat(k.objects, k.users, k.instances, k.lines) {
			s.Restarted()
		}
	}
	w.engine = spawn(w.TB, w.dir, w.address, w.wrap, append([]string{"--admin", w.admin}, w.flags...)...)
	w.lives++
}

// caller makes calls in one region and writes them down.
type caller struct {
	*world
	config aws.Config
	ctx    context.Context
	silent bool // not in the notebook: what checks read
}

func (w *world) caller(region string) *caller { return w.callerIn(w.Context(), region) }

// checker is the application id of the clients that look at the results. Their
// calls are recorded like others, but nobody writes them down.
const checker = "checker"

func (w *world) checker(region string) *caller {
	c := w.caller(region)
	c.config.AppID, c.silent = checker, true
	return c
}

var transport = &tripper{&http.Transport{MaxIdleConnsPerHost: 64}}

func (w *world) callerIn(ctx context.Context, region string) *caller {
	return &caller{world: w, ctx: ctx, config: aws.Config{
		Region: region, BaseEndpoint: aws.String("http://" + w.address), HTTPClient: &http.Client{Transport: transport, Timeout: 40 * time.Second},
		Credentials: awscreds.NewStaticCredentialsProvider(w.id, w.secret, ""), RetryMaxAttempts: 1,
	}}
}

func (c *caller) s3() *s3.Client {
	return s3.NewFromConfig(c.config, func(o *s3.Options) { o.UsePathStyle = true })
}

// note is what a transport notes of an answer, and of how often it sent the call:
// on a connection that breaks it may send it again, and the first may have arrived.
type note struct {
	id     string
	status int
	sent   int
}

type noteKey struct{}

// tripper notes the status and the request id of every answer, and reads the
// answer to its end: the SDK closes the body of its request as soon as an answer
// begins, which cuts the connection if that was before the transport had done with
// the body.
type tripper struct{ base http.RoundTripper }

func (t *tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if n, ok := r.Context().Value(noteKey{}).(*note); ok {
		n.id = cmp.Or(resp.Header.Get("X-Amzn-Requestid"), resp.Header.Get("X-Amz-Request-Id"))
		n.status = resp.StatusCode
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

type method[In, Out, Options any] func(context.Context, *In, ...func(*Options)) (*Out, error)

// answer is how a call ended.
type answer struct {
	Call
	// done is true if it succeeded.
	done bool
	err  error
}

// ask makes a call and writes it down. name is service and operation.
func ask[In, Out, Options any](c *caller, name string, m method[In, Out, Options], in *In) (*Out, answer) {
	service, _, _ := strings.Cut(name, " ")
	a := answer{Call: Call{Name: name, Region: c.config.Region, Data: dataEvents[name], Global: service == "iam" || service == "sts" && c.config.Region == "us-east-1"}}
	var n note
	a.From = c.book.Now()
	ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { n.sent++ }})
	out, err := m(context.WithValue(ctx, noteKey{}, &n), in)
	a.To = c.book.Now()
	a.ID, a.err, a.done = n.id, err, n.status != 0 && n.status < 300
	switch {
	case n.status >= 500:
		a.Outcome = Failed
	case n.status != 0:
		a.Outcome = Answered
	}
	if !c.silent {
		c.book.Add(a.Call)
		for range n.sent - 1 {
			again := a.Call
			again.ID, again.Outcome = "", Unanswered
			c.book.Add(again)
		}
	}
	return out, a
}

// dataEvents are the calls that are data events.
var dataEvents = map[string]bool{
	"s3 PutObject": true, "s3 GetObject": true, "s3 HeadObject": true, "s3 DeleteObject": true, "s3 ListObjectsV2": true,
	"s3 CreateMultipartUpload": true, "s3 UploadPart": true, "s3 CompleteMultipartUpload": true, "logs PutLogEvents": true, "logs FilterLogEvents": true,
}

// must makes a call that has to succeed.
func must[In, Out, Options any](c *caller, name string, m method[In, Out, Options], in *In) *Out {
	c.Helper()
	out, a := ask(c, name, m, in)
	if a.err != nil {
		c.Fatalf("%s: %v", name, a.err)
	}
	return out
}

// bucket makes a bucket, with a policy if one is given.
func (c *caller) bucket(name, policy string) {
	c.Helper()
	must(c, "s3 CreateBucket", c.s3().CreateBucket, &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: homeRegion},
	})
	if policy != "" {
		must(c, "s3 PutBucketPolicy", c.s3().PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &name, Policy: &policy})
	}
}

// policy lets CloudTrail write to a bucket, or refuses it.
func policy(bucket, effect string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::%[1]s"},
	{"Effect":"%[2]s","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::%[1]s/*"}]}`, bucket, effect)
}

const (
	exportGroup = "/crash/trail"
	exportRole  = "crash-exporter"
)

// exporter makes the log group of the trail that exports, and its role.
func (c *caller) exporter() {
	c.Helper()
	people := iam.NewFromConfig(c.config)
	must(c, "iam CreateRole", people.CreateRole, &iam.CreateRoleInput{RoleName: aws.String(exportRole), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	must(c, "iam PutRolePolicy", people.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: aws.String(exportRole), PolicyName: aws.String("export"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}`)})
	must(c, "logs CreateLogGroup", cloudwatchlogs.NewFromConfig(c.config).CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(exportGroup)})
}

// make makes a trail and its bucket, and starts it.
func (w *world) make(c *caller, t *watched) {
	w.Helper()
	c.bucket(t.bucket(), policy(t.bucket(), "Allow"))
	client := cloudtrail.NewFromConfig(c.config)
	in := &cloudtrail.CreateTrailInput{
		Name: &t.name, S3BucketName: aws.String(t.bucket()), EnableLogFileValidation: aws.Bool(true),
		IsMultiRegionTrail: aws.Bool(t.name != "home"), IncludeGlobalServiceEvents: aws.Bool(t.name != "home"),
	}
	if t.logGroup {
		in.CloudWatchLogsLogGroupArn = aws.String("arn:aws:logs:" + homeRegion + ":" + account + ":log-group:" + exportGroup + ":*")
		in.CloudWatchLogsRoleArn = aws.String("arn:aws:iam::" + account + ":role/" + exportRole)
	}
	must(c, "cloudtrail CreateTrail", client.CreateTrail, in)
	if t.name == "data" {
		must(c, "cloudtrail PutEventSelectors", client.PutEventSelectors, &cloudtrail.PutEventSelectorsInput{TrailName: &t.name, EventSelectors: []trails.EventSelector{{
			ReadWriteType: trails.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(false),
			DataResources: []trails.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3:::" + objects + "/"}}},
		}}})
	}
	if !w.toggle(c, t, true) {
		w.Fatal("a trail cannot be started")
	}
}

// toggle switches a trail on or off, and reports whether it was answered.
func (w *world) toggle(c *caller, t *watched, on bool) bool {
	client := cloudtrail.NewFromConfig(c.config)
	var a answer
	if on {
		_, a = ask(c, "cloudtrail StartLogging", client.StartLogging, &cloudtrail.StartLoggingInput{Name: &t.name})
	} else {
		_, a = ask(c, "cloudtrail StopLogging", client.StopLogging, &cloudtrail.StopLoggingInput{Name: &t.name})
	}
	t.toggles = append(t.toggles, Toggle{On: on, Call: a.Call})
	return a.done
}

// load lets all clients call until ctx ends or the engine does.
func (w *world) load(ctx context.Context) {
	life := rand.New(rand.NewPCG(w.rng.Uint64(), 1))
	var clients sync.WaitGroup
	for _, wk := range w.workers {
		rng := rand.New(rand.NewPCG(life.Uint64(), 2))
		clients.Go(func() { wk.run(ctx, rng) })
	}
	toggler := rand.New(rand.NewPCG(life.Uint64(), 3))
	clients.Go(func() { w.switchOnAndOff(ctx, toggler) })
	clients.Wait()
}

// loadFor lets all clients call for a time.
func (w *world) loadFor(d time.Duration) {
	ctx, cancel := context.WithTimeout(w.Context(), d)
	defer cancel()
	w.load(ctx)
}

// switchOnAndOff stops and starts the last trail now and then.
func (w *world) switchOnAndOff(ctx context.Context, rng *rand.Rand) {
	t := w.trails[len(w.trails)-1]
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rng.IntN(400)) * time.Millisecond):
		}
		on := !t.toggles[len(t.toggles)-1].On
		// Not with ctx: a toggle that is given up leaves all that follows in doubt.
		if !w.toggle(w.caller(homeRegion), t, on) {
			return
		}
	}
}
