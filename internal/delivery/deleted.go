package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn/internal/state"
	"cairn/internal/trail"
)

// patience is how long what a deleted trail leaves is tried to be delivered. A
// trail that is there is tried as long as the journal keeps records; but buckets
// are often deleted with their trails.
const patience = time.Hour

// Gone reports whether everything that a trail marked as deleted (trail.End) had
// logged is delivered or given up, and nothing is left of it. Run sees to that;
// what it changes on the way is seen through the tables' Changed.
func (ts Tables) Gone(t *trail.Trail) bool {
	live, ok := ts.Trails.Get(keyOf(t)...)
	_, left := ts.Deleted.Get(keyOf(t, t.ID)...)
	return !left && (!ok || live.ID != t.ID)
}

// retire takes a trail that is marked as deleted out of the table of trails, and
// leaves it in that of deleted ones until everything it logged is delivered.
func (d *Delivery) retire(ctx context.Context, t *trail.Trail) error {
	if t.NextSpan > 0 { // else it has never logged
		// A crash before this or after it leaves the trail marked: the next start
		// comes here again.
		if err := d.o.Deleted.Put(ctx, t, keyOf(t, t.ID)...); err != nil {
			return fmt.Errorf("keep what trail %s has not delivered: %w", t.ARN(), err)
		}
	}
	if err := d.o.Trails.Delete(ctx, keyOf(t)...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("remove trail %s: %w", t.ARN(), err)
	}
	return nil
}

// find returns the pump's trail, be it deleted or not, or nil if it is gone.
func (p *pump) find() *trail.Trail {
	if t, ok := p.o.Deleted.Get(slices.Concat(p.key, []string{p.id})...); ok {
		return t
	}
	if t, ok := p.o.Trails.Get(p.key...); ok && t.ID == p.id {
		return t
	}
	return nil
}

// over reports whether there is nothing left to do for a deleted trail, or no
// sense in going on after so many failures: its time is up, or another trail of
// its name waits.
func (p *pump) over(ctx context.Context, fails int) bool {
	t := p.find()
	if t == nil || t.Deleted.IsZero() {
		return false
	}
	row, ok := p.o.Progress.Get(p.row...)
	if p.drained && (!ok || row.Digests == nil || len(row.Digests.Closed) == 0) {
		return true
	}
	if fails == 0 {
		return false
	}
	other, again := p.o.Trails.Get(p.key...)
	if (!again || other.ID == p.id) && p.o.Now().Sub(t.Deleted) < patience {
		return false
	}
	p.log.ErrorContext(ctx, "what a deleted trail had not delivered is given up: its destination fails", "deleted", t.Deleted, "cursor", p.at.pos)
	return true
}
