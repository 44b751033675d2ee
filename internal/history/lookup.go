package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn/internal/journal"
	"cairn/internal/lake"
)

// block is a run of a tail's rows as a lookup reads it.
type block []lake.Row

// Bounds implements lake.Block.
func (b block) Bounds() (first, last, bytes int64) {
	first, last = b[0].Pos.Timestamp, b[0].Pos.Timestamp
	for i := range b {
		first, last = min(first, b[i].Pos.Timestamp), max(last, b[i].Pos.Timestamp)
		bytes += int64(len(b[i].Message))
	}
	return first, last, bytes
}

// Read implements lake.Block.
func (b block) Read(ctx context.Context, each func(*lake.Row)) error {
	for i := range b {
		row := b[i]
		each(&row)
	}
	return ctx.Err()
}

// view returns the table and what is not in it, at one moment.
func (s *Store) view() (*lake.Snapshot, []lake.Block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap, err := s.table.Snapshot()
	if err != nil {
		return nil, nil, fmt.Errorf("read event history: %w", err)
	}
	var more []lake.Block
	if f := s.flushing; f != nil && len(f.rows) > 0 && snap.Mark() != f.to {
		more = append(more, block(f.rows))
	}
	if rows := s.tail.rows; len(rows) > 0 {
		more = append(more, block(slices.Clip(rows)))
	}
	return snap, more, nil
}

// patience is how long a lookup waits for the newest records.
const patience = 2 * time.Second

// reach waits until everything up to a place in the journal can be looked up, or
// patience ends: an answer without the last moment's records is better than none.
func (s *Store) reach(ctx context.Context, to journal.Position) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		s.mu.Lock()
		there, moved := !s.read.Less(to), s.moved
		s.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-moved:
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ErrQuery says that a query cannot be answered as it is.
var ErrQuery = errors.New("bad query")

// Query asks for records of one account and region, newest first.
type Query struct {
	Account string
	Region  string
	// Insight asks for Insights events instead of management events.
	Insight bool
	// Trail is the ARN of the trail whose data events the Insights events are about;
	// empty asks for those about management events.
	Trail string
	// From and To bound the time of the event, both included; zero is no bound.
	From, To time.Time
	// Attribute and Value select records by what LookupEvents calls an attribute;
	// none if Attribute is empty.
	Attribute Attribute
	Value     string
	// Limit is how many events a page has at most.
	Limit int
	// After is the Next of the page before; nil for the first.
	After *lake.Position
}

// Page is the answer to a lookup.
type Page struct {
	Events []Event
	// More says that there may be further events: from Next on. A page may be
	// empty and still have more.
	More bool
	Next lake.Position
}

// lookupPatience is how long one page may take before it is handed out unfilled.
const lookupPatience = time.Second

// Lookup returns a page of records.
func (s *Store) Lookup(ctx context.Context, q *Query) (*Page, error) {
	where, err := q.match()
	if err != nil {
		return nil, err
	}
	if err := s.reach(ctx, s.o.Journal.End()); err != nil {
		return nil, err
	}
	snap, more, err := s.view()
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	want := stream(q.Account, q.Region, q.Insight) + q.Trail
	oldest := s.o.Now().Add(-Retention)
	if q.From.After(oldest) {
		oldest = q.From
	}
	lq := &lake.Query{
		Start: oldest.UnixMilli(), End: lastMilli(q.To), Streams: func(name string) bool { return name == want },
		From: q.After, Backward: true, Where: where, Limit: q.Limit, Patience: lookupPatience,
	}
	page, err := snap.Read(ctx, lq, more...)
	if err != nil {
		return nil, fmt.Errorf("read event history: %w", err)
	}
	out := &Page{More: page.More, Next: page.Next, Events: make([]Event, 0, len(page.Rows))}
	for i := range page.Rows {
		e, err := Describe(page.Rows[i].Message)
		if err != nil {
			return nil, fmt.Errorf("read record %s of the event history: %w", page.Rows[i].Pos.EventID(), err)
		}
		out.Events = append(out.Events, *e)
	}
	return out, nil
}

// lastMilli returns the last millisecond of a time's second: event times are in
// seconds, and a record of that second is included.
func lastMilli(t time.Time) int64 {
	if t.IsZero() {
		return 1<<63 - 1
	}
	return t.Truncate(time.Second).Add(time.Second - time.Millisecond).UnixMilli()
}
