package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// GapError says that the records from From on, up to but without To, cannot be
// read: they are lost, damaged, or no longer kept. Reading on from To skips them.
type GapError struct {
	From, To Position
	// Why says what is the matter with them.
	Why string
}

// Error names the range and the reason.
func (e *GapError) Error() string {
	return fmt.Sprintf("journal records from %s up to %s cannot be read: %s", e.From, e.To, e.Why)
}

// minFetch is the least a request asks the store for, if the caller wants less.
const minFetch = 64 << 10

// Read returns the records from position from on (included), in whole batches: as
// many as take about maxBytes in the store, and one at least if there is one. next
// is where to go on. It does not wait: at the end it returns none. Intents are
// passed over: there may be none, and next still be further on.
//
// The zero Position stands for the oldest record kept. Any other that is older
// than that is a gap. The records share memory with others: do not modify them.
//
// A *GapError comes alone, when from itself is in the gap; next is then from.
// Other errors are of the connection or ctx, and the same call may be repeated.
func (j *Journal) Read(ctx context.Context, from Position, maxBytes int) (recs []Located, next Position, err error) {
	return j.read(ctx, from, maxBytes, false)
}

func (j *Journal) read(ctx context.Context, from Position, maxBytes int, intents bool) (recs []Located, next Position, err error) {
	if from.Seq == 0 {
		from = j.First()
	}
	list, err := j.load(ctx, from, maxBytes)
	if err != nil || len(list) == 0 {
		return nil, from, err
	}
	total := 0
	for _, b := range list {
		total += len(b.data)
	}
	next = from
	for i, b := range list {
		entries, err := decodeBatch(b.seq, b.data)
		if err != nil {
			if next != from {
				break // the next call meets it again
			}
			return nil, from, damaged(next, list[i:], err)
		}
		entries = entries[min(int(next.Index), len(entries)):]
		if !intents {
			entries = slices.DeleteFunc(entries, func(e Located) bool { return e.Intent })
		}
		if recs == nil {
			recs = slices.Grow(entries, len(entries)*(total/len(b.data)-1)) // the others are about as dense
		} else {
			recs = append(recs, entries...)
		}
		next = Position{Seq: b.seq + 1}
	}
	return recs, next, nil
}

// damaged makes the gap of a batch that cannot be decoded, and of the ones
// behind it if the store has lost them together.
func damaged(at Position, list []batch, err error) *GapError {
	gap := &GapError{From: at, To: Position{Seq: at.Seq + 1}, Why: "the batch is damaged: " + err.Error()}
	if !errors.Is(err, errLost) {
		return gap
	}
	gap.Why = "the store has lost these batches"
	for _, b := range list[1:] {
		if _, err := decodeBatch(b.seq, b.data); !errors.Is(err, errLost) {
			break
		}
		gap.To.Seq = b.seq + 1
	}
	return gap
}

// load returns batches from position from on; none at the end.
func (j *Journal) load(ctx context.Context, from Position, maxBytes int) ([]batch, error) {
	j.mu.Lock()
	last, closed := j.last, j.closed
	j.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	if list := j.tail.from(from.Seq, maxBytes); len(list) > 0 {
		return list, nil
	}
	if from == (Position{Seq: last + 1}) {
		return nil, nil
	}
	list, err := j.fetch(ctx, from.Seq, max(maxBytes, minFetch))
	if err != nil {
		return nil, fmt.Errorf("read journal at %s: %w", from, err)
	}
	if len(list) == 0 {
		return j.explain(ctx, from)
	}
	return list, nil
}

// explain is for a position at which the stream did not answer with a message:
// the end, a gap, or a replica that was behind.
func (j *Journal) explain(ctx context.Context, from Position) ([]batch, error) {
	st, err := j.bounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read journal at %s: %w", from, err)
	}
	end := Position{Seq: st.LastSeq + 1}
	switch {
	case from == end:
		return nil, nil
	case end.Less(from):
		// Somebody has read up to from, so there was something before it.
		if err := j.Reached(ctx, from); err != nil {
			return nil, err
		}
		return nil, &GapError{From: end, To: from, Why: "the journal ends earlier than it did: the store has lost its newest batches"}
	case from.Seq < st.FirstSeq:
		return nil, &GapError{From: from, To: Position{Seq: st.FirstSeq}, Why: "no longer kept: older than the journal's oldest record"}
	}
	// The bounds were taken first: any message up to LastSeq was there before we ask.
	b, ok, err := j.next(ctx, from.Seq)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read journal at %s: %w", from, err)
	case !ok:
		return nil, &GapError{From: from, To: end, Why: "the store has lost these batches"}
	case b.seq > from.Seq:
		return nil, &GapError{From: from, To: Position{Seq: b.seq}, Why: "the store has lost these batches"}
	}
	return []batch{b}, nil
}
