package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds on the framing of aws-chunked bodies, in bytes. Data needs no bound
// beyond the announced length: it is passed on, not kept.
const (
	maxChunkLine = 1 << 10
	maxTrailers  = 16 << 10
	// minChunk is the smallest chunk but the last ("Transferring payload in
	// multiple chunks", Amazon S3 API Reference).
	minChunk = 8 << 10
)

// chunkReader decodes an aws-chunked body:
//
//	HEX-SIZE[;chunk-signature=SIG] CRLF DATA CRLF ... 0[;chunk-signature=SIG] CRLF
//	[NAME:VALUE CRLF ...] [x-amz-trailer-signature:SIG CRLF] CRLF
//
// Each chunk's signature covers the one before, beginning with the request's
// own, so no chunk can be left out, moved or repeated.
type chunkReader struct {
	source   lines
	left     int64 // data still to come, by x-amz-decoded-content-length
	chunk    int64 // data still to come of this chunk
	count    int   // chunks begun
	small    int64 // size of the last chunk, if it was smaller than minChunk
	trailers bool  // trailers follow the last chunk
	done     bool
	err      error

	chain     *chain // nil if the chunks are not signed
	announced map[string]bool
	trailer   http.Header
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.read(p)
	if err == nil && c.left == 0 && !c.done {
		err = c.finish() // before the last bytes are handed out
	}
	if err == nil && c.done && n == 0 && len(p) > 0 {
		err = io.EOF
	}
	c.err = err
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return n, err
}

// read reads data of the current chunk, or begins the next one.
func (c *chunkReader) read(p []byte) (int, error) {
	if c.done || c.left == 0 || len(p) == 0 {
		return 0, nil
	}
	if c.chunk == 0 {
		if err := c.begin(); err != nil {
			return 0, err
		}
		if c.chunk == 0 { // the last chunk, although data was announced
			return 0, errIncompleteBody()
		}
	}
	n, err := c.source.Read(p[:min(int64(len(p)), c.chunk)])
	if err != nil {
		return 0, incomplete(err)
	}
	c.chunk -= int64(n)
	c.left -= int64(n)
	if c.chain != nil {
		c.chain.hash.Write(p[:n])
	}
	if c.chunk == 0 {
		return n, c.end()
	}
	return n, nil
}

// begin reads a chunk's first line.
func (c *chunkReader) begin() error {
	line, err := c.source.line(maxChunkLine)
	switch {
	case errors.Is(err, errLongLine):
		return errChunk("chunk %d begins with a line that is no chunk header", c.count+1)
	case err != nil:
		return incomplete(err)
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(size, 16, 64)
	if err != nil || n < 0 || size[0] == '+' || size[0] == '-' {
		return errChunk("chunk %d begins with a line that is no chunk header", c.count+1)
	}
	c.count++
	switch {
	case n > c.left:
		return errChunk("chunk %d is larger than what is left of x-amz-decoded-content-length", c.count)
	case n > 0 && c.small > 0:
		return errChunkSize(c.count-1, c.small)
	case n > 0 && n < minChunk:
		c.small = n
	}
	c.chunk = n
	switch {
	case c.chain == nil && extension != "":
		return errChunk("chunk %d has an extension, although the body is not signed", c.count)
	case c.chain != nil:
		signature, ok := strings.CutPrefix(extension, "chunk-signature=")
		if !ok || !isHexSHA256(signature) {
			return errChunk("chunk %d has no signature", c.count)
		}
		c.chain.next = signature
	}
	return nil
}

// end reads the line break behind a chunk's data and checks its signature.
func (c *chunkReader) end() error {
	switch line, err := c.source.line(0); {
	case errors.Is(err, errLongLine), err == nil && line != "":
		return errChunk("chunk %d is longer than it says", c.count)
	case err != nil:
		return incomplete(err)
	}
	if c.chain == nil {
		return nil
	}
	return c.chain.verifyChunk()
}

// finish reads the last, empty chunk and what follows it.
func (c *chunkReader) finish() error {
	c.done = true
	if err := c.begin(); err != nil {
		return err
	}
	if c.chain != nil {
		if err := c.chain.verifyChunk(); err != nil {
			return err
		}
	}
	signed, signature, err := c.readTrailers()
	if err != nil {
		return err
	}
	if c.chain != nil && c.trailers {
		return c.chain.verifyTrailer(signed, signature)
	}
	return nil
}

// readTrailers reads to the end of the body. It returns the trailers in the
// form that is signed, and their signature.
func (c *chunkReader) readTrailers() (signed []byte, signature string, err error) {
	for total := 0; ; {
		line, err := c.source.line(maxTrailers)
		if errors.Is(err, io.EOF) {
			return signed, signature, c.missingTrailers()
		}
		if errors.Is(err, errLongLine) {
			return nil, "", errTrailer()
		}
		if err != nil {
			return nil, "", err
		}
		if total += len(line) + 2; total > maxTrailers {
			return nil, "", errTrailer()
		}
		if line == "" { // some clients write one more than others
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		switch {
		case !ok || !c.trailers || signature != "":
			return nil, "", errTrailer()
		case name == "x-amz-trailer-signature" && c.chain != nil:
			signature = value
			continue
		case !c.announced[name] || c.trailer.Get(name) != "":
			return nil, "", errTrailer()
		}
		c.trailer.Set(name, value)
		signed = append(append(append(append(signed, name...), ':'), value...), '\n')
	}
}

// missingTrailers refuses a body that lacks a trailer it announced.
func (c *chunkReader) missingTrailers() error {
	if !c.trailers {
		return nil
	}
	for name := range c.announced {
		if c.trailer.Get(name) == "" {
			return errTrailer()
		}
	}
	return nil
}

// chain is the chain of signatures over a body's chunks.
type chain struct {
	key      []byte
	date     time.Time
	scope    string
	keyID    string
	previous string    // the signature the next one covers
	next     string    // the signature the current chunk came with
	hash     hash.Hash // of the current chunk's data
}

func (c *chain) verifyChunk() error {
	var sum [sha256.Size]byte
	text := c.text("AWS4-HMAC-SHA256-PAYLOAD")
	text = append(text, emptySHA256+"\n"...)
	text = hex.AppendEncode(text, c.hash.Sum(sum[:0]))
	c.hash.Reset()
	return c.verify(text, c.next)
}

func (c *chain) verifyTrailer(signed []byte, signature string) error {
	sum := sha256.Sum256(signed)
	return c.verify(hex.AppendEncode(c.text("AWS4-HMAC-SHA256-TRAILER"), sum[:]), signature)
}

// text begins the text to sign: kind, date, scope and previous signature.
func (c *chain) text(kind string) []byte {
	b := append(make([]byte, 0, 384), kind...)
	b = append(b, '\n')
	b = c.date.AppendFormat(b, timeFormat)
	b = append(b, '\n')
	b = append(b, c.scope...)
	b = append(b, '\n')
	b = append(b, c.previous...)
	return append(b, '\n')
}

func (c *chain) verify(text []byte, signature string) error {
	mac := sign(c.key, text)
	var want [2 * sha256.Size]byte
	hex.Encode(want[:], mac[:])
	if subtle.ConstantTimeCompare(want[:], []byte(signature)) != 1 {
		return s3Error(http.StatusForbidden, "SignatureDoesNotMatch", textMismatchS3, "AWSAccessKeyId", c.keyID,
			"SignatureProvided", signature, "StringToSign", string(text), "StringToSignBytes", spaced(text))
	}
	c.previous = signature
	return nil
}

var errLongLine = errors.New("the line is too long")

// lines reads lines and data from one source.
type lines struct{ *bufio.Reader }

func newLines(r io.Reader) lines { return lines{bufio.NewReaderSize(r, maxTrailers+2)} }

// line returns the next line without its line break, which may be CRLF or LF.
// It returns io.EOF at the end of the source, errLongLine for a line of more
// than limit bytes, and AWS's IncompleteBody for one that is cut off.
func (l lines) line(limit int) (string, error) {
	b, err := l.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(b) == 0:
		return "", io.EOF
	case errors.Is(err, bufio.ErrBufferFull), err == nil && len(b) > limit+2:
		return "", errLongLine
	case err != nil:
		return "", incomplete(err)
	}
	return string(bytes.TrimSuffix(b[:len(b)-1], []byte("\r"))), nil
}

// incomplete turns the early end of a body into AWS's error; others pass.
func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errIncompleteBody()
	}
	return err
}
