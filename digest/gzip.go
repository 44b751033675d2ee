package digest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// MaxContent is the most an uncompressed digest may have, in bytes: an hour of
// 100,000 log files fits, a compressed bomb does not.
const MaxContent = 64 << 20

var (
	// ErrTrailing says that something follows the one gzip member an object
	// should be: readers that go on show it, hashes do not cover it.
	ErrTrailing = errors.New("unexpected data after end of compressed stream")
	// ErrTooLarge says that an object inflates to more than its reader takes.
	ErrTooLarge = errors.New("it inflates to more than allowed")
)

// Encode compresses content as one gzip member. The same content gives the same
// bytes: the header has no name and no time.
func Encode(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(fmt.Sprintf("a bytes.Buffer refused a write: %v", err))
	}
	return b.Bytes()
}

// Decode inflates a digest object, of one gzip member and nothing after it, to
// at most [MaxContent] bytes.
func Decode(object []byte) (content []byte, err error) {
	var b bytes.Buffer
	if _, err := Inflate(&b, bytes.NewReader(object), MaxContent); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// inflater is what inflating one object takes; they are kept for the next one.
type inflater struct {
	in   *bufio.Reader
	gzip *gzip.Reader
	copy []byte
}

var inflaters = sync.Pool{New: func() any {
	return &inflater{in: bufio.NewReaderSize(nil, 32<<10), gzip: new(gzip.Reader), copy: make([]byte, 32<<10)}
}}

// Inflate writes what r holds compressed to w, in bounded memory, and returns
// how many bytes that is. It refuses anything but one whole gzip member
// ([ErrTrailing], after having written the member), and more than limit bytes
// ([ErrTooLarge]).
func Inflate(w io.Writer, r io.Reader, limit int64) (int64, error) {
	z := inflaters.Get().(*inflater)
	defer inflaters.Put(z)
	z.in.Reset(r)
	defer z.in.Reset(nil)
	if err := z.gzip.Reset(z.in); err != nil {
		return 0, fmt.Errorf("inflate: %w", noEOF(err))
	}
	z.gzip.Multistream(false)
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{io.LimitReader(z.gzip, limit+1)}, z.copy)
	if err != nil {
		return n, fmt.Errorf("inflate: %w", noEOF(err))
	}
	if n > limit {
		return n, fmt.Errorf("inflate: %w (%d bytes)", ErrTooLarge, limit)
	}
	switch _, err := z.in.ReadByte(); {
	case err == nil:
		return n, fmt.Errorf("inflate: %w", ErrTrailing)
	case !errors.Is(err, io.EOF):
		return n, fmt.Errorf("inflate: %w", err)
	}
	return n, nil
}

// noEOF makes a missing header or trailer an error that nobody takes for the
// regular end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
