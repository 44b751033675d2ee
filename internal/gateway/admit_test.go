package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/sigv4"
	"cairn/internal/wire"
)

// TestBusy says in the words of each service that there are too many calls; the
// SDKs take each of them for a reason to try again.
func TestBusy(t *testing.T) {
	for name, row := range map[string]struct {
		api    call.API
		status int
		code   string
	}{
		"cloudtrail":    {call.API{Name: "cloudtrail", Codec: &wire.Codec{Protocol: wire.JSON11}}, 400, "ThrottlingException"},
		"logs":          {call.API{Name: "logs", Codec: &wire.Codec{Protocol: wire.JSON11}}, 400, "ThrottlingException"},
		"organizations": {call.API{Name: "organizations", Codec: &wire.Codec{Protocol: wire.JSON11}}, 400, "TooManyRequestsException"},
		"iam":           {call.API{Name: "iam", Codec: &wire.Codec{Protocol: wire.Query}}, 400, "Throttling"},
		"ec2":           {call.API{Name: "ec2", Codec: &wire.Codec{Protocol: wire.EC2}}, 503, "RequestLimitExceeded"},
		"s3":            {call.API{Name: "s3", Match: func(*http.Request) (*call.Operation, any, error) { return nil, nil, nil }}, 503, "SlowDown"},
	} {
		err := busy(errBusy, &row.api)
		e := awserr.From(err)
		if e.Status != row.status || e.Code != row.code || !errors.Is(err, errBusy) || !throttled(e) {
			t.Errorf("%s answers %d %v", name, e.Status, e)
		}
		if again := (retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}); again.IsErrorThrottle(&smithy.GenericAPIError{Code: e.Code}) != aws.TrueTernary {
			t.Errorf("the SDK does not try again after %s", e.Code)
		}
		if h := (http.Header{}); func() string { later(h, err); return h.Get("Retry-After") }() != "1" {
			t.Errorf("%s does not say when to try again", name)
		}
	}
	if h := (http.Header{}); func() bool { later(h, denied("no")); later(h, nil); return len(h) > 0 }() {
		t.Error("a refusal that stays asks to try again")
	}
}

// TestOverload fills the gateway: a call waits its time, is then told to come
// again, and leaves no record, for it did not run.
func TestOverload(t *testing.T) {
	s, records := start(t)
	g := s.Config.Handler.(*Gateway)
	var log strings.Builder
	g.log = slog.New(slog.NewTextHandler(&log, nil))
	g.calls = newTurns(bounds{all: 1, share: 1, queue: 1, wait: 20 * time.Millisecond})
	g.bodies = newTurns(bounds{all: sigv4.MaxPayload, share: sigv4.MaxPayload, queue: 1, wait: 20 * time.Millisecond})
	post := func(body string) (status int, again, answer string) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		sigv4.Sign(req, "AKIAROOT", secret, "eu-west-1", "sts", hashOf(body), time.Now())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header.Get("Retry-After"), string(text)
	}
	const who = "Action=GetCallerIdentity&Version=2011-06-15"
	large := who + "&X-Amz-Padding=" + strings.Repeat("a", smallBody)
	for name, row := range map[string]struct {
		turns *turns
		take  int64
		body  string
	}{
		"calls":             {g.calls, 1, who},
		"memory for bodies": {g.bodies, sigv4.MaxPayload, large},
	} {
		free, err := row.turns.take(t.Context(), "111122223333", row.take)
		if err != nil {
			t.Fatal(err)
		}
		status, again, body := post(row.body)
		if status != http.StatusBadRequest || again != "1" || !strings.Contains(body, "<Code>Throttling</Code>") {
			t.Errorf("no room for %s is answered %d %s", name, status, body)
		}
		if len(records.calls) > 0 || log.Len() > 0 {
			t.Errorf("no room for %s leaves %d records and the log %s", name, len(records.calls), log.String())
		}
		free()
		if status, _, body := post(row.body); status != http.StatusOK {
			t.Errorf("with room for %s the answer is %d %s", name, status, body)
		}
		if status, _, _ := post(who); status != http.StatusOK {
			t.Errorf("a small body waits for %s: %d", name, status)
		}
		records.calls = nil
	}
	s.Close() // every call has ended
	g.calls.empty(t)
	g.bodies.empty(t)
}

// crowd resolves the keys of two accounts.
type crowd struct{ resolver }

func (c crowd) Resolve(ctx context.Context, key, token string, now time.Time) (identity.Principal, string, error) {
	p, secret, err := c.resolver.Resolve(ctx, "AKIAROOT", token, now)
	p.Account, p.AccessKeyID = key[len(key)-12:], key
	return p, secret, err
}

// TestCrowd has one account keep ten times as many calls under way as run at
// once. The calls of another must not wait for them.
func TestCrowd(t *testing.T) {
	s, _ := start(t)
	g := s.Config.Handler.(*Gateway)
	g.resolver = crowd{}
	g.dispatch = call.NewDispatcher(deaf{}, g.log)
	g.calls = newTurns(bounds{all: 8, share: 4, queue: 100, wait: time.Minute})
	op := g.apis["sts"].Operations["GetCallerIdentity"]
	run := op.Run
	op.Run = func(ctx context.Context, c *call.Granted) (any, error) {
		time.Sleep(20 * time.Millisecond) // a disk; only so many of these run at once
		return run(ctx, c)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var mu sync.Mutex
	var greedy []time.Duration
	call := func(ctx context.Context, client *sts.Client) (time.Duration, error) {
		start := time.Now()
		_, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return time.Since(start), err
	}
	for range 80 {
		client := sts.NewFromConfig(config(s, "AKIA111111111111", secret))
		running.Go(func() {
			for ctx.Err() == nil {
				if took, err := call(ctx, client); err == nil {
					mu.Lock()
					greedy = append(greedy, took)
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	client := sts.NewFromConfig(config(s, "AKIA222222222222", secret))
	var modest []time.Duration
	for range 40 {
		took, err := call(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		modest = append(modest, took)
	}
	stop()
	running.Wait()
	slices.Sort(modest)
	slices.Sort(greedy)
	slowest, usual := modest[len(modest)-1], greedy[len(greedy)/2]
	t.Logf("of %d calls of the one account the median took %s; of %d of the other the median %s, the slowest %s",
		len(greedy), usual, len(modest), modest[len(modest)/2], slowest)
	if median := modest[len(modest)/2]; median > usual/3 {
		t.Errorf("a modest account's calls take %s, those of the greedy one %s", median, usual)
	}
}

// deaf is a recorder that keeps nothing.
type deaf struct{}

func (deaf) Record(context.Context, *call.Call, any, error) error { return nil }

// TestFields refuses requests with a great many header fields.
func TestFields(t *testing.T) {
	for n, want := range map[int]bool{20: true, maxHeaders: true, maxHeaders + 1: false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for range n {
			r.Header.Add("X-Many", "x")
		}
		if err := fields(r); (err == nil) != want {
			t.Errorf("%d header fields: %v", n, err)
		}
	}
}

// TestPace gives up a body of S3 that comes too slowly, but not because the
// engine reads it slowly.
func TestPace(t *testing.T) {
	w := &impatient{patience: patience{idle: time.Minute, pace: 1 << 10}}
	now := time.Now()
	for name, row := range map[string]struct {
		came   int64
		waited time.Duration
		want   time.Duration
	}{
		"at first":           {0, 0, time.Minute},
		"fast enough":        {1 << 20, 10 * time.Minute, time.Minute},
		"a little behind":    {60 << 10, 90 * time.Second, 30 * time.Second},
		"far behind":         {60 << 10, 5 * time.Minute, -3 * time.Minute},
		"the engine is slow": {1, time.Second, time.Minute - time.Second},
	} {
		b := &slowBody{w: w, came: row.came, waited: row.waited}
		if got := b.deadline(now).Sub(now).Round(time.Second); got != row.want {
			t.Errorf("%s: %s are left, want %s", name, got, row.want)
		}
	}
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
