package inflate

import (
	"bytes"
	mathbits "math/bits"
	"sync"
)

const (
	maxLiterals = 288
	maxOffsets  = 32
	maxLength   = 15 // bits of a code

	// litBits and offBits are how many bits the first look-up of a code takes
	// at most.
	litBits, offBits, preBits = 11, 8, 7
)

// A table's entry says what the bits that lead to it mean:
//
//	bits 0-5    how many bits to use up, those that follow the code included
//	bits 8-11   how many of these are the code
//	bits 16-30  the literal, or what to add the bits behind the code to
//	bit 31      it is a literal
//	bit 15      it is none of these: the end of the block (bit 13), the beginning
//	            of a table of longer codes (bit 14: bits 16-30 are its place, and
//	            bits 8-11 the bits to look up in it), or no code at all
type entry = uint32

const (
	literal entry = 1 << 31
	other   entry = 1 << 15
	longer  entry = 1 << 14
	last    entry = 1 << 13
)

// Tables have room for their first look-up and, for codes that are longer, one
// of 1<<(maxLength-bits) entries for each two of them, in powers of two so that
// indexes need no check.
type (
	litTable [8192]entry
	offTable [4096]entry
)

// tables are those of a block, with the bits that their first look-ups take.
type tables struct {
	literals litTable
	offsets  offTable
	litBits  int
	offBits  int
}

// build makes the tables of two codes of these lengths.
func (t *tables) build(literals, offsets []uint8) (ok bool) {
	if t.litBits, ok = build(t.literals[:], litBits, literals, litMeanings[:]); ok {
		t.offBits, ok = build(t.offsets[:], offBits, offsets, offMeanings[:])
	}
	return ok
}

// fixedTables are those of fixed codes (RFC 1951, 3.2.6). They are only read.
var fixedTables = sync.OnceValue(func() *tables {
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	t := &tables{}
	t.build(lengths[:], bytes.Repeat([]byte{5}, maxOffsets))
	return t
})

// meanings are entries of symbols, without what the code adds.
var litMeanings, offMeanings, preMeanings = meanings()

func meanings() (lit [maxLiterals]entry, off [maxOffsets]entry, pre [19]entry) {
	for i := range 256 {
		lit[i] = literal | entry(i)<<16
	}
	lit[256] = other | last
	base, extra := 3, 0
	for i := 257; i < maxLiterals; i++ {
		switch {
		case i >= 286:
			lit[i] = other
		case i == 285:
			lit[i] = 258 << 16
		default:
			if i >= 265 && (i-265)%4 == 0 {
				extra++
			}
			lit[i] = entry(base)<<16 | entry(extra)
			base += 1 << extra
		}
	}
	base, extra = 1, 0
	for i := range off {
		if i >= 30 {
			off[i] = other
			continue
		}
		if i >= 4 && i%2 == 0 {
			extra++
		}
		off[i] = entry(base)<<16 | entry(extra)
		base += 1 << extra
	}
	for i := range pre {
		pre[i] = entry(i) << 16
	}
	return lit, off, pre
}

// build fills a table for codes of these lengths and returns how many bits its
// first look-up takes: no more than asked for, and no more than the longest code
// has, because most files are so short that filling tables is most of the work. A
// code has to use all of its space, except that there may be one symbol, of one
// bit, or none.
func build(table []entry, most int, lengths []uint8, meanings []entry) (tableBits int, ok bool) {
	var count, at [maxLength + 2]int
	for _, n := range lengths {
		count[n]++
	}
	longest := maxLength
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	used := 0
	for n := 1; n <= maxLength; n++ {
		used += count[n] << (maxLength - n)
		at[n+1] = at[n] + count[n]
	}
	tableBits = max(min(most, longest), 1)
	if used != 1<<maxLength {
		if longest > 1 || count[1] > 1 {
			return 0, false
		}
		first := table[:1<<tableBits]
		for i := range first {
			first[i] = other
		}
	}
	// Symbols by their codes: by length, and then as they are.
	var sorted [maxLiterals]uint16
	for symbol, n := range lengths {
		if n > 0 {
			sorted[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	fill(table, tableBits, sorted[:at[longest]], lengths, meanings, longest)
	return tableBits, true
}

// fill makes the entries of symbols sorted by their codes.
func fill(table []entry, tableBits int, sorted []uint16, lengths []uint8, meanings []entry, longest int) {
	first := table[:1<<tableBits]
	end := len(first)       // of the tables in use
	begun, sub := -1, first // the table of longer codes that is being filled, and what leads to it
	code, length := 0, 0    // the code, highest bit first
	for _, symbol := range sorted {
		n := int(lengths[symbol])
		code <<= n - length
		length = n
		reversed := int(mathbits.Reverse16(uint16(code)) >> (16 - n))
		code++
		into := first
		if n > tableBits {
			if low := reversed & (len(first) - 1); low != begun {
				more := longest - tableBits
				first[low] = other | longer | entry(end)<<16 | entry(more)<<8 | entry(tableBits)
				begun, sub = low, table[end:end+1<<more]
				end += 1 << more
			}
			into, n, reversed = sub, n-tableBits, reversed>>tableBits
		}
		e := meanings[symbol] + entry(n)<<8 + entry(n)
		for i := reversed; i < len(into); i += 1 << n {
			into[i] = e
		}
	}
}
