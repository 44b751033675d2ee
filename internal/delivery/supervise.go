package delivery

import (
	"context"
	"errors"
	"fmt"
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
// a pump for each destination of each trail that has ever logged, starts them as
// trails appear, and ends them as they go: what a deleted trail had not
// delivered is dropped with it.
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
		case <-retry:
		}
	}
}

// reconcile makes pumps those of the trails there are.
func (d *Delivery) reconcile(ctx context.Context, pumps map[string]*running) error {
	wanted := map[string]*pump{}
	trails := map[string]*trail.Trail{}
	for _, row := range d.o.Trails.List() {
		t := row.Value
		for _, k := range kinds(t) {
			p := d.newPump(row.Key, t, k)
			wanted[p.name()], trails[p.name()] = p, t
		}
	}
	for name, r := range pumps {
		if w := wanted[name]; w == nil || w.id != r.id {
			r.stop()
			delete(pumps, name)
		}
	}
	// Only now: no pump that writes such a row is left.
	err := d.tidy(ctx, wanted)
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
// longer have.
func (d *Delivery) tidy(ctx context.Context, wanted map[string]*pump) error {
	var errs []error
	for _, row := range d.o.Progress.List() {
		if w := wanted[strings.Join(row.Key, "|")]; w != nil && w.id == row.Value.TrailID {
			continue
		}
		// A crash before this leaves the row; the next start comes here again.
		if err := d.o.Progress.Delete(ctx, row.Key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			errs = append(errs, fmt.Errorf("remove progress of %v: %w", row.Key, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Delivery) newPump(key []string, t *trail.Trail, k Kind) *pump {
	p := &pump{
		o: &d.o, key: key, id: t.ID, row: rowKey(t, k), kind: k, poke: make(chan struct{}, 1),
		log: d.o.Log.With("trail", t.ARN(), "destination", string(k)),
	}
	if k == Bucket {
		p.sink = &bucketSink{dest: d.o.Dest}
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
		defer close(r.done)
		p.run(ctx)
	}()
	return r
}
