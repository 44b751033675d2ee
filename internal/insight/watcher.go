package insight

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cairn/event"
	"cairn/internal/journal"
)

// Journal is where records come from, and Insights events go to.
type Journal interface {
	// End is the first position not yet written.
	End() journal.Position
	// Read returns records from a position on, some megabytes at the most, and where
	// to go on.
	Read(ctx context.Context, from journal.Position) ([]journal.Located, journal.Position, error)
	// Append makes records durable. An error may leave them there all the same.
	Append(ctx context.Context, entries ...event.Entry) error
}

// Snapshots keeps one snapshot. It saves reading a week of the journal at every
// start: one that is lost or old costs time and nothing else.
type Snapshots interface {
	// Load returns what was saved last, or nil if nothing was.
	Load() ([]byte, error)
	// Save replaces it, as a whole or not at all.
	Save(b []byte) error
}

// Options configure a Watcher.
type Options struct {
	// Journal, Snapshots and Wanted are required. Wanted says whether any trail, or
	// the subject's, logs Insights events about a subject that begin at a time.
	Journal   Journal
	Snapshots Snapshots
	Wanted    func(s *Subject, at time.Time) bool
	// Watching returns the ARNs of the trails that want Insights events of a data
	// event; nil means none. It is asked for every data event there is.
	Watching func(h *event.Header) []string
	// Rules say what is unusual.
	Rules Rules
	// Grace is how long records may take from their time to the journal; default
	// 10 s. A minute is closed that much after its end.
	Grace time.Duration
	// SaveEvery is how often a snapshot is saved; default 5 minutes.
	SaveEvery time.Duration
	// Log receives failures and gaps; nil drops them.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Watcher reads the journal, and appends Insights events to it.
//
// Each is appended once. Its id follows from what it tells, and the watcher reads
// its own events in the journal too: when it has read on from an older snapshot
// and finds something again, it finds the event as well, and does not append it.
type Watcher struct {
	o   Options
	log *slog.Logger
	progress
	saved time.Time
}

// progress is what a snapshot holds.
type progress struct {
	// Analyzer is what is known, of the records before Pos.
	Analyzer state
	Pos      journal.Position
	// Newest is the time of the newest record read.
	Newest time.Time
	// Waiting are events to append, by id; Seen are those read or appended
	// lately, with their times.
	Waiting map[string]*waiting
	Seen    map[string]time.Time

	analyzer *Analyzer
}

// waiting is an event that is to be appended.
type waiting struct {
	Entry event.Entry
	// Tried is when it was last, without knowing whether it worked.
	Tried time.Time
}

const (
	// tick is how often minutes are closed while nothing happens.
	tick = time.Second
	// retry is the pause after an attempt to append whose outcome is unknown. By
	// then the journal shows whether it worked.
	retry = time.Minute
	// remember is how long ids are kept, longer than events can be found twice.
	remember = 48 * time.Hour
)

// New returns a watcher that goes on from the last snapshot. Nothing is read from
// the journal until Run.
func New(o Options) (*Watcher, error) {
	if o.Journal == nil || o.Snapshots == nil || o.Wanted == nil {
		return nil, errors.New("set up insights: journal, snapshots and wanted are required")
	}
	if o.Rules.MinBaseline < 0 || o.Rules.MinCount < 0 {
		return nil, fmt.Errorf("set up insights: a baseline of %v or %d calls a minute is less than nothing", o.Rules.MinBaseline, o.Rules.MinCount)
	}
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	if o.SaveEvery == 0 {
		o.SaveEvery = 5 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	w := &Watcher{o: o, log: o.Log, saved: o.Now()}
	b, err := o.Snapshots.Load()
	if err == nil && b != nil {
		err = w.decode(b, o.Rules)
	}
	if err != nil {
		o.Log.Warn("the snapshot of Insights cannot be read; the journal is read from its beginning instead", "error", err)
	}
	if err != nil || b == nil {
		w.progress = progress{Waiting: map[string]*waiting{}, Seen: map[string]time.Time{}, analyzer: NewAnalyzer(o.Rules)}
	}
	return w, nil
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	for ctx.Err() == nil {
		caughtUp, err := w.step(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "cannot watch for unusual activity; it will be tried again", "error", err)
		}
		if err != nil || caughtUp {
			pause(ctx, tick)
		}
	}
	if err := w.save(); err != nil {
		w.log.WarnContext(ctx, "the last snapshot of Insights is not saved; the next start reads from the one before", "error", err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// step reads on. At the end of the journal it appends what was found.
func (w *Watcher) step(ctx context.Context) (caughtUp bool, err error) {
	end := w.o.Journal.End() // before reading: what is read below covers it
	recs, next, err := w.o.Journal.Read(ctx, w.Pos)
	var gap *journal.GapError
	switch {
	case errors.As(err, &gap) && w.Pos.Less(gap.To):
		w.log.WarnContext(ctx, "records are missing from the statistics of Insights: the journal has lost them", "from", gap.From, "to", gap.To, "why", gap.Why)
		w.Pos = gap.To
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read journal at %s: %w", w.Pos, err)
	}
	for i := range recs {
		w.read(&recs[i])
	}
	w.Pos = next
	if end.Less(next) && len(recs) == 0 { // the journal has lost its end
		w.Pos = end
	}
	if w.Pos.Less(end) {
		return false, nil
	}
	w.close(w.o.Now().Add(-w.o.Grace))
	if err := w.append(ctx); err != nil {
		return true, err
	}
	if w.o.Now().Sub(w.saved) < w.o.SaveEvery {
		return true, nil
	}
	return true, w.save()
}

// read counts a record. Minutes are closed by the times of records, so that what
// is read again later is counted in the same way.
func (w *Watcher) read(r *journal.Located) {
	if r.Header.Category == event.Insight {
		delete(w.Waiting, r.Header.ID)
		w.Seen[r.Header.ID] = r.Header.Time
		return
	}
	if w.Newest.Before(r.Header.Time) {
		w.Newest = r.Header.Time
		w.close(w.Newest.Add(-w.o.Grace))
	}
	var trails []string
	if r.Header.Category == event.Data {
		if w.o.Watching == nil {
			return
		}
		if trails = w.o.Watching(&r.Header); len(trails) == 0 {
			return
		}
	}
	w.analyzer.Add(&r.Header, userAgent(r.JSON), trails...)
}

// close closes the minutes before a time, and notes what was found and is wanted.
func (w *Watcher) close(before time.Time) {
	if minuteOf(before)-1 <= w.analyzer.Closed {
		return
	}
	for _, f := range w.analyzer.Close(before) {
		if !w.o.Wanted(&f.Subject, timeOf(f.Start)) {
			continue
		}
		e, err := f.Entry()
		if err != nil {
			w.log.Error("an Insights event cannot be made", "source", f.Source, "name", f.Name, "error", err)
			continue
		}
		if _, ok := w.Seen[e.Header.ID]; !ok {
			w.Waiting[e.Header.ID] = &waiting{Entry: e}
		}
	}
	for id, at := range w.Seen {
		if before.Sub(at) > remember {
			delete(w.Seen, id)
		}
	}
}

// append appends what waits. Everything in the journal was read: what waits is not
// there, unless an attempt failed just now.
func (w *Watcher) append(ctx context.Context) error {
	now := w.o.Now()
	for id, x := range w.Waiting {
		if now.Sub(x.Tried) < retry {
			continue
		}
		x.Tried = now
		// A crash before this leaves the event unwritten, and the next start finds
		// it again; after it, the event is in the journal, where the next start
		// reads it.
		if err := w.o.Journal.Append(ctx, x.Entry); err != nil {
			return fmt.Errorf("append Insights event %s: %w", id, err)
		}
		delete(w.Waiting, id)
		w.Seen[id] = x.Entry.Header.Time
	}
	return nil
}
