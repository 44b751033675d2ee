package lake

import (
	"bytes"
	"container/heap"
	"slices"
)

// page collects the first rows in reading order out of rows that are offered in
// any order, within the limits of a Query.
type page struct {
	q     *Query
	found ranked
	bytes int
	// bound is set once a row was turned away for want of room: neither it nor
	// any row after it is on the page.
	bound *Position
	// next is the boundary to go on from if bound is set.
	next Position
}

func newPage(q *Query) *page { return &page{q: q, found: ranked{backward: q.Backward}} }

// ranked is a heap of rows whose root is the last in reading order.
type ranked struct {
	rows     []Row
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
func (r *ranked) Len() int { return len(r.rows) }

// Less implements heap.Interface.
func (r *ranked) Less(i, j int) bool { return r.before(r.rows[j].Pos, r.rows[i].Pos) }

// Swap implements heap.Interface.
func (r *ranked) Swap(i, j int) { r.rows[i], r.rows[j] = r.rows[j], r.rows[i] }

// Push implements heap.Interface.
func (r *ranked) Push(x any) { r.rows = append(r.rows, x.(Row)) }

// Pop implements heap.Interface.
func (r *ranked) Pop() any {
	last := r.rows[len(r.rows)-1]
	r.rows[len(r.rows)-1] = Row{} // let go of the message
	r.rows = r.rows[:len(r.rows)-1]
	return last
}

// offer takes a row if it belongs on the page as far as is known, and turns away
// the last ones if there is no room. It copies the message.
func (p *page) offer(r *Row) {
	if p.bound != nil && !p.found.before(r.Pos, *p.bound) {
		return
	}
	kept := *r
	kept.Message = bytes.Clone(r.Message)
	heap.Push(&p.found, kept)
	p.bytes += p.size(&kept)
	for n := p.found.Len(); n > 1 && p.tooMuch(n); n = p.found.Len() {
		p.drop()
	}
}

func (p *page) size(r *Row) int { return len(r.Message) + p.q.Overhead }

func (p *page) tooMuch(n int) bool {
	return p.q.Limit > 0 && n > p.q.Limit || p.q.MaxBytes > 0 && p.bytes > p.q.MaxBytes
}

func (p *page) drop() {
	r := heap.Pop(&p.found).(Row)
	p.bytes -= p.size(&r)
	p.bound, p.next = &r.Pos, r.Pos
	if p.q.Backward {
		p.next = r.Pos.After()
	}
}

// full reports whether no row at or after the edge can be on the page.
func (p *page) full(edge Position) bool {
	if p.bound == nil {
		return false
	}
	if p.q.Backward {
		// Rows before the edge are all that is left.
		return edge.Compare(*p.bound) <= 0
	}
	return edge.Compare(*p.bound) > 0
}

// cut ends the page at the edge, with what is read completely.
func (p *page) cut(edge Position) {
	for p.found.Len() > 0 && !p.found.before(p.found.rows[0].Pos, edge) {
		p.drop()
	}
	if p.bound == nil || p.found.before(edge, *p.bound) {
		p.bound, p.next = &edge, edge
	}
}

func (p *page) done() *Page {
	rows := p.found.rows
	slices.SortFunc(rows, func(a, b Row) int {
		if p.q.Backward {
			a, b = b, a
		}
		return a.Pos.Compare(b.Pos)
	})
	return &Page{Rows: rows, More: p.bound != nil, Next: p.next}
}
