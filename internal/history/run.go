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

const (
	// retry is the pause after a failure.
	retry = time.Second
	// tidyEvery is how often old records are removed and segments merged.
	tidyEvery = time.Hour
)

// Run keeps the event history up to date until ctx ends. What it has gathered by
// then is written; what a crash leaves unwritten is gathered again by the next
// Run, from the table's mark on.
func (s *Store) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.step(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "cannot keep the event history up to date; it will be tried again", "error", err)
			pause(ctx, retry)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	if err := s.flush(last); err != nil {
		s.log.WarnContext(last, "the newest event history is not written; the next start reads it from the journal again", "error", err)
	}
}

// closing is how long the last flush may take.
const closing = 5 * time.Second

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// step reads on, or waits until there is something to do.
func (s *Store) step(ctx context.Context) error {
	if s.flushing != nil { // it failed the last time: no more is gathered until it works
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	recs, next, err := s.o.Journal.Read(ctx, s.pos)
	var gap *journal.GapError
	switch {
	case errors.As(err, &gap) && s.pos.Less(gap.To):
		s.log.ErrorContext(ctx, "records are missing from the event history: the journal has lost them", "from", gap.From, "to", gap.To, "why", gap.Why)
		next = gap.To
	case err != nil:
		return fmt.Errorf("read journal at %s: %w", s.pos, err)
	}
	if end := s.o.Journal.End(); len(recs) == 0 && err == nil && end.Less(next) {
		// The store has lost its newest batches: new ones come at places that were
		// read before.
		s.log.ErrorContext(ctx, "records may be missing from the event history: the journal ends earlier than it did", "end", end, "read", next)
		next = end
	}
	s.take(recs, next)
	if err := s.upkeep(ctx); err != nil {
		return err
	}
	if len(recs) > 0 || gap != nil {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, s.untilFlush())
	defer cancel()
	if err := s.o.Journal.Wait(wait, s.pos); err != nil && ctx.Err() == nil && wait.Err() == nil {
		return fmt.Errorf("wait for the journal at %s: %w", s.pos, err)
	}
	return nil
}

// take adds what the event history keeps of records, of which next is the end.
func (s *Store) take(recs []journal.Located, next journal.Position) {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range recs {
		if to := streamOf(&recs[i].Header); to != "" {
			s.tail.add(&recs[i], to, now)
		}
	}
	if s.pos != next {
		s.pos, s.read = next, next
		close(s.moved)
		s.moved = make(chan struct{})
	}
}

// upkeep writes what has gathered, if it is time, and removes old records.
func (s *Store) upkeep(ctx context.Context) error {
	now := s.o.Now()
	if s.tail.bytes >= s.o.FlushBytes || s.untilFlush() <= 0 {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	if now.Sub(s.tidied) < tidyEvery {
		return nil
	}
	if err := s.table.Expire(ctx, now.Add(-Retention).UnixMilli()); err != nil {
		return fmt.Errorf("remove old records from the event history: %w", err)
	}
	if err := s.table.Compact(ctx); err != nil {
		return fmt.Errorf("merge the event history: %w", err)
	}
	s.tidied = now
	return nil
}

// untilFlush is how long it takes until what has gathered is to be written. A
// stretch of the journal without a record for the event history moves the mark
// only now and then: it would be read and passed again after a restart.
func (s *Store) untilFlush() time.Duration {
	every := s.o.FlushEvery
	if len(s.tail.rows) == 0 {
		every = tidyEvery
	}
	return s.tail.began.Add(every).Sub(s.o.Now())
}

// flush writes what has gathered to the table.
func (s *Store) flush(ctx context.Context) error {
	s.mu.Lock()
	if s.flushing == nil && s.tail.from != markText(s.pos) {
		s.tail.to = markText(s.pos)
		s.flushing, s.tail = s.tail, &tail{from: s.tail.to, began: s.o.Now()}
	}
	f := s.flushing
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	// A crash before this leaves the mark where it was, and the next start reads
	// the same records again; after it, they are in the table and the mark is
	// behind them. An error may leave either: the same batch is appended again,
	// which changes nothing if it is there. Lookups read the rows meanwhile, so
	// the table gets a list of its own to sort.
	if err := s.table.Append(ctx, &lake.Batch{Rows: slices.Clone(f.rows), From: f.from, To: f.to}); err != nil {
		return fmt.Errorf("write %d records to the event history: %w", len(f.rows), err)
	}
	s.mu.Lock()
	s.flushing = nil
	s.mu.Unlock()
	return nil
}
