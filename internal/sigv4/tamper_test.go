package sigv4

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
)

func httpReadRequest(b *bytes.Buffer) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(b))
}

// code returns the AWS code, status and text of an error.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	e := awserr.From(err)
	return strings.Join([]string{e.Code, itoa(int64(e.Status))}, " ")
}

// TestTamper changes each part of a signed request.
func TestTamper(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	auth := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		}
	}
	for _, tc := range []struct {
		name     string
		change   func(*http.Request)
		s3, json string
	}{
		{"nothing", func(*http.Request) {}, "ok", "ok"},
		{"method", func(r *http.Request) { r.Method = "DELETE" }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"path", func(r *http.Request) { r.RequestURI = "/b/other?x=1" }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"query value", func(r *http.Request) { r.URL.RawQuery = "x=2" }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"query added", func(r *http.Request) { r.URL.RawQuery = "x=1&acl" }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"query gone", func(r *http.Request) { r.URL.RawQuery = "" }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"host", func(r *http.Request) { r.Host = "evil" }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"signed header", set("X-Amz-Meta-A", "2"), "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"signed header twice", func(r *http.Request) { r.Header.Add("X-Amz-Meta-A", "2") }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"signed header gone", func(r *http.Request) { r.Header.Del("X-Amz-Meta-A") }, "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"header not signed", set("X-Amz-Acl", "public-read"), "AccessDenied 403", "InvalidSignatureException 400"},
		{"token added", set("X-Amz-Security-Token", "t"), "AccessDenied 403", "InvalidSignatureException 400"},
		{"other header", set("Accept", "x"), "ok", "ok"},
		{"date", set("X-Amz-Date", "20260506T070810Z"), "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"day", set("X-Amz-Date", "20260507T070809Z"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, "AccessDenied 403", "IncompleteSignatureException 400"},
		{"key id", auth("AKID/", "AKIE/"), "ok", "ok"}, // another key's secret would be looked up
		{"region", auth("eu-west-1", "eu-west-2"), "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"scope's date", auth("/20260506/", "/20260505/"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400"},
		{"scope's date is none", auth("/20260506/", "/today/"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400"},
		{"terminator", auth("aws4_request", "aws5_request"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400"},
		{"scope cut", auth("/eu-west-1", ""), "AuthorizationHeaderMalformed 400", "IncompleteSignatureException 400"},
		{"signed headers", auth(";x-amz-meta-a", ""), "AccessDenied 403", "InvalidSignatureException 400"},
		{"host not signed", auth("host;", ""), "AccessDenied 403", "InvalidSignatureException 400"},
		{"signature", auth("Signature=", "Signature=0"), "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"signature gone", auth("Signature=", "Sig="), "AuthorizationHeaderMalformed 400", "IncompleteSignatureException 400"},
		{"signature empty", func(r *http.Request) {
			a, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", a+"Signature=")
		}, "AuthorizationHeaderMalformed 400", "IncompleteSignatureException 400"},
		{"credential twice", auth("Credential=", "Credential=a/b, Credential="), "AuthorizationHeaderMalformed 400", "IncompleteSignatureException 400"},
		{"version 2", set("Authorization", "AWS AKID:sig"), "InvalidRequest 400", "IncompleteSignatureException 400"},
		{"basic", set("Authorization", "Basic QQ=="), "InvalidArgument 400", "IncompleteSignatureException 400"},
		{"two headers", func(r *http.Request) { r.Header.Add("Authorization", "x") }, "InvalidArgument 400", "IncompleteSignatureException 400"},
		{"header and query", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=0" }, "InvalidArgument 400", "IncompleteSignatureException 400"},
		{"body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("HELLO")) }, "XAmzContentSHA256Mismatch 400", "InvalidSignatureException 400"},
		{"body cut", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("hell")) }, "IncompleteBody 400", "InvalidSignatureException 400"},
		{"body longer", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("hello!")), -1 }, "XAmzContentSHA256Mismatch 400", "InvalidSignatureException 400"},
		{"payload hash", set("X-Amz-Content-Sha256", UnsignedPayload), "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"payload hash gone", func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, "InvalidRequest 400", "InvalidSignatureException 400"},
		{"payload hash is none", set("X-Amz-Content-Sha256", "x"), "InvalidArgument 400", "InvalidSignatureException 400"},
		{"other algorithm's stream", set("X-Amz-Content-Sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), "NotImplemented 501", "InvalidSignatureException 400"},
	} {
		for service, want := range map[string]string{"s3": tc.s3, "logs": tc.json} {
			r := docs.request(t, "PUT /b/key?x=1", "X-Amz-Meta-A:1", "hello", "", "")
			now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
			if service == "logs" {
				r.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
			}
			Sign(r, "AKID", "secret", "eu-west-1", service, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", now)
			tc.change(r)
			s, err := verify(r, "secret", now)
			if err == nil {
				_, err = io.Copy(io.Discard, s.Body(r))
			}
			if got := outcome(err); got != want {
				t.Errorf("%s, %s: %s, want %s (%v)", tc.name, service, got, want, err)
			}
		}
	}
}

// TestTamperPresigned changes each parameter of a presigned URL.
func TestTamperPresigned(t *testing.T) {
	const good = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	const bad = "AuthorizationQueryParametersError 400"
	for _, tc := range []struct{ from, to, want string }{
		{"", "", "ok"},
		{"Algorithm=AWS4", "Algorithm=AWS5", bad},
		{"%2Fs3%2F", "%2F", bad},
		{"aws4_request", "aws4", bad},
		{"us-east-1", "us-east-2", "SignatureDoesNotMatch 403"},
		{"X-Amz-Date=20130524T", "X-Amz-Date=20130523T", bad},
		{"Date=20130524T000000Z", "Date=20130524T000001Z", "SignatureDoesNotMatch 403"},
		{"Date=20130524T000000Z", "Date=yesterday", bad},
		{"=86400", "=86401", "SignatureDoesNotMatch 403"},
		{"=86400", "=0", bad},
		{"=86400", "=-1", bad},
		{"=86400", "=604801", bad},
		{"=86400", "=x", bad},
		{"X-Amz-Expires=86400&", "", bad},
		{"X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", bad},
		{"X-Amz-Date=", "X-Amz-Date=20130524T000000Z&X-Amz-Date=", bad},
		{"SignedHeaders=host", "SignedHeaders=range", "AccessDenied 403"},
		{"SignedHeaders=host", "SignedHeaders=host%3Brange", "SignatureDoesNotMatch 403"},
		{"Signature=a", "Signature=b", "SignatureDoesNotMatch 403"},
		{"Signature=a", "Signature=", "SignatureDoesNotMatch 403"},
		{"X-Amz-Algorithm", "response-content-type=x&X-Amz-Algorithm", "SignatureDoesNotMatch 403"},
		{"X-Amz-Algorithm", "X-Amz-Security-Token=x&X-Amz-Algorithm", "SignatureDoesNotMatch 403"},
		{good, "AWSAccessKeyId=AKID&Expires=1&Signature=x", "InvalidRequest 400"},
	} {
		r := docs.request(t, "GET /test.txt?"+strings.Replace(good, tc.from, tc.to, 1), "", "", "", "")
		_, err := verify(r, docs.secret, docs.now.Add(time.Hour))
		if got := outcome(err); got != tc.want {
			t.Errorf("%s -> %s: %s, want %s (%v)", tc.from, tc.to, got, tc.want, err)
		}
	}
}

// TestClock moves the engine's clock against the signature's.
func TestClock(t *testing.T) {
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, tc := range []struct {
		service, contentType string
		off                  time.Duration
		want, text           string
	}{
		{"s3", "", 15 * time.Minute, "ok", ""},
		{"s3", "", -15 * time.Minute, "ok", ""},
		{"s3", "", 15*time.Minute + time.Second, "RequestTimeTooSkewed 403", "The difference between the request time and the current time is too large."},
		{"s3", "", -16 * time.Minute, "RequestTimeTooSkewed 403", ""},
		{"logs", "application/x-amz-json-1.1", 16 * time.Minute, "InvalidSignatureException 400", "Signature expired: 20260506T070809Z is now earlier than 20260506T070909Z (20260506T072409Z - 15 min.)"},
		{"logs", "application/x-amz-json-1.1", -16 * time.Minute, "InvalidSignatureException 400", "Signature not yet current: 20260506T070809Z is still later than 20260506T070709Z (20260506T065209Z + 15 min.)"},
		{"iam", "application/x-www-form-urlencoded", 16 * time.Minute, "SignatureDoesNotMatch 403", ""},
		{"ec2", "application/x-www-form-urlencoded", 16 * time.Minute, "RequestExpired 400", "Request has expired."},
	} {
		r := docs.request(t, "POST /", "Content-Type:"+tc.contentType, "", "", "")
		Sign(r, "AKID", "secret", "eu-west-1", tc.service, emptySHA256, at)
		_, err := verify(r, "secret", at.Add(tc.off))
		if got := outcome(err); got != tc.want || (tc.text != "" && awserr.From(err).Message != tc.text) {
			t.Errorf("%s %v: %v, want %s", tc.service, tc.off, err, tc.want)
		}
	}
	presigned := func(off time.Duration) error {
		s := &Request{Presigned: true, Date: at, Expires: time.Hour}
		return s.checkTime(at.Add(off))
	}
	for off, want := range map[time.Duration]string{
		0: "ok", time.Hour: "ok", time.Hour + time.Second: "AccessDenied 403", -15 * time.Minute: "ok", -16 * time.Minute: "AccessDenied 403",
	} {
		if got := outcome(presigned(off)); got != want {
			t.Errorf("presigned, %v: %s, want %s", off, got, want)
		}
	}
}

// TestWording shows what callers of each kind of service read.
func TestWording(t *testing.T) {
	request := func(headers string) *http.Request { return docs.request(t, "POST /", headers, "", "", "") }
	s3Request, json, form := request(""), request("X-Amz-Target:a.B"), request("Content-Type:application/x-www-form-urlencoded")
	unknown, expired := awserr.New(403, "InvalidClientTokenId", "x"), awserr.New(403, "ExpiredToken", "x")
	for _, tc := range []struct {
		got  error
		want string
	}{
		{Missing(s3Request), "AccessDenied 403"},
		{Missing(json), "MissingAuthenticationTokenException 400"},
		{Missing(form), "MissingAuthenticationToken 403"},
		{(&Request{Family: S3}).KeyError(unknown), "InvalidAccessKeyId 403"},
		{(&Request{Family: S3}).KeyError(expired), "ExpiredToken 400"},
		{(&Request{Family: JSON}).KeyError(unknown), "UnrecognizedClientException 400"},
		{(&Request{Family: JSON}).KeyError(expired), "ExpiredTokenException 400"},
		{(&Request{Family: Query}).KeyError(unknown), "InvalidClientTokenId 403"},
		{(&Request{Family: Query}).KeyError(expired), "ExpiredToken 403"},
		{(&Request{Family: EC2}).KeyError(unknown), "AuthFailure 401"},
		{(&Request{Family: EC2}).KeyError(expired), "RequestExpired 400"},
		{(&Request{Family: EC2}).KeyError(io.EOF), "InternalFailure 500"},
	} {
		if got := outcome(tc.got); got != tc.want {
			t.Errorf("%v, want %s", tc.got, tc.want)
		}
	}
	if s, err := Parse(s3Request); s != nil || err != nil {
		t.Errorf("unsigned: %v, %v", s, err)
	}
}

// TestMismatchShows checks that S3's refusal helps to find the mistake, and
// does not repeat a session token.
func TestMismatchShows(t *testing.T) {
	for _, token := range []string{"", "TOKEN"} {
		r := docs.request(t, "GET /b/k", "", "", "", "")
		if token != "" {
			r.Header.Set("X-Amz-Security-Token", token)
		}
		Sign(r, "AKID", "secret", "eu-west-1", "s3", emptySHA256, docs.now)
		_, err := verify(r, "other", docs.now)
		detail := awserr.From(err).Detail
		if detail["AWSAccessKeyId"] != "AKID" || !strings.HasPrefix(detail["StringToSign"], "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/eu-west-1/s3/aws4_request\n") {
			t.Errorf("%v", detail)
		}
		for name, v := range detail {
			if strings.Contains(v, "TOKEN") || strings.Contains(v, "other") {
				t.Errorf("%s holds a secret", name)
			}
		}
		want := "GET\n/b/k\n\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:" + emptySHA256 +
			"\nx-amz-date:20130524T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n" + emptySHA256
		if diff := cmp.Diff(want, detail["CanonicalRequest"]); token == "" && diff != "" {
			t.Error(diff)
		}
	}
}

func TestReadPayload(t *testing.T) {
	r := docs.request(t, "POST /", "", "hello", "", "")
	first, err := ReadPayload(r)
	again, err2 := ReadPayload(r)
	if err != nil || err2 != nil || string(first) != "hello" || &first[0] != &again[0] {
		t.Errorf("%q, %q, %v, %v", first, again, err, err2)
	}
	r.Body = io.NopCloser(io.LimitReader(zeros{}, MaxPayload+1))
	if _, err := ReadPayload(r); outcome(err) != "RequestEntityTooLarge 413" {
		t.Error(err)
	}
	r.Body, r.ContentLength = io.NopCloser(unread{t}), MaxPayload+1
	if _, err := ReadPayload(r); outcome(err) != "RequestEntityTooLarge 413" {
		t.Error(err)
	}
}

// unread is a body that is not to be read.
type unread struct{ *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.Error("a body announced as too large is read")
	return 0, io.EOF
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
