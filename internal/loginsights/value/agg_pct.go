package value

import (
	"maps"
	"math"
	"slices"
)

const (
	exactValues = 4096 // values a percentile is exact for
	// gamma is the ratio of neighbouring buckets of the sketch: results are
	// right to half a percent.
	gamma = 1.01
)

// percentile is pct: the smallest value that at least so many percent of the
// values are not above (nearest rank). Beyond exactValues values it is a
// DDSketch: buckets that grow in proportion, so the error is relative.
type percentile struct {
	rank       float64
	values     []float64
	n          float64
	zero       float64
	above, low map[int]float64 // positive and negative values by bucket
}

func (p *percentile) Add(v *Value, _ int64) (grown int) {
	f, ok := v.Number()
	if !ok {
		return 0
	}
	p.n++
	if p.above != nil {
		return p.note(f)
	}
	before := cap(p.values)
	if p.values = append(p.values, f); len(p.values) <= exactValues {
		return 8 * (cap(p.values) - before)
	}
	p.above, p.low = map[int]float64{}, map[int]float64{}
	for _, f := range p.values {
		grown += p.note(f)
	}
	p.values = nil
	return grown - 8*before
}

func (p *percentile) note(f float64) (grown int) {
	into := p.above
	switch {
	case f == 0:
		p.zero++
		return 0
	case f < 0:
		into, f = p.low, -f
	}
	before := len(into)
	into[int(math.Ceil(math.Log(f)/math.Log(gamma)))]++
	const each = 32 // bytes of a map entry, about
	return (len(into) - before) * each
}

func (p *percentile) Value() Value {
	if p.n == 0 {
		return Value{}
	}
	at := max(math.Ceil(p.rank*p.n), 1) // the rank of the result, from 1
	if p.above == nil {
		sorted := slices.Sorted(slices.Values(p.values))
		return OfNumber(sorted[int(at)-1])
	}
	middle := func(bucket int) float64 { return 2 * math.Pow(gamma, float64(bucket)) / (gamma + 1) }
	low := slices.Sorted(maps.Keys(p.low))
	for _, b := range slices.Backward(low) { // the largest bucket is the smallest value
		if at -= p.low[b]; at <= 0 {
			return OfNumber(-middle(b))
		}
	}
	if at -= p.zero; at <= 0 {
		return OfNumber(0)
	}
	for _, b := range slices.Sorted(maps.Keys(p.above)) {
		if at -= p.above[b]; at <= 0 {
			return OfNumber(middle(b))
		}
	}
	return Value{}
}
