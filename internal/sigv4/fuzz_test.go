package sigv4

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzParse shows that no request makes Parse or Verify panic, that nothing is
// verified with a secret that did not sign it, and that what Sign signs is.
func FuzzParse(f *testing.F) {
	f.Add("GET", "/a/../b?x=1&y", "AWS4-HMAC-SHA256 Credential=AKID/20260506/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature="+emptySHA256, "20260506T070809Z", UnsignedPayload)
	f.Add("POST", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260506%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=20260506T070809Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature="+emptySHA256, "", "", "")
	f.Add("PUT", "/%zz?%zz=%", "AWS4-HMAC-SHA256 Credential=a", "x", streamingSigned)
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	f.Fuzz(func(t *testing.T, method, uri, auth, date, hash string) {
		path, query, _ := strings.Cut(uri, "?")
		r := &http.Request{Method: method, Host: "h", RequestURI: uri, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		r.Header.Set("X-Amz-Date", date)
		r.Header.Set("X-Amz-Content-Sha256", hash)
		if s, err := verify(r, "secret", now); err == nil {
			t.Fatalf("verified: %+v", s)
		}
		if authQuery(query) != nil {
			return
		}
		r.Header.Del("Authorization")
		Sign(r, "AKID", "secret", "eu-west-1", "s3", UnsignedPayload, now)
		if _, err := verify(r, "secret", now); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzChunks feeds the chunk reader bodies that no one signed: it must end, give
// no more than was announced, and say the same of the raw body.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"), int64(5), false)
	f.Add([]byte("0;chunk-signature="+emptySHA256+"\r\n\r\n"), int64(0), true)
	f.Add([]byte("fffffffffffffff\r\n"), int64(1<<60), false)
	f.Fuzz(func(t *testing.T, sent []byte, length int64, signed bool) {
		r := &http.Request{Method: "PUT", Header: http.Header{}, ContentLength: int64(len(sent))}
		r.Header.Set("X-Amz-Decoded-Content-Length", itoa(length))
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		s := &Request{PayloadHash: streamingUnsigned}
		if signed {
			s = &Request{PayloadHash: streamingTrailer, key: []byte("key")}
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		got, err := io.ReadAll(s.Body(r))
		if int64(len(got)) > max(length, 0) || (err == nil && (signed || int64(len(got)) != length)) {
			t.Fatalf("%d bytes of %d, %v", len(got), length, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		raw, rawErr := io.ReadAll(s.RawBody(r))
		if (err == nil) != (rawErr == nil) || err == nil && !bytes.Equal(raw, sent) || err != nil && len(raw) >= max(1, len(sent)) {
			t.Fatalf("raw: %d bytes of %d, %v; decoded: %v", len(raw), len(sent), rawErr, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	now, keys := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC), NewKeys(16)
	for _, service := range []string{"s3", "logs"} {
		b.Run(service, func(b *testing.B) {
			r := docs.request(b, "PUT /bucket/AWSLogs/111122223333/CloudTrail/x.json.gz?x-id=PutObject", "X-Amz-Meta-A:1\nContent-Type:application/gzip", "", "", "")
			Sign(r, "AKID", "secret", "eu-west-1", service, emptySHA256, now)
			r.Body = http.NoBody
			b.ReportAllocs()
			for b.Loop() {
				s, err := Parse(r)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.VerifyWith(keys, r, "secret", now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("key", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			deriveKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", suite.scope)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	for _, name := range []string{"signed", "unsigned"} {
		b.Run(name, func(b *testing.B) {
			u := shapes[name]
			u.chunks = []string{strings.Repeat(big, 64), strings.Repeat(big, 64)}
			r := u.request(b)
			sent, _ := io.ReadAll(r.Body)
			b.SetBytes(int64(len(sent)))
			b.ReportAllocs()
			buf := make([]byte, 64<<10)
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(sent))
				body := open(b, r)
				for {
					if _, err := body.Read(buf); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// TestVerifyAllocates bounds the garbage of a verified call.
func TestVerifyAllocates(t *testing.T) {
	r := docs.request(t, "GET /bucket/key?list-type=2&prefix=a", "", "", "", "")
	Sign(r, "AKID", "secret", "eu-west-1", "s3", emptySHA256, docs.now)
	r.Body = http.NoBody
	keys := NewKeys(16)
	n := testing.AllocsPerRun(100, func() {
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.VerifyWith(keys, r, "secret", docs.now); err != nil {
			t.Fatal(err)
		}
	})
	if n > 20 {
		t.Errorf("%v allocations", n)
	}
}
