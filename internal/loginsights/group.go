package loginsights

import (
	"encoding/binary"
	"math"
	"slices"

	"cairn/internal/loginsights/value"
)

// grouper is the state of a grouping.
type grouper struct {
	*grouping
	memory *memory
	most   int // groups

	groups map[string]*group
	key    []byte
	values []value.Value
}

type group struct {
	by   []value.Value
	aggs []value.Aggregate
}

func newGrouper(g *grouping, most int, m *memory) *grouper {
	return &grouper{grouping: g, memory: m, most: most, groups: map[string]*group{}, values: make([]value.Value, len(g.by))}
}

// push adds a row to its group.
func (g *grouper) push(r *row) error {
	g.key = g.key[:0]
	for i, of := range g.by {
		g.values[i] = of(r)
		g.key = appendKey(g.key, &g.values[i])
	}
	one := g.groups[string(g.key)]
	if one == nil {
		var err error
		if one, err = g.add(); err != nil {
			return err
		}
	}
	var at int64
	if r.event != nil {
		at = r.event.Pos.Timestamp
	}
	grown := 0
	for i := range g.aggs {
		if of := g.aggs[i].of; of == nil {
			grown += one.aggs[i].Add(nil, at)
		} else if v := of(r); v.Kind != value.Missing {
			grown += one.aggs[i].Add(&v, at)
		}
	}
	if grown == 0 {
		return nil
	}
	return g.memory.take(grown)
}

func (g *grouper) add() (*group, error) {
	if len(g.groups) >= g.most {
		return nil, &LimitError{What: "groups", Most: int64(g.most)}
	}
	const aggregateBytes = 64
	size := 2*len(g.key) + rowOverhead + len(g.aggs)*aggregateBytes
	one := &group{by: make([]value.Value, len(g.values)), aggs: make([]value.Aggregate, len(g.aggs))}
	for i := range g.values {
		one.by[i] = value.Keep(g.values[i])
		size += valueBytes + len(one.by[i].Str)
	}
	for i := range g.aggs {
		one.aggs[i] = g.aggs[i].make()
	}
	g.groups[string(g.key)] = one
	return one, g.memory.take(size)
}

// result calls do with a row for each group, ordered by their values: sort is
// there for any other order.
func (g *grouper) result(do func(r *row) error) error {
	list := make([]*group, 0, len(g.groups))
	for _, one := range g.groups {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *group) int {
		for i := range a.by {
			if o := value.InOrder(&a.by[i], &b.by[i], false); o != 0 {
				return o
			}
		}
		return 0
	})
	r := &row{slots: make([]value.Value, g.out.size)}
	for i, one := range list {
		clear(r.slots)
		copy(r.slots, one.by)
		for j := range g.aggs {
			r.slots[g.aggs[j].slot] = one.aggs[j].Value()
		}
		for _, post := range g.posts {
			post(r)
		}
		r.seq = int64(i)
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

// appendKey appends what tells a value from others in groups: its text, with
// its length in front; none is told from the empty text.
func appendKey(b []byte, v *value.Value) []byte {
	switch v.Kind {
	case value.Missing:
		return append(b, 0)
	case value.Number, value.Instant:
		return binary.BigEndian.AppendUint64(append(b, 1, byte(v.Kind)), math.Float64bits(v.Num))
	case value.Boolean:
		return append(b, 2, byte(v.Num))
	case value.Text, value.NumberText, value.Structure:
	}
	b = binary.AppendUvarint(append(b, 3), uint64(len(v.Str)))
	return append(b, v.Str...)
}
