package inflate

import (
	"encoding/binary"
	"io"
)

// bits takes bits from bytes, the lowest ones first.
type bits struct {
	src []byte
	pos int
	// buf holds count bits that were taken from src and not used, the next one
	// lowest. Above them is nothing.
	buf   uint64
	count uint
	// beyond is how many bytes were taken beyond the end of src, as zeros.
	beyond uint
}

// refill makes sure that there are at least 56 bits.
func (b *bits) refill() {
	if b.pos+8 <= len(b.src) {
		b.buf |= binary.LittleEndian.Uint64(b.src[b.pos:]) << (b.count & 63)
		b.pos += int(63-b.count) >> 3
		b.count |= 56
		b.buf &= 1<<(b.count&63) - 1
		return
	}
	for b.count <= 56 {
		if b.pos < len(b.src) {
			b.buf |= uint64(b.src[b.pos]) << (b.count & 63)
			b.pos++
		} else {
			b.beyond++
		}
		b.count += 8
	}
}

// take takes up to 32 bits that are there.
func (b *bits) take(n uint) uint32 {
	v := uint32(b.buf & (1<<n - 1))
	b.buf >>= n
	b.count -= n
	return v
}

// check returns an error if bits were used that are beyond the end.
func (b *bits) check() error {
	if b.beyond*8 > b.count {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// align gives back what is beyond the next whole byte.
func (b *bits) align() error {
	if err := b.check(); err != nil {
		return err
	}
	b.pos -= int(b.count/8 - b.beyond)
	b.buf, b.count, b.beyond = 0, 0, 0
	return nil
}
