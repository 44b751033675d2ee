package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"cairn/event"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/policy"
	"cairn/internal/recorder"
	"cairn/internal/service/s3"
	"cairn/internal/sigv4"
	"cairn/internal/state"
)

const (
	account = "111122223333"
	other   = "444455556666"
	secret  = "test/secret"
)

// gate is the least gateway the service can run behind: it checks signatures,
// finds the caller by access key, and dispatches.
type gate struct {
	*httptest.Server
	service  *s3.Service
	dispatch *call.Dispatcher

	plain atomic.Bool  // connections do not count as secure
	ahead atomic.Int64 // how far the service's clock is ahead, in nanoseconds

	mu         sync.Mutex
	principals map[string]identity.Principal
	records    []map[string]any
}

func newGate(t *testing.T) *gate {
	t.Helper()
	store, err := state.Open(t.Context(), natsdtest.Start(t), "STATE")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return openGate(t, filepath.Join(t.TempDir(), "objects"), store)
}

func openGate(t *testing.T, dir string, store *state.Store) *gate {
	t.Helper()
	g := &gate{principals: map[string]identity.Principal{}}
	var err error
	g.service, err = s3.New(t.Context(), s3.Options{
		Dir: dir, Store: store, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(g.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	g.dispatch = call.NewDispatcher(recorder.New(g, time.Now), slog.New(slog.DiscardHandler))
	g.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		g.Close()
		if err := g.service.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for _, a := range []string{account, other} {
		g.principals["ROOT"+a] = identity.Principal{Kind: identity.Root, Account: a, ID: a, ARN: "arn:aws:iam::" + a + ":root", AccessKeyID: "ROOT" + a}
	}
	return g
}

// Append implements recorder.Journal.
func (g *gate) Append(_ context.Context, entries ...event.Entry) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range entries {
		var r map[string]any
		if err := json.Unmarshal(e.JSON, &r); err != nil {
			return err
		}
		g.records = append(g.records, r)
	}
	return nil
}

// last returns the newest record of an event.
func (g *gate) last(t *testing.T, name string) map[string]any {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range slices.Backward(g.records) {
		if r["eventName"] == name {
			return r
		}
	}
	t.Fatalf("no record of %s", name)
	return nil
}

// user makes an IAM user of the account with one identity policy.
func (g *gate) user(t *testing.T, name, acct, doc string) string {
	t.Helper()
	p := identity.Principal{Kind: identity.IAMUser, Account: acct, ID: "AIDA" + name, Name: name, ARN: "arn:aws:iam::" + acct + ":user/" + name, AccessKeyID: "USER" + name}
	if doc != "" {
		d, err := policy.Parse([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		p.Policies = []*policy.Document{d}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.principals[p.AccessKeyID] = p
	return p.AccessKeyID
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api := g.service.API()
	c := &call.Call{
		API: api, Host: r.Host, UserAgent: r.UserAgent(), HTTP: r, Start: time.Now(), RequestID: rand.Text()[:16],
		SourceIP: "127.0.0.1", Secure: !g.plain.Load(), Region: "us-east-1", Principal: identity.Principal{Kind: identity.Anonymous},
	}
	out, err := g.answer(r, c)
	api.Reply(w, c, out, err)
}

func (g *gate) answer(r *http.Request, c *call.Call) (any, error) {
	signed, err := sigv4.Parse(r)
	if err != nil {
		return nil, err
	}
	if signed != nil {
		if err := signed.Verify(r, secret, c.Start); err != nil {
			return nil, err
		}
		r.Body = signed.Body(r)
		g.mu.Lock()
		c.Region, c.Principal, c.Signed, c.Presigned = signed.Region, g.principals[signed.AccessKeyID], signed.Date, signed.Presigned
		g.mu.Unlock()
		if c.Principal.Kind == "" {
			return nil, fmt.Errorf("unknown key %s", signed.AccessKeyID)
		}
	}
	if c.Op, c.Input, err = c.API.Match(r); err != nil {
		return nil, err
	}
	return g.dispatch.Do(r.Context(), c)
}

// client returns an unmodified SDK client that signs with key.
func (g *gate) client(key string, opts ...func(*sdk.Options)) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(g.URL), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), HTTPClient: g.Client(),
	}, opts...)
}

func (g *gate) root(opts ...func(*sdk.Options)) *sdk.Client { return g.client("ROOT"+account, opts...) }

// anywhere sends every connection to the gate, whatever the host name says.
func (g *gate) anywhere(o *sdk.Options) {
	addr := g.Listener.Addr().String()
	o.HTTPClient = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
	}}
}

func makeBucket(t *testing.T, c *sdk.Client, name string) {
	t.Helper()
	if _, err := c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
}

func putText(t *testing.T, c *sdk.Client, bucket, key, text string) {
	t.Helper()
	_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
}

func getText(t *testing.T, c *sdk.Client, bucket, key string) string {
	t.Helper()
	out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, out.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wantCode fails unless err is the API error of the given code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Fatalf("got error %v, want %s", err, code)
	}
}

func ok[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
