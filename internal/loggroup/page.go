package loggroup

import (
	"container/heap"
	"slices"
)

// page collects the first events in reading order out of events that are
// offered in any order, within the limits of a Query.
type page struct {
	q     *Query
	found ranked
	bytes int
	// bound is set once an event was turned away for want of room: neither it
	// nor any event after it is on the page.
	bound *Position
	// next is the boundary to go on from if bound is set.
	next Position
}

func newPage(q *Query) *page { return &page{q: q, found: ranked{backward: q.Backward}} }

// ranked is a heap of events whose root is the last in reading order.
type ranked struct {
	events   []Found
	backward bool
}

// before reports whether p comes before q in reading order.
func (r *ranked) before(p, q Position) bool {
	if r.backward {
		p, q = q, p
	}
	return p.Compare(q) < 0
}

// Len implements heap.Interface.
func (r *ranked) Len() int { return len(r.events) }

// Less implements heap.Interface.
func (r *ranked) Less(i, j int) bool { return r.before(r.events[j].Pos, r.events[i].Pos) }

// Swap implements heap.Interface.
func (r *ranked) Swap(i, j int) { r.events[i], r.events[j] = r.events[j], r.events[i] }

// Push implements heap.Interface.
func (r *ranked) Push(x any) { r.events = append(r.events, x.(Found)) }

// Pop implements heap.Interface.
func (r *ranked) Pop() any {
	last := r.events[len(r.events)-1]
	r.events[len(r.events)-1] = Found{} // let go of the message
	r.events = r.events[:len(r.events)-1]
	return last
}

// wants reports whether an event at pos belongs on the page as far as is known.
func (p *page) wants(pos Position) bool {
	if from := p.q.From; from != nil {
		// A boundary lies just before its event: reading forward that event is
		// the next, reading backward it was the last.
		if p.q.Backward && pos.Compare(*from) >= 0 || !p.q.Backward && pos.Compare(*from) < 0 {
			return false
		}
	}
	return p.bound == nil || p.found.before(pos, *p.bound)
}

// add takes an event that is wanted, and turns away the last ones if there is
// no room.
func (p *page) add(f Found) {
	heap.Push(&p.found, f)
	p.bytes += len(f.Message) + EventOverhead
	for n := p.found.Len(); n > p.q.Limit || p.bytes > p.q.MaxBytes && n > 1; n = p.found.Len() {
		p.drop()
	}
}

func (p *page) drop() {
	f := heap.Pop(&p.found).(Found)
	p.bytes -= len(f.Message) + EventOverhead
	p.bound, p.next = &f.Pos, f.Pos
	if p.q.Backward {
		p.next = f.Pos.After()
	}
}

// full reports whether no event at or after the edge can be on the page.
func (p *page) full(edge Position) bool {
	if p.bound == nil {
		return false
	}
	if p.q.Backward {
		// Events before the edge are all that is left.
		return edge.Compare(*p.bound) <= 0
	}
	return edge.Compare(*p.bound) > 0
}

// cut ends the page at the edge, with what is read completely.
func (p *page) cut(edge Position) {
	for p.found.Len() > 0 && !p.found.before(p.found.events[0].Pos, edge) {
		p.drop()
	}
	if p.bound == nil || p.found.before(edge, *p.bound) {
		p.bound, p.next = &edge, edge
	}
}

func (p *page) done() *Page {
	events := p.found.events
	slices.SortFunc(events, func(a, b Found) int {
		if p.q.Backward {
			a, b = b, a
		}
		return a.Pos.Compare(b.Pos)
	})
	return &Page{Events: events, More: p.bound != nil, Next: p.next}
}
