package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cairn/event"
	"cairn/internal/call"
	"cairn/internal/journal"
)

// How a record says that the outcome of a call is unknown: CloudTrail has no such
// record, because it promises none. Readers take it for any other record of the
// call; errorCode is there, so it does not look like a success, and
// additionalEventData marks it for programs.
const (
	// UnknownCode is its errorCode, whatever the service.
	UnknownCode    = "OutcomeUnknown"
	unknownMessage = "The engine ended before the outcome of this call was recorded. It may have been carried out, in part, or not at all; its caller got no answer."
)

// errUnknown stands for an outcome that nobody knows.
var errUnknown = errors.New(unknownMessage)

// withOutcomeUnknown adds "outcomeUnknown":true to additionalEventData.
func withOutcomeUnknown(object []byte) []byte {
	const mark = `"outcomeUnknown":true}`
	if len(object) <= len(`{}`) {
		return []byte(`{` + mark)
	}
	return append(append(append([]byte{}, object[:len(object)-1]...), ','), mark...)
}

// AuditJournal is a journal that also keeps intents.
type AuditJournal interface {
	Journal
	// Intend appends intents, with Append's promises.
	Intend(ctx context.Context, entries ...event.Entry) error
	// ReadAll returns records and intents from a position on, and where to go on.
	ReadAll(ctx context.Context, from journal.Position, maxBytes int) ([]journal.Located, journal.Position, error)
	// End is the first position not yet written.
	End() journal.Position
}

// Checkpoint keeps a place in the journal; see Audit.
type Checkpoint interface {
	// Load returns the place that was saved last; ok is false if none was.
	Load() (at journal.Position, ok bool)
	// Save makes a place durable.
	Save(ctx context.Context, at journal.Position) error
}

// saveEvery is how often the checkpoint is moved, and how often records that were
// refused are tried again. What is read at a start is no more than what such a
// time, and the longest call, leave.
const saveEvery = 5 * time.Second

// Audit records calls, and before that their intents: nothing happens unrecorded.
// It implements call.Recorder and call.Intents.
//
//	Intend   the intent is durable: the record that says "outcome unknown"
//	         ... the call runs ...
//	Record   the outcome is durable, with the intent's event ids
//
// Open looks for intents without an outcome, which only a crash leaves, and
// records what they say. An intent and all that can be recorded of it have the
// same event ids, so it is recorded once: a crash within Open, too, leaves either
// an intent that the next Open records or one that is recorded.
//
// A checkpoint tells from where on Open has to look: every intent before it has an
// outcome. One engine uses a journal.
type Audit struct {
	*Recorder
	journal    AuditJournal
	checkpoint Checkpoint
	log        *slog.Logger

	mu sync.Mutex
	// open are the calls whose intent may be in the journal, and whose outcome may
	// not.
	open map[*call.Call]*intent
	// late are records the journal refused, of intents that are open still. There
	// are no more than there were calls under way when it began to refuse: it
	// refuses intents too.
	late []late
	// saved is the checkpoint.
	saved journal.Position
}

// intent is an intent whose outcome is not recorded.
type intent struct {
	// from is a place in the journal that it does not stand before.
	from journal.Position
	// ids are the event ids, by account.
	ids map[string]string
}

// late is a record to be tried again.
type late struct {
	of      *call.Call
	entries []event.Entry
}

// NewAudit returns an audit that appends to j. Open comes before the first call.
func NewAudit(j AuditJournal, c Checkpoint, now func() time.Time, log *slog.Logger) *Audit {
	return &Audit{Recorder: New(j, now), journal: j, checkpoint: c, log: log, open: map[*call.Call]*intent{}}
}

// Intend implements call.Intents. A call that concerns no account so far has no
// trail its intent could appear in, and has none.
func (a *Audit) Intend(ctx context.Context, c *call.Call) error {
	entries, err := a.encode(c, nil, nil, true, nil)
	if err != nil || len(entries) == 0 {
		return err
	}
	in := &intent{ids: make(map[string]string, len(entries))}
	for i := range entries {
		in.ids[entries[i].Header.Account] = entries[i].Header.ID
	}
	a.mu.Lock()
	in.from = a.journal.End()
	a.open[c] = in
	a.mu.Unlock()
	err = a.journal.Intend(ctx, entries...)
	if err == nil {
		return nil
	}
	if !errors.Is(err, journal.ErrUnknown) {
		a.settled(c) // it is not there
	}
	return fmt.Errorf("append intent of %s to the journal: %w", entries[0].Header.Name, err)
}

// Record implements call.Recorder.
func (a *Audit) Record(ctx context.Context, c *call.Call, out any, failure error) error {
	a.mu.Lock()
	in := a.open[c]
	a.mu.Unlock()
	if in == nil {
		return a.Recorder.Record(ctx, c, out, failure)
	}
	entries, err := a.encode(c, out, failure, false, in.ids)
	if err != nil {
		return err // the intent stays: the next start says that the outcome is unknown
	}
	if err = a.journal.Append(ctx, entries...); err == nil {
		a.settled(c)
		return nil
	}
	if errors.Is(err, journal.ErrRefused) {
		a.mu.Lock()
		a.late = append(a.late, late{c, entries})
		a.mu.Unlock()
	}
	return fmt.Errorf("append record of %s to the journal: %w", entries[0].Header.Name, err)
}

func (a *Audit) settled(c *call.Call) {
	a.mu.Lock()
	delete(a.open, c)
	a.mu.Unlock()
}

// Run records what the journal refused, and moves the checkpoint, until ctx ends.
func (a *Audit) Run(ctx context.Context) {
	t := time.NewTicker(saveEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		a.retry(ctx)
		if err := a.save(ctx); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "cannot save up to where all calls have an outcome; it will be tried again", "error", err)
		}
	}
}

// Close records what the journal refused and moves the checkpoint, so that the next
// start has nothing to look for. No call runs any more.
func (a *Audit) Close(ctx context.Context) error {
	a.retry(ctx)
	return a.save(ctx)
}

// retry appends the records that were refused.
func (a *Audit) retry(ctx context.Context) {
	a.mu.Lock()
	list := a.late
	a.late = nil
	a.mu.Unlock()
	for i, l := range list {
		err := a.journal.Append(ctx, l.entries...)
		if err == nil {
			a.settled(l.of)
			continue
		}
		if errors.Is(err, journal.ErrUnknown) { // it may be there; the next start looks
			list = append(list[:i:i], list[i+1:]...)
		}
		a.mu.Lock()
		a.late = append(list[i:], a.late...)
		a.mu.Unlock()
		return
	}
}

// save moves the checkpoint up to the first intent that has no outcome.
func (a *Audit) save(ctx context.Context) error {
	a.mu.Lock()
	at := a.journal.End()
	for _, in := range a.open {
		if in.from.Less(at) {
			at = in.from
		}
	}
	same := at == a.saved
	a.mu.Unlock()
	if same {
		return nil
	}
	// A crash before this leaves an earlier checkpoint: the next start reads more.
	if err := a.checkpoint.Save(ctx, at); err != nil {
		return fmt.Errorf("save the audit's checkpoint %s: %w", at, err)
	}
	a.mu.Lock()
	a.saved = at
	a.mu.Unlock()
	return nil
}
