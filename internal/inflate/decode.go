package inflate

import (
	"encoding/binary"
	"fmt"
)

// fastInput is how many bytes of input a turn of the fast loop may look at.
const fastInput = 24

// decode inflates a compressed block until it ends or the buffer is full.
func (z *Reader) decode() error {
	if err := z.fast(); err != nil || z.state != coded {
		return err
	}
	for z.to < len(z.out)-slack {
		if err := z.symbol(); err != nil || z.state != coded {
			return err
		}
		if z.in.pos+fastInput <= len(z.in.src) {
			return nil // more comes back here, to the fast loop
		}
	}
	return nil
}

// match copies what is so far behind the end, byte after byte as if one at a
// time, and returns the new end. It writes up to 15 bytes more.
func match(out []byte, to, offset, length int) int {
	end, from := to+length, to-offset
	switch {
	case offset >= 16:
		for ; to < end; to, from = to+16, from+16 {
			*(*[16]byte)(out[to:]) = *(*[16]byte)(out[from:])
		}
	case offset >= 8:
		for ; to < end; to, from = to+8, from+8 {
			*(*[8]byte)(out[to:]) = *(*[8]byte)(out[from:])
		}
	default:
		for ; to < end; to, from = to+1, from+1 {
			out[to] = out[from]
		}
	}
	return end
}

// symbol decodes one symbol, near the end of the input.
func (z *Reader) symbol() error {
	in, t := &z.in, z.tables
	in.refill()
	e := t.literals[in.buf&(1<<t.litBits-1)]
	if e&(other|longer) == other|longer {
		in.take(uint(t.litBits))
		e = t.literals[e>>16&0x7fff+entry(in.buf)&(1<<(e>>8&15)-1)]
	}
	if e&other != 0 && e&last == 0 {
		return errCode
	}
	n := uint(e & 63)
	length := int(e>>16&0x7fff) + int(in.buf&(1<<n-1)>>(e>>8&15))
	in.take(n)
	if err := in.check(); err != nil {
		return err
	}
	switch {
	case e&other != 0:
		z.state = header
		return nil
	case e&literal != 0:
		z.out[z.to] = byte(e >> 16)
		z.to++
		return nil
	}
	in.refill()
	e = t.offsets[in.buf&(1<<t.offBits-1)]
	if e&(other|longer) == other|longer {
		in.take(uint(t.offBits))
		e = t.offsets[e>>16&0x7fff+entry(in.buf)&(1<<(e>>8&15)-1)]
	}
	if e&other != 0 {
		return errCode
	}
	n = uint(e & 63)
	offset := int(e>>16) + int(in.buf&(1<<n-1)>>(e>>8&15))
	in.take(n)
	if err := in.check(); err != nil {
		return err
	}
	if offset > z.to {
		return errOffset
	}
	z.to = match(z.out, z.to, offset, length)
	return nil
}

// refill makes sure that there are at least 56 bits. See [Reader.fast].
func refill(src []byte, buf uint64, count uint, pos int) (uint64, uint, int) {
	return buf | binary.LittleEndian.Uint64(src[pos:])<<(count&63), count | 56, pos + 7 - int(count>>3&7)
}

// fast decodes while there is enough input and room that neither has to be
// checked within a turn: up to three literals, or up to two and a match.
//
// A turn begins with 56 bits in buf and the next symbol's entry in e, so that it
// is there when it is needed. Of count only the low six bits mean anything:
// subtracting all of an entry saves taking it apart. Bits of buf above count are
// the input's, too; putting them there again changes nothing.
func (z *Reader) fast() error {
	src, out, pos, to := z.in.src, z.out, z.in.pos, z.to
	buf, count := z.in.buf, z.in.count
	literals, offsets := &z.tables.literals, &z.tables.offsets
	litBits, offBits := uint(z.tables.litBits), uint(z.tables.offBits)
	litMask, offMask := uint64(1)<<(litBits&63)-1, uint64(1)<<(offBits&63)-1
	limit := len(out) - slack
	if pos+fastInput > len(src) || to >= limit {
		return nil
	}
	var err error
	buf, count, pos = refill(src, buf, count, pos)
	e := literals[buf&litMask&(1<<13-1)]
	for pos+fastInput <= len(src) && to < limit {
		if e&literal != 0 {
			buf, count = buf>>(e&63), count-uint(e)
			out[to], to = byte(e>>16), to+1
			if e = literals[buf&litMask&(1<<13-1)]; e&literal != 0 {
				buf, count = buf>>(e&63), count-uint(e)
				out[to], to = byte(e>>16), to+1
				if e = literals[buf&litMask&(1<<13-1)]; e&literal != 0 {
					buf, count = buf>>(e&63), count-uint(e)
					out[to], to = byte(e>>16), to+1
					buf, count, pos = refill(src, buf, count, pos)
					e = literals[buf&litMask&(1<<13-1)]
					continue
				}
			}
			buf, count, pos = refill(src, buf, count, pos)
		}
		if e&other != 0 {
			if e&longer != 0 {
				buf, count = buf>>(litBits&63), count-litBits
				e = literals[(e>>16&0x7fff+entry(buf)&(1<<(e>>8&15)-1))&(entry(len(literals))-1)]
			}
			if e&literal != 0 {
				buf, count = buf>>(e&63), count-uint(e)
				out[to], to = byte(e>>16), to+1
				buf, count, pos = refill(src, buf, count, pos)
				e = literals[buf&litMask&(1<<13-1)]
				continue
			}
			if e&other != 0 {
				buf, count = buf>>(e&63), count-uint(e)
				if z.state = header; e&last == 0 {
					err = errCode
				}
				break
			}
		}
		length := int(e>>16) + int(buf&(1<<(e&63)-1)>>(e>>8&15))
		buf, count = buf>>(e&63), count-uint(e)
		if e = offsets[buf&offMask&(1<<12-1)]; e&other != 0 {
			if e&longer == 0 {
				err = errCode
				break
			}
			buf, count = buf>>(offBits&63), count-offBits
			if e = offsets[(e>>16&0x7fff+entry(buf)&(1<<(e>>8&15)-1))&(entry(len(offsets))-1)]; e&other != 0 {
				err = errCode
				break
			}
		}
		offset := int(e>>16) + int(buf&(1<<(e&63)-1)>>(e>>8&15))
		buf, count = buf>>(e&63), count-uint(e)
		if offset > to {
			err = errOffset
			break
		}
		buf, count, pos = refill(src, buf, count, pos)
		e = literals[buf&litMask&(1<<13-1)]
		to = match(out, to, offset, length)
	}
	z.to, z.in.pos, z.in.count = to, pos, count&63
	z.in.buf = buf & (1<<(count&63) - 1)
	return err
}

var (
	errCode   = fmt.Errorf("%w: no such code", ErrCorrupt)
	errOffset = fmt.Errorf("%w: a match before the beginning", ErrCorrupt)
)
