package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrUncounted says that it is not known how many records came before a position:
// it is older than the count, or behind a gap that hides how many it holds.
var ErrUncounted = errors.New("records were not counted so far back")

const (
	// stride is how many batches lie between two points of a tally, and maxPoints
	// how many points are kept. What lies between is read again.
	stride    = 64
	maxPoints = 1 << 14
)

// tally counts records from the journal's first on: the mark keeps the count
// across restarts, with the place it is for. Intents are none.
type tally struct {
	mu     sync.Mutex
	points []point // by seq, the last one is where counting is
}

// point says how many records there are before a batch.
type point struct{ seq, records uint64 }

// start begins at a known point.
func (t *tally) start(seq, records uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.points = []point{{seq, records}}
}

// add counts a batch if it is the next one.
func (t *tally) add(seq, records uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.points)
	end := t.points[n-1]
	if seq != end.seq {
		return // of another process of the cluster, or counted: catchUp sees to it
	}
	next := point{end.seq + 1, end.records + records}
	if n == 1 || end.seq-t.points[n-2].seq >= stride {
		t.points = append(t.points, next)
	} else {
		t.points[n-1] = next
	}
	if len(t.points) > maxPoints {
		t.points = slices.Delete(t.points, 0, maxPoints/2)
	}
}

// learn adds a point that was counted by going back from a later one.
func (t *tally) learn(p point) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := slices.BinarySearchFunc(t.points, p.seq, comparePoint)
	if !found && i < len(t.points) && len(t.points) < maxPoints {
		t.points = slices.Insert(t.points, i, p)
	}
}

func comparePoint(p point, seq uint64) int { return cmp.Compare(p.seq, seq) }

// around returns the points next to a batch, before or at it and after it.
func (t *tally) around(seq uint64) (before, after point, hasBefore, hasAfter bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := slices.BinarySearchFunc(t.points, seq, comparePoint)
	if found {
		return t.points[i], t.points[i], true, true
	}
	if i > 0 {
		before, hasBefore = t.points[i-1], true
	}
	if i < len(t.points) {
		after, hasAfter = t.points[i], true
	}
	return before, after, hasBefore, hasAfter
}

// end is where counting is.
func (t *tally) end() point {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.points[len(t.points)-1]
}

// catchUp counts what others have written, and what was written before this
// process began.
func (j *Journal) catchUp(ctx context.Context) error {
	for {
		at, last := j.tally.end(), j.End()
		if at.seq >= last.Seq {
			return nil
		}
		list, err := j.load(ctx, Position{Seq: at.seq}, minFetch)
		var gap *GapError
		switch {
		case errors.As(err, &gap):
			// How many were in it is not known. From here on it is, again.
			j.tally.start(gap.To.Seq, at.records)
			continue
		case err != nil:
			return err
		case len(list) == 0:
			return nil
		}
		for _, b := range list {
			n, err := recordsOf(b)
			if err != nil {
				n = 0 // damaged or lost: a gap to its readers
			}
			j.tally.add(b.seq, n)
		}
	}
}

// recordsOf counts the records of a batch.
func recordsOf(b batch) (n uint64, err error) {
	entries, err := decodeBatch(b.seq, b.data)
	for i := range entries {
		if !entries[i].Intent {
			n++
		}
	}
	return n, err
}

// Count returns how many records there are before a position, from the journal's
// first on, across restarts. Two positions' difference is how many lie between
// them, in whatever way they are read. Positions of which that cannot be told any
// more have ErrUncounted; other errors pass.
func (j *Journal) Count(ctx context.Context, p Position) (uint64, error) {
	if err := j.catchUp(ctx); err != nil {
		return 0, fmt.Errorf("count journal records: %w", err)
	}
	j.counting.Lock() // who comes next finds what this one learns
	defer j.counting.Unlock()
	before, after, hasBefore, hasAfter := j.tally.around(p.Seq)
	var err error
	if hasBefore {
		var n uint64
		if n, err = j.between(ctx, Position{Seq: before.seq}, p); err == nil {
			return before.records + n, nil
		}
		if !isGap(err) {
			return 0, fmt.Errorf("count journal records before %s: %w", p, err)
		}
	}
	if hasAfter {
		// From the start of the batch, which is a point worth knowing: counting back
		// reads all there is between, which may be much after a restart.
		start := Position{Seq: p.Seq}
		var n uint64
		if n, err = j.between(ctx, start, Position{Seq: after.seq}); err == nil && n <= after.records {
			j.tally.learn(point{p.Seq, after.records - n})
			var within uint64
			if within, err = j.between(ctx, start, p); err == nil {
				return after.records - n + within, nil
			}
		}
	}
	if err != nil && !isGap(err) {
		return 0, fmt.Errorf("count journal records before %s: %w", p, err)
	}
	return 0, fmt.Errorf("count journal records before %s: %w", p, errors.Join(ErrUncounted, err))
}

func isGap(err error) bool {
	_, ok := errors.AsType[*GapError](err)
	return ok
}

// between counts the records from one position up to another.
func (j *Journal) between(ctx context.Context, from, to Position) (n uint64, err error) {
	for from.Less(to) {
		recs, next, err := j.Read(ctx, from, 1<<20)
		if err != nil {
			return 0, err
		}
		if next == from {
			return n, nil // the journal ends
		}
		for i := range recs {
			if recs[i].Pos.Less(to) {
				n++
			}
		}
		from = next
	}
	return n, nil
}
