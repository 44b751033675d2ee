package sigv4

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// suite is the key, time and scope of AWS's Signature Version 4 test suite;
// docs those of the examples in the Amazon S3 API Reference.
var (
	suite = example{
		id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", host: "example.amazonaws.com",
		scope: "20150830/us-east-1/service/aws4_request", now: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC),
	}
	docs = example{
		id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", host: "examplebucket.s3.amazonaws.com",
		scope: "20130524/us-east-1/s3/aws4_request", now: time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC),
	}
)

type example struct {
	id, secret, host, scope string
	now                     time.Time
}

// request makes a request as net/http's server would, from "METHOD URI",
// "Name: value" lines and a body, signed by the example's key.
func (e example) request(t testing.TB, line, headers, body, signed, signature string) *http.Request {
	t.Helper()
	method, uri, _ := strings.Cut(line, " ")
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{
		Method: method, URL: u, RequestURI: uri, Host: e.host, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
	for h := range strings.SplitSeq(headers, "\n") {
		if name, value, ok := strings.Cut(h, ":"); ok {
			r.Header.Add(name, value)
		}
	}
	if signature != "" {
		r.Header.Set("X-Amz-Date", e.now.Format(timeFormat))
		r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", algorithm, e.id, e.scope, signed, signature))
	}
	return r
}

func verify(r *http.Request, secret string, now time.Time) (*Request, error) {
	s, err := Parse(r)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return s, s.Verify(r, secret, now)
}

// suiteToken is the session token of the published test suite.
const suiteToken = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

// TestTokenUnsigned: the one request of the published suite that is refused
// (post-sts-header-after), because its token was put in after signing: whoever
// stood in between could have.
func TestTokenUnsigned(t *testing.T) {
	r := suite.request(t, "POST /", "X-Amz-Security-Token:"+suiteToken, "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
	if _, err := verify(r, suite.secret, suite.now); err == nil || !strings.Contains(err.Error(), "x-amz-security-token") {
		t.Errorf("a token that is not signed: %v", err)
	}
}

// TestOtherVersions: signatures of other versions are refused in words, in the
// header and in the query.
func TestOtherVersions(t *testing.T) {
	const scope = "AKIDEXAMPLE/20150830/service/aws4_request"
	for name, tt := range map[string]struct{ line, authorization, want string }{
		"SigV4A":            {"GET /", "AWS4-ECDSA-P256-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=3045", "AWS4-HMAC-SHA256"},
		"SigV4A, presigned": {"GET /?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fs3%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Region-Set=*&X-Amz-Signature=3045", "", "AWS4-HMAC-SHA256"},
		"SigV2":             {"GET /", "AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=", "AWS4-HMAC-SHA256"},
		"SigV2, presigned":  {"GET /?AWSAccessKeyId=AKIDEXAMPLE&Expires=1440938160&Signature=frJIUN8DYpKDtOLCwo%2F%2FyllqDzg%3D", "", "AWS4-HMAC-SHA256"},
		"SigV3":             {"GET /", "AWS3-HTTPS AWSAccessKeyId=AKIDEXAMPLE,Algorithm=HmacSHA256,Signature=x", "AWS4-HMAC-SHA256"},
	} {
		r := suite.request(t, tt.line, "X-Amz-Date:20150830T123600Z", "", "", "")
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		s, err := Parse(r)
		if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

// TestSuite holds the published test suite's signatures.
func TestSuite(t *testing.T) {
	const plain = "host;x-amz-date"
	for _, tc := range []struct{ name, line, headers, body, signed, signature string }{
		{"get-vanilla", "GET /", "", "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-empty-query-key", "GET /?Param1=value1", "", "", plain, "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{"get-vanilla-query-order-key-case", "GET /?Param2=value2&Param1=value1", "", "", plain, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-query-order-key", "GET /?Param1=value2&Param1=Value1", "", "", plain, "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
		{"get-vanilla-query-order-value", "GET /?Param1=value2&Param1=value1", "", "", plain, "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
		{"get-vanilla-query-unreserved", "GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", plain, "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
		{"get-vanilla-utf8-query", "GET /?ሴ=bar", "", "", plain, "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-vanilla-query", "GET /", "", "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-with-session-token", "GET /", "X-Amz-Security-Token:6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267", "", plain + ";x-amz-security-token", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
		// net/http's server joins the lines of a folded value by one space each.
		{"get-header-value-multiline", "GET /", "My-Header1:value1 value2 value3", "", "host;my-header1;x-amz-date", "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
		{"post-header-key-case", "POST /", "", "", plain, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-sts-header-before", "POST /", "X-Amz-Security-Token:" + suiteToken, "", plain + ";x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
		{"post-vanilla-empty-query-value", "POST /?Param1=value1", "", "", plain, "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
		{"get-unreserved", "GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", plain, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{"get-utf8", "GET /ሴ", "", "", plain, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
		{"get-space", "GET /example space/", "", "", plain, "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
		{"get-relative", "GET /example/..", "", "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-relative-relative", "GET /example1/example2/../..", "", "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash", "GET //", "", "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash-dot-slash", "GET /./", "", "", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-slash-pointless-dot", "GET /./example", "", "", plain, "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
		{"get-slashes", "GET //example//", "", "", plain, "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"get-header-key-duplicate", "GET /", "My-Header1:value2\nMy-Header1:value2\nMy-Header1:value1", "", "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
		{"get-header-value-order", "GET /", "My-Header1:value4\nMy-Header1:value1\nMy-Header1:value3\nMy-Header1:value2", "", "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
		{"get-header-value-trim", "GET /", "My-Header1: value1\nMy-Header2: \"a   b   c\"", "", "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST /", "", "", plain, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-vanilla-query", "POST /?Param1=value1", "", "", plain, "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
		{"post-header-key-sort", "POST /", "My-Header1:value1", "", "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{"post-header-value-case", "POST /", "My-Header1:VALUE1", "", "host;my-header1;x-amz-date", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
		{"post-x-www-form-urlencoded", "POST /", "Content-Type:application/x-www-form-urlencoded", "Param1=value1", "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{"post-x-www-form-urlencoded-parameters", "POST /", "Content-Type:application/x-www-form-urlencoded; charset=utf8", "Param1=value1", "content-type;host;x-amz-date", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := suite.request(t, tc.line, tc.headers, tc.body, tc.signed, tc.signature)
			s, err := verify(r, suite.secret, suite.now)
			if err != nil {
				t.Fatal(err)
			}
			if s.AccessKeyID != suite.id || s.Region != "us-east-1" || s.Service != "service" || !s.Date.Equal(suite.now) || s.Presigned {
				t.Errorf("%+v", s)
			}
			if body, err := io.ReadAll(s.Body(r)); err != nil || string(body) != tc.body {
				t.Errorf("the body is not readable again: %q, %v", body, err)
			}
		})
	}
}

// TestS3Examples holds the signatures of the Amazon S3 API Reference.
func TestS3Examples(t *testing.T) {
	const empty = "X-Amz-Content-Sha256:" + emptySHA256
	for _, tc := range []struct{ name, line, headers, body, signed, signature string }{
		{"get object", "GET /test.txt", "Range:bytes=0-9\n" + empty, "", "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
		{
			"put object", "PUT /test%24file.text",
			"Date:Fri, 24 May 2013 00:00:00 GMT\nX-Amz-Storage-Class:REDUCED_REDUNDANCY\nX-Amz-Content-Sha256:44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"Welcome to Amazon S3.", "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		{
			"put object, path sent unescaped", "PUT /test$file.text",
			"Date:Fri, 24 May 2013 00:00:00 GMT\nX-Amz-Storage-Class:REDUCED_REDUNDANCY\nX-Amz-Content-Sha256:44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"Welcome to Amazon S3.", "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		{"get lifecycle", "GET /?lifecycle", empty, "", "host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		{"list objects", "GET /?max-keys=2&prefix=J", empty, "", "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := docs.request(t, tc.line, tc.headers, tc.body, tc.signed, tc.signature)
			s, err := verify(r, docs.secret, docs.now)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(s.Body(r)); err != nil || string(body) != tc.body {
				t.Errorf("%q, %v", body, err)
			}
		})
	}
	t.Run("presigned", func(t *testing.T) {
		r := docs.request(t, "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"+
			"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", "", "", "", "")
		s, err := verify(r, docs.secret, docs.now.Add(24*time.Hour))
		if err != nil || !s.Presigned || s.Expires != 24*time.Hour || s.PayloadHash != UnsignedPayload {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// chunkedExample is the upload in chunks of the Amazon S3 API Reference, plain
// or with a trailer.
func chunkedExample(t testing.TB, trailer bool) *http.Request {
	e := docs
	e.host = "s3.amazonaws.com"
	headers := "Content-Encoding:aws-chunked\nContent-Length:66824\nX-Amz-Decoded-Content-Length:66560\nX-Amz-Storage-Class:REDUCED_REDUNDANCY\nX-Amz-Content-Sha256:" + streamingSigned
	signed := "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class"
	signatures := []string{
		"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
	}
	last := ""
	if trailer {
		headers = "Content-Encoding:aws-chunked\nX-Amz-Decoded-Content-Length:66560\nX-Amz-Storage-Class:REDUCED_REDUNDANCY\nX-Amz-Trailer:x-amz-checksum-crc32c\nX-Amz-Content-Sha256:" + streamingTrailer
		signed = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer"
		signatures = []string{
			"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
		}
		last = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
	}
	a := strings.Repeat("a", 66560)
	body := fmt.Sprintf("10000;chunk-signature=%s\r\n%s\r\n400;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n%s\r\n",
		signatures[1], a[:65536], signatures[2], a[65536:], signatures[3], last)
	return e.request(t, "PUT /examplebucket/chunkObject.txt", headers, body, signed, signatures[0])
}

func TestChunkedExamples(t *testing.T) {
	for _, trailer := range []bool{false, true} {
		r := chunkedExample(t, trailer)
		sent, _ := io.ReadAll(r.Body)
		for name, open := range map[string]func(*Request, *http.Request) *Body{"Body": (*Request).Body, "RawBody": (*Request).RawBody} {
			r.Body = io.NopCloser(bytes.NewReader(sent))
			s, err := verify(r, docs.secret, docs.now)
			if err != nil {
				t.Fatal(err)
			}
			b := open(s, r)
			want := bytes.Repeat([]byte("a"), 66560)
			if name == "RawBody" {
				want = sent
			}
			got, err := io.ReadAll(b)
			if err != nil || !bytes.Equal(got, want) || b.Length != int64(len(want)) {
				t.Errorf("%s, trailer %v: %d bytes, length %d, %v", name, trailer, len(got), b.Length, err)
			}
			if crc := b.Trailer().Get("X-Amz-Checksum-Crc32c"); trailer != (crc == "sOO8/Q==") {
				t.Errorf("%s: trailer %q", name, crc)
			}
		}
	}
}
