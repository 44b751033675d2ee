package cut

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"cairn/internal/inflate"
)

// inflater inflates one file after the other, each with all its gzip members.
type inflater struct {
	member member
	// appended is set if something follows the first member: a log file has
	// one, and readers that go on show what others do not see.
	appended error

	memory inMemory
	stream streamed
}

// member is a gzip member of a file. Read gives its content, io.EOF at its end.
type member interface {
	io.Reader
	// next begins with the member behind; io.EOF says that there is nothing
	// there, ErrTrailing that it is no member.
	next() error
}

// gzipped says whether a file begins as gzip does.
func gzipped(head []byte) bool { return len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b }

// start begins a file with the bytes of it that were read already and a reader
// for the others, nil if there are none.
func (z *inflater) start(head []byte, rest io.Reader) (err error) {
	z.appended = nil
	if rest == nil {
		z.member = &z.memory
		err = z.memory.Reset(head)
	} else {
		z.member = &z.stream
		err = z.stream.start(io.MultiReader(bytes.NewReader(head), rest))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCompression, noEOF(err))
	}
	return nil
}

// Read implements [io.Reader].
func (z *inflater) Read(b []byte) (int, error) {
	for {
		n, err := z.member.Read(b)
		switch {
		case err == nil:
			return n, nil
		case !errors.Is(err, io.EOF):
			return n, fmt.Errorf("%w: %w", ErrCompression, noEOF(err))
		case n > 0:
			return n, nil
		}
		switch err := z.member.next(); {
		case err == nil:
			z.appended = ErrMembers
		case errors.Is(err, ErrTrailing):
			z.appended = ErrTrailing
			return 0, io.EOF
		default:
			return 0, err // io.EOF included
		}
	}
}

// noEOF makes a missing header or trailer an error that nobody takes for the
// regular end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// inMemory is a file that was read whole, as most are.
type inMemory struct{ inflate.Reader }

func (m *inMemory) next() error {
	rest := m.Rest()
	switch {
	case len(rest) == 0:
		return io.EOF
	case m.Reset(rest) != nil:
		return ErrTrailing
	}
	return nil
}

// streamed is a file that is inflated while it is read.
type streamed struct {
	gzip.Reader
	// in is read byte by byte, not beyond what is compressed, so that one sees
	// what follows.
	in *bufio.Reader
}

func (s *streamed) start(file io.Reader) error {
	if s.in == nil {
		s.in = bufio.NewReaderSize(nil, 64<<10)
	}
	s.in.Reset(file)
	return s.begin()
}

func (s *streamed) begin() error {
	err := s.Reset(s.in)
	s.Multistream(false)
	return err
}

func (s *streamed) next() error {
	if _, err := s.in.Peek(1); err != nil {
		return err // of the file, io.EOF included
	}
	if s.begin() != nil {
		return ErrTrailing
	}
	return nil
}
