package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
	"cairn/internal/sigv4"
)

// counter counts the bytes a client sent. The HTTP client reads in a goroutine
// that can outlive the answer.
type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	if _, told := errors.AsType[*awserr.Error](err); err != nil && !told && !errors.Is(err, io.EOF) {
		err = timeout(err) // what cannot be read from a client is not our failure
	}
	return n, err
}

// timeout is the error of a call whose client went away or fell silent.
func timeout(cause error) error {
	return awserr.Wrap(cause, http.StatusBadRequest, "RequestTimeout",
		"Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.")
}

// body is a request's body, decoded and checked against its signature while it
// is read.
type body struct {
	io.Reader
	length int64 // -1 if unknown
	// trailer returns the headers that follow the body, once it is read; nil
	// if none were announced.
	trailer func() http.Header
}

// open returns the body of the request. The gateway put a verifying reader in
// place of a signed request's body; an unsigned one is opened here.
func (in *Input) open(c *call.Call) *body {
	b := &body{Reader: bytes.NewReader(in.Body), length: int64(len(in.Body))}
	if c.HTTP != nil {
		verified, ok := c.HTTP.Body.(*sigv4.Body)
		if !ok {
			verified = (*sigv4.Request)(nil).Body(c.HTTP)
		}
		b.Reader, b.length = verified, verified.Length
		if in.Header.Get("X-Amz-Trailer") != "" && strings.HasPrefix(in.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
			b.trailer = verified.Trailer
		}
	}
	in.read = &counter{Reader: b.Reader}
	b.Reader = in.read
	return b
}

// frame returns the body with its framing, and the headers that announce it.
func (b *body) frame(in *Input, h http.Header) io.Reader {
	h.Set("Content-Encoding", strings.TrimSuffix("aws-chunked,"+h.Get("Content-Encoding"), ","))
	h.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(b.length, 10))
	h.Set("X-Amz-Trailer", in.Header.Get("X-Amz-Trailer"))
	return objects.Frame(b, b.trailer)
}

// readAll reads a small body whole and checks the checksums sent with it.
func (in *Input) readAll(c *call.Call, limit int64) ([]byte, error) {
	b := in.open(c)
	data, err := io.ReadAll(io.LimitReader(b, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the request's body: %w", err)
	case int64(len(data)) > limit:
		return nil, awserr.New(http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too big: at most %d bytes.", limit)
	}
	h := in.Header.Clone()
	if in.sub == "uploadId" {
		return data, nil // the checksums of CompleteMultipartUpload are the object's
	}
	if b.trailer != nil {
		maps.Copy(h, b.trailer())
	}
	return data, config.CheckSums(data, h)
}

// readDocument reads the XML document of the given root.
func (in *Input) readDocument(c *call.Call, root string) (*config.Node, error) {
	data, err := in.readAll(c, config.MaxDocument)
	if err != nil {
		return nil, err
	}
	if in.doc, err = config.Read(root, data); err != nil {
		return nil, err
	}
	return in.doc, nil
}
