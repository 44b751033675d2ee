package loggroup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/lake"
)

const (
	// A block of the index is closed when it holds this many batches or bytes.
	blockBatches = 16
	blockBytes   = 1 << 20
	// keptTokens is how many tokens of a log stream are remembered.
	keptTokens = 256
)

// index knows of the batches of a group's tail which times they span, in blocks
// of consecutive batches of one log stream.
type index struct {
	js    jetstream.Stream
	table *lake.Table
	group string // the group's ID
	log   *slog.Logger

	mu      sync.Mutex
	last    uint64 // every message up to this sequence number is in the index
	purged  uint64 // JetStream was told to forget the batches up to this one
	streams map[string]*streamIndex
	views   map[*view]struct{} // that are being read
}

// streamIndex is the part of one log stream, by its ID.
type streamIndex struct {
	blocks []block
	// lastSeq and number are those of the newest batch.
	lastSeq  uint64
	number   uint64
	ingested int64
	tokens   []string // of the newest batches that had one, oldest first
}

// block is a run of batches. Sequence numbers are JetStream's; batches of other
// log streams may lie between.
type block struct {
	first, last uint64
	batches     int
	bytes       int64
	min, max    int64 // timestamps
	ingested    int64 // when the first batch came
}

// index returns the index of a group, up to date, and locked: the caller
// unlocks it.
func (s *Store) index(ctx context.Context, ref Ref, g *Group) (*index, error) {
	s.mu.Lock()
	x := s.open[g.ID]
	s.mu.Unlock()
	if x == nil {
		fresh, err := s.newIndex(ctx, ref, g)
		if err != nil {
			return nil, s.lost(ref, g, err)
		}
		s.mu.Lock()
		if x = s.open[g.ID]; x == nil {
			x = fresh
			s.open[g.ID] = x
		}
		s.mu.Unlock()
	}
	x.mu.Lock()
	if err := x.sync(ctx); err != nil {
		x.mu.Unlock()
		return nil, s.lost(ref, g, err)
	}
	return x, nil
}

// newIndex returns the index of a group as its segments leave it: what is in
// them is known from there, and sync reads the rest.
func (s *Store) newIndex(ctx context.Context, ref Ref, g *Group) (*index, error) {
	js, err := s.js.Stream(ctx, streamName(g.ID))
	if err != nil {
		return nil, err
	}
	x := &index{js: js, group: g.ID, log: s.log.With("group", ref.Name), streams: map[string]*streamIndex{}, views: map[*view]struct{}{}}
	if x.table, err = s.lake.Table(g.ID); err != nil {
		return nil, err
	}
	if x.last, err = parseMark(x.table.Mark()); err != nil {
		return nil, err
	}
	// Damage to a segment must not keep events from being put; the lake has
	// logged it, and what needs the segment fails.
	streams, err := x.table.Streams()
	if damage := (*lake.DamageError)(nil); err != nil && !errors.As(err, &damage) {
		return nil, err
	}
	for id, st := range streams {
		x.streams[id] = &streamIndex{number: st.Note.Number, ingested: st.LastIngestion, tokens: slices.Clone(st.Note.Tokens)}
	}
	return x, nil
}

// sync reads the headers of the messages that are not in the index yet, and
// forgets those that JetStream has dropped by age.
func (x *index) sync(ctx context.Context) error {
	info, err := x.js.Info(ctx)
	if err != nil {
		return err
	}
	for _, st := range x.streams {
		n := 0
		for n < len(st.blocks) && st.blocks[n].last < info.State.FirstSeq {
			n++
		}
		st.blocks = slices.Delete(st.blocks, 0, n)
	}
	if info.State.LastSeq <= x.last {
		return nil
	}
	if info.State.Msgs > 0 {
		if err := x.readHeaders(ctx, info.State.LastSeq); err != nil {
			return fmt.Errorf("read batch headers from %d on: %w", x.last+1, err)
		}
	}
	// Messages may have been deleted up to the very last one.
	x.last = max(x.last, info.State.LastSeq)
	return nil
}

// readHeaders reads the headers after x.last up to the given sequence number.
func (x *index) readHeaders(ctx context.Context, to uint64) error {
	c, err := x.js.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: x.last + 1, HeadersOnly: true,
		InactiveThreshold: 10 * time.Second, // the server removes the consumer after that
	})
	if err != nil {
		return err
	}
	if c.CachedInfo().NumPending == 0 { // only deleted messages are there
		return nil
	}
	it, err := c.Messages()
	if err != nil {
		return err
	}
	defer it.Stop()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		seq := meta.Sequence.Stream
		info, err := parseHeader(msg.Headers())
		if err != nil {
			return fmt.Errorf("batch %d: %w", seq, err)
		}
		x.add(strings.TrimPrefix(msg.Subject(), subject(x.group, "")), seq, &info)
		if seq >= to || meta.NumPending == 0 {
			return nil
		}
	}
}

// add puts one batch into the index.
func (x *index) add(streamID string, seq uint64, b *batchInfo) {
	if seq <= x.last {
		return
	}
	x.last = seq
	st := x.streams[streamID]
	if st == nil {
		st = &streamIndex{}
		x.streams[streamID] = st
	}
	// The first batch we see may have any number: those before it are expired.
	if st.number != 0 && b.number != st.number+1 {
		x.log.Error("log stream has lost batches", "stream", streamID, "after", st.number, "before", b.number)
	}
	st.lastSeq, st.number, st.ingested = seq, b.number, b.ingested
	if b.token != "" {
		st.tokens = append(st.tokens, b.token)
		if len(st.tokens) > 2*keptTokens {
			st.tokens = slices.Clone(st.tokens[len(st.tokens)-keptTokens:])
		}
	}
	if n := len(st.blocks); n > 0 && st.blocks[n-1].batches < blockBatches && st.blocks[n-1].bytes+b.size <= blockBytes {
		k := &st.blocks[n-1]
		k.last, k.batches, k.bytes = seq, k.batches+1, k.bytes+b.size
		k.min, k.max = min(k.min, b.min), max(k.max, b.max)
		return
	}
	st.blocks = append(st.blocks, block{first: seq, last: seq, batches: 1, bytes: b.size, min: b.min, max: b.max, ingested: b.ingested})
}

// number returns the number of a log stream's newest batch.
func (x *index) number(streamID string) uint64 {
	if st := x.streams[streamID]; st != nil {
		return st.number
	}
	return 0
}

// errGone says that batches of a block are not there any more.
var errGone = errors.New("batches are missing")

// load calls do with every batch of a block. It returns errGone if some of them
// are missing, which is no fault if they have expired or were deleted since the
// index was read.
func (x *index) load(ctx context.Context, streamID string, k *block, do func(seq uint64, b *batchInfo, payload []byte) error) error {
	n := 0
	for seq := k.first; seq <= k.last; {
		msg, err := x.js.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject(x.group, streamID)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return fmt.Errorf("read batch %d: %w", seq, err)
		}
		if msg.Sequence > k.last {
			break
		}
		b, err := parseHeader(msg.Header)
		if err == nil {
			err = do(msg.Sequence, &b, msg.Data)
		}
		if err != nil {
			return fmt.Errorf("read batch %d: %w", msg.Sequence, err)
		}
		n++
		seq = msg.Sequence + 1
	}
	if n < k.batches {
		return errGone
	}
	return nil
}
