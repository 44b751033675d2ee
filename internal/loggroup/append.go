package loggroup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Append adds events to a log stream. When it returns nil they are durable and
// visible to readers.
//
// token, if not empty, makes the call repeatable: events that come again with a
// token the stream has seen lately are not added again. Lately means among the
// last 256 appends with a token, across restarts.
//
// If an error other than ErrGroupNotFound and ErrStreamNotFound comes back the
// events may have been added or not; with a token the call can be repeated.
//
// It returns how many batches the log stream has seen.
func (s *Store) Append(ctx context.Context, ref Ref, name string, events []Event, token string) (uint64, error) {
	g, row, err := s.find(ref, name)
	if err != nil {
		return 0, err
	}
	x, err := s.index(ctx, ref, g)
	if err != nil {
		return 0, err
	}
	defer x.mu.Unlock()
	// The stream may have been deleted before we got the lock.
	if _, now, err := s.find(ref, name); err != nil || now.ID != row.ID {
		return 0, ErrStreamNotFound
	}
	if len(events) == 0 {
		return x.number(row.ID), nil
	}
	b := batchInfo{min: events[0].Timestamp, max: events[0].Timestamp, ingested: s.millis()}
	for _, e := range events {
		b.min, b.max = min(b.min, e.Timestamp), max(b.max, e.Timestamp)
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		b.token = hex.EncodeToString(sum[:16])
	}
	size := 0
	for i := range events {
		size += len(events[i].Message) + 16 // more than its numbers take
	}
	payload := appendBatch(make([]byte, 0, size+16), events)
	b.size = int64(len(payload))
	if err := s.publish(ctx, x, row.ID, &b, payload); err != nil {
		return 0, fmt.Errorf("append %d events to log stream %s of log group %s: %w", len(events), name, ref.Name, s.lost(ref, g, err))
	}
	return x.number(row.ID), nil
}

// publish writes one batch. The expected sequence number of the log stream's
// last batch keeps two processes from numbering theirs alike.
//
// A crash before the acknowledgement leaves the batch or does not: the caller
// has no answer, and repeats it with its token or does without.
func (s *Store) publish(ctx context.Context, x *index, streamID string, b *batchInfo, payload []byte) error {
	const tries = 4
	expected, number := uint64(0), uint64(0)
	if st := x.streams[streamID]; st != nil {
		expected, number = st.lastSeq, st.number
	}
	for try := 1; ; try++ {
		if st := x.streams[streamID]; st != nil && b.token != "" && slices.Contains(st.tokens, b.token) {
			return nil
		}
		b.number = number + 1
		msg := &nats.Msg{Subject: subject(x.group, streamID), Header: b.header(), Data: payload}
		opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(expected)}
		if b.token != "" {
			opts = append(opts, jetstream.WithMsgID(streamID+"."+b.token))
		}
		ack, err := s.js.PublishMsg(ctx, msg, opts...)
		if err == nil {
			// If others have written in between, the next sync reads them and this.
			if !ack.Duplicate && ack.Sequence == x.last+1 {
				x.add(streamID, ack.Sequence, b)
			}
			return nil
		}
		if !wrongSequence(err) || try == tries {
			return err
		}
		// Another process has written to the log stream, or its batches have
		// all expired: look again.
		if err := x.sync(ctx); err != nil {
			return err
		}
		if st := x.streams[streamID]; st != nil {
			number = st.number
		}
		switch last, err := x.js.GetLastMsgForSubject(ctx, msg.Subject); {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			expected = 0
		case err != nil:
			return err
		default:
			expected = last.Sequence
		}
	}
}

func wrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
