package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/journal"
	"cairn/internal/state"
	"cairn/internal/trail"
)

const (
	// maxReads bounds the reads of one step, so that a long stretch that holds
	// nothing for the trail is remembered as read now and then.
	maxReads = 64
	// saveEvery is how often a cursor that passed nothing but other trails'
	// records is made durable.
	saveEvery = time.Minute
	// firstRetry is the pause after a first failure.
	firstRetry = time.Second
)

// errLost says that someone else moved the row: a second process delivers too.
var errLost = errors.New("the row was changed by another process: only one may deliver a trail")

// pump delivers one trail to one destination. One goroutine owns it.
type pump struct {
	o    *Options
	key  []string // of the trail
	id   string   // of the trail
	row  []string // key of the progress row
	kind Kind
	sink sink
	// journal is the pump's own view of it.
	journal Journal
	log     *slog.Logger
	// turns is the Delivery's.
	turns chan struct{}
	// poke tells that the trail has changed: a failed delivery is worth another
	// attempt at once.
	poke chan struct{}

	// at is where the pump is: the row's cursor, or past it by records of others.
	at    cursor
	saved time.Time
	// passed are records between the row's cursor and at: none of them selected.
	passed uint64
	// drained is true if the last step found that no span is left.
	drained bool
	// rowFiles is the constant, but in tests.
	rowFiles int
}

// cursor is a place in the journal within a numbered span.
type cursor struct {
	span uint64
	pos  journal.Position
}

// failure is an error of a destination: it shows in the trail's status.
type failure struct {
	error
	at time.Time
}

func (f failure) Unwrap() error { return f.error }

// schedule is when something is done next, and how often it failed in a row.
type schedule struct {
	at    time.Time
	fails int
}

// next schedules the next time, after an attempt that failed or not.
func (s *schedule) next(p *pump, err error, wait time.Duration) {
	if err == nil {
		s.at, s.fails = p.o.Now().Add(wait), 0
		return
	}
	s.at = p.o.Now().Add(backoff(s.fails, p.o.MaxRetry))
	s.fails++
}

// run delivers until ctx ends, or until everything of a deleted trail is
// delivered or given up. Log files and digests fail independently: a bucket may
// refuse the one and take the other.
func (p *pump) run(ctx context.Context) {
	var records, digests schedule
	for ctx.Err() == nil {
		if !p.o.Now().Before(records.at) {
			again, err := p.step(ctx)
			p.report(ctx, err, (*Progress).fail)
			records.next(p, err, p.waitUnless(again))
		}
		if p.kind == Bucket && (digests.fails == 0 || !p.o.Now().Before(digests.at)) {
			err := p.digest(ctx)
			p.report(ctx, err, (*Progress).failDigest)
			digests.next(p, err, p.untilDigest())
		}
		if p.over(ctx, records.fails+digests.fails) {
			return
		}
		wake := records.at
		if p.kind == Bucket && digests.at.Before(wake) {
			wake = digests.at
		}
		if !pause(ctx, wake.Sub(p.o.Now()), p.poke) {
			continue
		}
		// The trail has changed. What failed may work now, and what a deleted
		// trail leaves should be out of the way soon.
		if t := p.find(); records.fails > 0 || t != nil && !t.Deleted.IsZero() {
			records.at = p.o.Now()
		}
		if digests.fails > 0 {
			digests.at = p.o.Now()
		}
	}
}

func (p *pump) waitUnless(again bool) time.Duration {
	if again {
		return 0
	}
	return p.o.Interval
}

// untilDigest is how long it takes until digests are to be written.
func (p *pump) untilDigest() time.Duration {
	if row, ok := p.o.Progress.Get(p.row...); ok && row.TrailID == p.id && row.Digests.on() {
		return row.Digests.End.Sub(p.o.Now())
	}
	return p.o.DigestInterval
}

// backoff doubles from firstRetry to a limit; half of it is chance, so that
// trails that share a failing bucket do not all come back at once.
func backoff(fails int, limit time.Duration) time.Duration {
	d := min(firstRetry<<min(fails, 20), limit)
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter, not a secret
}

// pause waits; it reports whether it was poked.
func pause(ctx context.Context, d time.Duration, poke <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-poke:
		return true
	}
	return false
}

// step carries out the plan that is there, or makes one and carries it out. It
// reports whether there may be more to do at once.
func (p *pump) step(ctx context.Context) (again bool, err error) {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-p.turns }()
	p.drained = false
	end := p.journal.End() // before the trail is read, see window
	t := p.find()
	if t == nil {
		return false, nil // gone: whoever started the pump will end it
	}
	row, err := p.open(ctx, t)
	if err != nil {
		return false, err
	}
	if row == nil {
		p.drained = true
		return false, nil
	}
	if row, err = p.follow(ctx, t, row); err != nil {
		return false, err
	}
	if row.Plan != nil {
		return true, p.repeat(ctx, t, row)
	}
	span, next := t.Span(p.at.span)
	if span == nil {
		p.drained = true
		return false, nil // does not log, and all is delivered
	}
	p.at.span = span.Number
	if row.Rewound != span.Number && p.at.pos.Less(position(span.From)) {
		passed, err := p.distance(ctx, p.at.pos, position(span.From))
		if err != nil {
			return false, err
		}
		p.passed += passed
		p.at.pos = position(span.From)
	}
	if b := p.rewound(ctx); b != nil {
		return true, p.skip(ctx, t, row, b)
	}
	w := windowOf(t, span, next, p.kind, p.o.MaxBytes)
	w.end = end
	b, err := p.gather(ctx, row, w, p.at.pos)
	if err != nil {
		return false, err
	}
	again = b.over || b.full
	if b.records == 0 {
		return again, p.skip(ctx, t, row, b)
	}
	if row, err = p.plan(ctx, row, b); err != nil {
		return false, err
	}
	return again, p.carryOut(ctx, t, row, b)
}

// open returns the pump's row, and makes it if this is the first time. It
// returns nil if there is nothing to deliver yet.
func (p *pump) open(ctx context.Context, t *trail.Trail) (*Progress, error) {
	row, ok := p.o.Progress.Get(p.row...)
	if !ok {
		first := cursor{}
		if p.kind == LogGroup {
			first = cursor{t.LogGroupSpan, position(t.LogGroupSince)}
		}
		span, _ := t.Span(first.span)
		if span == nil {
			return nil, nil
		}
		row = &Progress{TrailID: t.ID, Span: span.Number, Cursor: later(first.pos, position(span.From))}
		if n, err := p.journal.Count(ctx, row.Cursor); err == nil {
			row.Before = new(int64(n))
		} else if !errors.Is(err, journal.ErrUncounted) {
			return nil, fmt.Errorf("begin delivery: %w", err)
		}
		// A crash before this leaves no row and nothing delivered; the next start
		// makes the same row, because spans are kept until a row has passed them.
		if err := p.o.Progress.Create(ctx, row, p.row...); err != nil && !errors.Is(err, state.ErrExists) {
			return nil, fmt.Errorf("begin delivery: %w", err)
		}
		if row, ok = p.o.Progress.Get(p.row...); !ok {
			return nil, errLost
		}
	}
	if row.TrailID != p.id {
		return nil, fmt.Errorf("progress belongs to an earlier trail of this name: %w", errLost)
	}
	if p.at.span < row.Span || !row.Cursor.Less(p.at.pos) {
		p.at, p.passed = cursor{row.Span, row.Cursor}, 0
	}
	return row, nil
}

func later(a, b journal.Position) journal.Position {
	if a.Less(b) {
		return b
	}
	return a
}

// gather reads the journal from a position on until the window ends or is full,
// or the journal ends. row is as it is while the pump is at that position.
func (p *pump) gather(ctx context.Context, row *Progress, w *window, from journal.Position) (*batch, error) {
	b := &batch{to: from, organization: w.organization()}
	for reads := 0; !b.over && !b.full; reads++ {
		switch {
		case w.ends(b.to):
			b.over = true
			return b, nil
		case !b.to.Less(p.journal.End()) || w.unseen(b.to):
			return b, nil
		case w.limit > 0 && reads == maxReads:
			b.full = true
			return b, nil
		}
		recs, next, err := p.journal.Read(ctx, b.to)
		var gap *journal.GapError
		switch {
		case errors.As(err, &gap) && b.to.Less(gap.To):
			to := gap.To
			if w.bounded && w.to.Less(to) { // a plan can end within what is lost
				to = w.to
			}
			lost, derr := p.lost(ctx, row, b, to)
			if derr != nil {
				return nil, derr
			}
			p.miss(ctx, b, err.Error())
			b.lost += lost
			b.to = to
		case err != nil:
			return nil, fmt.Errorf("read journal from %v: %w", b.to, err)
		case len(recs) == 0 && next == b.to:
			return b, nil // nothing there yet
		default:
			b.take(w, recs, next)
		}
	}
	return b, nil
}

// miss notes that the journal has lost records. They are lost for the trail:
// delivery goes on after them, and says so.
func (p *pump) miss(ctx context.Context, b *batch, why string) {
	p.log.ErrorContext(ctx, "records are missing from the journal", "at", b.to, "why", why)
	b.gaps = append(b.gaps, why)
}

// rewound looks whether the journal ends before the cursor: its store has lost
// its end, and new records come at places that were read before. It returns an
// empty batch that takes the cursor back there, or nil.
func (p *pump) rewound(ctx context.Context) *batch {
	end := p.journal.End()
	if !end.Less(p.at.pos) {
		return nil
	}
	b := &batch{to: end, rewound: true}
	p.miss(ctx, b, fmt.Sprintf("the journal ends at %v, but was read up to %v: its store has lost its newest batches", end, p.at.pos))
	return b
}

// skip passes a stretch without records for the trail.
func (p *pump) skip(ctx context.Context, t *trail.Trail, row *Progress, b *batch) error {
	to := cursor{p.at.span, b.to}
	if b.over {
		to.span++
	}
	if to == p.at {
		return nil
	}
	p.at = to
	p.passed += b.passed
	now := p.o.Now()
	if !b.over && len(b.gaps) == 0 && now.Sub(p.saved) < saveEvery {
		// A crash now reads the stretch again, and passes it again.
		return nil
	}
	_, err := p.update(ctx, row, func(r *Progress) {
		r.Span, r.Cursor = to.span, to.pos
		r.Passed += p.passed
		r.note(b, now)
		if b.over {
			r.pass(t, to.span-1, now)
		}
	})
	if err != nil {
		p.at, p.passed = cursor{row.Span, row.Cursor}, 0 // what was passed is counted when it is read again
		return fmt.Errorf("save cursor: %w", err)
	}
	p.saved, p.passed = now, 0
	if b.rewound {
		return p.recount(ctx)
	}
	return nil
}

// plan makes the delivery of a batch durable.
func (p *pump) plan(ctx context.Context, row *Progress, b *batch) (*Progress, error) {
	now := p.o.Now().UTC()
	plan := &Plan{From: p.at.pos, To: b.to, Last: b.over, Time: now, Stamp: trail.NameTime(now, p.o.Interval)}
	// A crash before this leaves the cursor where it was, and nothing written. A
	// crash after it leaves the plan, and perhaps some of what it writes: the next
	// step, here or after a restart, finds the plan and carries it out.
	row, err := p.update(ctx, row, func(r *Progress) {
		r.Span, r.Cursor, r.Plan = p.at.span, plan.From, plan
		r.Passed += p.passed
	})
	if err != nil {
		return nil, fmt.Errorf("save plan: %w", err)
	}
	p.passed = 0
	return row, nil
}

// repeat carries out a plan that was made before: by a process that died, or in
// an attempt that failed.
func (p *pump) repeat(ctx context.Context, t *trail.Trail, row *Progress) error {
	span, _ := t.Span(row.Span)
	if span == nil || span.Number != row.Span {
		return fmt.Errorf("plan [%v,%v) is for span %d, which the trail no longer has: restore the trail's row from a backup, or delete the trail",
			row.Plan.From, row.Plan.To, row.Span)
	}
	b, err := p.gather(ctx, row, windowFor(t, span, p.kind, row.Plan), row.Plan.From)
	if err != nil {
		return err
	}
	if !b.over {
		p.miss(ctx, b, fmt.Sprintf("the journal ends at %v, within a plan that ends at %v: its store has lost its newest batches", b.to, row.Plan.To))
	}
	return p.carryOut(ctx, t, row, b)
}

// carryOut writes what the row's plan says, and then drops the plan.
func (p *pump) carryOut(ctx context.Context, t *trail.Trail, row *Progress, b *batch) error {
	plan, at := row.Plan, p.o.Now().UTC()
	done, err := p.sink.write(ctx, t, plan, b)
	if err != nil {
		return failure{err, at}
	}
	now := p.o.Now().UTC()
	var rows []PendingRow
	var files []LogFile
	if row.Digests.on() {
		for i := range done.files {
			done.files[i].Delivered = now
		}
		if rows, files, err = p.keep(ctx, row, done.files); err != nil {
			return err
		}
	}
	// A crash before this leaves everything written, and the plan: the next start
	// writes it once more, with the same result. After it, the plan is history:
	// the cursor passes its records in the same write that drops it, and that
	// lists its files for the next digest.
	row, err = p.update(ctx, row, func(r *Progress) {
		r.Cursor, r.Plan = plan.To, nil
		if r.Digests.on() {
			r.Digests.Changes++
			r.Digests.Rows, r.Digests.Files = rows, files
		}
		if plan.Last {
			r.pass(t, r.Span, now)
			r.Span++
		}
		r.note(b, now)
		r.Passed += b.passed
		r.Records += uint64(done.records)
		r.Writes += uint64(done.writes)
		r.Oversized += uint64(done.oversized)
		r.Attempted, r.Succeeded, r.Error, r.Message = at, now, "", ""
	})
	if err != nil {
		return fmt.Errorf("save delivery: %w", err)
	}
	p.at, p.saved = cursor{row.Span, row.Cursor}, p.o.Now()
	p.log.DebugContext(ctx, "delivered", "records", done.records, "writes", done.writes, "to", row.Cursor)
	return nil
}

// update changes the pump's row, provided it is as the pump knows it. An error
// may leave the row changed; the next step reads it again.
func (p *pump) update(ctx context.Context, known *Progress, change func(*Progress)) (*Progress, error) {
	return p.o.Progress.Update(ctx, func(r *Progress) error {
		same := r.Plan == nil && known.Plan == nil || r.Plan.equal(known.Plan)
		if !same || r.TrailID != known.TrailID || r.Span != known.Span || r.Cursor != known.Cursor || r.Digests.version() != known.Digests.version() {
			return errLost
		}
		change(r)
		return nil
	}, p.row...)
}

func (r *Progress) note(b *batch, now time.Time) {
	if b.rewound {
		r.Rewound = r.Span
	}
	if n := len(b.gaps); n > 0 {
		r.Gaps += uint64(n)
		r.Lost += b.lost
		r.LastGap, r.LostAt = b.gaps[n-1], now.UTC()
	}
}

// pass ends the digest chains if logging ended with a span that is delivered:
// this digest is the final one (spec 3.1).
func (r *Progress) pass(t *trail.Trail, number uint64, now time.Time) {
	span, next := t.Span(number)
	if span != nil && span.Number == number && span.Final(next) && r.Digests.on() {
		r.Digests.finish(now)
	}
}

// fail and failDigest note what went wrong.
func (r *Progress) fail(f failure) {
	e := awserr.From(f)
	r.Attempted, r.Error, r.Message = f.at, e.Code, e.Message
}

func (r *Progress) failDigest(f failure) {
	e := awserr.From(f)
	if r.Digests != nil {
		r.Digests.Attempted, r.Digests.Error, r.Digests.Message = f.at, e.Code, e.Message
	}
}

// report logs an error, and notes one of the destination in the trail's status.
func (p *pump) report(ctx context.Context, err error, note func(*Progress, failure)) {
	if err == nil || ctx.Err() != nil {
		return
	}
	p.log.WarnContext(ctx, "delivery failed; it will be tried again", "error", err)
	var f failure
	if !errors.As(err, &f) {
		return
	}
	_, err = p.o.Progress.Update(ctx, func(r *Progress) error {
		if r.TrailID != p.id {
			return errLost
		}
		note(r, f)
		return nil
	}, p.row...)
	if err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "cannot note a failed delivery in the trail's status", "error", err)
	}
}
