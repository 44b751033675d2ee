package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn/internal/state"
	"cairn/internal/trail"
)

// tidyRetry is the pause after rows of deleted trails could not be removed.
const tidyRetry = time.Second

// running is a pump and its goroutine.
type running struct {
	*pump
	trail  *trail.Trail // as last seen
	cancel context.CancelFunc
	done   chan struct{}
}

func (r *running) stop() {
	r.cancel()
	<-r.done
}

// Run delivers until ctx ends, and returns when all pumps have stopped. It keeps
// a pump for each destination of each trail that has ever logged, and starts them
// as trails appear. Those of a deleted trail end by themselves when what it logged
// is delivered, or given up; then all that is known of it is removed.
func (d *Delivery) Run(ctx context.Context) {
	pumps := map[string]*running{}
	defer func() {
		for _, r := range pumps {
			r.cancel()
		}
		for _, r := range pumps {
			<-r.done
		}
	}()
	for {
		changed := d.o.Trails.Changed()
		retry := (<-chan time.Time)(nil)
		if err := d.reconcile(ctx, pumps); err != nil {
			d.o.Log.WarnContext(ctx, "cannot tidy up after deleted trails; it will be tried again", "error", err)
			retry = time.After(tidyRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-d.ended:
		case <-retry:
		}
	}
}

// reconcile makes pumps those of the trails there are.
func (d *Delivery) reconcile(ctx context.Context, pumps map[string]*running) error {
	err := d.remove(ctx, pumps)
	wanted := map[string]*pump{}
	trails := map[string]*trail.Trail{}
	// Deleted trails come first: one that has a deleted one's name waits until that
	// one is gone, because their rows have the same keys.
	for _, row := range append(d.o.Deleted.List(), d.o.Trails.List()...) {
		t := row.Value
		for _, k := range kinds(t) {
			p := d.newPump(TrailKey(t.Account, t.HomeRegion, t.Name), t, k)
			if w := wanted[p.name()]; w == nil && !reserved(wanted, t) {
				wanted[p.name()], trails[p.name()] = p, t
			}
		}
	}
	for name, r := range pumps {
		if w := wanted[name]; w == nil || w.id != r.id {
			r.stop()
			delete(pumps, name)
		}
	}
	// Only now: no pump that writes such a row is left.
	err = errors.Join(err, d.tidy(ctx, wanted))
	for name, p := range wanted {
		r := pumps[name]
		switch {
		case r == nil:
			pumps[name] = d.start(ctx, p, trails[name])
		case r.trail != trails[name]:
			r.trail = trails[name]
			select {
			case r.poke <- struct{}{}:
			default: // poked already
			}
		}
	}
	return err
}

// reserved reports whether another trail's pumps use the trail's rows.
func reserved(wanted map[string]*pump, t *trail.Trail) bool {
	for _, k := range []Kind{Bucket, LogGroup} {
		if w := wanted[strings.Join(rowKey(t, k), "|")]; w != nil && w.id != t.ID {
			return true
		}
	}
	return false
}

// remove moves trails that are marked as deleted to the table of deleted ones,
// and drops those whose pumps have all ended by themselves.
func (d *Delivery) remove(ctx context.Context, pumps map[string]*running) error {
	var errs []error
	for _, row := range d.o.Trails.List() {
		if !row.Value.Deleted.IsZero() {
			errs = append(errs, d.retire(ctx, row.Value))
		}
	}
	for _, row := range d.o.Deleted.List() {
		t := row.Value
		if live, ok := d.o.Trails.Get(keyOf(t)...); ok && live.ID == t.ID || !ended(pumps, t) {
			continue
		}
		// A crash after this leaves rows of a trail that is gone, see tidy.
		if err := d.o.Deleted.Delete(ctx, row.Key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			errs = append(errs, fmt.Errorf("remove deleted trail %v: %w", row.Key, err))
		}
	}
	return errors.Join(errs...)
}

// ended reports whether all pumps of a trail have ended.
func ended(pumps map[string]*running, t *trail.Trail) bool {
	for _, k := range kinds(t) {
		r := pumps[strings.Join(rowKey(t, k), "|")]
		if r == nil || r.id != t.ID {
			return false
		}
		select {
		case <-r.done:
		default:
			return false
		}
	}
	return true
}

// kinds returns the destinations that a trail needs pumps for.
func kinds(t *trail.Trail) []Kind {
	switch {
	case t.NextSpan == 0: // has never logged
		return nil
	case t.LogGroupARN == "":
		return []Kind{Bucket}
	}
	return []Kind{Bucket, LogGroup}
}

// tidy removes the rows of trails that are gone, and of destinations they no
// longer have. A crash in the middle leaves some; the next start comes here again.
func (d *Delivery) tidy(ctx context.Context, wanted map[string]*pump) error {
	var errs []error
	remove := func(err error, row []string) {
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			errs = append(errs, fmt.Errorf("remove what is left of a trail, %v: %w", row, err))
		}
	}
	has := func(id string, row ...string) bool {
		w := wanted[strings.Join(row, "|")]
		return w != nil && w.id == id
	}
	for _, row := range d.o.Progress.List() {
		if !has(row.Value.TrailID, row.Key...) {
			remove(d.o.Progress.Delete(ctx, row.Key...), row.Key)
		}
	}
	for _, row := range d.o.Chains.List() {
		if !has(row.Value.TrailID, append(slices.Clone(row.Key[:3]), string(Bucket))...) {
			remove(d.o.Chains.Delete(ctx, row.Key...), row.Key)
		}
	}
	for _, row := range d.o.Pending.List() {
		if !has(row.Value.TrailID, append(slices.Clone(row.Key[:3]), string(Bucket))...) {
			remove(d.o.Pending.Delete(ctx, row.Key...), row.Key)
		}
	}
	return errors.Join(errs...)
}

func (d *Delivery) newPump(key []string, t *trail.Trail, k Kind) *pump {
	p := &pump{
		o: &d.o, journal: d.o.Journal(), key: key, id: t.ID, row: rowKey(t, k), kind: k, poke: make(chan struct{}, 1), rowFiles: rowFiles, turns: d.turns,
		log: d.o.Log.With("trail", t.ARN(), "destination", string(k)),
	}
	if k == Bucket {
		p.sink = &checked{sink: &bucketSink{dest: d.o.Dest}, dest: d.o.Dest, every: d.o.CheckInterval, now: d.o.Now, log: p.log}
	} else {
		p.sink = logGroupSink{d.o.Dest, d.o.Log, d.o.Now}
	}
	return p
}

func (p *pump) name() string { return strings.Join(p.row, "|") }

func (d *Delivery) start(ctx context.Context, p *pump, t *trail.Trail) *running {
	ctx, cancel := context.WithCancel(ctx)
	r := &running{pump: p, trail: t, cancel: cancel, done: make(chan struct{})}
	go func() {
		p.run(ctx)
		close(r.done)
		select {
		case d.ended <- struct{}{}:
		default: // told already
		}
	}()
	return r
}
