//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/digest/digesttest"
	"cairn/digest/verify"
	"cairn/test/kit"
)

const (
	// validateHours and validateFiles are the bucket that is validated: 10,000
	// log files with 100 digests.
	validateHours, validateFiles = 100, 100
	// awsHours is the part of it that the aws CLI is given, which reads one
	// object at a time: its time is extrapolated linearly to the whole.
	awsHours = 8
	// validateLatency is added to each answer of the stand-in for S3.
	validateLatency = 25 * time.Millisecond
)

// BenchmarkValidate compares `cairn validate` with `aws cloudtrail validate-logs`
// on the same small log files: over a stand-in for S3 with 25 ms an object, and
// on a local copy, which the aws CLI cannot do.
func BenchmarkValidate(b *testing.B) {
	aws := kit.Tool(b, "aws")
	tr := digesttest.NewTrail(digesttest.Store{}, "t1")
	tr.Content = smallLog
	for range validateHours {
		tr.Hour(b, validateFiles)
	}
	server := &digesttest.Server{Store: tr.Store, Trails: []*digesttest.Trail{tr}, LatestDigest: tr.At, Latency: validateLatency}
	c := kit.Client{Dir: b.TempDir(), Env: append(os.Environ(),
		"AWS_ENDPOINT_URL="+digesttest.Serve(b, server), "AWS_REGION="+tr.Region, "AWS_DEFAULT_REGION="+tr.Region,
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true")}
	folder := tr.Store.Save(b, tr.Bucket, true)
	list := filepath.Join(c.Dir, "keys.json")
	writeKeys(b, list)

	const objects = validateHours * (validateFiles + 1)
	const awsObjects = awsHours * (validateFiles + 1)
	for b.Loop() {
		online := c.Measure(b, kit.Binary(b), "validate", "s3://"+tr.Bucket)
		local := c.Measure(b, kit.Binary(b), "validate", folder, "--keys", list)
		start := c.Measure(b, aws, "--version").Wall
		began := time.Now()
		// The second keeps it from reading the digest that ends at the start.
		out := c.Must(b, aws, "cloudtrail", "validate-logs", "--trail-arn", tr.ARN(),
			"--start-time", tr.At.Add(-awsHours*time.Hour+time.Second).Format(time.RFC3339), "--end-time", tr.At.Format(time.RFC3339))
		part := time.Since(began)
		if want := fmt.Sprintf("%d/%d log files valid", awsHours*validateFiles, awsHours*validateFiles); !strings.Contains(out, want) {
			b.Fatalf("the aws CLI did not say %q:\n%s", want, out)
		}
		theirs := start + time.Duration(float64(part-start)*objects/awsObjects)

		b.Logf("validate %d log files, %d digests, %v an object: cairn %.2f s, %d MB; aws %.1f s for %d of %d objects, linearly %.0f s for all; local copy: cairn %.2f s, %d MB",
			validateHours*validateFiles, validateHours, validateLatency, online.Wall.Seconds(), online.Peak>>20,
			part.Seconds(), awsObjects, objects, theirs.Seconds(), local.Wall.Seconds(), local.Peak>>20)
		b.ReportMetric(theirs.Seconds()/online.Wall.Seconds(), "times-faster")
		b.ReportMetric(theirs.Seconds()/local.Wall.Seconds(), "times-faster-locally")
		b.ReportMetric(float64(objects)/local.Wall.Seconds(), "objects/s-locally")
	}
}

// smallLog is the content of a log file as buckets are full of: a few records,
// under 3 KB compressed.
func smallLog(n int) []byte {
	var s strings.Builder
	s.WriteString(`{"Records":[`)
	for i := range 5 {
		if i > 0 {
			s.WriteByte(',')
		}
		id := fmt.Sprintf("%08x-%04x-4000-8000-%012x", n, i, uint64(n*5+i)*0x9e3779b97f4a7c15>>16)
		fmt.Fprintf(&s, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%08X:session","arn":"arn:aws:sts::111122223333:assumed-role/worker/session","accountId":"111122223333"},"eventTime":"2025-03-01T10:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"10.%d.%d.%d","userAgent":"[aws-sdk-go-v2/1.48.0]","requestParameters":{"bucketName":"data-%d","key":"objects/%s"},"responseElements":null,"requestID":"%s","eventID":"%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`,
			n, n/60%60, n%60, n>>16&255, n>>8&255, n&255, n%17, id, id, id)
	}
	s.WriteString(`]}`)
	return []byte(s.String())
}

func writeKeys(b *testing.B, name string) {
	b.Helper()
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	list := verify.KeyList{Keys: []verify.RegionKey{{Region: digesttest.Region, PublicKey: digesttest.PublicKey()}}}
	if err := list.Write(f); err != nil {
		b.Fatal(err)
	}
}
