package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/sigv4"
	"cairn/internal/wire"
)

const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// resolver knows one root key.
type resolver struct{}

func (resolver) Resolve(_ context.Context, key, _ string, _ time.Time) (identity.Principal, string, error) {
	if key != "AKIAROOT" {
		return identity.Principal{}, "", awserr.New(http.StatusForbidden, "InvalidClientTokenId", "no such key")
	}
	return identity.Principal{Kind: identity.Root, Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", AccessKeyID: key}, secret, nil
}

// seen notes the calls that were recorded.
type seen struct{ calls []*call.Call }

func (s *seen) Record(_ context.Context, c *call.Call, _ any, _ error) error {
	s.calls = append(s.calls, c)
	return nil
}

func denied(message string) *awserr.Error {
	return awserr.New(http.StatusForbidden, "AccessDenied", "%s", message)
}

// start serves two small APIs, one JSON and one query, through the gateway.
func start(t *testing.T) (*httptest.Server, *seen) {
	t.Helper()
	trails := &call.API{
		Name: "cloudtrail", Source: "cloudtrail.amazonaws.com", Target: "CloudTrail_20131101", Denied: denied,
		Codec: &wire.Codec{Protocol: wire.JSON11},
	}
	trails.Add(call.New("GetTrailStatus", func(_ context.Context, _ *call.Granted, in *cloudtrail.GetTrailStatusInput) (*cloudtrail.GetTrailStatusOutput, error) {
		if aws.ToString(in.Name) == "broken" {
			return nil, errors.New("a detail that is nobody's business")
		}
		return &cloudtrail.GetTrailStatusOutput{IsLogging: aws.Bool(aws.ToString(in.Name) == "t")}, nil
	}))
	who := &call.API{
		Name: "sts", Source: "sts.amazonaws.com", Version: "2011-06-15", Denied: denied,
		Codec: &wire.Codec{Protocol: wire.Query, Namespace: "https://sts.amazonaws.com/doc/2011-06-15/"},
	}
	who.Add(call.New("GetCallerIdentity", func(_ context.Context, g *call.Granted, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
		return &sts.GetCallerIdentityOutput{Arn: aws.String(g.Principal.ARN)}, nil
	}))
	log := slog.New(slog.DiscardHandler)
	records := &seen{}
	s := httptest.NewServer(New(Options{
		APIs: []*call.API{trails, who}, Resolver: resolver{}, Dispatcher: call.NewDispatcher(records, log), Log: log, Now: time.Now,
	}))
	t.Cleanup(s.Close)
	return s, records
}

func config(s *httptest.Server, key, secret string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &s.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
}

func TestCalls(t *testing.T) {
	s, records := start(t)
	status, err := cloudtrail.NewFromConfig(config(s, "AKIAROOT", secret)).GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("t")})
	if err != nil || !*status.IsLogging {
		t.Errorf("GetTrailStatus answered %+v, %v", status, err)
	}
	who, err := sts.NewFromConfig(config(s, "AKIAROOT", secret)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::111122223333:root" {
		t.Errorf("GetCallerIdentity answered %+v, %v", who, err)
	}
	if len(records.calls) != 2 {
		t.Fatalf("%d calls were recorded", len(records.calls))
	}
	c := records.calls[0]
	if c.Region != "eu-west-1" || c.SourceIP != "127.0.0.1" || !c.Secure || c.RequestID == "" || !strings.HasPrefix(s.URL, "http://"+c.Host) {
		t.Errorf("the call was taken for %+v", c)
	}
}

// TestPresigned knows a presigned call however its parameters are spelt, and when
// it was signed.
func TestPresigned(t *testing.T) {
	s, records := start(t)
	c := config(s, "AKIAROOT", secret)
	for _, name := range []string{"X-Amz-Signature", "X-Amz%2DSignature", ""} {
		records.calls = nil
		before := time.Now().Truncate(time.Second)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		key, err := c.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		empty := hex.EncodeToString(sha256.New().Sum(nil))
		if name == "" {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "&X-Amz-Expires=60", "", 1)
			err = v4.NewSigner().SignHTTP(t.Context(), key, r, empty, "sts", "eu-west-1", time.Now())
		} else {
			var signed string
			signed, _, err = v4.NewSigner().PresignHTTP(t.Context(), key, r, empty, "sts", "eu-west-1", time.Now())
			r, _ = http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(signed, "X-Amz-Signature", name, 1), http.NoBody)
		}
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(records.calls) != 1 {
			t.Fatalf("%q: answered %d, %d calls recorded", name, resp.StatusCode, len(records.calls))
		}
		if got := records.calls[0]; got.Presigned != (name != "") || got.Signed.Before(before) || got.Signed.After(time.Now()) {
			t.Errorf("%q: presigned %v, signed %v", name, got.Presigned, got.Signed)
		}
	}
}

// TestRefusals has a row for each way a request can be refused before or while
// it is decided: the code the client sees, and whether it is recorded.
func TestRefusals(t *testing.T) {
	s, records := start(t)
	status := func(key, secret, name string) error {
		_, err := cloudtrail.NewFromConfig(config(s, key, secret)).GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: &name})
		return err
	}
	for name, row := range map[string]struct {
		do       func() error
		code     string
		recorded bool
	}{
		"unknown key":        {func() error { return status("AKIAOTHER", secret, "t") }, "UnrecognizedClientException", false},
		"wrong secret":       {func() error { return status("AKIAROOT", "x", "t") }, "InvalidSignatureException", false},
		"failure of our own": {func() error { return status("AKIAROOT", secret, "broken") }, "InternalFailure", true},
		"an unknown operation": {func() error {
			_, err := cloudtrail.NewFromConfig(config(s, "AKIAROOT", secret)).ListTrails(t.Context(), &cloudtrail.ListTrailsInput{})
			return err
		}, "UnknownOperationException", false},
		"unknown query operation": {func() error {
			_, err := sts.NewFromConfig(config(s, "AKIAROOT", secret)).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
			return err
		}, "InvalidAction", false},
	} {
		t.Run(name, func(t *testing.T) {
			records.calls = nil
			var e smithy.APIError
			err := row.do()
			if !errors.As(err, &e) || e.ErrorCode() != row.code {
				t.Errorf("answered %v, want %s", err, row.code)
			}
			if err != nil && strings.Contains(err.Error(), "nobody's business") {
				t.Errorf("the answer tells what is inside: %v", err)
			}
			if got := len(records.calls) == 1; got != row.recorded {
				t.Errorf("recorded: %v", got)
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	s, _ := start(t)
	for name, row := range map[string]struct{ header, value, code string }{
		"json":  {"X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.GetTrailStatus", "MissingAuthenticationTokenException"},
		"query": {"Content-Type", "application/x-www-form-urlencoded", "MissingAuthenticationToken"},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader("{}"))
			req.Header.Set(row.header, row.value)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if !strings.Contains(string(body), row.code) || resp.Header.Get("X-Amzn-Requestid") == "" {
				t.Errorf("answered %s %v: %s", resp.Status, resp.Header, body)
			}
			if name == "json" && !json.Valid(body) {
				t.Errorf("the answer is not JSON: %s", body)
			}
		})
	}
}

// TestTwoCallsInOne refuses requests that a reader between client and engine
// could take for another call.
func TestTwoCallsInOne(t *testing.T) {
	s, records := start(t)
	const who = "Action=GetCallerIdentity&Version=2011-06-15"
	for name, row := range map[string]struct{ query, body, want string }{
		"in the body":              {"", who, "<GetCallerIdentityResult>"},
		"in the query":             {"?" + who, "", "<GetCallerIdentityResult>"},
		"in both":                  {"?Action=AssumeRole&Version=2011-06-15", who, "MalformedQueryString"},
		"twice":                    {"", who + "&Action=AssumeRole", "MalformedQueryString"},
		"two versions":             {"", who + "&Version=2010-05-08", "MalformedQueryString"},
		"of another service":       {"", "Action=ListUsers&Version=2010-05-08", "InvalidAction"},
		"by JSON's header":         {"", "{}", "InvalidAction"},
		"with a broken body":       {"", who + "&%zz", "MalformedQueryString"},
		"in a query without sense": {"?x=1", who, "MalformedQueryString"},
	} {
		t.Run(name, func(t *testing.T) {
			records.calls = nil
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/"+row.query, strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Amz-Target", "CloudTrail_20131101.GetTrailStatus")
			sum := sha256.Sum256([]byte(row.body))
			sigv4.Sign(req, "AKIAROOT", secret, "eu-west-1", "sts", hex.EncodeToString(sum[:]), time.Now())
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), row.want) {
				t.Errorf("answered %s %s, want %s", resp.Status, body, row.want)
			}
			if ran := len(records.calls) > 0; ran != (row.want[0] == '<') {
				t.Errorf("recorded %v", records.calls)
			}
		})
	}
}

// TestGuess takes unsigned requests for calls of the service they look like.
func TestGuess(t *testing.T) {
	sts, s3, trails := &call.API{Name: "sts"}, &call.API{Name: "s3"}, &call.API{Name: "cloudtrail", Target: "CloudTrail_20131101"}
	g := New(Options{APIs: []*call.API{sts, s3, trails}, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	for _, row := range []struct {
		method, path, contentType, target string
		want                              *call.API
	}{
		{"POST", "/", "application/x-www-form-urlencoded; charset=utf-8", "", sts},
		{"PUT", "/bucket/key", "application/x-www-form-urlencoded", "", s3},
		{"POST", "/bucket?delete", "application/x-www-form-urlencoded", "", s3},
		{"GET", "/", "", "", s3},
		{"POST", "/", "application/x-amz-json-1.1", "CloudTrail_20131101.GetTrail", trails},
		{"POST", "/", "application/x-amz-json-1.1", "Nobody.GetTrail", s3},
	} {
		r := httptest.NewRequest(row.method, row.path, nil)
		r.Header.Set("Content-Type", row.contentType)
		r.Header.Set("X-Amz-Target", row.target)
		if got := g.guess(r); got != row.want {
			t.Errorf("%s %s of %s was taken for %s", row.method, row.path, row.contentType, got.Name)
		}
	}
}

func TestCutTarget(t *testing.T) {
	for target, want := range map[string][2]string{
		"CloudTrail_20131101.CreateTrail":                                    {"CloudTrail_20131101", "CreateTrail"},
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail": {"CloudTrail_20131101", "CreateTrail"},
		"Logs_20140328.PutLogEvents":                                         {"Logs_20140328", "PutLogEvents"},
		"nothing":                                                            {"", ""},
	} {
		service, op, _ := cutTarget(target)
		if service != want[0] || op != want[1] {
			t.Errorf("%s was cut into %q and %q", target, service, op)
		}
	}
}

// FuzzServe sends requests of any shape: each gets an answer with a status, and
// none a panic.
func FuzzServe(f *testing.F) {
	f.Add("POST", "/", "X-Amz-Target", "Logs_20140328.PutLogEvents", "{}")
	f.Add("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e", "")
	f.Add("PUT", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256", "Content-Type", "application/x-www-form-urlencoded", "a=b")
	log := slog.New(slog.DiscardHandler)
	api := &call.API{Name: "sts", Version: "2011-06-15", Denied: denied, Codec: &wire.Codec{Protocol: wire.Query}}
	s3 := &call.API{Name: "s3", Denied: denied, Codec: &wire.Codec{Protocol: wire.Query}}
	g := New(Options{APIs: []*call.API{api, s3}, Resolver: resolver{}, Dispatcher: call.NewDispatcher(&seen{}, log), Log: log, Now: time.Now})
	f.Fuzz(func(t *testing.T, method, target, header, value, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil {
			return // not an HTTP request at all
		}
		req.RemoteAddr = "127.0.0.1:1"
		req.Header.Set(header, value)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, req)
		if w.Code < 400 {
			t.Errorf("an unsigned request was answered %d", w.Code)
		}
	})
}
