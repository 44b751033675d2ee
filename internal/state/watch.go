package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// resumeWait is how long follow waits before it tries again to watch.
const resumeWait = 250 * time.Millisecond

// load applies what the bucket holds. last was its newest revision before the
// watch began: all up to there is in memory afterwards, even if the messages
// with the highest revisions are no longer in the bucket.
func (s *Store) load(ctx context.Context, w jetstream.KeyWatcher, last uint64) error {
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("watch ended")
			}
			if e == nil {
				s.mu.Lock()
				s.rev = max(s.rev, last)
				s.mu.Unlock()
				return nil
			}
			s.apply(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow applies what others and we write. When the connection was lost, or the
// watch has ended, it watches anew from the revision it has: the client library
// would find out by itself, but only after 20 seconds without a heartbeat.
func (s *Store) follow(ctx context.Context, w jetstream.KeyWatcher, connected chan nats.Status) {
	defer s.js.Conn().RemoveStatusListener(connected)
	for {
		select {
		case <-ctx.Done():
			end(w)
			return
		case <-connected: // again, or the channel was closed with the connection
		case e, ok := <-w.Updates():
			if e != nil {
				s.apply(e)
			} else if ok {
				s.setBehind(false)
			}
			if ok {
				continue
			}
		}
		s.setBehind(true)
		end(w)
		if w = s.resume(ctx); w == nil {
			return
		}
	}
}

// resume watches from the first revision not yet applied. It returns nil when
// there will be no more: the store or the connection is closed.
func (s *Store) resume(ctx context.Context) jetstream.KeyWatcher {
	for {
		s.mu.RLock()
		from := s.rev + 1
		s.mu.RUnlock()
		w, err := s.kv.WatchAll(ctx, jetstream.ResumeFromRevision(from))
		if err == nil {
			return w
		}
		if s.js.Conn().IsClosed() {
			s.fail(fmt.Errorf("%w: the connection to the message store was closed", ErrStale))
			return nil
		}
		t := time.NewTimer(resumeWait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// end stops a watch and waits until it has.
func end(w jetstream.KeyWatcher) {
	_ = w.Stop() // fails only if it has ended
	for range w.Updates() {
	}
}

func (s *Store) setBehind(b bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = b
}

// check compares memory with the bucket now and then. The watch repairs itself
// after a lost connection, but until it has, and if it silently does not, only
// the bucket's own count tells.
func (s *Store) check(ctx context.Context, every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	var seen uint64 // newest revision at the previous look: applied by now if all is well
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.mu.RLock()
		before := s.rev
		s.mu.RUnlock()
		last, err := s.look(ctx)
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		switch {
		case err != nil:
			s.stale = fmt.Errorf("%w: %w", ErrStale, err)
		case s.rev < seen:
			s.stale = fmt.Errorf("%w: at revision %d, the bucket was at %d %s ago", ErrStale, s.rev, seen, every)
		case last < before:
			s.stale = fmt.Errorf("%w: at revision %d, but the bucket is at %d (was it replaced?); restart", ErrStale, before, last)
		default:
			s.stale = nil
		}
		s.mu.Unlock()
		seen = max(seen, last)
	}
}

func (s *Store) look(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	st, err := s.kv.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("read status of state bucket: %w", err)
	}
	return lastRevision(st)
}
