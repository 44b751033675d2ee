package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"cairn/internal/awserr"
)

// patience says how long clients may take. Objects can be large, so there is no
// bound on a whole call, but one on every step of it.
type patience struct {
	// idle is how long a client may leave the connection without a byte of its
	// body, or without taking a byte of the answer.
	idle time.Duration
	// body is how long the whole body of a call to any service but S3 may take:
	// such a body is small, and held in memory.
	body time.Duration
	// pace is how many bytes a second, on average, a body of S3 must come at; less
	// is forgiven for as long as idle. 0 asks for nothing.
	pace int64
	// rest is how long is waited for what is left of a body nobody wants.
	rest time.Duration
}

var defaultPatience = patience{idle: time.Minute, body: time.Minute, pace: 1 << 10, rest: 5 * time.Second}

// impatient bounds the steps of one call. Connections that know no deadlines (in
// tests) have none.
type impatient struct {
	http.ResponseWriter
	conn *http.ResponseController
	patience
	status int // what was answered; 0 for nothing yet
}

// Unwrap gives http.ResponseController the writer below.
func (w *impatient) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status.
func (w *impatient) WriteHeader(status int) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(w.idle))
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the answer.
func (w *impatient) Write(p []byte) (int, error) {
	_ = w.conn.SetWriteDeadline(time.Now().Add(w.idle))
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// slowBody is a request's body whose client may be slow, or never send it.
type slowBody struct {
	io.ReadCloser
	w     *impatient
	until time.Time // when the whole must be there; zero for no bound
	ended bool      // no deadline is left on the connection
	// came is how many bytes came, waited how long for: time the engine took
	// between two reads is not the client's.
	came   int64
	waited time.Duration
	free   func() // gives back the memory it is held in; nil if it has none
}

// bounded wraps the writer and the body of a request. After the call done bounds
// how long the server waits for the rest of the body.
func (p patience) bounded(w http.ResponseWriter, r *http.Request) (_ *impatient, done func()) {
	out := &impatient{ResponseWriter: w, conn: http.NewResponseController(w), patience: p}
	if len(r.TransferEncoding) > 0 {
		// net/http does not say whether a length was given beside the chunks. A
		// proxy that went by it would take what follows for something else, so
		// nothing may follow (RFC 9112, 6.1).
		w.Header().Set("Connection", "close")
	}
	if r.Body == nil || r.Body == http.NoBody {
		return out, func() {}
	}
	b := &slowBody{ReadCloser: r.Body, w: out}
	r.Body = b
	return out, func() {
		if b.free != nil {
			b.free()
		}
		if !b.ended {
			_ = out.conn.SetReadDeadline(time.Now().Add(p.rest))
		}
	}
}

// Read reads the body. The deadline goes when the body ends: from then on the
// server itself reads the connection, to see whether the client hangs up.
func (b *slowBody) Read(p []byte) (int, error) {
	start := time.Now()
	_ = b.w.conn.SetReadDeadline(b.deadline(start))
	n, err := b.ReadCloser.Read(p)
	b.came, b.waited = b.came+int64(n), b.waited+time.Since(start)
	switch {
	case errors.Is(err, io.EOF):
		b.ended = true
		_ = b.w.conn.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.w.Header().Set("Connection", "close") // what comes late is no next request
		err = awserr.Wrap(err, http.StatusBadRequest, "RequestTimeout",
			"Your socket connection to the server was not read from or written to within the timeout period.")
	}
	return n, err
}

// deadline is when the next byte must be there.
func (b *slowBody) deadline(now time.Time) time.Time {
	wait := b.w.idle
	switch {
	case !b.until.IsZero():
		wait = min(wait, b.until.Sub(now))
	case b.w.pace > 0:
		earned := time.Duration(float64(b.came) / float64(b.w.pace) * float64(time.Second))
		wait = min(wait, b.w.idle+earned-b.waited)
	}
	return now.Add(wait)
}

// hurry bounds the whole body of a request.
func (p patience) hurry(r *http.Request) {
	if b, ok := r.Body.(*slowBody); ok {
		b.until = time.Now().Add(p.body)
	}
}
