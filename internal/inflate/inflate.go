// Package inflate inflates gzip that is in memory, into memory, about as fast as
// Go can: log files are small, many, and read whole. Content comes in pieces, so
// that it can be looked at while it is in the processor's cache and whatever it
// inflates to takes a bounded buffer.
//
// The formats are those of RFC 1951 and RFC 1952. The way tables are laid out and
// bits are taken follows libdeflate (Eric Biggers), the shape of its fastest
// loop; the code is new.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	window = 32 << 10  // how far back matches reach
	room   = 128 << 10 // what is inflated at once
	slack  = 320       // the longest match, and what copying writes beyond it
)

// ErrCorrupt says that the input is not what a compressor makes.
var ErrCorrupt = errors.New("corrupt input")

// Reader inflates one gzip member after the other. The zero value is ready for
// Reset, and can be used again without taking new memory.
type Reader struct {
	in bits

	// out[from:to] is inflated and was not given yet; before it is the window.
	out      []byte
	from, to int

	state  state
	final  bool // the block is the last one
	stored int  // bytes left of a stored block
	err    error

	sum, size uint32 // of what was given

	tables  *tables // of the block: own, or those of fixed codes
	own     tables
	lengths [maxLiterals + maxOffsets]uint8
}

// state is where in a member the reader is.
type state uint8

const (
	header  state = iota // before a block
	copying              // in a stored block
	coded                // in a compressed block
	trailer              // behind the last block
)

// Reset begins a member, the bytes of which src begins with. It reads the
// member's header.
func (z *Reader) Reset(src []byte) error {
	z.in = bits{src: src}
	z.from, z.to, z.state, z.final, z.err = 0, 0, header, false, nil
	z.sum, z.size = 0, 0
	if z.out == nil {
		z.out = make([]byte, window+room+slack)
	}
	n, err := headerLength(src)
	z.in.pos = n
	z.err = err
	return err
}

// Rest returns what follows the member. It is known when Read has returned
// io.EOF.
func (z *Reader) Rest() []byte { return z.in.src[min(z.in.pos, len(z.in.src)):] }

// headerLength returns the length of a member's header.
func headerLength(b []byte) (int, error) {
	const fixed = 10
	if len(b) < fixed {
		return 0, io.ErrUnexpectedEOF
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return 0, fmt.Errorf("%w: no gzip header", ErrCorrupt)
	}
	flags, n := b[3], fixed
	if flags&4 != 0 { // extra field
		if len(b) < n+2 {
			return 0, io.ErrUnexpectedEOF
		}
		n += 2 + int(binary.LittleEndian.Uint16(b[n:]))
	}
	for _, flag := range []byte{8, 16} { // name, comment
		if flags&flag == 0 {
			continue
		}
		for n < len(b) && b[n] != 0 {
			n++
		}
		n++
	}
	if flags&2 != 0 { // checksum of the header
		if n+2 <= len(b) && binary.LittleEndian.Uint16(b[n:]) != uint16(crc32.ChecksumIEEE(b[:n])) {
			return 0, fmt.Errorf("%w: wrong checksum of the gzip header", ErrCorrupt)
		}
		n += 2
	}
	if n > len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// Read implements [io.Reader] for one member: io.EOF is its end. What could be
// inflated before a fault is given before the fault is told.
func (z *Reader) Read(p []byte) (n int, err error) {
	for z.from == z.to {
		if z.err != nil {
			return 0, z.err
		}
		z.more()
	}
	n = copy(p, z.out[z.from:z.to])
	z.from += n
	return n, nil
}

// more inflates until the buffer is full or the member ends.
func (z *Reader) more() {
	if z.to > window {
		keep := copy(z.out, z.out[z.to-window:z.to])
		z.from, z.to = keep, keep
	}
	start := z.to
	for z.err == nil && z.to < len(z.out)-slack {
		switch z.state {
		case header:
			z.err = z.block()
		case copying:
			z.err = z.copyStored()
		case coded:
			z.err = z.decode()
		case trailer:
			z.err = z.end(start)
			return
		}
	}
	z.check(start)
}

// check adds what was inflated to the checksum.
func (z *Reader) check(start int) {
	z.sum = crc32.Update(z.sum, crc32.IEEETable, z.out[start:z.to])
	z.size += uint32(z.to - start)
}

// end reads the member's trailer.
func (z *Reader) end(start int) error {
	z.check(start)
	if err := z.in.align(); err != nil {
		return err
	}
	b := z.Rest()
	if len(b) < 8 {
		return io.ErrUnexpectedEOF
	}
	z.in.pos += 8
	if binary.LittleEndian.Uint32(b) != z.sum || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	return io.EOF
}

// block reads the header of a block.
func (z *Reader) block() error {
	if z.final {
		z.state = trailer
		return nil
	}
	z.in.refill()
	z.final = z.in.take(1) == 1
	switch z.in.take(2) {
	case 0:
		return z.beginStored()
	case 1:
		z.state = coded
		z.tables = fixedTables()
		return z.in.check()
	case 2:
		z.state = coded
		return z.readTables()
	}
	return fmt.Errorf("%w: unknown kind of block", ErrCorrupt)
}

func (z *Reader) beginStored() error {
	if err := z.in.align(); err != nil {
		return err
	}
	b := z.Rest()
	if len(b) < 4 {
		return io.ErrUnexpectedEOF
	}
	length, complement := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if length != ^complement {
		return fmt.Errorf("%w: length of a stored block", ErrCorrupt)
	}
	z.in.pos += 4
	z.stored, z.state = int(length), copying
	return nil
}

func (z *Reader) copyStored() error {
	b := z.Rest()
	n := min(z.stored, len(b), len(z.out)-slack-z.to)
	copy(z.out[z.to:], b[:n])
	z.to, z.in.pos, z.stored = z.to+n, z.in.pos+n, z.stored-n
	switch {
	case z.stored == 0:
		z.state = header
	case n == len(b):
		return io.ErrUnexpectedEOF
	}
	return nil
}
