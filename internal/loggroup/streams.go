package loggroup

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/state"
)

// StreamInfo describes a log stream. Times are in milliseconds since 1970.
type StreamInfo struct {
	Name    string
	Created int64
	// Empty is true if the stream has no event that is still kept; the fields
	// below are zero then.
	Empty bool
	// FirstEvent and LastEvent are the earliest and latest timestamps. The
	// first is that of the retention once that has set in.
	FirstEvent, LastEvent int64
	// LastIngestion is when the newest batch arrived.
	LastIngestion int64
	// Batches is how many appends the stream has seen, which stands in for the
	// sequence token AWS no longer checks.
	Batches uint64
}

// CreateStream makes a log stream; ErrGroupNotFound or ErrStreamExists if it
// cannot.
func (s *Store) CreateStream(ctx context.Context, ref Ref, name string) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	if _, err := s.Group(ref); err != nil {
		return err
	}
	key := append(ref.key(), name)
	if old, ok := s.streams.Get(key...); ok {
		if !old.Deleting {
			return ErrStreamExists
		}
		if err := s.finishDeleteStream(ctx, ref, name, old); err != nil {
			return err
		}
	}
	// One write: a crash leaves the stream or does not.
	err := s.streams.Create(ctx, &stream{ID: newID(), Created: s.millis()}, key...)
	if errors.Is(err, state.ErrExists) {
		return ErrStreamExists
	}
	if err != nil {
		return fmt.Errorf("create log stream %s of log group %s: %w", name, ref.Name, err)
	}
	return nil
}

// DeleteStream deletes a log stream and its events, for good.
func (s *Store) DeleteStream(ctx context.Context, ref Ref, name string) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	if _, _, err := s.find(ref, name); err != nil {
		return err
	}
	// After this the stream is gone for every caller. A crash leaves events
	// nobody can reach: Open deletes them.
	row, err := s.streams.Update(ctx, func(st *stream) error { st.Deleting = true; return nil }, append(ref.key(), name)...)
	if err != nil {
		return fmt.Errorf("delete log stream %s of log group %s: %w", name, ref.Name, notFound(err, ErrStreamNotFound))
	}
	return s.finishDeleteStream(ctx, ref, name, row)
}

// finishDeleteStream deletes the events, then the row: a crash in between leaves
// the row, which says what is left to do. Those in segments are gone for every
// reader then, and leave the disk when the segments are rewritten, which the
// lake remembers by itself.
func (s *Store) finishDeleteStream(ctx context.Context, ref Ref, name string, row *stream) error {
	s.moving.Lock() // no batch of it is on its way into a segment
	defer s.moving.Unlock()
	if g, ok := s.groups.Get(ref.key()...); ok {
		js, err := s.js.Stream(ctx, streamName(g.ID))
		if err == nil {
			err = js.Purge(ctx, jetstream.WithPurgeSubject(subject(g.ID, row.ID)))
		}
		if err == nil || errors.Is(err, jetstream.ErrStreamNotFound) {
			err = s.dropRows(g, row.ID)
		}
		if err != nil {
			return fmt.Errorf("delete the events of log stream %s of log group %s: %w", name, ref.Name, err)
		}
		s.forget(g.ID, row.ID)
	}
	if err := s.streams.Delete(ctx, append(ref.key(), name)...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("delete log stream %s of log group %s: %w", name, ref.Name, err)
	}
	return nil
}

// dropRows deletes what the segments have of a log stream.
func (s *Store) dropRows(g *Group, streamID string) error {
	table, err := s.lake.Table(g.ID)
	if err != nil {
		return err
	}
	s.wake(g.ID)
	return table.DeleteStream(streamID)
}

// forget drops a deleted log stream from the index.
func (s *Store) forget(groupID, streamID string) {
	s.mu.Lock()
	x := s.open[groupID]
	s.mu.Unlock()
	if x != nil {
		x.mu.Lock()
		delete(x.streams, streamID)
		x.mu.Unlock()
	}
}

// find returns the rows of a group and one of its log streams.
func (s *Store) find(ref Ref, name string) (*Group, *stream, error) {
	g, err := s.Group(ref)
	if err != nil {
		return nil, nil, err
	}
	st, ok := s.streams.Get(append(ref.key(), name)...)
	if !ok || st.Deleting {
		return nil, nil, ErrStreamNotFound
	}
	return g, st, nil
}

// HasStream reports whether a log stream exists.
func (s *Store) HasStream(ref Ref, name string) bool {
	_, _, err := s.find(ref, name)
	return err == nil
}

// Streams returns the log streams of a group, sorted by name.
func (s *Store) Streams(ctx context.Context, ref Ref) ([]StreamInfo, error) {
	g, err := s.Group(ref)
	if err != nil {
		return nil, err
	}
	x, err := s.index(ctx, ref, g)
	if err != nil {
		return nil, err
	}
	defer x.mu.Unlock()
	segments, err := x.table.Streams()
	if err != nil {
		return nil, fmt.Errorf("list the log streams of log group %s: %w", ref.Name, err)
	}
	cutoff := s.cutoff(g)
	moved, err := parseMark(x.table.Mark())
	if err != nil {
		return nil, err
	}
	var list []StreamInfo
	for _, row := range s.streams.List(ref.key()...) {
		if row.Value.Deleting {
			continue
		}
		info := StreamInfo{Name: row.Key[3], Created: row.Value.Created, Empty: true}
		if st, ok := segments[row.Value.ID]; ok {
			info.span(st.First, st.Last, cutoff)
		}
		if st := x.streams[row.Value.ID]; st != nil {
			info.describe(st, moved, cutoff)
		}
		list = append(list, info)
	}
	return list, nil
}

func (i *StreamInfo) describe(st *streamIndex, moved uint64, cutoff int64) {
	i.Batches = st.number
	for _, k := range st.blocks {
		if k.last > moved {
			i.span(k.min, k.max, cutoff)
		}
	}
	if !i.Empty {
		i.LastIngestion = st.ingested
	}
}

// span adds events between two timestamps.
func (i *StreamInfo) span(first, last, cutoff int64) {
	if last < cutoff {
		return
	}
	if first = max(first, cutoff); i.Empty || first < i.FirstEvent {
		i.FirstEvent = first
	}
	if i.Empty || last > i.LastEvent {
		i.LastEvent = last
	}
	i.Empty = false
}

// cutoff returns the earliest timestamp the group's retention still shows.
func (s *Store) cutoff(g *Group) int64 {
	if g.RetentionDays == 0 {
		return 0
	}
	return s.now().AddDate(0, 0, -g.RetentionDays).UnixMilli()
}
