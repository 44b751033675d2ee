package journal

import (
	"context"
	"slices"
	"sort"
	"sync"
)

// What Shared keeps: so many stretches of the journal, of so many bytes together.
const (
	sharedRead      = 2 << 20
	sharedBytes     = 24 << 20
	sharedStretches = 32
	// recordBytes is about what a record takes in memory beside its JSON.
	recordBytes = 512
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

// Read is Journal.Read, in stretches of a size of its own: others read them too.
func (s *Shared) Read(ctx context.Context, from Position, _ int) ([]Located, Position, error) {
	if from.Seq == 0 {
		from = s.First()
	}
	for {
		t, mine := s.find(from)
		if mine {
			return s.load(ctx, t)
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return nil, from, ctx.Err()
		}
		if t.ok {
			i := sort.Search(len(t.recs), func(i int) bool { return !t.recs[i].Pos.Less(from) })
			return slices.Clip(t.recs[i:]), t.next, nil
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
func (s *Shared) load(ctx context.Context, t *stretch) ([]Located, Position, error) {
	recs, next, err := s.Journal.Read(ctx, t.from, sharedRead)
	bytes := 0
	for i := range recs {
		bytes += len(recs[i].JSON) + recordBytes
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
