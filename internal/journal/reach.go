package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// A store that was damaged and then restarted can come back shorter: one flipped
// bit in the newest block costs everything behind it, and the stream would give
// the same sequence numbers to other records. Readers that were past them would
// not see those, and file names made of positions would come twice. So positions
// must not come twice:
//
//   - A mark in a stream of its own says how far the journal has been. It follows
//     within about a second, and at Close. Open compares.
//   - Readers keep their own positions and show them to the journal (Reached).
//
// What is missing is filled up with lost batches, which Read reports as a gap. A
// crash while filling leaves a shorter rest for the next Open.
const (
	markStream  = streamName + "_MARK"
	markSubject = "journal.mark"
	// maxLost bounds filling: a position further away is not this journal's.
	maxLost = 1 << 20
)

// mark is what the mark stream's one message holds.
type mark struct {
	Seq     uint64 `json:"seq"`               // all batches up to this one have been durable
	Records uint64 `json:"records,omitempty"` // how many records they held, and all before them
}

// openMark opens or creates the stream of the mark and returns the mark.
func openMark(ctx context.Context, js jetstream.JetStream, replicas int) (m mark, err error) {
	st, err := js.Stream(ctx, markStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = js.CreateStream(ctx, jetstream.StreamConfig{
			Name: markStream, Description: "cairn: how far the journal has been",
			Subjects: []string{markSubject}, Storage: jetstream.FileStorage,
			MaxMsgsPerSubject: 1, Replicas: replicas,
		})
	}
	if err != nil {
		return m, fmt.Errorf("open stream %s: %w", markStream, err)
	}
	if c := st.CachedInfo().Config; !slices.Equal(c.Subjects, []string{markSubject}) {
		return m, fmt.Errorf("stream %s exists and is not a journal's mark (subjects %q); remove or rename it", markStream, c.Subjects)
	}
	msg, err := st.GetLastMsgForSubject(ctx, markSubject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read the journal's mark: %w", err)
	}
	if err := json.Unmarshal(msg.Data, &m); err != nil {
		return m, fmt.Errorf("read the journal's mark: %w", err)
	}
	return m, nil
}

// setMark moves the mark to the newest batch, if it is behind. Processes of a
// cluster may move it back by what the other wrote within the second; the next
// second repairs that.
func (j *Journal) setMark(ctx context.Context) error {
	counted := j.tally.end()
	last := counted.seq - 1
	if last <= j.marked {
		return nil
	}
	b, err := json.Marshal(mark{last, counted.records})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, j.o.tryTimeout)
	defer cancel()
	if _, err := j.js.Publish(ctx, markSubject, b, jetstream.WithExpectStream(markStream)); err != nil {
		return fmt.Errorf("move the journal's mark to %d: %w", last, err)
	}
	j.marked = last
	return nil
}

// Reached tells the journal that a reader has been at p, a position that Read or
// End gave out. If the store has since lost what was before p, the journal makes
// sure that new records come at p or later, and readers find a gap. Whoever keeps
// positions elsewhere calls it for each of them before the first Append.
func (j *Journal) Reached(ctx context.Context, p Position) error {
	want := p.Seq // the last batch that must have been
	if p.Index == 0 && want > 0 {
		want--
	}
	j.mu.Lock()
	last := j.last
	j.mu.Unlock()
	if last >= want {
		return nil
	}
	st, err := j.bounds(ctx)
	if err != nil {
		return err
	}
	if want > st.LastSeq && want-st.LastSeq > maxLost {
		return fmt.Errorf("position %s is not of this journal, which ends at %d/0: wrong store folder or cluster?", p, st.LastSeq+1)
	}
	first := st.LastSeq + 1
	for last = st.LastSeq; last < want; {
		// The expectation keeps two processes from filling the same hole.
		ack, err := j.js.Publish(ctx, subject, encodeLost(),
			jetstream.WithExpectStream(streamName), jetstream.WithExpectLastSequence(last))
		if err == nil {
			last = ack.Sequence
			j.advance(0, last)
			continue
		}
		if again, _ := judge(err); !again && !wrongLast(err) || !pause(ctx, retryWait) {
			return fmt.Errorf("fill the journal from %d to %d, which the store has lost: %w", first, want, err)
		}
		if st, err = j.bounds(ctx); err != nil {
			return err
		}
		last = st.LastSeq
	}
	if first <= want {
		j.o.Log.ErrorContext(ctx, "journal: the store has lost its newest batches; readers will find a gap", "first", first, "last", want)
	}
	return nil
}

// wrongLast reports whether a write was refused because another came before it.
func wrongLast(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
