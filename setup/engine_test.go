package setup_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cairn/internal/engine"
	"cairn/setup"
)

// onEngine runs an engine with two accounts for the test, and points setup at
// it as the first one.
func onEngine(t *testing.T, account, other string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	e, err := engine.Open(t.Context(), engine.Options{
		Dir: dir, Account: account, Listen: "127.0.0.1:0", DeliveryInterval: time.Hour, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := engine.AddAccount(t.Context(), dir, other); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("AWS_ENDPOINT_URL", e.URL())
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", engine.CredentialsFile(dir))
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// folder writes a main.tf and returns its folder.
func folder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, text)
	return dir
}

// open reads and connects; what it asks for is in s.
func open(t *testing.T, s setup.Source) *setup.Account {
	t.Helper()
	files, err := setup.Read(s)
	if err != nil {
		t.Fatal(err)
	}
	a, err := files.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// cut is a connection that breaks at the nth request and stays broken, as if
// the process had been killed there: kill ends its context.
type cut struct {
	nth  int
	sent bool // whether the nth request still reaches the other side
	kill context.CancelFunc

	turn chan int // holds how many requests there were
}

func newCut(nth int, sent bool, kill context.CancelFunc) *cut {
	c := &cut{nth: nth, sent: sent, kill: kill, turn: make(chan int, 1)}
	c.turn <- 0
	return c
}

// broke reports whether the nth request came.
func (c *cut) broke() bool {
	n := <-c.turn
	c.turn <- n
	return n >= c.nth
}

func (c *cut) RoundTrip(r *http.Request) (*http.Response, error) {
	n := <-c.turn + 1
	c.turn <- n
	switch {
	case n < c.nth:
		return http.DefaultTransport.RoundTrip(r)
	case n == c.nth && c.sent:
		// The other requests under way die with the process; this one arrives.
		resp, err := http.DefaultTransport.RoundTrip(r.Clone(context.WithoutCancel(r.Context())))
		if err == nil {
			resp.Body.Close()
		}
	}
	c.kill()
	return nil, context.Canceled
}
