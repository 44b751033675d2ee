package natsd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	// What a start that died had dropped comes back first.
	err := s.restore()
	if err == nil {
		err = s.letGo()
	}
	if err == nil {
		err = s.verify()
	}
	if err == nil {
		err = s.hold()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	srv, err := s.try(ctx)
	if err == nil {
		if err = s.letGo(); err == nil {
			return srv, nil
		}
		stop(srv)
	}
	return nil, fmt.Errorf("%w: start embedded server in %s: %w", ErrStore, s.o.Dir, err)
}

const (
	// maxTries is how often a server is started that does not open all of its files.
	maxTries = 5
	// meantTries is how often it drops files that it means to.
	meantTries = 3
)

// try starts a server until it drops nothing, or the same files again and again:
// errors come and go, what is meant stays. If it fails, everything is where it was.
func (s *Server) try(ctx context.Context) (*server.Server, error) {
	var before []heldFile
	same := 0 // how often those were dropped
	for tries := 1; ; tries++ {
		srv, err := s.open(ctx)
		d, merr := s.missing()
		if err == nil {
			err = merr
		}
		switch {
		case err != nil:
		case len(d.streams) > 0:
			err = fmt.Errorf("stream %s cannot be opened, see the log; try again, or restore the folder from a backup", strings.Join(d.streams, ", "))
		case len(d.files) == 0:
			return srv, nil
		default:
			if same++; !slices.Equal(d.files, before) {
				before, same = d.files, 1
			}
			if same == meantTries {
				return srv, nil
			}
			err = fmt.Errorf("%d files were dropped, be it for an error or on purpose, such as %s; try again, or restore the folder from a backup", len(d.files), d.files[0].name)
		}
		if srv != nil {
			stop(srv)
		}
		if rerr := s.restore(); rerr != nil || tries == maxTries || ctx.Err() != nil {
			return nil, errors.Join(err, rerr)
		}
		s.o.Log.WarnContext(ctx, "message store: trying to open it again", "error", err)
	}
}

func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// open starts a server.
func (s *Server) open(ctx context.Context) (*server.Server, error) {
	dir, log := s.o.Dir, s.serverLog
	log.reset()
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
		return nil, fmt.Errorf("set it up: %w", err)
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
		stop(srv)
		return nil, err
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
