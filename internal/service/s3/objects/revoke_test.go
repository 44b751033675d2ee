package objects

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// A write whose caller has gone before its body was read to the end changes nothing,
// though every byte of the body came.
func TestGivenUp(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	put(t, s, "bucket", "k", "before")
	for _, size := range []int{1, tail, 100 << 10} {
		for _, framing := range []bool{false, true} {
			ctx, cancel := context.WithCancel(t.Context())
			text := strings.Repeat("x", size)
			body := &ending{Reader: strings.NewReader(text), end: cancel}
			r := &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Body: body, Length: int64(size)}
			if framing {
				sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
				trailer := http.Header{"X-Amz-Checksum-Crc32": {base64.StdEncoding.EncodeToString(sum)}}
				r.Body = Frame(body, func() http.Header { return trailer })
				r.Length, r.PayloadHash = -1, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
				r.Header = http.Header{"X-Amz-Trailer": {"x-amz-checksum-crc32"}, "X-Amz-Decoded-Content-Length": {strconv.Itoa(size)}}
			}
			if _, err := s.Ask(ctx, r); !errors.Is(err, context.Canceled) {
				t.Errorf("%d bytes, framed %v: %v", size, framing, err)
			}
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Ask(gone, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k"}); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	if err := s.Close(); err != nil { // waits for what goes on in the store
		t.Error(err)
	}
	s = openStore(t, dir)
	defer s.Close()
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body != "before" {
		t.Errorf("the object is now %d bytes", len(body))
	}
}

// A write whose caller goes while it is under way is waited for, and its caller told
// what became of it: no object appears of which it is recorded that it failed.
func TestAwaited(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	full := errors.New("the disk is full")
	for _, c := range []struct {
		key  string
		fail error
	}{{"kept", nil}, {"refused", full}} {
		ctx, cancel := context.WithCancel(t.Context())
		s.backing.stage = func(*os.File) error { cancel(); return c.fail }
		_, err := s.Ask(ctx, &Request{Method: http.MethodPut, Bucket: "bucket", Key: c.key, Body: strings.NewReader("text"), Length: 4})
		if errors.Is(err, context.Canceled) || (err == nil) != (c.fail == nil) {
			t.Errorf("%s: %v", c.key, err)
		}
		want := http.StatusOK
		if c.fail != nil {
			want = http.StatusNotFound
		}
		if code, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: c.key}); code != want {
			t.Errorf("%s is answered %d: %s", c.key, code, body)
		}
	}
}

// ending calls end when its end is read.
type ending struct {
	io.Reader
	end func()
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		e.end()
	}
	return n, err
}
