//go:build e2e

package test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/digest/digesttest"
	"cairn/test/kit"
)

// forged is text that would be a line of its own, clear the terminal and set its
// title, if it were written as it is.
const forged = "x\r\ntime=2026-01-01T00:00:00Z level=ERROR msg=FORGED\n\x1b[2J\x1b]0;FORGED\x07\u009b31m\u2028FORGED"

// TestLogInjection puts line breaks and terminal commands wherever a client can,
// and looks at the engine's log, in both of its formats.
func TestLogInjection(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			e := kit.StartEngine(t, t.TempDir(), "--log-level", "debug", "--log-format", format, "--delivery-interval", "1s")
			c := e.Config(t, "")
			keys, err := c.Credentials.Retrieve(t.Context())
			must(t)(keys, err)
			q := url.QueryEscape(forged)
			send := func(service, region, id, method, path, body string, header http.Header) {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), method, e.Endpoint+path, strings.NewReader(body))
				must(t)(r, err)
				r.Header = header.Clone()
				if r.Header == nil {
					r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
				}
				k, sum := keys, sha256.Sum256([]byte(body))
				if id != "" {
					k.AccessKeyID = id
				}
				r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
				must(t)(nil, v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).SignHTTP(t.Context(), k, r, hex.EncodeToString(sum[:]), service, region, time.Now()))
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					return // Go's client does not send such a header
				}
				answer, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
					t.Errorf("%s %s %s is answered %s %.300s", service, path, body, resp.Status, answer)
				}
				for name, values := range resp.Header {
					if strings.Contains(name+strings.Join(values, ""), "FORGED") && strings.ContainsAny(strings.Join(values, ""), "\r\n\x1b") {
						t.Errorf("the answer's header %s is %q", name, values)
					}
				}
			}
			for _, body := range []string{
				"Action=" + q, "Action=CreateUser&Version=2010-05-08&UserName=" + q, "Action=CreateUser&Version=2010-05-08&UserName=u&" + q + "=1", "Action=GetUser&Version=" + q,
				"Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=" + q, "Action=PutUserPolicy&Version=2010-05-08&UserName=u&PolicyName=p&PolicyDocument=" + q,
			} {
				send("iam", kit.Region, "", http.MethodPost, "/", body, nil)
			}
			send("sts", kit.Region, "", http.MethodPost, "/", "Action=AssumeRole&Version=2011-06-15&RoleArn="+q+"&RoleSessionName="+q, nil)
			send("sts", url.PathEscape(forged), "", http.MethodPost, "/", "Action=GetCallerIdentity&Version=2011-06-15", nil)
			send("sts", kit.Region, url.PathEscape(forged), http.MethodPost, "/", "Action=GetCallerIdentity&Version=2011-06-15", nil)
			send("ec2", kit.Region, "", http.MethodPost, "/", "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1&ImageId="+q, nil)
			for _, target := range []string{"CloudTrail_20131101.CreateTrail", "Logs_20140328.CreateLogGroup", "AWSOrganizationsV20161128.DescribeOrganization", "CloudTrail_20131101." + url.PathEscape(forged)} {
				h := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}, "User-Agent": {url.PathEscape(forged)}}
				service := map[bool]string{true: "cloudtrail", false: "logs"}[strings.HasPrefix(target, "Cloud")]
				send(service, kit.Region, "", http.MethodPost, "/", `{"Name":"`+strings.NewReplacer("\r", `\r`, "\n", `\n`, "\x1b", `\u001b`, "\x07", `\u0007`).Replace(forged)+`","S3BucketName":"b","logGroupName":"a\nb"}`, h)
				send(service, kit.Region, "", http.MethodPost, "/", `{"`+`\n`+`":1}`, h)
			}
			send("s3", kit.Region, "", http.MethodPut, "/"+url.PathEscape(forged), "", http.Header{})
			send("s3", kit.Region, "", http.MethodPut, "/bucket", "", http.Header{"X-Amz-Acl": {url.PathEscape(forged)}})
			send("s3", kit.Region, "", http.MethodPut, "/bucket/"+url.PathEscape(strings.ReplaceAll(forged, "\x1b", "")), "v", http.Header{})
			rawBytes(t, e, "GET / HTTP/1.1\r\nHost: "+"\x1b[2J"+"\r\n\r\n")
			rawBytes(t, e, "\x16\x03\x01FORGED\r\nlevel=ERROR msg=FORGED\n\n")
			forgedPrefix(t, e)
			e.Stop(t, syscall.SIGTERM)
			log := e.Log()
			if !strings.Contains(log, "iam:CreateUser") || !strings.Contains(log, "FORGED") {
				t.Errorf("calls are not in the log, or nothing that clients chose:\n%.1000s", log)
			}
			for line := range strings.Lines(log) {
				line = strings.TrimSuffix(line, "\n")
				whole := strings.HasPrefix(line, `{"time":`) || strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "cairn: ")
				if !whole || strings.HasPrefix(line, "time=2026-01-01") || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("the log has the line %q", line)
				}
			}
		})
	}
}

// forgedPrefix has the log tell of log files whose names begin as a client chose: their
// bucket stops taking them.
func forgedPrefix(t *testing.T, e *kit.Engine) {
	t.Helper()
	c := e.Config(t, "")
	objects, trails, bucket := s3.NewFromConfig(c, pathStyle), cloudtrail.NewFromConfig(c), aws.String("forged-names")
	must(t)(objects.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}))
	must(t)(objects.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(trailPolicy(*bucket))}))
	// Control characters of ASCII are refused.
	prefix := aws.String("x\" level=ERROR msg=FORGED\u009b31m\u2028\u202eFORGED")
	must(t)(trails.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: aws.String("forged"), S3BucketName: bucket, S3KeyPrefix: prefix}))
	must(t)(objects.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: bucket}))
	must(t)(trails.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: aws.String("forged")}))
	kit.Eventually(t, "the log tells of a delivery that failed", func() bool { return strings.Contains(e.Log(), "write log file x") })
}

// rawBytes sends bytes and reads what comes back.
func rawBytes(t *testing.T, e *kit.Engine, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.Endpoint, "http://"))
	must(t)(conn, err)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// TestTerminalInjection reads log files whose records and names hold terminal
// commands: what the commands print holds none of them.
func TestTerminalInjection(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01")
	must(t)(nil, os.MkdirAll(folder, 0o700))
	text := strings.NewReplacer("\r", `\r`, "\n", `\n`, "\x1b", `\u001b`, "\x07", `\u0007`).Replace(forged)
	record := `{"eventVersion":"1.11","eventTime":"2026-11-01T12:00:00Z","eventSource":"` + text + `","eventName":"` + text + `","awsRegion":"` + text + `","sourceIPAddress":"` + text + `","userAgent":"` + text +
		`","errorCode":"` + text + `","errorMessage":"` + text + `","userIdentity":{"type":"IAMUser","userName":"` + text + `","arn":"` + text + `"},"requestParameters":{"` + text + `":"` + text + `"},"eventID":"` + text + `","recipientAccountId":"111122223333"}`
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(`{"Records":[` + record + `]}`))
	must(t)(nil, w.Close())
	for _, name := range []string{"111122223333_CloudTrail_eu-west-1_20261101T1200Z_0000000000000000.json.gz", "\x1b[2J_\x1b]0;FORGED\x07.json.gz"} {
		must(t)(nil, os.WriteFile(filepath.Join(folder, name), b.Bytes(), 0o600))
	}
	must(t)(nil, os.WriteFile(filepath.Join(folder, "\x1b[2J_FORGED_damaged.json.gz"), []byte("no gzip"), 0o600))
	client := kit.Client{Dir: t.TempDir()}
	keys := filepath.Join(t.TempDir(), "keys.json")
	key := digesttest.PublicKey()
	must(t)(nil, os.WriteFile(keys, fmt.Appendf(nil, `{"PublicKeyList":[{"Region":"eu-west-1","Fingerprint":"%s","Value":"%s","ValidityStartTime":"2026-01-01T00:00:00Z","ValidityEndTime":"2027-01-01T00:00:00Z"}]}`,
		key.Fingerprint, base64.StdEncoding.EncodeToString(key.Value)), 0o600))
	for _, args := range [][]string{
		{"search", dir, "FORGED", "--table"},
		{"search", dir, "FORGED", "--csv"},
		{"search", dir, "FORGED", "--columns", "event,user,error,file"},
		{"search", dir, "FORGED", "--json"},
		{"stats", dir, "--by", "event"},
		{"validate", dir, "--keys", keys},
	} {
		out, errs, code := client.Both(t, kit.Binary(t), args...)
		t.Logf("%q: %d bytes, exit code %d", args[1:], len(out)+len(errs), code)
		if !strings.Contains(out+errs, "FORGED") {
			t.Errorf("%q does not show what was put in:\n%q", args, out+errs)
		}
		for _, bad := range []string{"\x1b", "\x07", "\r", "\u009b", "\u2028"} {
			if strings.HasPrefix(out, "{") && len(bad) > 1 {
				continue // JSON to a pipe is the record's own bytes
			}
			if strings.Contains(out+errs, bad) {
				t.Errorf("%q prints %q:\n%q", args, bad, out+errs)
			}
		}
	}
}

// TestSlowHeaders opens connections that send their headers byte by byte: they are
// cut off, and nobody waits for them.
func TestSlowHeaders(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir())
	var slow sync.WaitGroup
	for range 50 {
		slow.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(e.Endpoint, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			start := time.Now()
			for _, b := range []byte("GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 1000)) {
				_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // and a pause
				if _, err := conn.Write([]byte{b}); err != nil {
					break
				}
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					break
				}
				if time.Since(start) > 20*time.Second {
					t.Error("a header may take longer than 20 s")
					return
				}
			}
		})
	}
	time.Sleep(time.Second)
	client := kit.Client{Env: e.Environment(t, "")}
	start := time.Now()
	client.Must(t, kit.Binary(t), "env", "--data", e.Dir)
	if resp, err := http.Get(e.Endpoint); err != nil { //nolint:noctx // the test's own end is near enough
		t.Error(err)
	} else {
		resp.Body.Close()
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("others wait %s", took)
	}
	slow.Wait()
}
