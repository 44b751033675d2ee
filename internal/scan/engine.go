package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cairn/internal/scan/cut"
)

// engine searches one file after the other with the same buffers. There are as
// many as files may be searched at once.
type engine struct {
	*cut.Reader
	sieve  *sieve
	where  Where
	window Window
	// fields are those that are needed of every record that is chosen; clock is
	// the time alone.
	fields, clock *fields
	// timed is set if the time of every record is needed.
	timed  bool
	groups *groups
}

// tally is what was done with one file.
type tally struct {
	inflated, records, matches int64
	err                        error // why it was passed over, or what is wrong with it
}

// newEngine returns an engine; the query's defaults are set.
func newEngine(q *Query, by *Grouping) (*engine, error) {
	e := &engine{Reader: cut.NewReader(q.MaxRecord, q.MaxFile), where: q.Where, window: q.Window}
	var needles [][][]byte
	if q.Where != nil {
		needles = q.Where.Needles()
	}
	e.sieve = newSieve(needles)
	e.timed = !q.From.IsZero() || !q.To.IsZero()
	some := []int{eventTime}
	var err error
	if e.clock, err = newFields(nil, some...); err != nil {
		return nil, err
	}
	if by == nil {
		if q.Once {
			some = append(some, eventID)
		}
		e.fields, err = newFields(nil, some...)
		return e, err
	}
	if by.Every == 0 && !e.timed {
		some = nil
	}
	e.groups = newGroups(by)
	e.fields, err = newFields(by.By, some...)
	return e, err
}

// search looks through a file, given by the bytes of it that were read already
// and a reader for the others. It stops at the first error of each.
func (e *engine) search(ctx context.Context, head []byte, rest io.Reader, each func(record []byte) error) (t tally, err error) {
	e.Start(head, rest)
	seen := -1
	for {
		record, err := e.Next()
		if err != nil {
			t.inflated, t.err = e.Inflated(), e.verdict(err)
			return t, ctx.Err()
		}
		if t.records++; t.records == 1 && e.foreign(record) {
			t.inflated, t.err = e.Inflated(), ErrForeign
			return t, nil
		}
		piece, from, to, number := e.Piece(record)
		if number != seen {
			seen = number
			e.sieve.moved()
			if err := ctx.Err(); err != nil {
				return t, err
			}
		}
		if !e.sieve.candidate(piece, from, to) || !e.matches(record) {
			continue
		}
		t.matches++
		if err := each(record); err != nil {
			return t, err
		}
	}
}

// verdict turns how a file's content ended into what is wrong with it.
func (e *engine) verdict(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case !e.Begun():
		return fmt.Errorf("%w: it is empty", ErrForeign)
	}
	return e.Appended()
}

// foreign says whether an object that stands by itself is no record: those have
// a time.
func (e *engine) foreign(record []byte) bool {
	if !e.Alone() {
		return false
	}
	e.clock.find(record)
	return e.clock.time().IsZero()
}

// matches says whether a candidate is chosen, and leaves its time in
// e.fields if that is needed.
func (e *engine) matches(record []byte) bool {
	if e.timed {
		e.fields.find(record)
		if !e.window.contains(e.fields.time()) {
			return false
		}
	}
	if e.where != nil && !e.where.Match(record) {
		return false
	}
	if !e.timed {
		e.fields.find(record)
	}
	return true
}

// contains says whether a time is in the window. A record without a time is in
// none that has a bound.
func (w *Window) contains(t time.Time) bool {
	return !t.IsZero() && (w.From.IsZero() || !t.Before(w.From)) && (w.To.IsZero() || t.Before(w.To))
}
