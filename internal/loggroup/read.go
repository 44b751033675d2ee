package loggroup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// scanBudget is about how many bytes of events one page reads before it is
// handed out unfilled, so that a filter that matches little does not keep its
// caller waiting for long.
const scanBudget = 64 << 20

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
	// Match selects events by message; nil selects all. It must not keep the
	// message.
	Match func(message []byte) bool
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
	// from. A page may be empty and still have more.
	More bool
	Next Position
}

// candidate is a block that may hold events of a page.
type candidate struct {
	block
	id, name string
}

// Read returns one page. Memory is bounded by the page and one batch, whatever
// the group holds: blocks are read in the order of their earliest (or latest)
// event, and only the best events so far are kept.
func (s *Store) Read(ctx context.Context, q *Query) (*Page, error) {
	g, err := s.Group(q.Group)
	if err != nil {
		return nil, err
	}
	names, err := s.chosen(q)
	if err != nil {
		return nil, err
	}
	x, err := s.index(ctx, q.Group, g)
	if err != nil {
		return nil, err
	}
	r := reader{q: q, x: x, start: max(q.Start, s.cutoff(g)), page: newPage(q)}
	blocks := r.candidates(names)
	x.mu.Unlock()
	for i, k := range blocks {
		edge := r.edge(&k.block)
		if r.page.full(edge) {
			break
		}
		if i > 0 && r.scanned >= s.budget && r.advances(edge) {
			r.page.cut(edge)
			break
		}
		if err := r.read(ctx, &k); err != nil {
			if errors.Is(err, errGone) && s.gone(q.Group, &k) {
				continue
			}
			return nil, fmt.Errorf("read log stream %s of log group %s: %w", k.name, q.Group.Name, s.lost(q.Group, g, err))
		}
	}
	return r.page.done(), nil
}

// chosen returns the names of the log streams to read by their IDs.
func (s *Store) chosen(q *Query) (map[string]string, error) {
	names := map[string]string{}
	if q.Streams != nil {
		for _, name := range q.Streams {
			_, st, err := s.find(q.Group, name)
			if err != nil {
				return nil, err
			}
			names[st.ID] = name
		}
		return names, nil
	}
	for _, row := range s.streams.List(q.Group.key()...) {
		if !row.Value.Deleting && strings.HasPrefix(row.Key[3], q.Prefix) {
			names[row.Value.ID] = row.Key[3]
		}
	}
	return names, nil
}

// gone reports whether the batches of a block may rightly be missing: the log
// stream was deleted, or they are old enough to have expired.
func (s *Store) gone(ref Ref, k *candidate) bool {
	_, st, err := s.find(ref, k.name)
	if err != nil || st.ID != k.id {
		return true
	}
	now, err := s.Group(ref)
	return err != nil || now.RetentionDays != 0 && k.min < s.cutoff(now)
}

// reader is one Read under way.
type reader struct {
	q       *Query
	x       *index
	start   int64 // q.Start, or later by retention
	page    *page
	scanned int64
}

// candidates returns the blocks that may hold events of the page, in the order
// in which their first event in reading order comes. The index is locked.
func (r *reader) candidates(names map[string]string) []candidate {
	var list []candidate
	for id, name := range names {
		st := r.x.streams[id]
		if st == nil {
			continue
		}
		for _, k := range st.blocks {
			if k.max < r.start || k.min > r.q.End || r.passed(&k) {
				continue
			}
			list = append(list, candidate{k, id, name})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if r.q.Backward {
			return cmp.Or(cmp.Compare(b.max, a.max), cmp.Compare(b.last, a.last))
		}
		return cmp.Or(cmp.Compare(a.min, b.min), cmp.Compare(a.first, b.first))
	})
	return list
}

// passed reports whether earlier pages have all of a block's events.
func (r *reader) passed(k *block) bool {
	from := r.q.From
	if from == nil {
		return false
	}
	if r.q.Backward {
		return k.min > from.Timestamp
	}
	return k.max < from.Timestamp
}

// edge returns the boundary of what is read completely before block k is.
func (r *reader) edge(k *block) Position {
	if r.q.Backward {
		return Position{Timestamp: k.max + 1}
	}
	return Position{Timestamp: k.min}
}

// advances reports whether a page that ends at the edge gets anywhere.
func (r *reader) advances(edge Position) bool {
	if r.q.Backward {
		return r.q.From == nil || edge.Compare(*r.q.From) < 0
	}
	return edge.Timestamp > r.start && (r.q.From == nil || edge.Compare(*r.q.From) > 0)
}

// read offers the events of one block to the page.
func (r *reader) read(ctx context.Context, k *candidate) error {
	return r.x.load(ctx, k.id, &k.block, func(seq uint64, b *batchInfo, payload []byte) error {
		r.scanned += int64(len(payload))
		if b.max < r.start || b.min > r.q.End {
			return nil
		}
		return eachEvent(payload, func(i uint32, timestamp int64, message []byte) bool {
			pos := Position{Timestamp: timestamp, Seq: seq, Index: i}
			if timestamp < r.start || timestamp > r.q.End || !r.page.wants(pos) {
				return true
			}
			if r.q.Match == nil || r.q.Match(message) {
				r.page.add(Found{Pos: pos, Stream: k.name, Message: string(message), Ingestion: b.ingested})
			}
			return true
		})
	})
}
