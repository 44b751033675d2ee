//go:build e2e

package test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/test/kit"
)

// TestHostileHTTP sends requests that HTTP servers and proxies have read in
// different ways. Each gets an answer that refuses it, or the connection ends;
// what follows in the same bytes is not taken for a second request where that
// depends on the reading; and the engine goes on.
func TestHostileHTTP(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir())
	address := strings.TrimPrefix(e.Endpoint, "http://")
	// Whoever asks for an object of this bucket may have it; what lies beside the
	// bucket's folder is none of them.
	objects, open := s3.NewFromConfig(e.Config(t, ""), pathStyle), aws.String("open-to-all")
	must(t)(objects.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: open, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}))
	must(t)(objects.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: open}))
	must(t)(objects.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: open, Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::open-to-all/*"}]}`)}))
	const second = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, row := range map[string]struct {
		text    string
		status  []int // any of these
		answers int   // at most
	}{
		"length and chunked":         {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, []int{400, 403, 405}, 1},
		"two lengths":                {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" + second, []int{400}, 1},
		"a length with a sign":       {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n" + second, []int{400}, 1},
		"a huge length":              {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", []int{400}, 1},
		"an unknown coding":          {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n" + second, []int{400, 501}, 1},
		"chunked twice":              {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, []int{400, 501}, 1},
		"a space before the colon":   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 40\r\n\r\n" + second, []int{400}, 1},
		"a folded header":            {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n Content-Length: 40\r\n\r\n", []int{400, 403}, 1},
		"two hosts":                  {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", []int{400}, 1},
		"no host":                    {"GET / HTTP/1.1\r\n\r\n", []int{400}, 1},
		"an odd host":                {"GET / HTTP/1.1\r\nHost: x/../y\r\n\r\n", []int{400, 403}, 1},
		"a NUL in a header":          {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", []int{400}, 1},
		"a bare CR in a header":      {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rSet-Cookie: c\r\n\r\n", []int{400}, 1},
		"many headers":               {"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 300) + "\r\n", []int{431}, 1},
		"large headers":              {"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 100<<10) + "\r\n\r\n", []int{431}, 1},
		"a request line without end": {"GET /" + strings.Repeat("a", 100<<10), []int{431, 414}, 1},
		"an absolute address":        {"GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{400, 403, 404}, 1},
		"a tunnel":                   {"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n", []int{400, 403, 405, 501}, 1},
		"a path upwards":             {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{400}, 1},
		"a path out of a bucket":     {"GET /open-to-all/../../credentials HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{400}, 1},
		"a path upwards, escaped":    {"GET /open-to-all/%2e%2e/%2e%2e/credentials HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{400}, 1},
		"a line break in a path":     {"GET /open-to-all/a%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{403}, 1},
		"an unknown expectation":     {"POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 0\r\n\r\n", []int{417}, 1},
		"HTTP/2 by prior knowledge":  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 403, 405, 505, 501}, 1},
		"the admin's path":           {"PUT /_cairn/accounts/999999999999 HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", []int{403}, 1},
		"a trailer that signs":       {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n1\r\na\r\n0\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a\r\n\r\n", []int{400, 403, 405}, 1},
		"a trailer without end":      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + strings.Repeat("b", 300<<10), []int{400, 403, 405}, 1},
		"a trailer of many lines":    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("A: b\r\n", 20_000) + "\r\n" + second, []int{400, 403, 405}, 1},
		"a chunk's long extension":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("e", 300<<10) + "\r\na\r\n0\r\n\r\n", []int{400, 403, 405}, 1},
		"a chunk that lies":          {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n", []int{400, 403, 405}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
			go func() {
				_, _ = io.WriteString(conn, row.text)
				if !strings.Contains(row.text, "Connection: close") { // else it would hang up before it is answered
					_ = conn.(*net.TCPConn).CloseWrite()
				}
			}()
			in := bufio.NewReader(conn)
			answers := 0
			for {
				resp, err := http.ReadResponse(in, nil)
				if err != nil {
					break
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if answers++; answers == 1 && !slices.Contains(row.status, resp.StatusCode) {
					t.Errorf("answered %s %.300s", resp.Status, body)
				}
				if resp.Header.Get("Set-Cookie") != "" || strings.Contains(string(body), "aws_secret_access_key") {
					t.Errorf("answered %v %.300s", resp.Header, body)
				}
			}
			if answers == 0 || answers > row.answers {
				t.Errorf("%d answers", answers)
			}
		})
	}
	kit.Client{Env: e.Environment(t, "")}.Must(t, kit.Binary(t), "env", "--data", e.Dir) // it is alive
}
