package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"cairn/event"
	"cairn/internal/journal"
)

const (
	// scanBytes is how much of the journal is read at once.
	scanBytes = 4 << 20
	// recordAtOnce is how many records one Append of Open takes.
	recordAtOnce = 256
)

// Open records, of every intent that a crash left without an outcome, that its
// outcome is unknown, and returns how many records that took. It comes before the
// first call. It reads the journal from the checkpoint on; a journal that has none
// has never had an intent.
func (a *Audit) Open(ctx context.Context) (unknown int, err error) {
	at, ok := a.checkpoint.Load()
	if !ok {
		return 0, a.save(ctx)
	}
	list, err := a.dangling(ctx, at)
	if err != nil {
		return 0, fmt.Errorf("look for calls without an outcome in the journal: %w", err)
	}
	for unknown < len(list) {
		n := min(len(list)-unknown, recordAtOnce)
		// A crash before this leaves the intents, and the next start comes here
		// again; after it, these have a record, which the next start finds.
		if err := a.journal.Append(ctx, list[unknown:unknown+n]...); err != nil {
			return unknown, fmt.Errorf("record that the outcome of %d calls is unknown: %w", n, err)
		}
		unknown += n
	}
	if unknown > 0 {
		a.log.WarnContext(ctx, "calls were under way when the engine ended: their outcome is unknown, and recorded as that", "records", unknown)
	}
	return unknown, a.save(ctx)
}

// dangling returns the records of the intents from a place on that have no outcome,
// in the order of the intents.
func (a *Audit) dangling(ctx context.Context, at journal.Position) ([]event.Entry, error) {
	var order []string
	open := map[string]event.Entry{}
	for end := a.journal.End(); at.Less(end); {
		recs, next, err := a.journal.ReadAll(ctx, at, scanBytes)
		var gap *journal.GapError
		switch {
		case errors.As(err, &gap) && at.Less(gap.To):
			a.log.ErrorContext(ctx, "the journal has lost records: calls among them may be recorded as of unknown outcome", "from", gap.From, "to", gap.To, "why", gap.Why)
			next = gap.To
		case err != nil:
			return nil, err
		case next == at:
			return nil, fmt.Errorf("the journal ends at %s, before %s", at, end)
		}
		for i := range recs {
			r := &recs[i]
			if !r.Intent {
				delete(open, r.Header.ID)
				continue
			}
			order = append(order, r.Header.ID)
			open[r.Header.ID] = event.Entry{Header: r.Header, JSON: bytes.Clone(r.JSON)}
		}
		if len(order) > 2*len(open)+recordAtOnce { // most have an outcome
			order = existing(order, open)
		}
		at = next
	}
	var list []event.Entry
	for _, id := range existing(order, open) {
		list = append(list, open[id])
	}
	return list, nil
}

// existing returns the ids that are in open.
func existing(ids []string, open map[string]event.Entry) []string {
	kept := ids[:0]
	for _, id := range ids {
		if _, ok := open[id]; ok {
			kept = append(kept, id)
		}
	}
	return kept
}
