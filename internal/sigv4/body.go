package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Body is the body of an S3 request, checked while it is read. The last bytes
// are handed out only after the whole was found true, so a reader that stops
// at the announced length cannot be fed a false body: it sees an error
// instead. What was read before an error must be thrown away.
//
// Errors are *awserr.Error: XAmzContentSHA256Mismatch, SignatureDoesNotMatch,
// IncompleteBody, InvalidChunkSizeError, MalformedTrailerError.
type Body struct {
	// Length is the number of bytes Read will deliver; -1 if not known.
	Length int64

	reader  io.Reader
	closer  io.Closer
	trailer http.Header
}

// Read reads the body's bytes.
func (b *Body) Read(p []byte) (int, error) { return b.reader.Read(p) }

// Close closes the request's body.
func (b *Body) Close() error { return b.closer.Close() }

// Trailer returns the headers that followed the body, such as
// X-Amz-Checksum-Crc32. It is complete once Read returned io.EOF, or delivered
// the last of Length bytes. Only those announced in x-amz-trailer are taken.
func (b *Body) Trailer() http.Header { return b.trailer }

// Body returns the bytes the caller sent, without the framing of aws-chunked
// bodies. For a signed request Verify must have succeeded; a nil Request
// stands for a call without a signature, which can announce a plain body or an
// unsigned one with trailers. A body announced in a way that cannot be read
// gives its error at the first Read.
func (s *Request) Body(r *http.Request) *Body { return s.open(r, false) }

// RawBody returns the body exactly as it was sent, framing included, with the
// same checks and trailers as Body. It is for handing an unsigned aws-chunked
// body on to a server that reads the framing itself.
func (s *Request) RawBody(r *http.Request) *Body { return s.open(r, true) }

func (s *Request) open(r *http.Request, raw bool) *Body {
	source := r.Body
	if source == nil {
		source = http.NoBody
	}
	b := &Body{Length: r.ContentLength, reader: source, closer: source}
	mode := r.Header.Get("X-Amz-Content-Sha256")
	if s != nil {
		mode = s.PayloadHash
	}
	switch {
	case strings.HasPrefix(mode, "STREAMING-"):
		if err := b.openChunks(s, r, mode, raw); err != nil {
			b.reader = failed{err}
		}
	case s != nil && isHexSHA256(mode):
		b.reader = &hashReader{source: source, hash: sha256.New(), want: mode, left: r.ContentLength}
	}
	return b
}

// failed is a body that cannot be read at all.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

func (b *Body) openChunks(s *Request, r *http.Request, mode string, raw bool) error {
	announced := r.Header.Get("X-Amz-Decoded-Content-Length")
	length, err := strconv.ParseInt(announced, 10, 64)
	if err != nil || length < 0 {
		return errMissingLength()
	}
	b.trailer = http.Header{}
	c := &chunkReader{left: length, trailer: b.trailer, announced: trailerNames(r)}
	source := b.reader
	if raw {
		tee := &rawReader{chunks: c}
		b.reader, source = tee, io.TeeReader(source, &tee.sent)
	} else {
		b.reader, b.Length = c, length
	}
	c.source = newLines(source)
	switch {
	case mode == streamingUnsigned:
		c.trailers = true
	case mode != streamingSigned && mode != streamingTrailer:
		return errBadPayloadHash(mode)
	case s == nil:
		return s3Error(http.StatusBadRequest, "InvalidRequest",
			"Anonymous requests don't support this x-amz-content-sha256 value. Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER.")
	case s.key == nil:
		return errors.New("read a signed body: the request was not verified")
	default:
		c.trailers = mode == streamingTrailer
		c.chain = &chain{key: s.key, date: s.Date, scope: s.scope, previous: s.signature, keyID: s.AccessKeyID, hash: sha256.New()}
	}
	return nil
}

// trailerNames returns the headers announced in x-amz-trailer.
func trailerNames(r *http.Request) map[string]bool {
	names := map[string]bool{}
	for _, v := range r.Header.Values("X-Amz-Trailer") {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
				names[name] = true
			}
		}
	}
	return names
}

// hashReader passes bytes on and compares their SHA-256 with the one signed
// before it hands out the last of them.
type hashReader struct {
	source io.Reader
	hash   hash.Hash
	want   string
	left   int64 // bytes to come; negative if not known
	done   bool  // compared, and equal
	err    error
}

func (h *hashReader) Read(p []byte) (int, error) {
	if h.err != nil || len(p) == 0 {
		return 0, h.err
	}
	n, err := h.source.Read(p)
	h.hash.Write(p[:n])
	if h.left >= 0 {
		h.left = max(0, h.left-int64(n))
	}
	switch {
	case errors.Is(err, io.EOF) && h.left > 0, errors.Is(err, io.ErrUnexpectedEOF):
		err = errIncompleteBody()
	case errors.Is(err, io.EOF) || err == nil && h.left == 0:
		if !h.done || n > 0 {
			if got := hex.EncodeToString(h.hash.Sum(nil)); got != h.want {
				err = errContentMismatch(h.want, got)
			}
			h.done = true
		}
	}
	h.err = err
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return n, err
}

// rawReader hands out what a chunkReader consumes. It keeps the last byte back
// until the chunks were found true.
type rawReader struct {
	chunks *chunkReader
	sent   bytes.Buffer
	err    error
}

func (t *rawReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var scratch [16 << 10]byte
	for t.err == nil && t.sent.Len() <= 1 {
		_, t.err = t.chunks.Read(scratch[:])
	}
	keep := 1
	if t.err != nil {
		if keep = 0; !errors.Is(t.err, io.EOF) || t.sent.Len() == 0 {
			return 0, t.err
		}
	}
	return t.sent.Read(p[:min(len(p), t.sent.Len()-keep)])
}
