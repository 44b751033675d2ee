package loggroup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cairn/internal/lake"
)

// Query asks for one page of a group's events.
type Query struct {
	Group Ref
	// Streams are the log streams to read, all if nil; those that begin with
	// Prefix if that is set.
	Streams []string
	Prefix  string
	// Start and End bound the timestamps, in milliseconds, both included.
	Start, End int64
	// From is the boundary to go on from; nil is the beginning, or the end if
	// Backward is set.
	From *Position
	// Backward reads from the latest event to the earliest.
	Backward bool
	// Limit and MaxBytes bound the page: events, and bytes of their messages
	// (with EventOverhead each). One event always fits.
	Limit    int
	MaxBytes int
	// Where selects events by message, such as a *logquery.Predicate; nil
	// selects all.
	Where lake.Predicate
}

// EventOverhead is what AWS adds to the size of each event's message.
const EventOverhead = 26

// Found is an event of a page.
type Found struct {
	Pos       Position
	Stream    string
	Message   string
	Ingestion int64
}

// Page is the answer to a Query.
type Page struct {
	// Events are in the order of reading.
	Events []Found
	// More says that there may be further events; Next is the boundary to go on
	// from. A page may be empty and still have more: that is how one that takes
	// long ends.
	More bool
	Next Position
}

// Read returns one page. Memory is bounded by the page and by what the lake
// reads at once, and so is the time it takes, whatever the group holds.
func (s *Store) Read(ctx context.Context, q *Query) (*Page, error) {
	v, err := s.look(ctx, q)
	if err != nil {
		return nil, err
	}
	defer v.close()
	page, err := v.snapshot.Read(ctx, &v.query, v.tail...)
	if err != nil {
		return nil, s.failed(q, v, err)
	}
	out := &Page{Events: make([]Found, len(page.Rows)), More: page.More, Next: page.Next}
	for i := range page.Rows {
		r := &page.Rows[i]
		out.Events[i] = Found{Pos: r.Pos, Stream: v.names[r.Stream], Message: string(r.Message), Ingestion: r.Ingestion}
	}
	return out, nil
}

// Scan calls each with every event that q selects until it returns false, about
// in order of time but not exactly. Limit and MaxBytes do not count, nor how
// long it takes. The message may be overwritten when each returns.
func (s *Store) Scan(ctx context.Context, q *Query, each func(pos Position, stream string, message []byte, ingestion int64) bool) error {
	v, err := s.look(ctx, q)
	if err != nil {
		return err
	}
	defer v.close()
	err = v.snapshot.Scan(ctx, &v.query, func(r *lake.Row) bool {
		return each(r.Pos, v.names[r.Stream], r.Message, r.Ingestion)
	}, v.tail...)
	if err != nil {
		return s.failed(q, v, err)
	}
	return nil
}

func (s *Store) failed(q *Query, v *view, err error) error {
	if errors.Is(err, lake.ErrDropped) {
		return ErrGroupNotFound
	}
	return fmt.Errorf("read log group %s: %w", q.Group.Name, s.lost(q.Group, v.group, err))
}

// view is what a query sees of a group: segments, and the tail that is still in
// JetStream. What it sees stays until it is closed.
type view struct {
	group    *Group
	x        *index
	query    lake.Query
	snapshot *lake.Snapshot
	moved    uint64 // batches up to this one are in the snapshot
	tail     []lake.Block
	names    map[string]string // of the log streams to read, by ID
}

func (v *view) close() {
	v.snapshot.Close()
	v.x.mu.Lock()
	defer v.x.mu.Unlock()
	delete(v.x.views, v)
}

// look takes a view: the tail, and the segments, whose mark says which of that
// tail they have by now. The caller closes it.
func (s *Store) look(ctx context.Context, q *Query) (*view, error) {
	g, err := s.Group(q.Group)
	if err != nil {
		return nil, err
	}
	names, all, err := s.chosen(q)
	if err != nil {
		return nil, err
	}
	x, err := s.index(ctx, q.Group, g)
	if err != nil {
		return nil, err
	}
	defer x.mu.Unlock()
	v := &view{group: g, x: x, names: names}
	if v.snapshot, err = x.table.Snapshot(); err == nil {
		v.moved, err = parseMark(v.snapshot.Mark())
	}
	if err != nil {
		return nil, s.failed(q, v, err)
	}
	v.query = lake.Query{
		Start: max(q.Start, s.cutoff(g)), End: q.End, From: q.From, Backward: q.Backward, Where: q.Where,
		Limit: q.Limit, MaxBytes: q.MaxBytes, Overhead: EventOverhead, Budget: s.budget,
	}
	if !all {
		v.query.Streams = func(id string) bool { _, ok := names[id]; return ok }
	}
	for id := range names {
		st := x.streams[id]
		if st == nil {
			continue
		}
		for _, k := range st.blocks {
			if k.last > v.moved {
				v.tail = append(v.tail, &tailBlock{s: s, ref: q.Group, x: x, stream: id, name: names[id], block: k, moved: v.moved})
			}
		}
	}
	x.views[v] = struct{}{} // from now on the tail stays in JetStream
	return v, nil
}

// chosen returns the names of the log streams to read by their IDs, and whether
// they are all that have events.
func (s *Store) chosen(q *Query) (names map[string]string, all bool, err error) {
	names = map[string]string{}
	if q.Streams != nil {
		for _, name := range q.Streams {
			_, st, err := s.find(q.Group, name)
			if err != nil {
				return nil, false, err
			}
			names[st.ID] = name
		}
		return names, false, nil
	}
	all = true
	for _, row := range s.streams.List(q.Group.key()...) {
		if !row.Value.Deleting && strings.HasPrefix(row.Key[3], q.Prefix) {
			names[row.Value.ID] = row.Key[3]
		} else {
			all = false
		}
	}
	return names, all, nil
}

// tailBlock is a block of the index, to be read from JetStream.
type tailBlock struct {
	s            *Store
	ref          Ref
	x            *index
	stream, name string
	block        block
	moved        uint64 // batches up to this one are in segments
}

// Bounds implements lake.Block.
func (t *tailBlock) Bounds() (first, last, bytes int64) {
	return t.block.min, t.block.max, t.block.bytes
}

// Read implements lake.Block.
func (t *tailBlock) Read(ctx context.Context, each func(r *lake.Row)) error {
	k := t.block
	if k.first <= t.moved { // the rest of a block of which some is in a segment
		k.first, k.batches = t.moved+1, 0
	}
	err := t.x.load(ctx, t.stream, &k, func(seq uint64, b *batchInfo, payload []byte) error {
		return eachEvent(payload, func(i uint32, timestamp int64, message []byte) bool {
			each(&lake.Row{Pos: Position{Timestamp: timestamp, Seq: seq, Index: i}, Ingestion: b.ingested, Stream: t.stream, Message: message})
			return true
		})
	})
	if errors.Is(err, errGone) && t.s.gone(t.ref, t) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log stream %s: %w", t.name, err)
	}
	return nil
}

// gone reports whether the batches of a block may rightly be missing: the log
// stream was deleted, or they are old enough to have expired.
func (s *Store) gone(ref Ref, t *tailBlock) bool {
	_, st, err := s.find(ref, t.name)
	if err != nil || st.ID != t.stream {
		return true
	}
	now, err := s.Group(ref)
	return err != nil || now.RetentionDays != 0 && t.block.min < s.cutoff(now)
}

// mark writes a sequence number as a lake's mark: every batch up to it is in
// segments.
func mark(seq uint64) string {
	if seq == 0 {
		return ""
	}
	return strconv.FormatUint(seq, 10)
}

func parseMark(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the mark of a log group's segments: %w", err)
	}
	return seq, nil
}
