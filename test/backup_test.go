//go:build e2e

package test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

// TestBackup backs a running engine up while clients call, restores it, lets it
// deliver what it owes, and validates the restored trail: what was answered before
// the backup is in its log files once, every digest holds, and objects, log events,
// event history and settings are as they were.
func TestBackup(t *testing.T) {
	dir, to, back := t.TempDir(), filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "back")
	c := startChained(t, dir)
	users := iam.NewFromConfig(c.Config(t, ""))
	var answered []string
	for n := range 20 {
		out, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String(fmt.Sprintf("before-%d", n))})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
		answered = append(answered, id)
	}
	fill(t, c.Config(t, ""))
	time.Sleep(5 * time.Second) // two digests
	before := takeSnapshot(t, c.Config(t, ""))
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for w := range 4 {
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String(fmt.Sprintf("during-%d-%d", w, n))})
				if err != nil && ctx.Err() == nil {
					t.Errorf("a call during the backup: %v", err)
				}
			}
		})
	}
	out, err := exec.Command(kit.Binary(t), "backup", to, "--data", dir).CombinedOutput()
	stop()
	load.Wait()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
	c.Stop(t, syscall.SIGTERM)
	if out, err := exec.Command(kit.Binary(t), "restore", to, "--data", back).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	e := kit.StartEngine(t, back, "--digest-interval", "2s")
	cfg := e.Config(t, "")
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	deadline := time.Now().Add(time.Minute)
	for seen := delivered(t, client, "audited"); ; seen = delivered(t, client, "audited") {
		missing := 0
		for _, id := range answered {
			switch seen[id] {
			case 0:
				missing++
			case 1:
			default:
				t.Fatalf("request %s is in the log files %d times", id, seen[id])
			}
		}
		if missing == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d calls answered before the backup are not in the restored log files", missing, len(answered))
		}
		time.Sleep(time.Second)
	}
	before.within(t, takeSnapshot(t, cfg))
	if _, err := cloudtrail.NewFromConfig(cfg).GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: &c.arn}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // two more digests, on the restored chain
	text, stderr, code := kit.Client{Env: e.Environment(t, "")}.Both(t, kit.Binary(t), "validate", "--trail", c.arn)
	if code != 0 || strings.Contains(text, "INVALID") {
		t.Errorf("the restored trail is not valid (%d):\n%s%s", code, text, stderr)
	}
}
