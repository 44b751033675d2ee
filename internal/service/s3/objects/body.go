package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3err"
)

// Frame frames a body as aws-chunked, unsigned, with its trailers at the end:
// the body of a request whose PayloadHash is STREAMING-UNSIGNED-PAYLOAD-TRAILER.
// trailer is asked for once the body is read to its end.
func Frame(body io.Reader, trailer func() http.Header) io.Reader {
	return &framed{body: body, trailer: trailer, chunk: make([]byte, 64<<10)}
}

// framed makes the frames of one chunk at a time.
type framed struct {
	body    io.Reader
	trailer func() http.Header
	chunk   []byte
	out     bytes.Buffer
	err     error
}

func (f *framed) Read(p []byte) (int, error) {
	for f.out.Len() == 0 && f.err == nil {
		var n int
		n, f.err = io.ReadFull(f.body, f.chunk)
		if n > 0 {
			fmt.Fprintf(&f.out, "%x\r\n%s\r\n", n, f.chunk[:n])
		}
		if !errors.Is(f.err, io.EOF) && !errors.Is(f.err, io.ErrUnexpectedEOF) {
			continue
		}
		f.err = io.EOF
		f.out.WriteString("0\r\n")
		for name, values := range f.trailer() {
			fmt.Fprintf(&f.out, "%s:%s\r\n", strings.ToLower(name), strings.Join(values, ","))
		}
		f.out.WriteString("\r\n")
	}
	if f.out.Len() > 0 {
		return f.out.Read(p)
	}
	return 0, f.err
}

// entire is a body that must be as long as was announced, in bytes; nil for not
// announced. The server takes the end of a connection for the end of a body, so a
// client that hangs up would leave half an object in place of a whole one. Bodies
// in chunks with a checksum see to that themselves.
func entire(body io.Reader, length *int64) io.Reader {
	if c, ok := body.(middlewares.ChecksumReader); ok && c.Algorithm() != "" || body == nil || length == nil {
		return body
	}
	return &measured{body: body, left: *length}
}

// measured refuses to end while bytes are left to come.
type measured struct {
	body io.Reader
	left int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.body.Read(p)
	m.left -= int64(n)
	if errors.Is(err, io.EOF) && m.left > 0 {
		err = s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	return n, err
}

// tail is how much of a body is kept back until its end was read. What ends a body in
// frames is shorter, so that without it no server can take the body for a whole one.
const tail = 1 << 10

// revocable is a body that arrives whole only if it was read to its end without an
// error, and its context had not ended by then: else its last bytes are never handed
// out.
type revocable struct {
	ctx   context.Context
	body  io.Reader
	kept  bytes.Buffer
	chunk []byte
	err   error
}

func (r *revocable) Read(p []byte) (int, error) {
	if r.chunk == nil {
		r.chunk = make([]byte, 32<<10)
	}
	for r.err == nil && r.kept.Len() <= tail {
		n, err := r.body.Read(r.chunk)
		r.kept.Write(r.chunk[:n])
		if r.err = err; r.ctx.Err() != nil && (err == nil || errors.Is(err, io.EOF)) {
			r.err = context.Cause(r.ctx)
		}
	}
	ready := r.kept.Len()
	switch {
	case r.err == nil:
		ready -= tail
	case !errors.Is(r.err, io.EOF) || ready == 0:
		return 0, r.err
	}
	return r.kept.Read(p[:min(len(p), ready)])
}

// faulty remembers the error of reading a client's body. The HTTP client reads
// in a goroutine that can outlive the answer.
type faulty struct {
	io.Reader
	err atomic.Pointer[error]
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err.Store(&err)
	}
	return n, err
}

// failure returns the error of reading, if there was one; f may be nil.
func (f *faulty) failure() error {
	if f == nil {
		return nil
	}
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}
