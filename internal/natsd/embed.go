package natsd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// lockName is the file in the store folder whose lock says "in use".
const lockName = "LOCK"

// embed locks the folder and starts the server on it.
func (s *Server) embed(ctx context.Context) (err error) {
	if s.lock, err = lockDir(s.o.Dir); err != nil {
		return err
	}
	s.serverLog = &serverLog{log: s.o.Log, errors: make(chan struct{}, 1)}
	if s.srv, err = s.run(ctx); err != nil {
		_ = s.lock.Close()
		return err
	}
	return nil
}

// run starts a server on the folder, which must be locked.
func (s *Server) run(ctx context.Context) (*server.Server, error) {
	dir, log := s.o.Dir, s.serverLog
	log.reset()
	if err := s.verify(); err != nil {
		return nil, err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "cairn",
		DontListen: true,
		NoSigs:     true, // signals belong to the program, not to a library in it
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: true,
		MaxPayload: maxPayload,
		MaxPending: maxPending,
		// The store limit is left to the server: three quarters of what is free
		// on the disk, plus what it holds already.
		JetStreamMaxMemory: maxMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: set up embedded server in %s: %w", ErrStore, dir, err)
	}
	srv.SetLoggerV2(log, false, false, false)
	started := make(chan struct{})
	go func() { defer close(started); srv.Start() }()
	select {
	case <-started:
	case <-ctx.Done():
		<-started // recovery cannot be interrupted; the folder stays ours until it ends
		err = ctx.Err()
	}
	if err == nil && !srv.JetStreamEnabled() {
		err = errors.New("jetstream did not start")
	}
	if err = errors.Join(err, log.failure()); err == nil {
		err = unrecovered(srv, dir)
	}
	if err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("%w: start embedded server in %s: %w", ErrStore, dir, err)
	}
	return srv, nil
}

// unrecovered returns an error that names the streams which are on disk and could
// not be opened. The server goes on without them, and whoever found one missing
// would make it anew, over what it held.
func unrecovered(srv *server.Server, dir string) error {
	var errs []error
	for _, e := range srv.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if e.Type != server.HealthzErrorStream {
			continue
		}
		path := filepath.Join(dir, "jetstream", e.Account, "streams", e.Stream)
		if e.Account == "" || holdsMessages(path) {
			errs = append(errs, fmt.Errorf("stream %s in %s cannot be opened, see the log; try again, or restore the folder from a backup", e.Stream, path))
		}
	}
	return errors.Join(errs...)
}

// holdsMessages reports whether the folder of a stream has messages in it, or may
// have. A crash while a stream is made leaves one without, which nobody was told of.
func holdsMessages(path string) bool {
	blocks, err := os.ReadDir(filepath.Join(path, "msgs"))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	for _, b := range blocks {
		info, err := b.Info()
		if err != nil || info.Size() > 0 {
			return true
		}
	}
	return false
}

// lockDir makes the folder, checks that it can be written, and takes its lock.
func lockDir(dir string) (*os.File, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: no folder given for the embedded server", ErrStore)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: make store folder %s: %w", ErrStore, dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: lock store folder %s: %w", ErrStore, dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: store folder %s is in use by another process; stop that one or choose another folder", ErrStore, dir)
		}
		return nil, fmt.Errorf("%w: lock store folder %s: %w", ErrStore, dir, err)
	}
	return f, nil
}
