package lake

import (
	"context"
	"sync"

	"cairn/internal/lake/segment"
)

// handle is one segment of a table. Its files are deleted when it is not part of
// the table any more and nobody reads it.
type handle struct {
	info   segment.Info
	folder *segment.Folder

	mu      sync.Mutex
	users   int // between use and done
	reader  *segment.Reader
	retired bool // closed as soon as nobody uses it
	holders int  // the table and its snapshots
	dropped bool // its files are deleted when nobody holds it
}

// opened bounds how many segments stay open when nobody reads them.
type opened struct {
	limit int

	mu   sync.Mutex
	idle []*handle // open, the longest idle first
	n    int       // open ones
}

// use opens a segment, or finds it open. The caller gives it back by done.
func (o *opened) use(s *handle) (*segment.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil {
		r, err := segment.Open(s.folder, &s.info)
		if err != nil {
			return nil, err
		}
		s.reader = r
		o.add(1)
	}
	s.users++
	return s.reader, nil
}

func (o *opened) add(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n += n
}

func (o *opened) done(s *handle) {
	s.mu.Lock()
	s.users--
	idle := s.users == 0
	gone := s.retired
	s.mu.Unlock()
	switch {
	case idle && gone:
		o.shut(s)
	case idle:
		o.rest(s)
	}
}

// rest remembers that a segment is idle, and closes those that have been idle
// for longest if there are too many.
func (o *opened) rest(s *handle) {
	o.mu.Lock()
	var close []*handle
	o.idle = append(remove(o.idle, s), s)
	for excess := o.n - o.limit; excess > 0 && len(o.idle) > 0; excess-- {
		close = append(close, o.idle[0])
		o.idle = o.idle[1:]
	}
	o.mu.Unlock()
	for _, c := range close {
		o.shut(c)
	}
}

// shut closes a segment unless somebody reads it.
func (o *opened) shut(s *handle) {
	s.mu.Lock()
	r := s.reader
	if s.users > 0 || r == nil {
		s.mu.Unlock()
		return
	}
	s.reader = nil
	s.mu.Unlock()
	r.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n--
	o.idle = remove(o.idle, s)
}

func remove(list []*handle, s *handle) []*handle {
	for i := range list {
		if list[i] == s {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// acquire waits for room for a page in memory.
func (l *Lake) acquire(ctx context.Context) error {
	select {
	case l.reads <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tryAcquire reports whether there was room for another page.
func (l *Lake) tryAcquire() bool {
	select {
	case l.reads <- struct{}{}:
		return true
	default:
		return false
	}
}

// release gives back the room of n pages.
func (l *Lake) release(n int) {
	for range n {
		<-l.reads
	}
}
