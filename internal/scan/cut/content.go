package cut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// contentRoom is how much of a file's content is looked at at once, unless a
// record is longer. It fits into a core's own cache.
const contentRoom = 256 << 10

// content is the content of one file after the other, piece by piece in one
// buffer.
type content struct {
	// buf[at:end] was not passed over yet.
	buf     []byte
	at, end int
	// pieces counts the times the buffer's bytes have moved.
	pieces int
	// err is why no more comes after end: io.EOF if the file ends there.
	err error

	in       io.Reader
	inflater inflater
	plain    bytes.Reader
	read     int64 // bytes of the content so far
	// maxRecord bounds the buffer, maxFile the content.
	maxRecord int
	maxFile   int64
}

// begin begins a file with the bytes of it that were read already and a reader
// for the others, nil if there are none.
func (c *content) begin(head []byte, rest io.Reader) {
	c.at, c.end, c.err, c.read = 0, 0, nil, 0
	c.pieces++
	c.inflater.appended = nil
	switch {
	case gzipped(head):
		c.in = &c.inflater
		c.err = c.inflater.start(head, rest)
	case rest == nil:
		c.plain.Reset(head)
		c.in = &c.plain
	default:
		c.in = io.MultiReader(bytes.NewReader(head), rest)
	}
}

// fill reads the next piece behind what was not passed over yet. It returns
// false, with c.err set, if there is no more.
func (c *content) fill() bool {
	if c.err != nil {
		return false
	}
	c.pieces++
	copy(c.buf, c.buf[c.at:c.end])
	c.at, c.end = 0, c.end-c.at
	if c.buf == nil {
		c.buf = make([]byte, contentRoom)
	}
	if c.end > len(c.buf)/2 { // a record fills most of it
		c.buf = append(make([]byte, 0, 2*len(c.buf)), c.buf[:c.end]...)
		c.buf = c.buf[:cap(c.buf)]
	}
	start := c.end
	for c.end < len(c.buf) && c.err == nil {
		var n int
		n, c.err = c.in.Read(c.buf[c.end:])
		c.end += n
	}
	if c.read += int64(c.end - start); c.read > c.maxFile {
		c.end, c.err = start, fmt.Errorf("it inflates to more than %d bytes: %w", c.maxFile, ErrTooLarge)
	}
	return c.end > start
}

// shrink gives back a buffer that a long record made large.
func (c *content) shrink() {
	if len(c.buf) > 4*contentRoom {
		c.buf = nil
	}
}

// need makes sure that there are unread bytes.
func (c *content) need() bool { return c.at < c.end || c.fill() }

// space passes over white space and returns the byte behind it; ok is false at
// the end.
func (c *content) space() (next byte, ok bool) {
	for c.need() {
		switch b := c.buf[c.at]; b {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return b, true
		}
	}
	return 0, false
}

// cause says why content ended where it should not have.
func (c *content) cause() error {
	if c.err != nil && !errors.Is(c.err, io.EOF) {
		return c.err
	}
	return fmt.Errorf("%w: it ends too early", ErrSyntax)
}

// value returns the length of the value that begins at c.at, once it is whole in
// the buffer.
func (c *content) value() (int, error) {
	for {
		n, how := token(c.buf[c.at:c.end])
		switch {
		case n > c.maxRecord:
			return 0, fmt.Errorf("a record of more than %d bytes: %w", c.maxRecord, ErrTooLarge)
		case how == done:
			return n, nil
		case how == deep:
			return 0, fmt.Errorf("more than %d levels: %w", maxDepth, ErrTooDeep)
		case how == bad:
			return 0, fmt.Errorf("%w: unexpected %q", ErrSyntax, c.buf[c.at+n])
		case !c.fill():
			return 0, c.cause()
		}
	}
}
