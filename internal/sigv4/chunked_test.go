package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// upload is an S3 upload made by a client of our own, written apart from the
// code it tests.
type upload struct {
	mode     string
	chunks   []string
	trailers []string // "name:value"
}

func (u upload) request(t testing.TB) *http.Request {
	t.Helper()
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	length, names := 0, []string{}
	for _, c := range u.chunks {
		length += len(c)
	}
	for _, tr := range u.trailers {
		name, _, _ := strings.Cut(tr, ":")
		names = append(names, name)
	}
	headers := fmt.Sprintf("X-Amz-Decoded-Content-Length:%d", length)
	if len(names) > 0 {
		headers += "\nX-Amz-Trailer:" + strings.Join(names, ",")
	}
	r := docs.request(t, "PUT /b/k", headers, "", "", "")
	Sign(r, "AKID", "secret", "eu-west-1", "s3", u.mode, now)
	_, previous, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	mac := func(kind, rest string) string {
		key := []byte("AWS4secret")
		for _, part := range []string{"20260506", "eu-west-1", "s3", "aws4_request"} {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(part))
			key = h.Sum(nil)
		}
		h := hmac.New(sha256.New, key)
		fmt.Fprintf(h, "%s\n20260506T070809Z\n20260506/eu-west-1/s3/aws4_request\n%s\n%s", kind, previous, rest)
		previous = hex.EncodeToString(h.Sum(nil))
		return previous
	}
	signed := u.mode != streamingUnsigned
	var b strings.Builder
	for i, c := range append(u.chunks, "") {
		fmt.Fprintf(&b, "%x", len(c))
		if signed {
			fmt.Fprintf(&b, ";chunk-signature=%s", mac("AWS4-HMAC-SHA256-PAYLOAD", fmt.Sprintf("%s\n%x", emptySHA256, sha256.Sum256([]byte(c)))))
		}
		b.WriteString("\r\n" + c)
		if i < len(u.chunks) {
			b.WriteString("\r\n")
		}
	}
	for _, tr := range u.trailers {
		b.WriteString(tr + "\r\n")
	}
	if u.mode == streamingTrailer {
		fmt.Fprintf(&b, "x-amz-trailer-signature:%s\r\n", mac("AWS4-HMAC-SHA256-TRAILER", fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(u.trailers, "\n")+"\n")))))
	}
	b.WriteString("\r\n")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(b.String())), int64(b.Len())
	return r
}

func open(t testing.TB, r *http.Request) *Body {
	t.Helper()
	s, err := verify(r, "secret", time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return s.Body(r)
}

var (
	big    = strings.Repeat("0123456789abcdef", 1024)
	crc    = []string{"x-amz-checksum-crc32:AAAAAA=="}
	shapes = map[string]upload{
		"signed":           {streamingSigned, []string{big, big, "end"}, nil},
		"signed, one":      {streamingSigned, []string{"x"}, nil},
		"signed, empty":    {streamingSigned, nil, nil},
		"trailer":          {streamingTrailer, []string{big, "end"}, crc},
		"trailer, empty":   {streamingTrailer, nil, crc},
		"trailers":         {streamingTrailer, []string{big}, []string{"x-amz-checksum-sha256:x", "x-amz-meta-late:y"}},
		"unsigned":         {streamingUnsigned, []string{big, big}, crc},
		"unsigned, empty":  {streamingUnsigned, nil, crc},
		"unsigned, no crc": {streamingUnsigned, []string{big}, nil},
	}
)

// TestChunks reads every shape in every way: whole, byte by byte, in halves, and
// only as much as was announced.
func TestChunks(t *testing.T) {
	for name, u := range shapes {
		want := strings.Join(u.chunks, "")
		for way, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "data with EOF": iotest.DataErrReader,
		} {
			r := u.request(t)
			r.Body = io.NopCloser(wrap(r.Body))
			b := open(t, r)
			got, err := io.ReadAll(wrap(b))
			if err != nil || string(got) != want {
				t.Errorf("%s, %s: %d bytes, %v", name, way, len(got), err)
			}
			for _, tr := range u.trailers {
				n, v, _ := strings.Cut(tr, ":")
				if b.Trailer().Get(n) != v {
					t.Errorf("%s, %s: trailers %v", name, way, b.Trailer())
				}
			}
		}
		b := open(t, u.request(t))
		if _, err := io.ReadFull(b, make([]byte, b.Length)); err != nil || len(b.Trailer()) != len(u.trailers) && len(want) > 0 {
			t.Errorf("%s, as announced: %v, trailers %v", name, err, b.Trailer())
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestChunksTampered changes every single byte of signed bodies, and cuts them
// at every length: none may be read to its end, nor to its announced length.
// (White space and line breaks that mean the same are no change.)
func TestChunksTampered(t *testing.T) {
	small := upload{streamingTrailer, []string{"hello, world"}, crc}
	r := small.request(t)
	sent, _ := io.ReadAll(r.Body)
	read := func(body []byte) ([]byte, error) {
		r.Body = io.NopCloser(bytes.NewReader(body))
		b := open(t, r)
		got := make([]byte, b.Length)
		_, err := io.ReadFull(b, got)
		return got, err
	}
	if got, err := read(sent); err != nil || string(got) != "hello, world" {
		t.Fatalf("%q, %v", got, err)
	}
	for i := range sent {
		changed := bytes.Clone(sent)
		changed[i] ^= 1
		if _, err := read(changed); err == nil && sent[i] != '\r' && sent[i] != '\n' && !strings.EqualFold(string(sent), string(changed)) {
			t.Errorf("byte %d (%q of %q) may change", i, sent[i], sent[max(0, i-20):min(len(sent), i+20)])
		}
		if _, err := read(sent[:i]); err == nil && i < len(sent)-4 {
			t.Errorf("may be cut to %d bytes of %d", i, len(sent))
		}
	}
}

// TestChunksRefused lists bodies that are not what they should be.
func TestChunksRefused(t *testing.T) {
	swap := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(b), from, to, 1)))
		}
	}
	body := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(text)) }
	}
	signed, unsigned := upload{streamingSigned, []string{big, big}, nil}, upload{streamingUnsigned, []string{big}, crc}
	for _, tc := range []struct {
		name   string
		upload upload
		change func(*http.Request)
		want   string
	}{
		{"data", signed, swap("0123", "0124"), "SignatureDoesNotMatch 403"},
		{"signature", signed, swap("signature=", "signature=0"), "InvalidRequest 400"},
		{"no signature", signed, swap(";chunk-signature=", ";x="), "InvalidRequest 400"},
		{"chunks merged", signed, swap("4000;", "8000;"), "InvalidRequest 400"},
		{"size negative", signed, swap("4000;", "-4000;"), "InvalidRequest 400"},
		{"size signed", signed, swap("4000;", "+4000;"), "InvalidRequest 400"},
		{"size too large", signed, swap("4000;", "ffffffffffffffff;"), "InvalidRequest 400"},
		{"size empty", signed, swap("4000;", ";"), "InvalidRequest 400"},
		{"size beyond the length", signed, swap("4000;", "8001;"), "InvalidRequest 400"},
		{"ends early", signed, swap("4000;", "0;"), "IncompleteBody 400"},
		{"empty", signed, body(""), "IncompleteBody 400"},
		{"line without end", signed, body(strings.Repeat("0", 1<<20)), "InvalidRequest 400"},
		{"long line", signed, body(strings.Repeat("0", 2000) + "\r\n"), "InvalidRequest 400"},
		{"trailers where none are", signed, func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(b) + "x-amz-checksum-crc32:AAAAAA==\r\n"))
		}, "MalformedTrailerError 400"},
		{"small chunk before another", upload{streamingSigned, []string{"small", big}, nil}, func(*http.Request) {}, "InvalidChunkSizeError 403"},
		{"extension on unsigned", unsigned, swap("4000\r\n", "4000;a=b\r\n"), "InvalidRequest 400"},
		{"data longer than its chunk", unsigned, swap("4000\r\n", "3fff\r\n"), "InvalidRequest 400"},
		{"no line break after data", unsigned, swap("f\r\n0\r\n", "f0\r\n"), "InvalidRequest 400"},
		{"trailer not announced", unsigned, swap("crc32:", "crc64:"), "MalformedTrailerError 400"},
		{"trailer missing", unsigned, swap(crc[0]+"\r\n", ""), "MalformedTrailerError 400"},
		{"trailer twice", unsigned, swap(crc[0], crc[0]+"\r\n"+crc[0]), "MalformedTrailerError 400"},
		{"trailer is no header", unsigned, swap("crc32:", "crc32"), "MalformedTrailerError 400"},
		{"trailers too long", unsigned, swap("AAAAAA==", strings.Repeat("A", 20<<10)), "MalformedTrailerError 400"},
		{"many trailers", unsigned, swap(crc[0], strings.Repeat("\r\n", 20<<10)), "MalformedTrailerError 400"},
		{"trailer's signature gone", upload{streamingTrailer, []string{big}, crc}, swap("x-amz-trailer-signature", "x-amz-checksum-crc32c"), "MalformedTrailerError 400"},
		{"trailer changed", upload{streamingTrailer, []string{big}, crc}, swap("AAAAAA==", "AAAAAB=="), "SignatureDoesNotMatch 403"},
		{"after the trailer's signature", upload{streamingTrailer, []string{big}, crc}, func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(b) + "x-amz-meta-x:1\r\n"))
		}, "MalformedTrailerError 400"},
		{"connection lost", unsigned, func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, 100), iotest.ErrReader(io.ErrUnexpectedEOF)))
		}, "IncompleteBody 400"},
		{"other trouble", unsigned, func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, 100), iotest.ErrReader(errors.New("disk on fire"))))
		}, "InternalFailure 500"},
	} {
		r := tc.upload.request(t)
		tc.change(r)
		b := open(t, r)
		got, err := io.ReadAll(b)
		if outcome(err) != tc.want {
			t.Errorf("%s: %s, want %s (%v)", tc.name, outcome(err), tc.want, err)
		}
		if int64(len(got)) >= b.Length {
			t.Errorf("%s: all %d bytes were handed out", tc.name, len(got))
		}
		if _, again := b.Read(make([]byte, 1)); again == nil || errors.Is(again, io.EOF) {
			t.Errorf("%s: reading on gives %v", tc.name, again)
		}
	}
}

// TestBodyUnsigned reads the bodies of calls without a signature.
func TestBodyUnsigned(t *testing.T) {
	var none *Request
	for _, tc := range []struct{ headers, body, want string }{
		{"", "hello", "ok"},
		{"X-Amz-Content-Sha256:" + UnsignedPayload, "hello", "ok"},
		{"X-Amz-Content-Sha256:" + streamingUnsigned + "\nX-Amz-Decoded-Content-Length:5", "5\r\nhello\r\n0\r\n\r\n", "ok"},
		{"X-Amz-Content-Sha256:" + streamingUnsigned, "5\r\nhello\r\n0\r\n\r\n", "MissingContentLength 411"},
		{"X-Amz-Content-Sha256:" + streamingSigned + "\nX-Amz-Decoded-Content-Length:5", "", "InvalidRequest 400"},
		{"X-Amz-Content-Sha256:STREAMING-X\nX-Amz-Decoded-Content-Length:5", "", "InvalidArgument 400"},
	} {
		r := docs.request(t, "PUT /k", tc.headers, tc.body, "", "")
		got, err := io.ReadAll(none.Body(r))
		if outcome(err) != tc.want || err == nil && string(got) != "hello" {
			t.Errorf("%s: %q, %v", tc.headers, got, err)
		}
	}
	r := &http.Request{Header: http.Header{}}
	if got, err := io.ReadAll(none.Body(r)); err != nil || len(got) != 0 {
		t.Errorf("no body: %q, %v", got, err)
	}
	signed := shapes["signed"].request(t)
	s, err := Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(s.Body(signed)); err == nil || !strings.Contains(err.Error(), "not verified") {
		t.Errorf("a signed body was read before the request was verified: %v", err)
	}
}

// TestRawTampered shows that the last byte of a raw body is kept back until the
// rest is true.
func TestRawTampered(t *testing.T) {
	r := shapes["trailer"].request(t)
	sent, _ := io.ReadAll(r.Body)
	changed := bytes.Replace(sent, []byte("AAAAAA=="), []byte("AAAAAB=="), 1)
	r.Body = io.NopCloser(bytes.NewReader(changed))
	s, err := verify(r, "secret", time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(s.RawBody(r))
	if outcome(err) != "SignatureDoesNotMatch 403" || len(got) >= len(sent) {
		t.Errorf("%d bytes of %d, %v", len(got), len(sent), err)
	}
}
