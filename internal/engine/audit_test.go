package engine

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/journal"
)

// TestAudit ends an engine between a change and its record, as a crash would: an
// upload is under way when its data folder is copied. An engine on the copy records
// that its outcome is unknown, once, whatever comes after; with --audit=outcome
// there is no record.
func TestAudit(t *testing.T) {
	for audit, want := range map[Audit]int{AuditIntent: 1, AuditOutcome: 0} {
		t.Run(string(audit), func(t *testing.T) {
			dir, crashed := t.TempDir(), t.TempDir()
			e := open(t, Options{Dir: dir, Audit: audit})
			client := s3.NewFromConfig(config(t, e, account), func(o *s3.Options) { o.UsePathStyle = true })
			if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{
				Bucket: aws.String("bucket"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
			}); err != nil {
				t.Fatal(err)
			}
			put, err := s3.NewPresignClient(client).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("k")})
			if err != nil {
				t.Fatal(err)
			}
			body := &halting{half: make(chan struct{}), rest: make(chan struct{})}
			answered := make(chan error, 1)
			go func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, put.URL, body)
				if err != nil {
					answered <- err
					return
				}
				req.ContentLength = 2
				resp, err := http.DefaultClient.Do(req)
				if err == nil {
					err = resp.Body.Close()
				}
				answered <- err
			}()
			<-body.half
			intended := func() bool {
				return count(t, e, func(r *journal.Located) bool { return r.Intent && r.Header.Name == "PutObject" }) == 1
			}
			for deadline := time.Now().Add(10 * time.Second); audit == AuditIntent && !intended(); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) { // its body waits for this, so it is under way
					t.Fatal("an upload is under way, and the journal holds no intent of it")
				}
			}
			copyFiles(t, dir, crashed)
			close(body.rest)
			if err := <-answered; err != nil {
				t.Error(err)
			}
			for range 2 { // starts
				e := open(t, Options{Dir: crashed, Audit: audit})
				got := count(t, e, func(r *journal.Located) bool {
					return !r.Intent && r.Header.Name == "PutObject" && r.Header.ErrorCode == "OutcomeUnknown"
				})
				if got != want {
					t.Errorf("%d records of unknown outcome, want %d", got, want)
				}
				end(t, e)
			}
		})
	}
}

// halting is a body of two bytes, the second of which waits for rest.
type halting struct {
	half, rest chan struct{}
	read       int
}

func (h *halting) Read(p []byte) (int, error) {
	switch h.read++; h.read {
	case 1:
	case 2:
		close(h.half)
		<-h.rest
	default:
		return 0, io.EOF
	}
	p[0] = 'x'
	return 1, nil
}

// count returns how many entries of the journal are so.
func count(t *testing.T, e *Engine, so func(*journal.Located) bool) (n int) {
	t.Helper()
	recs, _, err := e.journal.ReadAll(t.Context(), journal.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range recs {
		if so(&recs[i]) {
			n++
		}
	}
	return n
}

// copyFiles copies the files of a folder that a crash would leave: no sockets.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
