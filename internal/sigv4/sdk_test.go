package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// pick makes random requests out of awkward parts.
type pick struct{ *rand.Rand }

func (p pick) of(list ...string) string { return list[p.IntN(len(list))] }

func (p pick) text() string {
	const letters = "abcXYZ019-._~ +%/*()!'&=?;:@,$#ሴé\"<>"
	runes := []rune(letters)
	var b strings.Builder
	for range p.IntN(12) {
		b.WriteRune(runes[p.IntN(len(runes))])
	}
	return b.String()
}

func (p pick) request(service string) (*http.Request, string) {
	var path strings.Builder
	path.WriteByte('/')
	if service == "s3" || p.IntN(3) == 0 {
		for range p.IntN(4) {
			path.WriteString(p.text() + p.of("/", ""))
		}
	}
	r := httptest.NewRequest(p.of("GET", "PUT", "POST", "DELETE"), "http://"+p.of("example.com", "b.s3.amazonaws.com:8080")+"/", nil)
	r.URL.Path = path.String()
	q := r.URL.Query()
	for range p.IntN(4) {
		q.Add(p.text()+"k", p.text())
	}
	r.URL.RawQuery = q.Encode()
	for range p.IntN(4) {
		r.Header.Add("X-Amz-Meta-"+p.of("a", "b", "c"), strings.TrimSpace(p.of("  v  w  ", "x\ty", "", "é", p.of("1", "2"))))
	}
	if p.IntN(2) == 0 {
		r.Header.Set("Content-Type", p.of("text/plain; charset=utf-8", "application/x-amz-json-1.1"))
	}
	body := p.text()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	sum := sha256.Sum256([]byte(body))
	return r, hex.EncodeToString(sum[:])
}

// over sends a request through its wire form and returns what a server makes
// of it.
func over(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	r.RequestURI = ""
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := httpReadRequest(&wire)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAgainstSDKSigner checks that what the SDK signs is verified, in header
// and query, for S3 and for other services, and that a second secret is not.
func TestAgainstSDKSigner(t *testing.T) {
	p := pick{rand.New(rand.NewPCG(1, 2))}
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for i := range 4000 {
		service := p.of("s3", "s3", "cloudtrail", "logs", "iam", "sts", "ec2")
		r, hash := p.request(service)
		credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret/" + p.text(), SessionToken: p.of("", "", "token+/=")}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		if service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		if i%2 == 0 {
			if err := signer.SignHTTP(t.Context(), credentials, r, hash, service, "eu-west-1", now); err != nil {
				t.Fatal(err)
			}
		} else {
			q := r.URL.Query()
			q.Set("X-Amz-Expires", "900")
			r.URL.RawQuery = q.Encode()
			uri, header, err := signer.PresignHTTP(t.Context(), credentials, r, hash, service, "eu-west-1", now)
			if err != nil {
				t.Fatal(err)
			}
			if r.URL, err = url.Parse(uri); err != nil {
				t.Fatal(err)
			}
			// What was hoisted into the query is not sent again.
			r.Header = header
		}
		got := over(t, r)
		s, err := verify(got, credentials.SecretAccessKey, now.Add(time.Minute))
		if err != nil {
			t.Fatalf("request %d, %s %s for %s: %v", i, r.Method, r.URL, service, err)
		}
		if s.Presigned != (i%2 == 1) || s.SessionToken != credentials.SessionToken || s.Service != service {
			t.Errorf("request %d: %+v", i, s)
		}
		if _, err := io.Copy(io.Discard, s.Body(got)); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		if _, err := verify(got, credentials.SecretAccessKey+"x", now); err == nil {
			t.Errorf("request %d: verified with another secret", i)
		}
	}
}

// TestSign checks our own signer against our verifier and the SDK's signer.
func TestSign(t *testing.T) {
	p := pick{rand.New(rand.NewPCG(3, 4))}
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for range 500 {
		r, hash := p.request("s3")
		other := r.Clone(t.Context())
		other.Header.Set("X-Amz-Content-Sha256", hash)
		other.ContentLength = 0 // the SDK would sign it
		Sign(r, "AKID", "secret", "eu-west-1", "s3", hash, now)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		if err := signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, other, hash, "s3", "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		if got, want := r.Header.Get("Authorization"), other.Header.Get("Authorization"); got != want {
			t.Fatalf("%s\ngot  %s\nwant %s", r.URL, got, want)
		}
		if _, err := verify(over(t, r), "secret", now); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSDKClient uploads with the SDK's S3 client: over TLS, where it sends the
// checksum as a trailer, and without, where it signs the hash of the body.
func TestSDKClient(t *testing.T) {
	type upload struct {
		mode, body, trailer string
		err                 error
	}
	var got upload
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := verify(r, "secret", time.Now())
		got = upload{err: err}
		if err == nil {
			b := s.Body(r)
			all, err := io.ReadAll(b)
			got = upload{s.PayloadHash, string(all), b.Trailer().Get("X-Amz-Checksum-Crc32"), err}
		}
		if got.err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	plain, tls := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer tls.Close()
	long := strings.Repeat("0123456789", 30_000)
	sum := sha256.Sum256([]byte(long))
	for _, tc := range []struct {
		server *httptest.Server
		body   io.Reader
		want   upload
	}{
		{tls, strings.NewReader("hello"), upload{streamingUnsigned, "hello", "NhCmhg==", nil}},
		{tls, strings.NewReader(""), upload{UnsignedPayload, "", "", nil}},
		{tls, strings.NewReader(long), upload{streamingUnsigned, long, "gDv4OQ==", nil}},
		{plain, strings.NewReader(long), upload{hex.EncodeToString(sum[:]), long, "", nil}},
	} {
		client := s3.New(s3.Options{
			Region: "eu-west-1", BaseEndpoint: &tc.server.URL, UsePathStyle: true, HTTPClient: tc.server.Client(), RetryMaxAttempts: 1,
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
			Credentials:                credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		})
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String("b"), Key: aws.String("a key/+é"), Body: tc.body, Metadata: map[string]string{"a": "b  c"}, ACL: types.ObjectCannedACLPrivate,
		})
		if err != nil || got.err != nil {
			t.Fatalf("%v, %v", err, got.err)
		}
		if got.mode != tc.want.mode || got.body != tc.want.body || (len(got.body) < 100 && got.trailer != tc.want.trailer) || (got.trailer == "") != (tc.want.trailer == "") {
			t.Errorf("got %.200v, want %.200v", fmt.Sprint(got), fmt.Sprint(tc.want))
		}
	}
	presign(t, plain, &got.err)
}

// presign fetches with a URL the SDK presigned.
func presign(t *testing.T, server *httptest.Server, failed *error) {
	client := s3.NewPresignClient(s3.New(s3.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "token"),
	}))
	p, err := client.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("a key/+é")})
	if err != nil {
		t.Fatal(err)
	}
	*failed = nil
	resp, err := server.Client().Get(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if *failed != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %v", p.URL, *failed)
	}
}
