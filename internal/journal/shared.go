package journal

import (
	"context"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"
)

// What Shared keeps: so many stretches of the journal, of so many bytes together.
const (
	sharedRead      = 2 << 20
	sharedBytes     = 24 << 20
	sharedStretches = 32
	// recordBytes is about what a record takes in memory beside its JSON.
	recordBytes = 512
	// patience is how long a reader that is ahead waits for the others at each
	// stretch; who has not read for the time of alive is not waited for.
	patience = time.Second
	alive    = 2 * time.Second
)

// Shared lets several readers of a journal read together: those who read the same
// stretch share one read, one check and one decoding of it. So that they stay
// together when much is waiting, who is ahead waits a little for the others: one
// that lags behind for longer reads for itself, at the cost of not sharing.
type Shared struct {
	journal *Journal

	mu      sync.Mutex
	kept    []*stretch // the last one of a place may be being read
	bytes   int        // of the stretches that are kept
	readers map[*Reader]struct{}
	moved   chan struct{} // closed when a reader goes on
}

// Reader is the journal for one reader of several. It is for one goroutine at a time.
type Reader struct {
	*Journal
	shared *Shared
	// pos is where it goes on, and at when it last did; both belong to shared.
	pos Position
	at  time.Time
}

// alive reports whether the reader has read lately.
func (r *Reader) alive() bool { return time.Since(r.at) < alive }

// stretch is the records of [from,next). next is set once read.
type stretch struct {
	from, next Position
	recs       []Located
	bytes      int
	done       chan struct{} // closed when it is read, or has failed and is kept no more
	ok         bool
}

// Share lets readers share what they read of a journal.
func Share(j *Journal) *Shared {
	return &Shared{journal: j, readers: map[*Reader]struct{}{}, moved: make(chan struct{})}
}

// Reader returns the journal for one more reader.
func (s *Shared) Reader() *Reader { return &Reader{Journal: s.journal, shared: s} }

// Read is Journal.Read of a stretch that others read too: of sharedRead bytes, or
// what is left of it.
func (r *Reader) Read(ctx context.Context, from Position) ([]Located, Position, error) {
	if from.Seq == 0 {
		from = r.First()
	}
	s := r.shared
	s.goesOn(r, from)
	for patient := true; ; {
		t, mine, moved := s.find(r, patient)
		switch {
		case moved != nil:
			s.yield(ctx, r, moved)
			patient = false
			continue
		case mine:
			return s.load(ctx, r, t)
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return nil, from, ctx.Err()
		}
		if t.ok {
			s.goesOn(r, t.next)
			i := sort.Search(len(t.recs), func(i int) bool { return !t.recs[i].Pos.Less(from) })
			return slices.Clip(t.recs[i:]), t.next, nil
		}
	}
}

// goesOn notes where a reader is.
func (s *Shared) goesOn(r *Reader, pos Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(r, pos)
}

func (s *Shared) note(r *Reader, pos Position) {
	r.pos, r.at = pos, time.Now()
	s.readers[r] = struct{}{}
	close(s.moved)
	s.moved = make(chan struct{})
}

// find returns the stretch a reader is at, which may be being read by another; or a
// new one, which the reader has to load; or, if it is patient, what to wait for
// before that.
func (s *Shared) find(r *Reader, patient bool) (t *stretch, mine bool, moved <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range slices.Backward(s.kept) {
		if t.from == r.pos || t.ok && t.from.Less(r.pos) && r.pos.Less(t.next) {
			return t, false, nil
		}
	}
	if patient && s.ahead(r) {
		return nil, false, s.moved
	}
	t = &stretch{from: r.pos, done: make(chan struct{})}
	s.kept = append(s.kept, t)
	return t, true, nil
}

// ahead reports whether what a reader is about to read would take the place of what
// another, which comes behind it, has not read yet.
func (s *Shared) ahead(r *Reader) bool {
	low := s.lowest(nil)
	if low == nil || s.bytes+max(sharedRead, low.bytes) <= sharedBytes { // the next one is about as large
		return false
	}
	for o := range s.readers {
		if o.alive() && o.pos.Less(r.pos) && !low.next.Less(o.pos) { // it may come back to what it read last
			return true
		}
	}
	return false
}

// lowest returns the stretch of the lowest place, other than one, or nil.
func (s *Shared) lowest(but *stretch) (low *stretch) {
	for _, t := range s.kept {
		if t.ok && t != but && (low == nil || t.from.Less(low.from)) {
			low = t
		}
	}
	return low
}

// yield waits while a reader is ahead, for as long as patience lasts.
func (s *Shared) yield(ctx context.Context, r *Reader, moved <-chan struct{}) {
	t := time.NewTimer(patience)
	defer t.Stop()
	for {
		select {
		case <-moved:
		case <-t.C:
			return
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		ahead := s.ahead(r)
		moved = s.moved
		s.mu.Unlock()
		if !ahead {
			return
		}
	}
}

// load reads a stretch. One that could not be read, or has nothing, is not kept:
// those who wait for it try themselves.
func (s *Shared) load(ctx context.Context, r *Reader, t *stretch) ([]Located, Position, error) {
	recs, next, err := s.journal.Read(ctx, t.from, sharedRead)
	bytes := 0
	for i := range recs {
		bytes += len(recs[i].JSON) + recordBytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(t.done)
	// Who has gone, be it for good, is not kept; reading again brings it back.
	maps.DeleteFunc(s.readers, func(o *Reader, _ struct{}) bool { return !o.alive() })
	if err != nil || next == t.from {
		s.kept = slices.DeleteFunc(s.kept, func(o *stretch) bool { return o == t })
		return recs, next, err
	}
	t.recs, t.next, t.bytes, t.ok = recs, next, bytes, true
	s.bytes += bytes
	for s.bytes > sharedBytes || len(s.kept) > sharedStretches {
		low := s.lowest(t)
		if low == nil {
			break
		}
		s.bytes -= low.bytes
		s.kept = slices.DeleteFunc(s.kept, func(o *stretch) bool { return o == low })
	}
	s.note(r, next)
	return recs, next, nil
}
