package value

import (
	"hash/fnv"
	"math"
	"math/bits"
)

const (
	exactDistinct = 10_000 // values counted exactly; the guide promises no number
	registerBits  = 14     // of the sketch: 16 KiB, a standard error of 0.8%
)

// distinct counts different values: exactly while they are few, then with a
// HyperLogLog sketch.
type distinct struct {
	seen      map[uint64]struct{}
	registers []uint8
}

func (d *distinct) Add(v *Value, _ int64) (grown int) {
	h := hash(v.Text())
	if d.registers != nil {
		d.note(h)
		return 0
	}
	if d.seen == nil {
		d.seen = map[uint64]struct{}{}
	}
	before := len(d.seen)
	d.seen[h] = struct{}{}
	const each = 24 // bytes of a map entry, about
	if len(d.seen) <= exactDistinct {
		return (len(d.seen) - before) * each
	}
	d.registers = make([]uint8, 1<<registerBits)
	for h := range d.seen {
		d.note(h)
	}
	d.seen = nil
	return len(d.registers) - exactDistinct*each
}

func (d *distinct) note(h uint64) {
	at := h >> (64 - registerBits)
	rank := uint8(bits.LeadingZeros64(h<<registerBits|1<<(registerBits-1)) + 1)
	d.registers[at] = max(d.registers[at], rank)
}

func (d *distinct) Value() Value {
	if d.registers == nil {
		return OfNumber(float64(len(d.seen)))
	}
	m := float64(len(d.registers))
	sum, empty := 0.0, 0
	for _, r := range d.registers {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		estimate = m * math.Log(m/float64(empty))
	}
	return OfNumber(math.Round(estimate))
}

// hash spreads a text over 64 bits: FNV-1a, finished as in MurmurHash3 because
// FNV's upper bits alone are not even enough for the sketch.
func hash(s string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(s)) // never fails
	h := f.Sum64()
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
