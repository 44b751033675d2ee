package natsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// The tide mark says of every stream which sequence number it has reached, in a
// file of its own. It follows within about a second. A stream that is found to
// end earlier has lost messages that were acknowledged: nothing else tells, as
// what is left looks whole.

const (
	tideName = "TIDE"
	// tideEvery is how often the mark is moved, unless looking at all streams takes
	// more than a tideShare of that.
	tideEvery = time.Second
	tideShare = 50
)

// readTide returns the last known sequence numbers by stream.
func readTide(dir string) (map[string]uint64, error) {
	text, err := os.ReadFile(filepath.Join(dir, tideName))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]uint64{}, nil
	}
	var reached map[string]uint64
	if err == nil {
		err = json.Unmarshal(text, &reached)
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the streams have been: %w; if the file is damaged, remove it, and what its streams lost at their ends is not noticed", err)
	}
	return reached, nil
}

// follow moves the mark until ctx ends.
func (s *Server) follow(ctx context.Context) {
	wait := tideEvery
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		begun := time.Now()
		if err := s.mark(); err != nil {
			s.o.Log.WarnContext(ctx, "message store: cannot note how far the streams are", "error", err)
		}
		wait = max(tideEvery, time.Since(begun)*tideShare)
	}
}

// mark moves the mark to where the streams are.
func (s *Server) mark() error {
	s.mu.Lock()
	srv := s.srv
	broken := s.broken != nil
	s.mu.Unlock()
	if srv == nil || broken {
		return nil // what it says of its streams may not be on disk
	}
	info, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return fmt.Errorf("ask the embedded server for its streams: %w", err)
	}
	reached := map[string]uint64{}
	for _, account := range info.AccountDetails {
		for i := range account.Streams {
			reached[account.Streams[i].Name] = account.Streams[i].State.LastSeq
		}
	}
	if maps.Equal(reached, s.reached) {
		return nil
	}
	text, err := json.Marshal(reached)
	if err != nil {
		return fmt.Errorf("encode how far the streams are: %w", err)
	}
	// A crash before the rename leaves the mark behind by a second more.
	name := filepath.Join(s.o.Dir, tideName)
	if err := replaceFile(name, text); err != nil {
		return fmt.Errorf("write how far the streams are: %w", err)
	}
	s.reached = reached
	return nil
}

// replaceFile replaces a file durably: a crash leaves the old content or the new.
func replaceFile(name string, text []byte) error {
	if err := writeFile(name+".new", text); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// writeFile writes a file and makes it durable.
func writeFile(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
