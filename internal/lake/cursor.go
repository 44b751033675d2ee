package lake

import (
	"cmp"
	"container/heap"
	"context"
	"runtime"
	"sync"

	"cairn/internal/grams"
	"cairn/internal/lake/segment"
)

// cursor goes through what a query has to read: segments, their pages, and
// blocks from elsewhere, in the order in which their first row in reading order
// can come. A segment is opened, and its pages take its place, when its turn
// comes.
type cursor struct {
	s     *Snapshot
	q     *Query
	grams grams.Query
	rare  *segment.Needles // to look for in a page's messages

	todo    todo
	using   []*handle // opened
	width   int       // how many are read at once next
	scanned int64     // bytes of messages that were read
}

// candidate is what may have rows for the query: a page of a segment, a whole
// one (page is nil), or a block.
type candidate struct {
	first, last int64
	seg         *handle
	r           *segment.Reader
	page        *segment.Page
	block       Block
}

// todo is a heap of candidates whose root is the first in reading order.
type todo struct {
	list     []candidate
	backward bool
}

// Len implements heap.Interface.
func (t *todo) Len() int { return len(t.list) }

// Less implements heap.Interface.
func (t *todo) Less(i, j int) bool {
	a, b := &t.list[i], &t.list[j]
	if t.backward {
		return a.last > b.last
	}
	return a.first < b.first
}

// Swap implements heap.Interface.
func (t *todo) Swap(i, j int) { t.list[i], t.list[j] = t.list[j], t.list[i] }

// Push implements heap.Interface.
func (t *todo) Push(x any) { t.list = append(t.list, x.(candidate)) }

// Pop implements heap.Interface.
func (t *todo) Pop() any {
	last := t.list[len(t.list)-1]
	t.list[len(t.list)-1] = candidate{}
	t.list = t.list[:len(t.list)-1]
	return last
}

func newCursor(s *Snapshot, q *Query, more []Block) *cursor {
	c := &cursor{s: s, q: q, width: 1, todo: todo{backward: q.Backward}}
	if q.Where != nil {
		needles := q.Where.Needles()
		c.grams, c.rare = grams.Compile(needles), segment.NewNeedles(needles)
	}
	for _, seg := range s.segments {
		if !q.passed(seg.info.First, seg.info.Last) {
			c.todo.list = append(c.todo.list, candidate{first: seg.info.First, last: seg.info.Last, seg: seg})
		}
	}
	for _, b := range more {
		if first, last, _ := b.Bounds(); !q.passed(first, last) {
			c.todo.list = append(c.todo.list, candidate{first: first, last: last, block: b})
		}
	}
	heap.Init(&c.todo)
	return c
}

func (c *cursor) close() {
	for _, s := range c.using {
		c.s.table.lake.open.done(s)
	}
}

// edge returns the boundary of what is read completely: no row that is still to
// come lies on its near side. False if there is nothing to come.
func (c *cursor) edge() (Position, bool, error) {
	for c.todo.Len() > 0 {
		k := c.todo.list[0]
		if k.seg == nil || k.page != nil {
			return c.edgeOf(&k), true, nil
		}
		heap.Pop(&c.todo)
		if err := c.expand(k.seg); err != nil {
			return Position{}, false, err
		}
	}
	return Position{}, false, nil
}

func (c *cursor) edgeOf(k *candidate) Position {
	if c.q.Backward {
		return Position{Timestamp: k.last + 1}
	}
	return Position{Timestamp: k.first}
}

// expand puts the pages of a segment in its place.
func (c *cursor) expand(seg *handle) error {
	r, err := c.s.table.lake.open.use(seg)
	if err != nil {
		return c.s.table.report(seg, err)
	}
	c.using = append(c.using, seg)
	first, last, ok := c.span(r)
	if !ok {
		return nil
	}
	for i := range r.Pages() {
		p := &r.Pages()[i]
		if !c.q.passed(p.First, p.Last) && p.First <= last && p.Last >= first {
			heap.Push(&c.todo, candidate{first: p.First, last: p.Last, seg: seg, r: r, page: p})
		}
	}
	return nil
}

// span returns the time between which a segment has rows of the streams wanted,
// false if it has none.
func (c *cursor) span(r *segment.Reader) (first, last int64, ok bool) {
	for name, s := range r.Streams() {
		if c.s.deleted[name] || c.q.Streams != nil && !c.q.Streams(name) {
			continue
		}
		if !ok {
			first, last = s.First, s.Last
		}
		first, last, ok = min(first, s.First), max(last, s.Last), true
	}
	return first, last, ok
}

// result is what was found in one candidate.
type result struct {
	rows    []Row
	scanned int64
	err     error
	free    func()
}

// wavePages is how many candidates are read at once for each processor: at the
// end of a wave some wait for the last, and one that reads its file does not
// leave its processor to nobody. A query comes to it by doubling, so that one
// that is soon answered reads little more than it needs.
const wavePages = 3

// wave reads the next few candidates, all at once, and offers the rows that
// match. full says at which edge nothing further is needed.
func (c *cursor) wave(ctx context.Context, full func(edge Position) bool, offer func(r *Row)) error {
	// Waiting for room while holding some could last for ever: only the first
	// page is waited for.
	l := c.s.table.lake
	if err := l.acquire(ctx); err != nil {
		return err
	}
	room := 1
	defer func() { l.release(room) }()
	var list []candidate
	for len(list) < c.width {
		at, ok, err := c.edge()
		if err != nil {
			return err
		}
		if !ok || len(list) > 0 && full(at) || len(list) == room && !l.tryAcquire() {
			break
		}
		list = append(list, heap.Pop(&c.todo).(candidate))
		room = max(room, len(list))
	}
	c.width = min(2*c.width, wavePages*runtime.GOMAXPROCS(0), l.o.PageReads)
	results := make([]result, len(list))
	var wg sync.WaitGroup
	for i := 1; i < len(list); i++ {
		wg.Go(func() { results[i] = c.read(ctx, &list[i]) })
	}
	results[0] = c.read(ctx, &list[0])
	wg.Wait()
	var failed error
	for i := range results {
		r := &results[i]
		c.scanned += r.scanned
		failed = cmp.Or(failed, r.err)
		for j := range r.rows {
			if failed == nil {
				offer(&r.rows[j])
			}
		}
		if r.free != nil {
			r.free()
		}
	}
	return failed
}

// read reads one candidate. The result's free gives back what its rows are in.
func (c *cursor) read(ctx context.Context, k *candidate) result {
	if k.block != nil {
		return c.readBlock(ctx, k.block)
	}
	p := segment.NewRows(k.r, k.page)
	res := result{free: p.Close}
	if res.err = c.readPage(k.r, p, &res); res.err != nil {
		res.err = c.s.table.report(k.seg, k.r.Damaged(res.err))
	}
	return res
}

func (c *cursor) readBlock(ctx context.Context, b Block) (res result) {
	_, _, res.scanned = b.Bounds()
	res.err = b.Read(ctx, func(r *Row) {
		if r.Pos.Timestamp < c.q.Start || r.Pos.Timestamp > c.q.End || c.q.before(r.Pos) || c.q.Streams != nil && !c.q.Streams(r.Stream) {
			return
		}
		if c.q.Where == nil || c.q.Where.Match(r.Message) {
			found := *r
			found.Message = append([]byte(nil), r.Message...)
			res.rows = append(res.rows, found)
		}
	})
	return res
}

// readPage finds the rows of one page of a segment. Columns are read as they
// are needed: most pages are left after the filter, or after the messages.
func (c *cursor) readPage(r *segment.Reader, p *segment.Rows, res *result) error {
	if !c.grams.Useless() {
		if may, err := r.May(p.Page(), c.grams); err != nil || !may {
			return err
		}
	}
	wanted, err := c.wanted(p)
	if err != nil || wanted == nil {
		return err
	}
	if err := p.ReadMessages(); err != nil {
		return err
	}
	res.scanned = p.Page().Raw
	if c.rare != nil && !p.Search(c.rare, wanted) {
		return nil
	}
	for i, w := range wanted {
		if !w || c.q.Where != nil && !c.q.Where.Match(p.Message(i)) {
			continue
		}
		if err := p.ReadRest(); err != nil {
			return err
		}
		if row := p.Row(i); !c.q.before(row.Pos) {
			res.rows = append(res.rows, row)
		}
	}
	return nil
}

// wanted tells which rows of a page the query wants by time and stream, nil if
// none.
func (c *cursor) wanted(p *segment.Rows) ([]bool, error) {
	list := make([]bool, p.Page().Rows)
	for i := range list {
		list[i] = true
	}
	if p.Page().First < c.q.Start || p.Page().Last > c.q.End || c.q.From != nil {
		if err := p.ReadTimes(); err != nil {
			return nil, err
		}
		for i, t := range p.Times() {
			list[i] = !c.q.passed(t, t)
		}
	}
	if c.q.Streams != nil || len(c.s.deleted) > 0 {
		if err := p.ReadStreams(); err != nil {
			return nil, err
		}
		verdicts := map[int32]bool{}
		for i, place := range p.Places() {
			v, ok := verdicts[place]
			if !ok {
				name := p.Stream(i)
				v = !c.s.deleted[name] && (c.q.Streams == nil || c.q.Streams(name))
				verdicts[place] = v
			}
			list[i] = list[i] && v
		}
	}
	for _, w := range list {
		if w {
			return list, nil
		}
	}
	return nil, nil
}
