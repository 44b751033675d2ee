package s3

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // Content-MD5 is S3's
	"crypto/sha1" //nolint:gosec // x-amz-checksum-sha1 is S3's
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
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
	return n, err
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

// framed frames a body as aws-chunked again, unsigned, with its trailers at
// the end, so that the object store checks and keeps the trailing checksum.
type framed struct {
	body  *body
	chunk []byte
	out   bytes.Buffer
	err   error
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
		for name, values := range f.body.trailer() {
			fmt.Fprintf(&f.out, "%s:%s\r\n", strings.ToLower(name), strings.Join(values, ","))
		}
		f.out.WriteString("\r\n")
	}
	if f.out.Len() > 0 {
		return f.out.Read(p)
	}
	return 0, f.err
}

// frame returns the body with its framing, and the headers that announce it.
func (b *body) frame(in *Input, h http.Header) io.Reader {
	h.Set("Content-Encoding", strings.TrimSuffix("aws-chunked,"+h.Get("Content-Encoding"), ","))
	h.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(b.length, 10))
	h.Set("X-Amz-Trailer", in.Header.Get("X-Amz-Trailer"))
	return &framed{body: b, chunk: make([]byte, 64<<10)}
}

// readAll reads a small body whole and checks the checksums sent with it.
func (in *Input) readAll(_ context.Context, c *call.Call, limit int64) ([]byte, error) {
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
		for name, values := range b.trailer() {
			h[name] = values
		}
	}
	return data, checkSums(data, h)
}

// checkSums compares a body with the checksums of its headers. Algorithms that
// are not known here are left alone: the body is covered by its signature.
func checkSums(data []byte, h http.Header) error {
	for name, sum := range map[string]func() hash.Hash{
		"Content-Md5": md5.New, "X-Amz-Checksum-Sha1": sha1.New, "X-Amz-Checksum-Sha256": sha256.New,
		"X-Amz-Checksum-Crc32":     func() hash.Hash { return crc32.NewIEEE() },
		"X-Amz-Checksum-Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"X-Amz-Checksum-Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	} {
		want := h.Get(name)
		if want == "" {
			continue
		}
		hasher := sum()
		hasher.Write(data)
		if got := base64.StdEncoding.EncodeToString(hasher.Sum(nil)); got != want {
			return awserr.New(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", name)
		}
	}
	return nil
}

// readDocument reads the XML document of the given root.
func (in *Input) readDocument(ctx context.Context, c *call.Call, root string) (*config.Node, error) {
	data, err := in.readAll(ctx, c, config.MaxDocument)
	if err != nil {
		return nil, err
	}
	if in.doc, err = config.Read(root, data); err != nil {
		return nil, err
	}
	return in.doc, nil
}
