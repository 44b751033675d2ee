package delivery

import (
	"context"
	"errors"
	"fmt"

	"cairn/internal/journal"
)

// Balance accounts for every record of the journal at one destination:
//
//	Accepted = Before + Delivered + NotSelected + Oversized + Lost + Waiting
//
// Accepted and Waiting are counted in the journal, the others as they are
// delivered or passed over, so that a record that is forgotten or delivered twice
// shows.
type Balance struct {
	// Account, HomeRegion, Trail and Kind name the destination.
	Account, HomeRegion, Trail string
	Kind                       Kind
	// Accepted is how many records the journal has taken.
	Accepted uint64
	// Before came before the destination began. NotSelected were passed over.
	// Oversized are too large for a log group. Lost were lost by the journal.
	Before                                  int64
	Delivered, NotSelected, Oversized, Lost uint64
	// Waiting are behind the cursor.
	Waiting uint64
	// Gaps counts gaps met in the journal, whose records are not counted as Lost
	// where it is not known how many there were.
	Gaps uint64
	// Error is the code of the last attempt, empty if it worked.
	Error string
}

// Balanced reports whether the two sides are equal.
func (b *Balance) Balanced() bool {
	return int64(b.Accepted) == b.Before+int64(b.Delivered+b.NotSelected+b.Oversized+b.Lost+b.Waiting) // below 2^63 for ages
}

// Balances returns the balance of every destination.
func (d *Delivery) Balances(ctx context.Context) ([]Balance, error) {
	end := d.journal.End()
	accepted, err := d.journal.Count(ctx, end)
	if err != nil {
		return nil, err
	}
	var all []Balance
	for _, row := range d.o.Progress.List() {
		r, key := row.Value, row.Key
		if r.Before == nil || len(key) != 4 || end.Less(r.Cursor) {
			continue // not counted from its beginning, or beyond the end, which was taken first
		}
		before, err := d.journal.Count(ctx, r.Cursor)
		if errors.Is(err, journal.ErrUncounted) {
			continue // until it has passed the gap that is before it
		}
		if err != nil {
			return nil, fmt.Errorf("account for %v: %w", key, err)
		}
		all = append(all, Balance{
			Account: key[0], HomeRegion: key[1], Trail: key[2], Kind: Kind(key[3]), Accepted: accepted, Before: *r.Before,
			Delivered: r.Records, NotSelected: r.Passed, Oversized: r.Oversized, Lost: r.Lost, Waiting: accepted - before,
			Gaps: r.Gaps, Error: r.Error,
		})
	}
	return all, nil
}

// lost is how many records are in a gap that begins where a batch ends so far. After
// a restart the journal counts from its end back, up to the gap: what is before it
// is then told by what the row and the batch account for.
func (p *pump) lost(ctx context.Context, row *Progress, b *batch, to journal.Position) (uint64, error) {
	if _, err := p.journal.Count(ctx, b.to); row.Before != nil && errors.Is(err, journal.ErrUncounted) {
		before := *row.Before + int64(row.Records+row.Oversized+row.Passed+row.Lost+p.passed+b.passed+b.lost) + int64(b.records) // counts, below 2^63
		if n, err := p.journal.Count(ctx, to); err == nil && int64(n) >= before {
			return uint64(int64(n) - before), nil
		}
	}
	return p.distance(ctx, b.to, to)
}

// distance is how many records lie between two positions; 0 if that is not known
// any more. Any other error passes: who then went on would never count them.
func (p *pump) distance(ctx context.Context, from, to journal.Position) (uint64, error) {
	first, err := p.journal.Count(ctx, from)
	var last uint64
	if err == nil {
		last, err = p.journal.Count(ctx, to)
	}
	switch {
	case err != nil && !errors.Is(err, journal.ErrUncounted):
		return 0, fmt.Errorf("count what is passed over: %w", err)
	case err != nil || last < first:
		p.log.WarnContext(ctx, "it is not known how many records were passed over", "from", from, "to", to, "error", err)
		return 0, nil
	}
	return last - first, nil
}

// recount sets what came before the destination so that the balance is even, after
// the journal has lost its end.
func (p *pump) recount(ctx context.Context) error {
	_, err := p.o.Progress.Update(ctx, func(r *Progress) error {
		if r.TrailID != p.id {
			return errLost
		}
		n, err := p.journal.Count(ctx, r.Cursor)
		switch {
		case errors.Is(err, journal.ErrUncounted):
			r.Before = nil
		case err != nil:
			return err
		default:
			r.Before = new(int64(n) - int64(r.Records+r.Oversized+r.Passed+r.Lost)) // counts, below 2^63
		}
		return nil
	}, p.row...)
	if err != nil {
		return fmt.Errorf("count the records before this destination: %w", err)
	}
	return nil
}
