// Package natsdtest starts an embedded message store for a test: the real one,
// on a temporary folder, with fsync on.
package natsdtest

import (
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd"
)

// Start starts a store on a temporary folder and stops it when the test ends.
func Start(t testing.TB) jetstream.JetStream {
	t.Helper()
	return StartDir(t, t.TempDir()).JetStream()
}

// StartDir starts a store on dir and stops it when the test ends, or earlier by
// Close, after which StartDir may be called for the same folder again: a restart.
func StartDir(t testing.TB, dir string) *natsd.Server {
	t.Helper()
	s, err := natsd.Start(t.Context(), natsd.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Listen runs a server on dir that listens on a loopback port (-1: any free one),
// as a cluster's servers do, and returns its URL. It is stopped when the test
// ends, or earlier by stop, after which Listen may bring it back with the same
// folder and port.
func Listen(t testing.TB, dir string, port int) (url string, stop func()) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	stop = func() { srv.Shutdown(); srv.WaitForShutdown() }
	t.Cleanup(stop)
	if !srv.ReadyForConnections(10*time.Second) || !srv.JetStreamEnabled() {
		t.Fatal("server did not start")
	}
	return "nats://" + srv.Addr().(*net.TCPAddr).String(), stop
}

// Port returns the port of a URL that Listen returned.
func Port(t testing.TB, url string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", strings.TrimPrefix(url, "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	return a.Port
}
