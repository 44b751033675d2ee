package loggroup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/lake"
)

// bounds are how much of a group may stay in JetStream: more bytes or batches
// than this, or older ones, are moved.
type bounds struct {
	bytes   int64
	batches int
	age     time.Duration
	// chunk is about how many bytes of events one segment is made of.
	chunk int64
}

// normalBounds keep what a query reads batch by batch to a fraction of a second,
// and segments from becoming many. When much is waiting, segments are so large at
// once that they are never merged (lake.Options.SegmentBytes).
var normalBounds = bounds{bytes: 32 << 20, batches: 4096, age: 15 * time.Minute, chunk: 72 << 20}

const (
	// moveEvery is how often tails are looked at.
	moveEvery = time.Second
	// careEvery is how often the segments of all groups are looked through for
	// what has expired.
	careEvery = time.Hour
)

// Run moves the tails of groups into segments, merges segments, and deletes what
// has expired, until ctx ends.
func (s *Store) Run(ctx context.Context) {
	if !s.moves {
		return
	}
	tick := time.NewTicker(moveEvery)
	defer tick.Stop()
	s.wakeAll()
	for care := s.now().Add(careEvery); ; {
		if now := s.now(); now.After(care) {
			care = now.Add(careEvery)
			s.wakeAll()
		}
		s.sweep(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// wake lets the next sweep look after a group's segments.
func (s *Store) wake(groupID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due[groupID] = true
}

func (s *Store) wakeAll() {
	for _, row := range s.groups.List() {
		s.wake(row.Value.ID)
	}
}

// sweep does what there is to do now, group by group. What fails is logged, and
// tried again by the next sweep.
func (s *Store) sweep(ctx context.Context) {
	for _, row := range s.groups.List() {
		g, ref := row.Value, Ref{row.Key[0], row.Key[1], row.Key[2]}
		if !g.Ready || g.Deleting || ctx.Err() != nil {
			continue
		}
		s.mu.Lock()
		x, due := s.open[g.ID], s.due[g.ID]
		delete(s.due, g.ID)
		s.mu.Unlock()
		if !due && (x == nil || x.settled(&s.bounds, s.now())) {
			continue // without asking JetStream: there may be many groups
		}
		if err := s.tend(ctx, ref, g, due); err != nil && ctx.Err() == nil {
			if _, now := s.Group(ref); now == nil { // it was not deleted meanwhile
				s.log.ErrorContext(ctx, "cannot move events into segments; they stay where they are", "group", ref.Name, "account", ref.Account, "error", err)
			}
		}
	}
}

// tend moves a group's tail if it is time, and looks after its segments if that
// added one, or they are due.
func (s *Store) tend(ctx context.Context, ref Ref, g *Group, due bool) error {
	moved, err := s.move(ctx, ref, g)
	if err != nil || !moved && !due {
		return err
	}
	table, err := s.lake.Table(g.ID)
	if err != nil {
		return err
	}
	if g.RetentionDays != 0 {
		if err := table.Expire(ctx, s.cutoff(g)); err != nil {
			return err
		}
	}
	return table.Compact(ctx)
}

// move moves a group's tail into segments if it is beyond the bounds.
func (s *Store) move(ctx context.Context, ref Ref, g *Group) (moved bool, err error) {
	for {
		more, err := s.moveChunk(ctx, ref, g)
		if err != nil || !more {
			return moved, err
		}
		moved = true
	}
}

// moveChunk moves the first batches of a tail that is beyond the bounds into a
// segment, and deletes them in JetStream. More says that there was something to
// move.
//
// A crash before the segment is in its table leaves everything in JetStream;
// after that, batches in JetStream that the table's mark says are moved: nobody
// reads them, and the next sweep deletes them.
func (s *Store) moveChunk(ctx context.Context, ref Ref, g *Group) (more bool, err error) {
	s.moving.Lock()
	defer s.moving.Unlock()
	if now, err := s.Group(ref); err != nil || now.ID != g.ID {
		return false, nil //nolint:nilerr // deleted: nothing to move
	}
	x, err := s.index(ctx, ref, g)
	if err != nil {
		return false, err
	}
	to, beyond := x.last, x.beyond(&s.bounds, s.now())
	x.mu.Unlock()
	if beyond {
		c := chunk{s: s, ref: ref, x: x, to: to, cutoff: s.cutoff(g), notes: map[string]*lake.StreamNote{}, taken: map[string][]uint64{}, names: map[string]string{}}
		for _, row := range s.streams.List(ref.key()...) {
			if !row.Value.Deleting {
				c.names[row.Value.ID] = row.Key[3]
			}
		}
		if err := c.move(ctx); err != nil {
			return false, err
		}
	}
	return beyond, x.purge(ctx)
}

// settled reports whether there is nothing to move, nor to delete in JetStream,
// as far as is known. What other processes put is found by the next use.
func (x *index) settled(b *bounds, now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	moved, err := parseMark(x.table.Mark())
	return err == nil && moved <= x.purged && !x.beyond(b, now)
}

// beyond reports whether a tail has to be moved. The index is locked.
func (x *index) beyond(b *bounds, now time.Time) bool {
	moved, err := parseMark(x.table.Mark())
	if err != nil {
		return true // and moving it will say why that cannot be
	}
	var bytes int64
	batches, oldest := 0, now.UnixMilli()
	for _, st := range x.streams {
		for _, k := range st.blocks {
			if k.last > moved {
				bytes += k.bytes
				batches += k.batches
				oldest = min(oldest, k.ingested)
			}
		}
	}
	return batches > 0 && (bytes > b.bytes || batches > b.batches || oldest <= now.Add(-b.age).UnixMilli())
}

// chunk is the batches that one move takes.
type chunk struct {
	s      *Store
	ref    Ref
	x      *index
	to     uint64 // no batch after this one
	cutoff int64
	names  map[string]string // of the log streams that are not deleted, by ID

	rows  []lake.Row
	bytes int64
	notes map[string]*lake.StreamNote
	taken map[string][]uint64 // batches of each log stream
	// last is the last batch that was taken.
	last uint64
}

// move reads batches and appends them to the table.
func (c *chunk) move(ctx context.Context) error {
	from := c.x.table.Mark()
	moved, err := parseMark(from)
	if err != nil {
		return err
	}
	if err := c.read(ctx, moved+1); err != nil {
		return err
	}
	if err := c.complete(moved); err != nil {
		return err
	}
	notes := map[string]lake.StreamNote{}
	for id, n := range c.notes {
		notes[id] = *n
	}
	if err := c.x.table.Append(ctx, &lake.Batch{Rows: c.rows, From: from, To: mark(c.last), Notes: notes}); err != nil {
		return err
	}
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	c.x.trim(c.last, c.taken)
	return nil
}

// read takes batches until there is enough.
func (c *chunk) read(ctx context.Context, from uint64) error {
	for seq := from; seq <= c.to && c.bytes < c.s.bounds.chunk; {
		msg, err := c.x.js.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject(c.x.group, "*")))
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && msg.Sequence > c.to {
			c.last = c.to
			return nil
		}
		if err == nil {
			err = c.take(msg)
		}
		if err != nil {
			return fmt.Errorf("read batch %d: %w", seq, err)
		}
		c.last = msg.Sequence
		seq = msg.Sequence + 1
	}
	return nil
}

// take adds the events of one batch.
func (c *chunk) take(msg *jetstream.RawStreamMsg) error {
	id := msg.Subject[len(subject(c.x.group, "")):]
	b, err := parseHeader(msg.Header)
	if err != nil {
		return err
	}
	c.taken[id] = append(c.taken[id], msg.Sequence)
	c.bytes += int64(len(msg.Data))
	if _, ok := c.names[id]; !ok {
		return nil // of a log stream that is being deleted
	}
	note := c.notes[id]
	if note == nil {
		note = &lake.StreamNote{}
		c.notes[id] = note
	}
	note.Number = b.number
	if b.token != "" {
		note.Tokens = append(note.Tokens, b.token)
	}
	return eachEvent(msg.Data, func(i uint32, timestamp int64, message []byte) bool {
		if timestamp >= c.cutoff {
			c.rows = append(c.rows, lake.Row{
				Pos: Position{Timestamp: timestamp, Seq: msg.Sequence, Index: i}, Ingestion: b.ingested, Stream: id, Message: message,
			})
		}
		return true
	})
}

// complete checks that no batch the index knows of was missing, but for those
// that have expired. Events are not to disappear by being moved: as long as some
// are missing, all stay where they are, and reading them says what is wrong.
func (c *chunk) complete(moved uint64) error {
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	for id, st := range c.x.streams {
		name, ok := c.names[id]
		if !ok {
			continue
		}
		for _, k := range st.blocks {
			if k.first <= moved || k.last > c.last || k.min < c.cutoff || k.batches == within(c.taken[id], &k) {
				continue
			}
			return fmt.Errorf("log stream %s: %d of the batches %d to %d: %w", name, k.batches-within(c.taken[id], &k), k.first, k.last, errGone)
		}
	}
	return nil
}

// within counts the batches of a block among some of its log stream.
func within(taken []uint64, k *block) int {
	n := 0
	for _, seq := range taken {
		if seq >= k.first && seq <= k.last {
			n++
		}
	}
	return n
}

// trim forgets the batches up to a sequence number, those that were taken.
func (x *index) trim(to uint64, taken map[string][]uint64) {
	for id, st := range x.streams {
		kept := st.blocks[:0]
		for _, k := range st.blocks {
			if k.last <= to {
				continue
			}
			if k.first <= to {
				k.batches -= within(taken[id], &k)
				k.first = to + 1
			}
			kept = append(kept, k)
		}
		st.blocks = kept
	}
}

// purge deletes in JetStream what is in segments and read by no view. An append
// that happens meanwhile and expects the former last batch of its log stream
// finds that it is gone, and looks again.
func (x *index) purge(ctx context.Context) error {
	to, err := parseMark(x.table.Mark())
	if err != nil {
		return err
	}
	x.mu.Lock()
	for v := range x.views {
		to = min(to, v.moved)
	}
	done := x.purged
	x.mu.Unlock()
	if to <= done {
		return nil
	}
	if err := x.js.Purge(ctx, jetstream.WithPurgeSequence(to+1)); err != nil {
		return fmt.Errorf("delete batches up to %d: %w", to, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.purged = to
	for _, st := range x.streams {
		if st.lastSeq <= to {
			st.lastSeq = 0
		}
	}
	return nil
}
