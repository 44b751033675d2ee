package value

import (
	"math"
	"strings"
)

// Aggregate is the state of an aggregate function for one group.
type Aggregate interface {
	// Add takes the value of one row, which is there, and the event's timestamp
	// in milliseconds. It returns how many bytes of memory that took.
	Add(v *Value, at int64) (grown int)
	// Value returns the result; missing if nothing was added that counts.
	Value() Value
}

// AggregateFunction describes an aggregate function.
type AggregateFunction struct {
	// Constants is the number of arguments after the expression.
	Constants int
	// Timed functions need the timestamps of events.
	Timed bool
	// Make returns what makes the state of a group.
	Make func(constants []float64) func() Aggregate
}

func of[T any, P interface {
	*T
	Aggregate
}](start T) func([]float64) func() Aggregate {
	return func([]float64) func() Aggregate {
		return func() Aggregate {
			state := start
			return P(&state)
		}
	}
}

// Aggregates are the aggregate functions (spec 6.6). Only numbers count in sum,
// avg, stddev and pct; where none was added there is no value.
var Aggregates = map[string]AggregateFunction{
	"count":          {Make: of(counter{})},
	"count_distinct": {Make: of(distinct{})},
	"sum":            {Make: of(summer{})},
	"avg":            {Make: of(summer{mean: true})},
	"stddev":         {Make: of(deviation{})},
	"min":            {Make: of(extreme{order: -1})},
	"max":            {Make: of(extreme{order: 1})},
	"sortsfirst":     {Make: of(extreme{order: -1})},
	"sortslast":      {Make: of(extreme{order: 1})},
	"earliest":       {Timed: true, Make: of(timed{order: -1})},
	"latest":         {Timed: true, Make: of(timed{order: 1})},
	"pct": {Constants: 1, Make: func(constants []float64) func() Aggregate {
		return func() Aggregate { return &percentile{rank: constants[0] / 100} }
	}},
}

type counter struct{ n int64 }

func (c *counter) Add(*Value, int64) int {
	c.n++
	return 0
}

func (c *counter) Value() Value { return OfNumber(float64(c.n)) }

// summer adds up with Neumaier's compensation, so that the order of events does
// not show in the result.
type summer struct {
	mean      bool
	n         int64
	sum, lost float64
}

func (s *summer) Add(v *Value, _ int64) int {
	f, ok := v.Number()
	if !ok {
		return 0
	}
	s.n++
	t := s.sum + f
	if math.Abs(s.sum) >= math.Abs(f) {
		s.lost += (s.sum - t) + f
	} else {
		s.lost += (f - t) + s.sum
	}
	s.sum = t
	return 0
}

func (s *summer) Value() Value {
	switch {
	case s.n == 0:
		return Value{}
	case s.mean:
		return OfNumber((s.sum + s.lost) / float64(s.n))
	}
	return OfNumber(s.sum + s.lost)
}

// deviation is the sample standard deviation by Welford's method; 0 of one
// value. The guide does not say which deviation it is.
type deviation struct{ n, mean, squares float64 }

func (d *deviation) Add(v *Value, _ int64) int {
	f, ok := v.Number()
	if !ok {
		return 0
	}
	d.n++
	delta := f - d.mean
	d.mean += delta / d.n
	d.squares += delta * (f - d.mean)
	return 0
}

func (d *deviation) Value() Value {
	switch d.n {
	case 0:
		return Value{}
	case 1:
		return OfNumber(0)
	}
	return OfNumber(math.Sqrt(d.squares / (d.n - 1)))
}

// extreme keeps the value that is first or last in the order of sort. min and
// max are the same: the guide lets them take any field.
type extreme struct {
	order int
	best  Value
	key   Value
}

func (e *extreme) Add(v *Value, _ int64) int {
	key := SortKey(*v)
	if e.best.Kind != Missing && Natural(&key, &e.key)*e.order <= 0 {
		return 0
	}
	before := len(e.best.Str)
	e.best = Keep(*v)
	e.key = SortKey(e.best)
	return len(e.best.Str) - before
}

func (e *extreme) Value() Value { return plain(e.best) }

// timed keeps the value of the earliest or latest event that has the field. Of
// events of the same millisecond the first, or the last, to come counts.
type timed struct {
	order int64
	any   bool
	at    int64
	best  Value
}

func (t *timed) Add(v *Value, at int64) int {
	if t.any && ((at-t.at)*t.order < 0 || at == t.at && t.order < 0) {
		return 0
	}
	before := len(t.best.Str)
	t.any, t.at, t.best = true, at, Keep(*v)
	return len(t.best.Str) - before
}

func (t *timed) Value() Value { return plain(t.best) }

// plain turns a timestamp into milliseconds: so the service was seen to answer
// earliest(@timestamp).
func plain(v Value) Value {
	if v.Kind == Instant {
		return OfNumber(v.Num)
	}
	return v
}

// Keep returns a value that does not hold on to the message it is part of.
func Keep(v Value) Value {
	v.Str = strings.Clone(v.Str)
	return v
}
