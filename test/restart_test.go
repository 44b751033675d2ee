//go:build e2e

package test

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cairn/test/kit"
)

// delivered returns how often each request id stands in the log files of a bucket.
func delivered(t testing.TB, client *s3.Client, bucket string) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for _, key := range kit.Keys(t.Context(), t, client, bucket, "/CloudTrail/") {
		got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		zr, err := gzip.NewReader(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Records []struct {
				RequestID string `json:"requestID"`
			}
		}
		text, err := io.ReadAll(zr)
		if err == nil {
			err = json.Unmarshal(text, &file)
		}
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		for _, r := range file.Records {
			seen[r.RequestID]++
		}
	}
	return seen
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

// requestID returns the id the engine gave an answer.
func requestID(m middleware.Metadata) string {
	raw, ok := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response)
	if !ok {
		return ""
	}
	return cmp.Or(raw.Header.Get("X-Amzn-Requestid"), raw.Header.Get("X-Amz-Request-Id"))
}

// TestStopAndStart stops the engine under load, politely and with kill -9, and
// starts it again: every call that was answered is in the bucket exactly once.
func TestStopAndStart(t *testing.T) {
	dir := t.TempDir()
	e := kit.StartEngine(t, dir, "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", "--var", "account_id=111122223333", kit.Repository(t, "examples", "own-bucket"))
	const bucket = "digitalmarketplaces-account-cloudtrail-bucket"

	var answered sync.Map
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		load(t, e, &answered, func() { e.Stop(t, sig) })
		e = kit.StartEngine(t, dir)
	}
	client := s3.NewFromConfig(e.Config(t, ""), pathStyle)
	var last map[string]int
	kit.Eventually(t, "every answered call in the bucket", func() bool {
		last = delivered(t, client, bucket)
		all := true
		answered.Range(func(id, _ any) bool {
			all = last[id.(string)] > 0
			return all
		})
		return all
	})
	n := 0
	answered.Range(func(any, any) bool { n++; return true })
	for id, times := range last {
		if times != 1 {
			t.Errorf("the call %s is in the bucket %d times", id, times)
		}
	}
	t.Logf("%d answered calls, %d records delivered", n, len(last))
	if n < 100 {
		t.Errorf("only %d calls were answered: too few to show anything", n)
	}
	status, err := cloudtrail.NewFromConfig(e.Config(t, "")).GetTrailStatus(t.Context(),
		&cloudtrail.GetTrailStatusInput{Name: aws.String("digitalmarketplaces-account-cloudtrail")})
	if err != nil || !*status.IsLogging {
		t.Errorf("after the restart the trail says %+v, %v", status, err)
	}
}

// load calls the engine from several clients for a moment, then runs end, which
// stops the engine while they are at it; it notes the calls that were answered.
func load(t testing.TB, e *kit.Engine, answered *sync.Map, end func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	config := e.Config(t, "")
	config.RetryMaxAttempts = 1
	var clients sync.WaitGroup
	var calls atomic.Int64
	for range 4 {
		clients.Go(func() {
			who, users := sts.NewFromConfig(config), iam.NewFromConfig(config)
			for ctx.Err() == nil {
				out, err := who.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
				if err != nil {
					return
				}
				answered.Store(requestID(out.ResultMetadata), true)
				list, err := users.ListUsers(ctx, &iam.ListUsersInput{})
				if err != nil {
					return
				}
				answered.Store(requestID(list.ResultMetadata), true)
				calls.Add(2)
			}
		})
	}
	for calls.Load() < 200 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	end()
	clients.Wait()
}

// TestDataFolder refuses a folder in use and one of a newer version.
func TestDataFolder(t *testing.T) {
	dir := t.TempDir()
	e := kit.StartEngine(t, dir)
	out, err := exec.Command(kit.Binary(t), "serve", "--data", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another engine is using it") {
		t.Errorf("a second engine on the folder: %v\n%s", err, out)
	}
	e.Stop(t, syscall.SIGTERM)
	writeFile(t, dir+"/cairn.json", `{"format":99,"account":"111122223333"}`)
	out, err = exec.Command(kit.Binary(t), "serve", "--data", dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "written by a newer Cairn") {
		t.Errorf("a folder of a newer version: %v\n%s", err, out)
	}
}
