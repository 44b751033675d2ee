package inflate

import "fmt"

// preOrder is the order in which the lengths of the codes for lengths are
// written (RFC 1951, 3.2.7).
var preOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readTables reads the codes of a block, and makes their tables.
func (z *Reader) readTables() error {
	corrupt := func(what string) error {
		if err := z.in.check(); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	z.in.refill()
	literals, offsets, pres := int(z.in.take(5))+257, int(z.in.take(5))+1, int(z.in.take(4))+4
	if literals > 286 || offsets > 30 {
		return corrupt("more codes than there are")
	}
	var preLengths [19]uint8
	for i := range pres {
		if z.in.count < 3 {
			z.in.refill()
		}
		preLengths[preOrder[i]] = uint8(z.in.take(3))
	}
	var pre [1 << preBits]entry
	preBits, ok := build(pre[:], preBits, preLengths[:], preMeanings[:])
	if !ok {
		return corrupt("code of lengths")
	}
	l := z.lengths[:literals+offsets]
	for i := 0; i < len(l); {
		z.in.refill()
		e := pre[z.in.buf&(1<<preBits-1)]
		if e&other != 0 {
			return corrupt("length")
		}
		z.in.take(uint(e & 63))
		symbol := uint8(e >> 16)
		if symbol < 16 {
			l[i] = symbol
			i++
			continue
		}
		var value uint8
		var times int
		switch symbol {
		case 16:
			if i == 0 {
				return corrupt("repeated length")
			}
			value, times = l[i-1], 3+int(z.in.take(2))
		case 17:
			times = 3 + int(z.in.take(3))
		default:
			times = 11 + int(z.in.take(7))
		}
		if i+times > len(l) {
			return corrupt("more lengths than codes")
		}
		for range times {
			l[i] = value
			i++
		}
		if err := z.in.check(); err != nil {
			return err
		}
	}
	if l[256] == 0 {
		return corrupt("no code for the end")
	}
	if z.tables = &z.own; !z.own.build(l[:literals], l[literals:]) {
		return corrupt("codes")
	}
	return z.in.check()
}
