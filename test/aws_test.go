//go:build e2e

package test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn/test/kit"
)

// record is what these tests look at in a CloudTrail record.
type record struct {
	EventName    string `json:"eventName"`
	EventSource  string `json:"eventSource"`
	ErrorCode    string `json:"errorCode"`
	EventID      string `json:"eventID"`
	RequestID    string `json:"requestID"`
	UserIdentity struct {
		Type, Arn, AccountID, InvokedBy string
	} `json:"userIdentity"`
	ResponseElements json.RawMessage `json:"responseElements"`
}

// readLogFile returns the records of a delivered log file.
func readLogFile(t testing.TB, path string) []record {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	zr.Multistream(false) // a log file is one gzip member with nothing after it
	text, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(f); len(rest) > 0 {
		t.Errorf("%s has %d bytes after its gzip member", path, len(rest))
	}
	if !strings.HasPrefix(string(text), `{"Records":[`) {
		t.Fatalf("%s does not start with Records: %.40s", path, text)
	}
	var file struct{ Records []record }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Records
}

// TestAWSCLI tells the main story with the genuine aws CLI: set up with plan
// and apply, act, find the log file and the record in the log group.
func TestAWSCLI(t *testing.T) {
	awsCLI := kit.Tool(t, "aws")
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", "--var", "account_id=111122223333", kit.Repository(t, "examples", "own-bucket"))

	var who struct{ Account, Arn string }
	c.JSON(t, &who, awsCLI, "sts", "get-caller-identity")
	if who.Account != "111122223333" || who.Arn != "arn:aws:iam::111122223333:root" {
		t.Errorf("get-caller-identity says %+v", who)
	}
	var reservation struct {
		Instances []struct {
			InstanceId string
			State      struct{ Name string }
		}
	}
	c.JSON(t, &reservation, awsCLI, "ec2", "run-instances", "--image-id", "ami-0123456789abcdef0", "--instance-type", "t3.micro")
	if len(reservation.Instances) != 1 {
		t.Fatalf("run-instances answered %+v", reservation)
	}
	id := reservation.Instances[0].InstanceId
	out := c.Must(t, awsCLI, "ec2", "describe-instances", "--instance-ids", id)
	if !strings.Contains(out, id) {
		t.Errorf("describe-instances does not show %s:\n%s", id, out)
	}

	bucket := "s3://digitalmarketplaces-account-cloudtrail-bucket"
	folder := filepath.Join(c.Dir, "log")
	var found *record
	kit.Eventually(t, "RunInstances in a log file of the bucket", func() bool {
		c.Must(t, awsCLI, "s3", "cp", "--recursive", "--quiet", bucket, folder)
		_ = filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json.gz") {
				return err
			}
			for _, r := range readLogFile(t, path) {
				if r.EventName == "RunInstances" {
					found = &r
					if !strings.Contains(path, "111122223333/AWSLogs/111122223333/CloudTrail/eu-west-1/") {
						t.Errorf("the record is in %s", path)
					}
				}
			}
			return nil
		})
		return found != nil
	})
	if found.UserIdentity.Type != "Root" || !strings.Contains(string(found.ResponseElements), id) {
		t.Errorf("the record says %+v", *found)
	}

	group := "digitalmarketplaces-account-cloudtrail-cloudtrail-log-group"
	kit.Eventually(t, "RunInstances in the log group", func() bool {
		var filtered struct {
			Events []struct{ Message, LogStreamName string }
		}
		c.JSON(t, &filtered, awsCLI, "logs", "filter-log-events", "--log-group-name", group,
			"--filter-pattern", `{ $.eventName = "RunInstances" && $.userIdentity.type = "Root" }`)
		return len(filtered.Events) == 1 && strings.Contains(filtered.Events[0].Message, found.EventID) &&
			filtered.Events[0].LogStreamName == "111122223333_CloudTrail_eu-west-1"
	})
	var status struct {
		IsLogging           bool
		LatestDeliveryError string
		LatestDeliveryTime  float64
	}
	c.JSON(t, &status, awsCLI, "cloudtrail", "get-trail-status", "--name", "digitalmarketplaces-account-cloudtrail")
	if !status.IsLogging || status.LatestDeliveryError != "" || status.LatestDeliveryTime == 0 {
		t.Errorf("get-trail-status says %+v", status)
	}
}

// TestAWSCLIObjects moves objects with the aws CLI: trailing checksums,
// multipart, presigned URLs, and the error for a bucket that is not there.
func TestAWSCLIObjects(t *testing.T) {
	awsCLI := kit.Tool(t, "aws")
	e := kit.StartEngine(t, t.TempDir())
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	big := filepath.Join(c.Dir, "big")
	if err := os.WriteFile(big, []byte(strings.Repeat("stone upon stone\n", 1<<20)), 0o600); err != nil { // 17 MB: several parts
		t.Fatal(err)
	}
	c.Must(t, awsCLI, "s3", "mb", "s3://stones")
	c.Must(t, awsCLI, "s3", "cp", "--quiet", big, "s3://stones/a/big")
	c.Must(t, awsCLI, "s3", "cp", "--quiet", "s3://stones/a/big", filepath.Join(c.Dir, "back"))
	sent, _ := os.ReadFile(big)
	back, err := os.ReadFile(filepath.Join(c.Dir, "back"))
	if err != nil || string(sent) != string(back) {
		t.Errorf("the object came back with %d bytes of %d, %v", len(back), len(sent), err)
	}
	// Without this the CLI's first generation presigns with Signature v2, which
	// is not supported.
	c.Must(t, awsCLI, "configure", "set", "default.s3.signature_version", "s3v4")
	url := strings.TrimSpace(c.Must(t, awsCLI, "s3", "presign", "s3://stones/a/big"))
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || len(got) != len(sent) {
		t.Errorf("the presigned URL answered %s with %d bytes: %.500s", resp.Status, len(got), got)
	}
	if _, code := c.Run(t, awsCLI, "s3", "ls", "s3://no-such-bucket-here"); code == 0 {
		t.Error("listing a bucket that is not there succeeded")
	}
	c.Must(t, awsCLI, "s3", "rb", "--force", "s3://stones")
}
