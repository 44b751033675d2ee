package natsd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sys/unix"
)

// lockName is the file in the store folder whose lock says "in use".
const lockName = "LOCK"

// embed locks the folder and starts the server on it.
func (s *Server) embed(ctx context.Context, o Options) error {
	lock, err := lockDir(o.Dir)
	if err != nil {
		return err
	}
	log := &serverLog{log: o.Log}
	srv, err := server.NewServer(&server.Options{
		ServerName: "cairn",
		DontListen: true,
		NoSigs:     true, // signals belong to the program, not to a library in it
		JetStream:  true,
		StoreDir:   o.Dir,
		SyncAlways: true,
		MaxPayload: maxPayload,
		MaxPending: maxPending,
		// The store limit is left to the server: three quarters of what is free
		// on the disk, plus what it holds already.
		JetStreamMaxMemory: maxMemory,
	})
	if err != nil {
		_ = lock.Close()
		return fmt.Errorf("%w: set up embedded server in %s: %w", ErrStore, o.Dir, err)
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
	if err = errors.Join(err, log.failure()); err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		_ = lock.Close()
		return fmt.Errorf("%w: start embedded server in %s: %w", ErrStore, o.Dir, err)
	}
	s.srv, s.lock = srv, lock
	return nil
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
