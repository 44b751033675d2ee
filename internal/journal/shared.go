package journal

import (
	"context"
	"slices"
	"sort"
	"sync"
)

// What Shared keeps: so many stretches of the journal, of so many bytes together.
const (
	sharedRead      = 4 << 20
	sharedBytes     = 16 << 20
	sharedStretches = 32
)

// Shared is a journal for several readers: those who read the same stretch share
// one read, one check and one decoding of it. A reader that is far from the others
// reads for itself, at the cost of not sharing.
type Shared struct {
	*Journal

	mu   sync.Mutex
	kept []*stretch // most recently used last; the last one of a place may be being read
}

// stretch is the records of [from,next). next is set once read.
type stretch struct {
	from, next Position
	recs       []Located
	bytes      int
	done       chan struct{} // closed when it is read, or has failed and is kept no more
	ok         bool
}

// Share returns a journal that shares what its readers read.
func Share(j *Journal) *Shared { return &Shared{Journal: j} }

// Read is Journal.Read. It may return more than maxBytes if others asked for more,
// and less.
func (s *Shared) Read(ctx context.Context, from Position, maxBytes int) ([]Located, Position, error) {
	if from.Seq == 0 {
		from = s.First()
	}
	for {
		t, mine := s.find(from)
		if mine {
			return s.load(ctx, t, max(maxBytes, minFetch))
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return nil, from, ctx.Err()
		}
		if t.ok {
			recs, next := t.after(from, maxBytes)
			return recs, next, nil
		}
	}
}

// find returns the stretch a place is in, which may be being read by another; or a
// new one, which the caller has to load.
func (s *Shared) find(from Position) (t *stretch, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range slices.Backward(s.kept) {
		if t.from == from || t.ok && t.from.Less(from) && from.Less(t.next) {
			s.kept = append(slices.Delete(s.kept, i, i+1), t)
			return t, false
		}
	}
	t = &stretch{from: from, done: make(chan struct{})}
	s.kept = append(s.kept, t)
	return t, true
}

// load reads a stretch. One that could not be read, or has nothing, is not kept:
// those who wait for it try themselves.
func (s *Shared) load(ctx context.Context, t *stretch, maxBytes int) ([]Located, Position, error) {
	recs, next, err := s.Journal.Read(ctx, t.from, min(maxBytes, sharedRead))
	bytes := 0
	for i := range recs {
		bytes += weigh(&recs[i].Entry)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(t.done)
	if err != nil || next == t.from {
		s.kept = slices.DeleteFunc(s.kept, func(o *stretch) bool { return o == t })
		return recs, next, err
	}
	t.recs, t.next, t.bytes, t.ok = recs, next, bytes, true
	total := 0
	for _, o := range s.kept {
		total += o.bytes
	}
	for i := 0; i < len(s.kept) && (total > sharedBytes || len(s.kept) > sharedStretches); {
		if o := s.kept[i]; o.ok && o != t {
			total -= o.bytes
			s.kept = slices.Delete(s.kept, i, i+1)
			continue
		}
		i++
	}
	return recs, next, nil
}

// after returns the stretch's records from a place on: about maxBytes, one at least
// if there is one. It shares memory with the stretch.
func (t *stretch) after(from Position, maxBytes int) ([]Located, Position) {
	i := sort.Search(len(t.recs), func(i int) bool { return !t.recs[i].Pos.Less(from) })
	for n, size := i, 0; n < len(t.recs); n++ {
		if size += weigh(&t.recs[n].Entry); size > maxBytes && n > i {
			return t.recs[i:n:n], t.recs[n].Pos
		}
	}
	return slices.Clip(t.recs[i:]), t.next
}
