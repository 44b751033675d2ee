// Package follow notices everything that arrives at a place, such as a bucket,
// and gives it once each: also what arrives late and out of order.
//
// CloudTrail writes log files in no order of their keys, many at a time, some
// minutes after the events and after an outage days after, so a cursor that
// asks for what comes after the last key loses files. Here every look lists
// what is recent, again and again, and every so often all of a look-back
// window; what was given before is known by a fingerprint of its key, which is
// kept as long as the window can list it.
//
// What is promised: an item is given once if it arrives no later than the
// look-back window after the time in its name (after its arrival, if the place
// tells that), stays there for as long as Sweep, and can be read within the
// window. Memory is about 40 bytes for each item of the window.
package follow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Item is something that arrives.
type Item[T any] struct {
	// Key tells it from every other.
	Key string
	// Time orders it and says when it leaves the window: the time in its name or
	// of its arrival, whichever is later. It never changes.
	Time time.Time
	// Value is what the place needs to read it.
	Value T
}

// Place is what is followed.
type Place[T any] struct {
	// List calls each, from one goroutine, for what a look asks for; it may give
	// more. It returns the first error of each as it is.
	List func(ctx context.Context, look Look, each func(Item[T]) error) error
	// Read returns what is wanted of an item; it is called from several
	// goroutines. After an error the item is read again at a later look: what
	// can never be read is no error, but told by Read itself.
	Read func(ctx context.Context, value T) ([][]byte, error)
}

// Look is what is asked for when a place is listed.
type Look struct {
	// Since asks for everything with a time from it on.
	Since time.Time
	// Whole says that this is the sweep of the window: what is missed now may be
	// missed for good. Other looks may leave out what is costly to find.
	Whole bool
}

// Options say how a place is followed.
type Options struct {
	// Every is the time from the end of a look to the next.
	Every time.Duration
	// Near is what every look lists, back from now.
	Near time.Duration
	// LookBack is the window; all of it is listed every Sweep.
	LookBack, Sweep time.Duration
	// From gives also what was there at the start with a time from it on. Zero
	// gives only what arrives after.
	From time.Time
	// InFlight is how many items are read at once; 0 means 1.
	InFlight int
	// State remembers what was given.
	State *State
	// Warn is told what failed and will be tried again.
	Warn func(error)
}

// Run follows a place until ctx is done, which is no error. It calls write from
// one goroutine for every item with what Read returned, in the order of their
// times as far as they arrive so. The item counts as given when write returns.
func Run[T any](ctx context.Context, p Place[T], o Options, write func(value T, records [][]byte) error) error {
	f := &follower[T]{place: p, Options: o, write: write, failing: map[id]failure{}}
	f.InFlight = max(1, f.InFlight)
	err := f.run(ctx)
	if ctx.Err() != nil && !errors.Is(err, errWrite) {
		err = nil
	}
	return errors.Join(err, f.State.sync())
}

// ErrLater is what Read returns of an item that is not ready yet: it is read
// again at a later look, and nothing is told about it.
var ErrLater = errors.New("not ready yet")

var errWrite = errors.New("write what was found")

type follower[T any] struct {
	place Place[T]
	Options
	write func(value T, records [][]byte) error

	horizon  time.Time      // what is older is not looked at
	first    bool           // this is the first look of all
	failing  map[id]failure // items that could not be read yet
	complain string         // the last failure to list that was told
}

// failure is an item that could not be read.
type failure struct {
	item  time.Time // its own time
	first time.Time // when that was seen first
}

func (f *follower[T]) run(ctx context.Context) error {
	began := f.State.begin(time.Now())
	f.first = f.State.swept.IsZero()
	// After a pause the window begins where it ended before the pause.
	looked, swept := f.State.swept, f.State.swept
	if f.first {
		looked, swept = began, began
	}
	var whole time.Time // when the window was listed
	for look := 1; ; look++ {
		now := time.Now()
		sweep := now.Sub(whole) >= f.Sweep
		since := earlier(now, looked).Add(-f.Near)
		if sweep {
			since = earlier(now, swept).Add(-f.LookBack)
			if f.first && !f.From.IsZero() {
				since = earlier(since, f.From)
			}
			f.horizon = since
		}
		err := f.look(ctx, Look{since, sweep})
		switch {
		case err == nil:
			looked, f.complain = now, ""
		case ctx.Err() != nil || look == 1 || errors.Is(err, errWrite) || errors.Is(err, errState):
			return err
		case err.Error() != f.complain:
			f.complain = err.Error()
			f.Warn(fmt.Errorf("%w; it is tried again", err))
		}
		if sweep && err == nil {
			whole, swept, f.first = now, f.hold(now), false
			if err := f.State.sweep(swept, since); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(f.Every):
		}
	}
}

// hold returns the time of a sweep, put back so far that the next one still
// lists what could not be read. Items that could not be for as long as the
// window are given up: they would keep it from ever moving.
func (f *follower[T]) hold(swept time.Time) time.Time {
	now := swept
	for key, failed := range f.failing {
		if now.Sub(failed.first) > f.LookBack {
			delete(f.failing, key)
			continue
		}
		swept = earlier(swept, failed.item.Add(f.LookBack))
	}
	return swept
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// look lists what is asked for and gives what is new.
func (f *follower[T]) look(ctx context.Context, look Look) error {
	const most = 4096 // items held in memory, to be put in order
	var batch []Item[T]
	give := func() error {
		err := f.give(ctx, batch)
		batch = batch[:0]
		return err
	}
	err := f.place.List(ctx, look, func(it Item[T]) error {
		key := fingerprint(it.Key)
		switch {
		case it.Time.Before(f.horizon) || f.State.has(key):
			return nil
		case f.first && f.was(it):
			return f.State.add(key, it.Time)
		}
		if batch = append(batch, it); len(batch) >= most {
			return give()
		}
		return nil
	})
	return errors.Join(err, give(), f.State.sync())
}

// was reports whether an item was there before the first look, and is not asked
// for.
func (f *follower[T]) was(it Item[T]) bool {
	if !f.From.IsZero() {
		return it.Time.Before(f.From)
	}
	// A first look that did not come to its end is made again; what arrived in
	// between is new. At the very first everything is old, whatever its time is:
	// CloudTrail names files up to five minutes ahead.
	return !f.State.again || it.Time.Before(f.State.began)
}

type outcome struct {
	records [][]byte
	err     error
}

// give reads items at once and writes them one after the other.
func (f *follower[T]) give(ctx context.Context, items []Item[T]) error {
	slices.SortStableFunc(items, func(a, b Item[T]) int { return a.Time.Compare(b.Time) })
	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	// The queue's length bounds what was read and is not written yet.
	queue := make(chan chan outcome, f.InFlight-1)
	readers.Go(func() {
		defer close(queue)
		for _, it := range items {
			one := make(chan outcome, 1)
			select {
			case queue <- one:
			case <-ctx.Done():
				return
			}
			readers.Go(func() {
				records, err := f.place.Read(ctx, it.Value)
				one <- outcome{records, err}
			})
		}
	})
	next := 0
	for one := range queue {
		it, result := items[next], <-one
		next++
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.done(it, result); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// done writes what was read of an item and remembers that. A crash between the
// two gives the item's records once more after the restart.
func (f *follower[T]) done(it Item[T], o outcome) error {
	key := fingerprint(it.Key)
	if f.State.has(key) {
		return nil // listed twice
	}
	if o.err != nil {
		if _, told := f.failing[key]; !told {
			f.failing[key] = failure{it.Time, time.Now()}
			if !errors.Is(o.err, ErrLater) {
				f.Warn(fmt.Errorf("%w; it is tried again", o.err))
			}
		}
		return nil
	}
	delete(f.failing, key)
	if len(o.records) > 0 {
		if err := f.write(it.Value, o.records); err != nil {
			return fmt.Errorf("%w: %w", errWrite, err)
		}
	}
	return f.State.add(key, it.Time)
}
