//go:build e2e

package test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

// bombSize is what a bomb inflates to. mostMemory is what reading one may take, and
// mostForDigest where a digest should be: one may have 64 MiB, in a buffer that grows.
const (
	bombSize      = 256 << 20
	mostMemory    = 192 << 20
	mostForDigest = 448 << 20
)

// bomb is gzip that inflates to head, as much of fill as makes bombSize, and tail.
func bomb(t *testing.T, head, fill, tail string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	block := []byte(strings.Repeat(fill, 1<<20/len(fill)))
	_, err := w.Write([]byte(head))
	for n := 0; err == nil && n < bombSize; n += len(block) {
		_, err = w.Write(block)
	}
	if err == nil {
		_, err = w.Write([]byte(tail))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bounded runs the program, for two minutes at most, and fails if it takes more
// memory than it should.
func bounded(t *testing.T, most int64, env []string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(kit.Binary(t), args...)
	cmd.Env = env
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) || !end.Stop() {
		t.Fatalf("%v did not end by itself: %v\n%s", args, err, text.String())
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	t.Logf("cairn %s: %d MiB, exit code %d", args[0], peak>>20, cmd.ProcessState.ExitCode())
	if peak > most {
		t.Errorf("%v took %d MiB", args, peak>>20)
	}
	return text.String(), cmd.ProcessState.ExitCode()
}

// TestBombs puts small files among log files that inflate to a great deal: what
// reads them needs little memory, ends, names them, and still finds the rest.
func TestBombs(t *testing.T) {
	dir := t.TempDir()
	name := func(n string) string {
		return filepath.Join(dir, "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/01/111122223333_CloudTrail_eu-west-1_20261101T1200Z_"+n+".json.gz")
	}
	put := func(n string, b []byte) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name(n)), 0o700), os.WriteFile(name(n), b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	record := `{"eventVersion":"1.11","eventTime":"2026-11-01T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"11111111-1111-1111-1111-111111111111","requestID":"NEEDLE"}`
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	_, _ = w.Write([]byte(`{"Records":[` + record + `]}`))
	_ = w.Close()
	put("0000000000000000", small.Bytes())
	put("1111111111111111", bomb(t, "", "\x00", ""))
	put("2222222222222222", bomb(t, `{"Records":[{"eventTime":"2026-11-01T12:00:00Z","requestID":"`, "a", `NEEDLE"}]}`))
	put("3333333333333333", bomb(t, `{"Records":`, "[", ""))
	put("4444444444444444", bytes.Repeat(small.Bytes()[:small.Len()-1], 3)) // cut, and cut again
	out, code := bounded(t, mostMemory, nil, "search", dir, "NEEDLE", "--from", "2026-11-01", "--to", "2026-11-02", "--json")
	if !strings.Contains(out, `"requestID":"NEEDLE"`) && !strings.Contains(out, `"NEEDLE"`) {
		t.Errorf("the record beside the bombs is not found (%d):\n%.2000s", code, out)
	}
	for _, n := range []string{"1111111111111111", "2222222222222222", "3333333333333333", "4444444444444444"} {
		if !strings.Contains(out, n) {
			t.Errorf("bomb %s is not named:\n%.2000s", n, out)
		}
	}
	if code == 0 {
		t.Error("files that could not be read are passed over with exit code 0")
	}
}

// TestBombsInTrail replaces a delivered log file by a bomb, and then a digest:
// validating the trail tells of them, in little memory.
func TestBombsInTrail(t *testing.T) {
	c := startChained(t, t.TempDir())
	var key string
	for deadline := time.Now().Add(time.Minute); key == ""; time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatal("no log file was delivered")
		}
		list, err := c.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("audited"), Prefix: aws.String("logs/AWSLogs/" + digestAccount + "/CloudTrail/")})
		must(t)(list, err)
		for _, o := range list.Contents {
			if strings.HasSuffix(*o.Key, ".json.gz") {
				key = *o.Key
			}
		}
	}
	time.Sleep(5 * time.Second) // a digest lists it
	must(t)(c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("audited"), Key: &key, Body: bytes.NewReader(bomb(t, `{"Records":[`, " ", "]}"))}))
	out, code := bounded(t, mostMemory, c.Environment(t, ""), "validate", "--trail", c.arn)
	if code != 3 || !strings.Contains(out, filepath.Base(key)) {
		t.Errorf("exit code %d:\n%.3000s", code, out)
	}
	digests := kit.Keys(t.Context(), t, c.s3, "audited", "/CloudTrail-Digest/")
	if len(digests) == 0 {
		t.Fatal("there are no digests")
	}
	key = digests[0]
	must(t)(c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("audited"), Key: &key, Body: bytes.NewReader(bomb(t, "{", " ", "}"))}))
	out, code = bounded(t, mostForDigest, c.Environment(t, ""), "validate", "--trail", c.arn)
	if code != 3 || !strings.Contains(out, filepath.Base(key)) {
		t.Errorf("exit code %d, and the digest is not named:\n%.3000s", code, out)
	}
}
