package loginsights

import (
	"cmp"
	"container/heap"
	"slices"

	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
)

// selection is how a segment ends in its first rows in an order.
type selection struct {
	keys []sortBy // none: the latest events first, or the order of stats
	// byTime is whether the first key is @timestamp.
	byTime bool
	dedup  []eval
	at     *syntax.Node // where dedup stands
	limit  int
	any    bool
}

type sortBy struct {
	of   eval
	desc bool
}

// latest reports whether the latest events come first.
func (s *selection) latest() bool { return len(s.keys) == 0 || s.byTime && s.keys[0].desc }

// final makes the selection the last: it always has a limit.
func (s *selection) final(rows int) {
	switch {
	case s.limit == 0 && rows <= 0:
		s.limit = DefaultRows
	case s.limit == 0 || rows > 0 && rows < s.limit:
		s.limit = rows
	}
}

// kept is a row of a selection.
type kept struct {
	cells []value.Value // the row's slots, or the columns of the result
	keys  []value.Value
	event *Event // without its message
	seq   int64
	size  int
}

// chooser is the state of a selection: a heap whose root is the last of the rows
// kept, or with dedup all rows that differ.
type chooser struct {
	*selection
	shown  []column // the columns to keep; nil to keep all slots
	events bool
	memory *memory

	rows  []*kept
	byKey map[string]int // with dedup: indexes in rows
	next  []value.Value  // keys of the row that is offered
	key   []byte
}

func newChooser(s *selection, events bool, shown []column, m *memory) *chooser {
	return &chooser{selection: s, shown: shown, events: events, memory: m, next: make([]value.Value, len(s.keys)), byKey: map[string]int{}}
}

// full reports whether no further row is wanted.
func (c *chooser) full() bool { return c.any && len(c.rows) >= c.limit }

// push offers a row.
func (c *chooser) push(r *row) error {
	for i := range c.keys {
		c.next[i] = value.SortKey(c.keys[i].of(r))
	}
	if c.dedup != nil {
		return c.pushDistinct(r)
	}
	if len(c.rows) < c.limit {
		k, err := c.keep(r)
		if err == nil {
			heap.Push(c, k)
		}
		return err
	}
	if c.any || c.order(c.next, r.event, r.seq, c.rows[0]) >= 0 {
		return nil
	}
	k, err := c.keep(r)
	if err != nil {
		return err
	}
	c.memory.release(c.rows[0].size)
	c.rows[0] = k
	heap.Fix(c, 0)
	return nil
}

func (c *chooser) pushDistinct(r *row) error {
	c.key = c.key[:0]
	complete := true
	for _, of := range c.dedup {
		v := of(r)
		complete = complete && v.Kind != value.Missing
		c.key = appendKey(c.key, &v)
	}
	if at, ok := c.byKey[string(c.key)]; ok && complete {
		if c.order(c.next, r.event, r.seq, c.rows[at]) >= 0 {
			return nil
		}
		k, err := c.keep(r)
		if err != nil {
			return err
		}
		c.memory.release(c.rows[at].size)
		c.rows[at] = k
		return nil
	}
	k, err := c.keep(r)
	if err != nil {
		return err
	}
	if complete {
		c.byKey[string(c.key)] = len(c.rows)
		if err := c.memory.take(2*len(c.key) + rowOverhead); err != nil {
			return err
		}
	}
	c.rows = append(c.rows, k)
	return nil
}

const rowOverhead = 100 // bytes of memory of a row or group beside its values

// keep copies what is needed of a row.
func (c *chooser) keep(r *row) (*kept, error) {
	k := &kept{seq: r.seq, size: rowOverhead, keys: make([]value.Value, len(c.next))}
	if r.event != nil {
		k.event = &Event{Pos: r.event.Pos, Ingestion: r.event.Ingestion, Stream: r.event.Stream, Group: r.event.Group}
	}
	for i := range c.next {
		k.keys[i] = value.Keep(c.next[i])
		k.size += valueBytes + len(k.keys[i].Str)
	}
	n := len(c.shown)
	if c.shown == nil {
		n = len(r.slots)
	}
	k.cells = make([]value.Value, n)
	for i := range k.cells {
		if c.shown == nil {
			k.cells[i] = value.Keep(r.slots[i])
		} else {
			k.cells[i] = value.Keep(c.shown[i].of(r))
		}
		k.size += valueBytes + len(k.cells[i].Str)
	}
	return k, c.memory.take(k.size)
}

const valueBytes = 32

// order compares a row that is offered with one that is kept. What the keys
// leave open is in order of time and ingestion, reversed where the order
// descends: the latest first.
func (c *chooser) order(keys []value.Value, e *Event, seq int64, k *kept) int {
	for i := range keys {
		if o := value.InOrder(&keys[i], &k.keys[i], c.keys[i].desc); o != 0 {
			return o
		}
	}
	if !c.events {
		return cmp.Compare(seq, k.seq)
	}
	place := cmp.Or(e.Pos.Compare(k.event.Pos), cmp.Compare(seq, k.seq))
	if len(keys) == 0 || c.keys[0].desc {
		return -place
	}
	return place
}

// result returns the rows in order. The chooser can go on.
func (c *chooser) result() []*kept {
	rows := slices.Clone(c.rows)
	slices.SortFunc(rows, func(a, b *kept) int { return c.order(a.keys, a.event, a.seq, b) })
	return rows[:min(len(rows), c.limit)]
}

// Len implements heap.Interface.
func (c *chooser) Len() int { return len(c.rows) }

// Less implements heap.Interface.
func (c *chooser) Less(i, j int) bool {
	a := c.rows[i]
	return c.order(a.keys, a.event, a.seq, c.rows[j]) > 0
}

// Swap implements heap.Interface.
func (c *chooser) Swap(i, j int) { c.rows[i], c.rows[j] = c.rows[j], c.rows[i] }

// Push implements heap.Interface.
func (c *chooser) Push(x any) { c.rows = append(c.rows, x.(*kept)) }

// Pop implements heap.Interface.
func (c *chooser) Pop() any {
	last := c.rows[len(c.rows)-1]
	c.rows = c.rows[:len(c.rows)-1]
	return last
}
