//go:build e2e

package test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cairn/test/kit"
)

const (
	trailBucket = "s3://digitalmarketplaces-account-cloudtrail-bucket"
	trailGroup  = "log-group:digitalmarketplaces-account-cloudtrail-cloudtrail-log-group"
)

// TestSearch acts as root and as a user who may nothing, and finds what was
// done: in the bucket and in the log group, counted, and by tails that were
// started before.
func TestSearch(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", "--var", "account_id=111122223333", kit.Repository(t, "examples", "own-bucket"))
	tails := []*tail{startTail(t, c, trailBucket), startTail(t, c, trailGroup)}

	machines := ec2.NewFromConfig(e.Config(t, ""))
	ran, err := machines.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	instance := *ran.Instances[0].InstanceId
	people := iam.NewFromConfig(e.Config(t, ""))
	if _, err := people.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	key, err := people.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := e.Config(t, "")
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}, nil
	})
	ann := ec2.NewFromConfig(cfg, func(o *ec2.Options) { o.RetryMaxAttempts = 1 })
	if _, err := ann.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{instance}}); err == nil {
		t.Fatal("ann may terminate instances")
	}

	for _, source := range []string{trailBucket, trailGroup} {
		find := func(args ...string) (records []map[string]any) {
			kit.Eventually(t, source+" has "+strings.Join(args, " "), func() bool {
				out, errs, code := c.Both(t, kit.Binary(t), append([]string{"search", source}, args...)...)
				if code != 0 && code != 3 {
					t.Fatalf("search %s %v ended with %d:\n%s", source, args, code, errs)
				}
				records = nil
				for line := range strings.Lines(out) {
					var r map[string]any
					if err := json.Unmarshal([]byte(line), &r); err != nil {
						t.Fatalf("%v: %s", err, line)
					}
					records = append(records, r)
				}
				return len(records) > 0
			})
			return records
		}
		if r := find("--event", "RunInstances", "--user", "root", "--since", "1h", instance); len(r) != 1 {
			t.Errorf("%s has %d records of one RunInstances", source, len(r))
		}
		if r := find("--failed", "--user", "ann", "--newest", "--limit", "5"); len(r) != 1 || r[0]["errorCode"] != "Client.UnauthorizedOperation" {
			t.Errorf("%s says of ann %v", source, r)
		}
		if r := find("--access-key", *key.AccessKey.AccessKeyId, "--pattern", `{ $.eventName = "Terminate*" }`); len(r) != 1 {
			t.Errorf("%s has %d records of ann's key", source, len(r))
		}
		if _, _, code := c.Both(t, kit.Binary(t), "search", source, "--user", "bob"); code != 3 {
			t.Errorf("a search of %s for nobody ended with %d, want 3", source, code)
		}
		counts, err := csv.NewReader(strings.NewReader(c.Must(t, kit.Binary(t), "stats", source, "--by", "event,error", "--csv", "--source", "ec2,iam"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		counted := map[string]int{}
		for _, row := range counts[1:] {
			n, _ := strconv.Atoi(row[2])
			counted[row[0]+" "+row[1]] = n
		}
		if counted["RunInstances "] != 1 || counted["TerminateInstances Client.UnauthorizedOperation"] != 1 || counted["CreateUser "] != 1 {
			t.Errorf("%s counts %v", source, counted)
		}
	}
	for _, tail := range tails {
		tail.wantOnce(t, "RunInstances", "CreateUser", "CreateAccessKey", "TerminateInstances")
	}
}

// tail is a running `cairn tail`.
type tail struct {
	source string
	cmd    *exec.Cmd
	stderr bytes.Buffer

	mu  sync.Mutex
	out bytes.Buffer
}

// Write implements [io.Writer].
func (r *tail) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(b)
}

func (r *tail) printed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// startTail follows a source from a while ago on, for the calls of EC2 and IAM.
func startTail(t *testing.T, c kit.Client, source string) *tail {
	t.Helper()
	r := &tail{source: source}
	r.cmd = exec.Command(kit.Binary(t), "tail", source, "--every", "1s", "--since", "1h", "--source", "ec2,iam", "--csv", "--columns", "event,event-id")
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = c.Env, r, &r.stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
	})
	return r
}

// wantOnce waits until the events are printed, ends the tail and wants each
// record to be there once.
func (r *tail) wantOnce(t *testing.T, events ...string) {
	t.Helper()
	for _, event := range events {
		kit.Eventually(t, "tail "+r.source+" prints "+event, func() bool { return strings.Contains(r.printed(), "\n"+event+",") })
	}
	time.Sleep(2 * time.Second) // two more looks: nothing may come again
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil || r.stderr.Len() > 0 {
		t.Errorf("tail %s ended with %v: %s", r.source, err, r.stderr.String())
	}
	seen := map[string]bool{}
	for line := range strings.Lines(r.printed()) {
		if seen[line] {
			t.Errorf("tail %s printed twice: %s", r.source, line)
		}
		seen[line] = true
	}
}
