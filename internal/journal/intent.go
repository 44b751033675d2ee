package journal

import (
	"context"

	"cairn/event"
)

// An intent says that a call is about to change something. It is the record that
// is to be kept of the call if its outcome is never recorded, and it has the ID of
// the record that will be, if one will. Intents stand between the records, share
// their batches and fsyncs, and are none: Read passes over them.

// Intend writes intents as Append writes records, with the same promises.
func (j *Journal) Intend(ctx context.Context, entries ...event.Entry) error {
	return j.put(ctx, entries, true)
}

// ReadAll reads as Read does, intents included.
func (j *Journal) ReadAll(ctx context.Context, from Position, maxBytes int) (recs []Located, next Position, err error) {
	return j.read(ctx, from, maxBytes, true)
}
