package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/call"
	"cairn/internal/sigv4"
)

// hasty serves the test's APIs with little patience.
func hasty(t *testing.T, p patience) (*httptest.Server, *Gateway) {
	t.Helper()
	first, _ := start(t)
	g := first.Config.Handler.(*Gateway)
	g.patience = p
	return first, g
}

// TestSlowBody has a row for each way of not sending a body: the call ends, and
// the connection with it.
func TestSlowBody(t *testing.T) {
	for name, row := range map[string]struct {
		patience
		every  time.Duration // between bytes; 0 sends none
		signed bool
		want   string
	}{
		"nothing comes":   {patience{idle: 50 * time.Millisecond, body: time.Minute, rest: time.Second}, 0, true, "RequestTimeout"},
		"drop by drop":    {patience{idle: time.Minute, body: 100 * time.Millisecond, rest: time.Second}, 5 * time.Millisecond, true, "RequestTimeout"},
		"nobody wants it": {patience{idle: time.Minute, body: time.Minute, rest: 50 * time.Millisecond}, 0, false, "MissingAuthenticationToken"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := hasty(t, row.patience)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if row.signed {
				sigv4.Sign(req, "AKIAROOT", secret, "eu-west-1", "sts", strings.Repeat("0", 64), time.Now())
			}
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // the test's own end
			var head strings.Builder
			head.WriteString("POST / HTTP/1.1\r\nHost: " + s.Listener.Addr().String() + "\r\nContent-Length: 100000\r\n")
			_ = req.Header.Write(&head)
			if _, err := io.WriteString(conn, head.String()+"\r\n"); err != nil {
				t.Fatal(err)
			}
			if row.every > 0 {
				go func() {
					for {
						if _, err := io.WriteString(conn, "a"); err != nil {
							return
						}
						time.Sleep(row.every)
					}
				}()
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(body), row.want) {
				t.Errorf("answered %s %s, %v", resp.Status, body, err)
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the connection goes on: %v", err)
			}
		})
	}
}

// TestSlowReader gives an answer up that its client does not take.
func TestSlowReader(t *testing.T) {
	p, failed := patience{idle: 50 * time.Millisecond}, make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, done := p.bounded(w, r)
		defer done()
		out.WriteHeader(http.StatusOK)
		var err error
		for part := make([]byte, 1<<20); err == nil; {
			_, err = out.Write(part)
		}
		failed <- err
	}))
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the answer ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the answer waits for its client")
	}
}

// TestDeadlineGoes leaves no deadline on a connection that is used again, nor on
// a call that takes longer than its body may.
func TestDeadlineGoes(t *testing.T) {
	s, g := hasty(t, patience{idle: 100 * time.Millisecond, body: 100 * time.Millisecond, rest: 100 * time.Millisecond})
	op := g.apis["sts"].Operations["GetCallerIdentity"]
	run := op.Run
	op.Run = func(ctx context.Context, c *call.Granted) (any, error) {
		select {
		case <-time.After(300 * time.Millisecond):
			return run(ctx, c)
		case <-ctx.Done():
			return nil, errors.New("the caller was taken for gone")
		}
	}
	client := sts.NewFromConfig(config(s, "AKIAROOT", secret))
	for range 3 {
		if _, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Error(err)
		}
	}
}

func TestNotReady(t *testing.T) {
	s, g := hasty(t, defaultPatience)
	stale := errors.New("state may be out of date: a detail of our own")
	g.ready = func() error { return stale }
	_, err := sts.NewFromConfig(config(s, "AKIAROOT", secret)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err == nil || !strings.Contains(err.Error(), "ServiceUnavailable") || strings.Contains(err.Error(), "detail") {
		t.Errorf("answered %v", err)
	}
	stale = nil
	if _, err := sts.NewFromConfig(config(s, "AKIAROOT", secret)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
}

// TestPanicIsTold cuts the connection and says so in the log.
func TestPanicIsTold(t *testing.T) {
	s, g := hasty(t, defaultPatience)
	var text strings.Builder
	g.log = slog.New(slog.NewTextHandler(&text, nil))
	g.apis["sts"].Operations["GetCallerIdentity"].NewInput = func() any { panic("oh\nno") }
	if _, err := sts.NewFromConfig(config(s, "AKIAROOT", secret)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("a panic was answered")
	}
	s.Close() // the handler has ended
	if !strings.Contains(text.String(), `panic="oh\nno"`) {
		t.Errorf("the log says %s", text.String())
	}
}

func TestRegionNames(t *testing.T) {
	s, _ := start(t)
	for region, code := range map[string]string{
		"eu-west-1": "", "us-gov-east-1": "", "nowhere": "InvalidRegion",
		"eu" + strings.Repeat("-x", 20) + "-1": "InvalidRegion", "zz-qaa-17": "InvalidRegion",
	} {
		c := config(s, "AKIAROOT", secret)
		c.Region = region
		_, err := sts.NewFromConfig(c, func(o *sts.Options) { o.BaseEndpoint = aws.String(s.URL) }).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if (err == nil) != (code == "") || err != nil && !strings.Contains(err.Error(), code) {
			t.Errorf("%q: %v", region, err)
		}
	}
}
