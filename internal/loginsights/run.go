package loginsights

import (
	"fmt"
	"slices"
	"time"

	"cairn/internal/loginsights/value"
)

// Options of a run.
type Options struct {
	// Now is when the query was started: what now() returns.
	Now time.Time
	// Rows is the most rows of the result; 0 means DefaultRows. A limit in the
	// query can only lower it.
	Rows int
	// Groups is the most groups of a stats command; 0 means 100,000.
	Groups int
	// Bytes is about how much memory groups and rows may take; 0 means 256 MiB.
	Bytes int64
}

const (
	defaultGroups = 100_000
	defaultBytes  = 256 << 20
)

// LimitError says that a query needs more than it may.
type LimitError struct {
	// What is "groups" or "bytes of memory"; Most is how many there may be.
	What string
	Most int64
}

// Error says which limit was reached and what to do.
func (e *LimitError) Error() string {
	return fmt.Sprintf("the query needs more than %d %s: narrow its time range or filter, group by fields with fewer values, or use a lower limit", e.Most, e.What)
}

// memory counts what a run keeps.
type memory struct{ used, most int64 }

func (m *memory) take(n int) error {
	if m.used += int64(n); m.used > m.most {
		return &LimitError{What: "bytes of memory", Most: m.most}
	}
	return nil
}

func (m *memory) release(n int) { m.used -= int64(n) }

// Run is a query under way. Its methods must not be called concurrently.
type Run struct {
	o     Options
	plan  plan
	row   row
	end   *ending // of the first segment
	m     memory
	added int64

	// Matched counts the events that the first filters kept.
	Matched int64
}

// Run starts the query.
func (q *Query) Run(o Options) (*Run, error) {
	c, err := q.compile(&o)
	if err != nil {
		return nil, fmt.Errorf("compile the query again: %w", err)
	}
	if o.Groups <= 0 {
		o.Groups = defaultGroups
	}
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	r := &Run{o: o, plan: plan{segments: c.segments, shown: c.shown}, m: memory{most: o.Bytes}}
	r.row.slots = make([]value.Value, c.segments[0].scope.size)
	r.end = r.ending(0, &r.m)
	return r, nil
}

// ending is the state of a segment's end: one of the two is set.
type ending struct {
	group *grouper
	top   *chooser
}

func (r *Run) ending(i int, m *memory) *ending {
	s := r.plan.segments[i]
	if s.group != nil {
		return &ending{group: newGrouper(s.group, r.o.Groups, m)}
	}
	var shown []column
	if i == len(r.plan.segments)-1 {
		shown = r.plan.shown
	}
	return &ending{top: newChooser(s.top, s.scope.events, shown, m)}
}

// through takes a row through a segment.
func (s *segment) through(r *row, to *ending) (passed bool, err error) {
	for _, op := range s.ops {
		if !op(r) {
			return false, nil
		}
	}
	if to.group != nil {
		return true, to.group.push(r)
	}
	return true, to.top.push(r)
}

// Add takes one event. It does not keep the event, but may keep copies of parts
// of it. The error is a *LimitError.
func (r *Run) Add(e *Event) error {
	s := r.plan.segments[0]
	s.scope.load(&r.row, e)
	r.row.seq = r.added
	r.added++
	passed, err := s.through(&r.row, r.end)
	if passed {
		r.Matched++
	}
	return err
}

// Full reports whether the result cannot change any more (limit any).
func (r *Run) Full() bool { return r.end.top != nil && r.end.top.full() }

// Rows returns the result of the events so far. Fields without a value are left
// out, as the service does; rows that are events end with @ptr.
func (r *Run) Rows() ([][]Field, error) {
	m := memory{most: r.o.Bytes} // the later segments' own
	end := r.end
	for i := 1; i < len(r.plan.segments); i++ {
		s, to := r.plan.segments[i], r.ending(i, &m)
		pass := func(from *row) error {
			_, err := s.through(from, to)
			return err
		}
		if err := end.each(s.scope.size, pass); err != nil {
			return nil, err
		}
		end = to
	}
	rows := [][]Field{}
	for _, k := range end.top.result() {
		fields := make([]Field, 0, len(k.cells)+1)
		for i := range k.cells {
			if k.cells[i].Kind != value.Missing {
				fields = append(fields, Field{Name: r.plan.shown[i].name, Value: k.cells[i].Text()})
			}
		}
		if k.event != nil && !slices.ContainsFunc(r.plan.shown, func(c column) bool { return c.name == "@ptr" }) {
			fields = append(fields, Field{Name: "@ptr", Value: Pointer(k.event)})
		}
		rows = append(rows, fields)
	}
	return rows, nil
}

// each calls do with the rows that a segment ended in.
func (e *ending) each(size int, do func(r *row) error) error {
	if e.group != nil {
		return e.group.result(do)
	}
	for i, k := range e.top.result() {
		r := row{slots: make([]value.Value, size), event: k.event, seq: int64(i)}
		copy(r.slots, k.cells)
		if err := do(&r); err != nil {
			return err
		}
	}
	return nil
}
