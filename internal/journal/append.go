package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/event"
)

// storeFailed is the server's error code for a message it could not write
// (JSStreamStoreFailedF; the client library has no name for it).
const storeFailed jetstream.ErrorCode = 10077

// retryWait is how long the writer waits before it tries a batch again.
const retryWait = 100 * time.Millisecond

// Append writes records and returns when they are durable. The entries of one
// call stay together. Appends that run at the same time share an fsync.
//
// If ctx ends before the records are on their way to the store, they are not
// written and ctx's error is returned. If it ends later, or the store does not
// answer, the error wraps ErrUnknown. ErrTooLarge, ErrRefused and ErrClosed mean
// that nothing was written. The entries may be reused after the call.
func (j *Journal) Append(ctx context.Context, entries ...event.Entry) error {
	return j.put(ctx, entries, false)
}

func (j *Journal) put(ctx context.Context, entries []event.Entry, intent bool) error {
	if len(entries) == 0 {
		return nil
	}
	size := 0
	for i := range entries {
		size += len(entries[i].JSON) + 512 // headers are a few hundred bytes
	}
	r := &request{chunk: make([]byte, 0, size), count: len(entries), records: uint64(len(entries)), done: make(chan error, 1)}
	if intent {
		r.records = 0
	}
	for i := range entries {
		r.chunk = appendRecord(r.chunk, &entries[i], intent)
	}
	if len(r.chunk) > j.limit {
		return fmt.Errorf("append %d records to the journal: %w: %d bytes, limit %d", len(entries), ErrTooLarge, len(r.chunk), j.limit)
	}
	if err := j.queue.put(ctx, r); err != nil {
		return fmt.Errorf("append %d records to the journal: %w", len(entries), err)
	}
	var err error
	select {
	case err = <-r.done:
	case <-ctx.Done():
		if err = ctx.Err(); !j.queue.withdraw(r) {
			err = fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
	if err != nil {
		return fmt.Errorf("append %d records to the journal: %w", len(entries), err)
	}
	return nil
}

// write is the writer: it makes one batch durable after the other. One at a time
// is the fastest: measured with 16 appenders, two to four in flight halve the
// batches' size, and every one of them costs its own fsync all the same.
func (j *Journal) write() {
	for {
		batch := j.queue.take()
		if batch == nil {
			return
		}
		count, records, chunks := 0, uint64(0), make([][]byte, len(batch))
		for i, r := range batch {
			count, records, chunks[i] = count+r.count, records+r.records, r.chunk
		}
		data := encodeBatch(count, chunks)
		ack, err := j.publish(data)
		if err == nil {
			j.written(ack, records, data)
		} else {
			j.o.Log.Error("journal: batch not written", "records", count, "error", err)
		}
		j.queue.finish(batch, err)
	}
}

// written notes a durable batch. A crash after this, or before the appenders
// hear of it, leaves records whose callers got no answer: recorded is right.
func (j *Journal) written(ack *jetstream.PubAck, records uint64, data []byte) {
	j.tail.add(ack.Sequence, data)
	j.tally.add(ack.Sequence, records)
	j.mu.Lock()
	j.records += records
	j.batches++
	j.durable = time.Now()
	j.mu.Unlock()
	j.advance(0, ack.Sequence)
}

// publish writes one batch. If the store does not answer, it tries again with
// the same message id, by which the store recognizes a batch it has already, for
// as long as it is sure to remember. A crash of this process in between leaves
// the batch written once or not at all; its callers got no answer.
func (j *Journal) publish(data []byte) (*jetstream.PubAck, error) {
	msg := nats.NewMsg(subject)
	msg.Data = data
	id := uuid.NewString()
	// This goes on when callers leave: the batch is others' too.
	ctx, cancel := context.WithTimeout(context.Background(), j.o.giveUp)
	defer cancel()
	unknown := false // whether an earlier try may have been written
	for {
		try, stop := context.WithTimeout(ctx, j.o.tryTimeout)
		ack, err := j.js.PublishMsg(try, msg, jetstream.WithMsgID(id), jetstream.WithExpectStream(streamName))
		stop()
		if err == nil {
			return ack, nil
		}
		again, maybe := judge(err)
		unknown = unknown || maybe
		if again && j.nc.IsClosed() {
			again = false
		}
		if !again || !pause(ctx, retryWait) {
			if unknown {
				return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
			}
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		j.o.Log.Warn("journal: trying a batch again", "bytes", len(data), "error", err)
	}
}

// judge says of a failed try whether to try again, and whether the batch may
// have been written.
func judge(err error) (again, maybe bool) {
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api):
		if api.ErrorCode == storeFailed {
			// Full by MaxBytes is a plain refusal. After a failed write or fsync
			// the message may still be found at the next start.
			return false, !strings.Contains(api.Description, "maximum")
		}
		// The store answered: it did not write. 503: no leader just now.
		return api.Code == 503, false
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse),
		errors.Is(err, nats.ErrReconnectBufExceeded):
		return true, false // nobody got it
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrMaxPayload):
		return false, false
	default:
		return true, true
	}
}

// pause waits and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
