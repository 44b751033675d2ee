// Package cut cuts records out of the bytes of log files: inflates them, in
// bounded memory whatever they hold, and finds where each record begins and ends
// at a few bytes a nanosecond, without looking into it.
//
// A file holds, compressed with gzip or not, {"Records":[...]}, a list of
// records, or records one after the other, in any formatting, or several of
// these. What kind it is shows in its bytes.
package cut

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"cairn/internal/logquery/jsonwalk"
)

// Reader cuts the records out of one file after the other, with the same
// buffers. It checks that brackets and strings end, and leaves the rest of a
// record to those who look into it.
type Reader struct {
	content
	state state
	// bare is set if the list of records is the whole value, not a member of an
	// object.
	bare bool
	// begun is set behind the file's first token.
	begun bool
}

// state is where in a file the splitter is.
type state uint8

const (
	outside state = iota // between values
	first                // in a list of records, before the first
	within               // in a list of records, behind one
	behind               // in an object, behind its list of records
)

// NewReader returns a reader of files with records of up to maxRecord bytes, and
// up to maxFile bytes of content.
func NewReader(maxRecord int, maxFile int64) *Reader {
	return &Reader{content: content{maxRecord: maxRecord, maxFile: maxFile}}
}

// Start begins a file with the bytes of it that were read already and a reader
// for the others, nil if there are none.
func (s *Reader) Start(head []byte, rest io.Reader) {
	s.shrink()
	s.begin(head, rest)
	s.state, s.begun = outside, false
}

// Next returns the next record, which is valid until the next call. At the end
// of a whole file the error is [io.EOF].
func (s *Reader) Next() (record []byte, err error) {
	for record == nil && err == nil {
		c, ok := s.space()
		switch {
		case !ok && s.state == outside && errors.Is(s.err, io.EOF):
			return nil, io.EOF
		case !ok:
			return nil, s.cause()
		case s.state == outside:
			record, err = s.open(c)
		case s.state == behind:
			err = s.member(c)
		default:
			record, err = s.element(c)
		}
	}
	return record, err
}

// Alone says whether the record last cut out stands by itself or in a list that
// does, not in an object's list of records.
func (s *Reader) Alone() bool { return s.bare || s.state == outside }

// Begun says whether the file has any content but white space.
func (s *Reader) Begun() bool { return s.begun }

// Appended says what follows the first gzip member of a file, if anything does:
// [ErrMembers] or [ErrTrailing]. It is known at the file's end.
func (s *Reader) Appended() error { return s.inflater.appended }

// Inflated is how many bytes of content were read.
func (s *Reader) Inflated() int64 { return s.read }

// Piece returns the piece of content that the record last cut out is part of,
// buf[from:to] being the record, and the piece's number. As long as the number
// is the same, so are the bytes.
func (s *Reader) Piece(record []byte) (buf []byte, from, to, number int) {
	return s.buf[:s.end], s.at - len(record), s.at, s.pieces
}

// take returns the value that begins at s.at and passes over it.
func (s *Reader) take() ([]byte, error) {
	n, err := s.value()
	if err != nil {
		return nil, err
	}
	s.at += n
	return s.buf[s.at-n : s.at], nil
}

// expect passes over white space and one character.
func (s *Reader) expect(want byte) error {
	c, ok := s.space()
	switch {
	case !ok:
		return s.cause()
	case c != want:
		return s.unexpected(c)
	}
	s.at++
	return nil
}

func (s *Reader) unexpected(c byte) error {
	if !s.begun {
		return fmt.Errorf("%w: it begins with %q", ErrForeign, c)
	}
	return fmt.Errorf("%w: unexpected %q", ErrSyntax, c)
}

// open takes what stands by itself: a list of records, an object that has one,
// or a record.
func (s *Reader) open(c byte) ([]byte, error) {
	switch c {
	case '[':
		s.at++
		s.bare, s.state, s.begun = true, first, true
		return nil, nil
	case '{':
	default:
		return nil, s.unexpected(c)
	}
	s.begun = true
	if n := s.envelope(); n > 0 {
		s.enter(n)
		return nil, nil
	}
	n, err := s.value()
	if err != nil {
		return nil, err
	}
	record := s.buf[s.at : s.at+n]
	if n := listBehind(record); n > 0 {
		s.enter(n)
		return nil, nil
	}
	s.at += n
	return record, nil
}

// enter passes over what stands before the records of an object's list.
func (s *Reader) enter(n int) {
	s.at += n
	s.bare, s.state = false, first
}

// recordsKey is the name of the member that has a log file's records.
const recordsKey = "Records"

// maxOpening bounds the white space in what a log file begins with.
const maxOpening = 64 << 10

// envelope returns the length of {"Records":[ at s.at, white space included; 0
// if something else is there.
func (s *Reader) envelope() int {
	n := 0
	for _, want := range []string{"{", `"` + recordsKey + `"`, ":", "["} {
		for s.peek(n) && isSpace(s.buf[s.at+n]) && n < maxOpening {
			n++
		}
		if !s.peek(n+len(want)-1) || string(s.buf[s.at+n:s.at+n+len(want)]) != want {
			return 0
		}
		n += len(want)
	}
	return n
}

// peek makes sure that the byte so far behind s.at is in the buffer.
func (s *Reader) peek(n int) bool { return s.at+n < s.end || s.fill() && s.at+n < s.end }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

var recordsPath = jsonwalk.NewTree([]jsonwalk.Path{{{Key: recordsKey}}})

// listBehind returns the length of an object's beginning up to its list of
// records, if it has one that is not its first member; else 0.
func listBehind(object []byte) int {
	if !bytes.Contains(object, []byte(recordsKey)) {
		return 0
	}
	var list oneValue
	recordsPath.Find(object, &list)
	if list.found.Kind != jsonwalk.Array {
		return 0
	}
	return cap(object) - cap(list.found.Raw) + 1 // both slices are of one array
}

// oneValue keeps the value a walk finds.
type oneValue struct{ found jsonwalk.Value }

// Value implements [jsonwalk.Visitor].
func (o *oneValue) Value(_ int, v jsonwalk.Value) bool {
	o.found = v
	return false
}

// element takes a record of a list, or the list's end.
func (s *Reader) element(c byte) ([]byte, error) {
	if c == ']' {
		s.at++
		s.state = behind
		if s.bare {
			s.state = outside
		}
		return nil, nil
	}
	if s.state == within {
		if c != ',' {
			return nil, s.unexpected(c)
		}
		s.at++
		var ok bool
		if c, ok = s.space(); !ok {
			return nil, s.cause()
		}
	}
	if c != '{' {
		return nil, s.unexpected(c)
	}
	s.state = within
	return s.take()
}

// member takes a member of an object behind its list of records, or the
// object's end. A second list of records is one, too: it would be wrong to
// overlook it.
func (s *Reader) member(c byte) error {
	if c == '}' {
		s.at++
		s.state = outside
		return nil
	}
	if c != ',' {
		return s.unexpected(c)
	}
	s.at++
	if c, ok := s.space(); !ok {
		return s.cause()
	} else if c != '"' {
		return s.unexpected(c)
	}
	key, err := s.take()
	if err != nil {
		return err
	}
	again := string(key) == `"`+recordsKey+`"`
	if err := s.expect(':'); err != nil {
		return err
	}
	c, ok := s.space()
	if !ok {
		return s.cause()
	}
	if again && c == '[' {
		s.enter(1)
		return nil
	}
	_, err = s.take()
	return err
}
