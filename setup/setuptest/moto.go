// Package setuptest gives tests an AWS account that is not AWS's.
package setuptest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Account is the id of the account that Moto's servers and Engine have.
const Account = "123456789012"

// Moto starts a moto_server on a free loopback port, ends it with the test,
// and returns its URL. Where moto_server is not installed the test is
// skipped, but fails if CI=true: there it must not go unnoticed.
func Moto(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("moto_server is not on PATH; install it with: pip install 'moto[server]'")
		}
		t.Skip("moto_server is not on PATH")
	}
	addr := freeAddress(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	// The test's own context ends before its clean-up; the server must not.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	server := exec.CommandContext(ctx, path, "-H", "127.0.0.1", "-p", port)
	if err := server.Start(); err != nil {
		cancel()
		t.Fatalf("start moto_server: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait() // it was killed: that is the error
	})
	waitFor(t, addr)
	return "http://" + addr
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitFor waits until somebody listens, a minute at most: a Python process
// on a busy machine takes its time.
func waitFor(t testing.TB, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("moto_server does not listen at %s: %v", addr, err)
		case <-tick.C:
		}
	}
}
