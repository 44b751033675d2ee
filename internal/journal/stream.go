package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	streamName = "JOURNAL"
	subject    = "journal.batch"
	// clusterReplicas is the default in a cluster: one server may be lost.
	clusterReplicas = 3
)

// openStream opens or creates the stream. An existing one gets the limits of the
// options; one whose nature differs is not ours and is refused.
func openStream(ctx context.Context, js jetstream.JetStream, o Options) (jetstream.Stream, error) {
	want := jetstream.StreamConfig{
		Name: streamName, Description: "cairn: batches of CloudTrail records",
		Subjects: []string{subject}, Storage: jetstream.FileStorage,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxAge: o.MaxAge, MaxBytes: o.MaxBytes, Replicas: o.Replicas,
		Duplicates: duplicateWindow, AllowDirect: true,
	}
	if want.MaxBytes == 0 {
		want.MaxBytes = -1
	}
	st, err := js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if want.Replicas == 0 {
			want.Replicas = 1
			if js.Conn().ConnectedClusterName() != "" {
				want.Replicas = clusterReplicas
			}
		}
		// A crash right after this leaves an empty stream, which the next Open uses.
		st, err = js.CreateStream(ctx, want)
		if err != nil {
			return nil, fmt.Errorf("create stream %s: %w", streamName, err)
		}
		return st, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", streamName, err)
	}
	have := st.CachedInfo().Config
	if have.Storage != want.Storage || have.Retention != want.Retention || !slices.Equal(have.Subjects, want.Subjects) {
		return nil, fmt.Errorf("stream %s exists and is not a journal (subjects %q, storage %s, retention %s); remove or rename it",
			streamName, have.Subjects, have.Storage, have.Retention)
	}
	next := have
	next.MaxAge, next.MaxBytes, next.Duplicates = want.MaxAge, want.MaxBytes, want.Duplicates
	next.Discard, next.AllowDirect = want.Discard, want.AllowDirect
	if want.Replicas != 0 {
		next.Replicas = want.Replicas
	}
	if next.MaxAge == have.MaxAge && next.MaxBytes == have.MaxBytes && next.Duplicates == have.Duplicates &&
		next.Discard == have.Discard && next.AllowDirect == have.AllowDirect && next.Replicas == have.Replicas {
		return st, nil
	}
	if st, err = js.UpdateStream(ctx, next); err != nil {
		return nil, fmt.Errorf("update limits of stream %s: %w", streamName, err)
	}
	return st, nil
}

// follow asks the stream for its bounds now and then (records age, and other
// processes of a cluster append) and moves the mark.
func (j *Journal) follow(ctx context.Context) {
	t := time.NewTicker(j.o.poll)
	defer t.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		_, err := j.bounds(ctx)
		if err == nil {
			err = errors.Join(j.catchUp(ctx), j.setMark(ctx))
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing { // once, not every second
			j.o.Log.WarnContext(ctx, "journal: the store does not answer, trying on", "error", err)
		}
		failing = err != nil
	}
}

// bounds asks the stream for its state and notes it.
func (j *Journal) bounds(ctx context.Context) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, j.o.tryTimeout)
	defer cancel()
	info, err := j.stream.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("read bounds of stream %s: %w", streamName, err)
	}
	j.advance(info.State.FirstSeq, info.State.LastSeq)
	return info.State, nil
}
