package lake

import (
	"context"
	"time"
)

// Predicate is a condition on a message; *logquery.Predicate is one.
type Predicate interface {
	// Match reports whether a message fulfils it. It must not keep the message,
	// and may be called concurrently.
	Match(message []byte) bool
	// Needles are byte strings: of each clause every message that matches
	// contains at least one. None if nothing can be said.
	Needles() [][][]byte
}

// Query asks for rows of a table.
type Query struct {
	// Start and End bound the timestamps, in milliseconds, both included.
	Start, End int64
	// Streams selects streams; nil selects all. It may be called concurrently.
	Streams func(stream string) bool
	// From is the boundary to go on from; nil is the beginning, or the end if
	// Backward is set.
	From *Position
	// Backward reads from the latest row to the earliest.
	Backward bool
	// Where selects rows by message; nil selects all. Pages that cannot have its
	// needles are not read.
	Where Predicate
	// Limit and MaxBytes bound a page: rows, and bytes of their messages with
	// Overhead for each. One row always fits. 0 is no bound.
	Limit, MaxBytes, Overhead int
	// Budget and Patience are about how many bytes of messages, and for how
	// long, one page reads before it is handed out unfilled, so that a query that
	// selects little does not keep its caller waiting. 0 means 256 MiB and 500 ms.
	Budget   int64
	Patience time.Duration
}

const (
	defaultBudget   = 256 << 20
	defaultPatience = 500 * time.Millisecond
)

// Block is a run of rows that lie elsewhere but belong to the table, such as
// those of a journal that are not yet in segments.
type Block interface {
	// Bounds returns the earliest and the latest timestamp, and about how many
	// bytes the messages have.
	Bounds() (first, last, bytes int64)
	// Read calls each with every row, in any order. The row's message may be
	// overwritten when each returns.
	Read(ctx context.Context, each func(r *Row)) error
}

// Page is the answer to Read.
type Page struct {
	// Rows are in the order of reading; their messages are the caller's.
	Rows []Row
	// More says that there may be further rows; Next is the boundary to go on
	// from. A page may be empty and still have more.
	More bool
	Next Position
}

// Snapshot is the state of a table at one moment: whatever is appended, merged
// or deleted afterwards, its rows can be read until it is closed.
type Snapshot struct {
	table    *Table
	mark     string
	segments []*handle
	deleted  map[string]bool
}

// Snapshot returns the state of the table now. The caller closes it.
func (t *Table) Snapshot() (*Snapshot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil, ErrDropped
	}
	s := &Snapshot{table: t, mark: t.m.Mark, segments: append([]*handle(nil), t.segments...), deleted: map[string]bool{}}
	for _, name := range t.m.Deleted {
		s.deleted[name] = true
	}
	for _, seg := range s.segments {
		seg.mu.Lock()
		seg.holders++
		seg.mu.Unlock()
	}
	return s, nil
}

// Close lets go of the segments.
func (s *Snapshot) Close() {
	for _, seg := range s.segments {
		s.table.let(seg)
	}
	s.segments = nil
}

// Mark returns the mark of the snapshot: which rows it holds, and which have to
// be given to Read and Scan as blocks.
func (s *Snapshot) Mark() string { return s.mark }

// Read returns one page of the snapshot's rows and those of more, in order of
// Position. Memory is bounded by the page and Options.PageReads, whatever the
// table holds: pages and blocks are read in the order of their earliest (or
// latest) row, several at once, and only the best rows so far are kept.
func (s *Snapshot) Read(ctx context.Context, q *Query, more ...Block) (*Page, error) {
	c := newCursor(s, q, more)
	defer c.close()
	p := newPage(q)
	budget, deadline := q.limits(s.table.lake.o.Now)
	for first := true; ; first = false {
		at, ok, err := c.edge()
		if err != nil {
			return nil, err
		}
		if !ok || p.full(at) {
			return p.done(), nil
		}
		if !first && (c.scanned >= budget || s.table.lake.o.Now().After(deadline)) && q.advances(at) {
			p.cut(at)
			return p.done(), nil
		}
		if err := c.wave(ctx, p.full, p.offer); err != nil {
			return nil, err
		}
	}
}

// Scan calls each with every row the query selects until it returns false.
// Limit, MaxBytes, Budget and Patience do not count. Rows come about in reading
// order, not exactly. The row's message may be overwritten when each returns.
func (s *Snapshot) Scan(ctx context.Context, q *Query, each func(r *Row) bool, more ...Block) error {
	c := newCursor(s, q, more)
	defer c.close()
	stopped := false
	never := func(Position) bool { return false }
	for {
		_, ok, err := c.edge()
		if err != nil || !ok || stopped {
			return err
		}
		err = c.wave(ctx, never, func(r *Row) {
			stopped = stopped || q.before(r.Pos) || !each(r)
		})
		if err != nil {
			return err
		}
	}
}

// limits returns how many bytes a page reads, and until when.
func (q *Query) limits(now func() time.Time) (int64, time.Time) {
	budget, patience := q.Budget, q.Patience
	if budget <= 0 {
		budget = defaultBudget
	}
	if patience <= 0 {
		patience = defaultPatience
	}
	return budget, now().Add(patience)
}

// before reports whether earlier pages have the row at pos.
func (q *Query) before(pos Position) bool {
	// A boundary lies just before its row: reading forward that row is the next,
	// reading backward it was the last.
	if q.From == nil {
		return false
	}
	if q.Backward {
		return pos.Compare(*q.From) >= 0
	}
	return pos.Compare(*q.From) < 0
}

// passed reports whether earlier pages have all rows between two timestamps, or
// the query wants none of them.
func (q *Query) passed(first, last int64) bool {
	switch {
	case last < q.Start || first > q.End:
		return true
	case q.From == nil:
		return false
	case q.Backward:
		return first > q.From.Timestamp
	}
	return last < q.From.Timestamp
}

// advances reports whether a page that ends at the edge gets anywhere.
func (q *Query) advances(edge Position) bool {
	if q.Backward {
		return q.From == nil || edge.Compare(*q.From) < 0
	}
	return edge.Timestamp > q.Start && (q.From == nil || edge.Compare(*q.From) > 0)
}
