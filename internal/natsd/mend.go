package natsd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A stream of the embedded server that meets one write error (the disk is full,
// no file can be opened, the disk fails) takes no messages from then on, does not
// answer those who write, and does not recover until the server is restarted. So
// the server's health is watched: while it is bad, Err says so, whoever asks is
// refused at once instead of waiting in vain, and the server is started again
// when its folder can be written. Clients of the connection see a reconnect, as
// with a cluster.

const (
	// healthCheck is how often the server is asked; it is asked at once when it
	// logs an error.
	healthCheck = time.Second
	// probeSize is how much must be writable before the server is started again.
	probeSize = 1 << 20
	// probeName is the file that is written for that, and removed.
	probeName = "PROBE"
)

// InProcessConn implements nats.InProcessConnProvider: it connects to the
// embedded server that runs now.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	srv := s.srv
	s.mu.Unlock()
	if srv == nil {
		return nil, errors.New("the embedded server is being restarted")
	}
	return srv.InProcessConn()
}

// watch looks after the embedded server until ctx ends.
func (s *Server) watch(ctx context.Context) {
	tick := time.NewTicker(healthCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.serverLog.errors:
		}
		if s.health(); s.fault() == nil {
			continue
		}
		if err := s.restart(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.WarnContext(ctx, "message store cannot be restarted yet", "error", err)
		}
	}
}

// health asks the server and remembers what is wrong.
func (s *Server) health() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srv == nil || s.broken != nil {
		return // it is known already
	}
	if why := unwritable(s.srv); why != "" {
		s.broken = fmt.Errorf("%w: %s; it is restarted when %s can be written", ErrStore, why, s.o.Dir)
		s.o.Log.Error("message store: calls are refused until it works again", "error", why)
	}
}

// unwritable returns what the server says of a stream that met a write error, or
// of JetStream if it was switched off. What else it may say is no reason to
// restart it: a stream that is just being made or deleted cannot be found.
func unwritable(srv *server.Server) string {
	for _, e := range srv.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if e.Type == server.HealthzErrorJetStream || e.Type == server.HealthzErrorStream && strings.Contains(e.Error, " write error: ") {
			return e.Error
		}
	}
	return ""
}

func (s *Server) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// restart starts the server anew if its folder can be written. Whatever was
// acknowledged is on disk; a crash in the middle is a crash like any other.
func (s *Server) restart(ctx context.Context) error {
	if err := probe(s.o.Dir); err != nil {
		return err
	}
	s.mu.Lock()
	old := s.srv
	s.srv = nil
	s.mu.Unlock()
	if old != nil {
		stop(old)
	}
	srv, err := s.run(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.srv, s.broken = srv, nil
	s.mu.Unlock()
	s.o.Log.WarnContext(ctx, "message store works again")
	return nil
}

// probe writes a file in a folder, makes it durable and removes it.
func probe(dir string) (err error) {
	name := filepath.Join(dir, probeName)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("try to write in %s: %w", dir, err)
	}
	// A crash leaves the file, which the next probe replaces.
	defer func() { err = errors.Join(err, os.Remove(name)) }()
	_, err = f.Write(make([]byte, probeSize))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("try to write in %s: %w", dir, err)
	}
	return nil
}
