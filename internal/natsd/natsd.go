// Package natsd gives the rest of the program its store: NATS JetStream, from a
// server embedded in this process (the default) or from a cluster named by URL.
//
// What the packages above may rely on, and on what that rests:
//
//  1. A message or key that JetStream acknowledged has been written and fsynced:
//     the embedded server runs with SyncAlways. A cluster's servers must be
//     configured so by their operator (sync_interval: always) and hold streams
//     in three replicas; a client cannot check the former.
//  2. The disk does not lie about fsync, and write errors reach the caller.
//  3. One process uses a store folder at a time: an advisory lock on the folder
//     (released by the kernel when the process ends, however it ends) refuses a
//     second one.
//  4. The folder's files may rot. JetStream drops what it can no longer read and
//     counts it as deleted, without an error. What the newest files have lost is
//     found at the start (verify.go, tide.go); package journal notices the rest.
//  5. After a failed write (the disk is full) a stream takes nothing more. Err
//     then says so until the embedded server was started anew, which happens as
//     soon as its folder can be written again.
//
// The embedded server has no listener: it can be reached only through the
// in-process connection, so it needs no credentials.
package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrStore says that the store cannot be used: its folder cannot be written or
// locked, what is in it cannot be opened, or the cluster cannot be reached or
// has no JetStream. The error that wraps it says which.
var ErrStore = errors.New("message store unusable")

const (
	// maxPayload bounds one message. The journal fills batches of about half a
	// MiB, but one call may append several records of up to 256 KiB that must
	// stay together.
	maxPayload = 8 << 20
	// maxPending is how many bytes may wait for one connection before the
	// server takes it for a slow consumer and drops it.
	maxPending = 128 << 20
	// maxMemory bounds streams kept in memory: we make none, so very little.
	maxMemory = 16 << 20
	// drainTimeout bounds how long Close waits for subscriptions to finish.
	drainTimeout = 10 * time.Second
)

// Options says which store to use.
type Options struct {
	// Dir is the folder of the embedded server's files; it is made if missing.
	// Ignored if URL is set.
	Dir string
	// URL names a cluster ("nats://host:4222", several separated by commas)
	// to use in place of the embedded server. It may hold credentials and is
	// therefore never logged. Empty: embedded.
	URL string
	// Critical names streams that must be whole: with one that is damaged, or ends
	// earlier than it did, the embedded server is not started. Others are opened
	// without what they lost, which is logged.
	Critical []string
	// Log receives warnings and errors of server and connection; nil drops them.
	Log *slog.Logger
}

// Server is a connection to the store, and the embedded server behind it.
type Server struct {
	o    Options
	lock *os.File // of the embedded server's folder; nil when a cluster is used
	conn *nats.Conn
	js   jetstream.JetStream

	reached   map[string]uint64 // as last marked; owned by follow, and by Close after it
	serverLog *serverLog
	unwatch   context.CancelFunc // ends watch and follow
	watching  sync.WaitGroup

	mu     sync.Mutex
	srv    *server.Server // nil when a cluster is used, and while it is restarted
	broken error          // why it has to be restarted
}

// Start opens the store and returns when it can be used. Opening a big folder
// takes as long as its recovery does; ctx bounds it. Errors wrap ErrStore.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o}
	opts := []nats.Option{nats.Name("cairn")}
	if o.URL == "" {
		if err := s.embed(ctx); err != nil {
			return nil, err
		}
		opts = append(opts, nats.InProcessServer(s))
	}
	if err := s.connect(ctx, o, opts); err != nil {
		s.Close()
		return nil, err
	}
	if o.URL == "" {
		life, cancel := context.WithCancel(context.WithoutCancel(ctx))
		s.unwatch = cancel
		s.watching.Go(func() { s.watch(life) })
		s.watching.Go(func() { s.follow(life) })
	}
	return s, nil
}

// maxQueue is how many messages may wait for who asked for them: more than anyone
// asks for at once.
const maxQueue = 8192

// connect makes the connection and checks that JetStream answers on it.
func (s *Server) connect(ctx context.Context, o Options, opts []nats.Option) error {
	opts = append(append(opts, report(o.Log)...),
		nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond),
		// Without a buffer, a write while disconnected fails at once and
		// certainly did not happen, rather than happening later, after its
		// caller was told that it failed.
		nats.ReconnectBufSize(-1),
		// Every subscription makes room for this many messages at once, and every
		// read of the journal is one.
		nats.SyncQueueLen(maxQueue),
	)
	if d, ok := ctx.Deadline(); ok {
		opts = append(opts, nats.Timeout(max(time.Until(d), time.Millisecond)))
	}
	conn, err := nats.Connect(o.URL, opts...)
	if err != nil {
		return fmt.Errorf("%w: connect to %s: %w", ErrStore, o.name(), err)
	}
	s.conn = conn
	if s.js, err = jetstream.New(conn); err != nil {
		return fmt.Errorf("%w: open jetstream on %s: %w", ErrStore, o.name(), err)
	}
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("%w: ask %s for jetstream (is it enabled there?): %w", ErrStore, o.name(), err)
	}
	return nil
}

// report has log told what becomes of the connection, for as long as it lives:
// longer than the context of Start.
func report(log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("message store disconnected, reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Warn("message store reconnected", "server", c.ConnectedServerName())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			log.Warn("message store connection", "subject", subject, "error", err)
		}),
	}
}

// name names the store in errors, without the credentials a URL may hold.
func (o Options) name() string {
	if o.URL == "" {
		return "embedded server in " + o.Dir
	}
	var names []string
	for part := range strings.SplitSeq(o.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil || u.Host == "" {
			names = append(names, "(url not shown)")
			continue
		}
		names = append(names, u.Scheme+"://"+u.Host)
	}
	return strings.Join(names, ",")
}

// JetStream returns the store. It must not be used after Close.
func (s *Server) JetStream() jetstream.JetStream { return s.js }

// Conn returns the connection the store is used through.
func (s *Server) Conn() *nats.Conn { return s.conn }

// Err returns nil while the store can be used, and otherwise why not: the
// connection is lost or closed, or the embedded server could not write and waits
// until it can. It does no I/O.
func (s *Server) Err() error {
	if err := s.fault(); err != nil {
		return err
	}
	if !s.conn.IsConnected() {
		return fmt.Errorf("%w: connection is %s", ErrStore, strings.ToLower(s.conn.Status().String()))
	}
	return nil
}

// Close lets subscriptions finish what they have received, closes the
// connection, and waits until the embedded server has shut down. What was
// acknowledged is on disk already: a crash here, or instead of it, loses nothing.
func (s *Server) Close() {
	if s.unwatch != nil {
		s.unwatch()
		s.watching.Wait()
		if err := s.mark(); err != nil {
			s.o.Log.Warn("message store: closed without noting how far the streams are", "error", err)
		}
		s.unwatch = nil
	}
	if s.conn != nil && !s.conn.IsClosed() {
		closed := make(chan struct{})
		s.conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
		if err := s.conn.Drain(); err != nil {
			s.conn.Close()
		}
		t := time.NewTimer(drainTimeout)
		select {
		case <-closed:
		case <-t.C:
			s.conn.Close()
		}
		t.Stop()
	}
	s.mu.Lock()
	srv := s.srv
	s.mu.Unlock()
	if srv != nil {
		stop(srv)
	}
	if s.lock != nil {
		_ = s.lock.Close() // nothing was written through it; closing releases the lock
		s.lock = nil
	}
}
