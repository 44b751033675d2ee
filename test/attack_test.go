//go:build e2e

package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/sigv4"
	"cairn/test/kit"
)

const (
	attacker = "444455556666"
	victim   = "111122223333"
)

// besieged is an engine with an attacker's account beside the victim's. The
// victim has a trail of everything to its bucket, and a log group and a role
// that CloudTrail may assume.
func besieged(t *testing.T) *kit.Engine {
	t.Helper()
	e := kit.StartEngine(t, t.TempDir(), "--account", victim)
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, kit.Binary(t), "account", "add", attacker, "--data", e.Dir)
	ctx, owner := t.Context(), e.Config(t, victim)
	objects, trails := s3.NewFromConfig(owner, pathStyle), cloudtrail.NewFromConfig(owner)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("evidence"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}))
	must(objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("evidence"), Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],
		 "Resource":["arn:aws:s3:::evidence","arn:aws:s3:::evidence/*"],
		 "Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/all"}}}]}`)}))
	must(trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String("evidence"), IsMultiRegionTrail: aws.Bool(true)}))
	must(trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("all")}))
	must(cloudwatchlogs.NewFromConfig(owner).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("audit")}))
	must(iam.NewFromConfig(owner).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("to-logs"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}))
	must(iam.NewFromConfig(owner).PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("to-logs"), PolicyName: aws.String("p"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`)}))
	return e
}

// TestOtherAccounts tries to reach the victim's resources from another account,
// as root there: by ARN, by name, through CloudTrail, and through paths.
func TestOtherAccounts(t *testing.T) {
	e := besieged(t)
	ctx, mine := t.Context(), e.Config(t, attacker)
	trails, groups, objects := cloudtrail.NewFromConfig(mine), cloudwatchlogs.NewFromConfig(mine), s3.NewFromConfig(mine, pathStyle)
	if _, err := groups.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("audit")}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("den"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("den"), Policy: aws.String(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:*","Resource":["arn:aws:s3:::den","arn:aws:s3:::den/*"]}]}`)}); err != nil {
		t.Fatal(err)
	}
	upload, err := objects.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String("den"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	trailARN := aws.String("arn:aws:cloudtrail:eu-west-1:" + victim + ":trail/all")
	groupARN := "arn:aws:logs:eu-west-1:" + victim + ":log-group:audit"
	for name, try := range map[string]func() error{
		"stop the trail": func() error {
			_, err := trails.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: trailARN})
			return err
		},
		"read the trail": func() error {
			_, err := trails.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: trailARN})
			return err
		},
		"deliver into the victim's bucket": func() error {
			_, err := trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String("evidence")})
			return err
		},
		"write to the victim's log group through its role": func() error {
			_, err := trails.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
				Name: aws.String("inject"), S3BucketName: aws.String("den"), CloudWatchLogsRoleArn: aws.String("arn:aws:iam::" + victim + ":role/to-logs"),
				CloudWatchLogsLogGroupArn: aws.String("arn:aws:logs:eu-west-1:" + attacker + ":log-group:audit:*"),
			})
			return err
		},
		"read the log group": func() error {
			_, err := groups.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: &groupARN})
			return err
		},
		"tag the log group": func() error {
			_, err := groups.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: &groupARN, Tags: map[string]string{"a": "b"}})
			return err
		},
		"assume the role": func() error {
			_, err := sts.NewFromConfig(mine).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + victim + ":role/to-logs"), RoleSessionName: aws.String("me")})
			return err
		},
		"copy an object": func() error {
			_, err := objects.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("den"), Key: aws.String("k"), CopySource: aws.String("evidence/AWSLogs")})
			return err
		},
		"remove the bucket by an upload id": func() error {
			_, err := objects.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String("den"), Key: aws.String("k"), UploadId: aws.String("../../../../evidence")})
			return err
		},
		"upload a part elsewhere": func() error {
			_, err := objects.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: aws.String("den"), Key: aws.String("k"), UploadId: aws.String(*upload.UploadId + "/../../../../../evidence"),
				PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
			})
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("another account could %s", name)
		}
	}
	owner := e.Config(t, victim)
	status, err := cloudtrail.NewFromConfig(owner).GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: aws.String("all")})
	if err != nil || !*status.IsLogging {
		t.Errorf("the victim's trail says %+v, %v", status, err)
	}
	if _, err := s3.NewFromConfig(owner, pathStyle).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("evidence")}); err != nil {
		t.Errorf("the victim's bucket: %v", err)
	}
}

// records returns the victim's delivered records; every file has to be JSON.
func records(t testing.TB, client *s3.Client) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, key := range kit.Keys(t.Context(), t, client, "evidence", "") {
		got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("evidence"), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Records []map[string]any }
		zr, err := gzip.NewReader(got.Body)
		if err == nil {
			err = json.NewDecoder(zr).Decode(&file)
		}
		got.Body.Close()
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		all = append(all, file.Records...)
	}
	return all
}

// raw sends one signed query call over a connection of its own and returns that.
func raw(t testing.TB, e *kit.Engine, service, form string, header http.Header) net.Conn {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.Endpoint, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	keys, err := e.Config(t, victim).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sigv4.Sign(req, keys.AccessKeyID, keys.SecretAccessKey, kit.Region, service, sha256Hex(form), time.Now())
	var head bytes.Buffer
	head.WriteString("POST / HTTP/1.1\r\nHost: " + req.Host + "\r\nContent-Length: " + strconv.Itoa(len(form)) + "\r\n")
	for name, values := range req.Header { // as it is: Header.Write would mend it
		head.WriteString(name + ": " + values[0] + "\r\n")
	}
	head.WriteString("\r\n" + form)
	u, err := url.Parse(e.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(head.Bytes()); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestRecordsHoldOut makes calls that try to go unrecorded, or to spoil or forge
// records: each change is in the bucket, as the success it was.
func TestRecordsHoldOut(t *testing.T) {
	e := besieged(t)
	const ghosts = 30
	for i := range ghosts { // callers that hang up at once
		conn := raw(t, e, "iam", "Action=CreateUser&Version=2010-05-08&UserName=ghost-"+strconv.Itoa(i), nil)
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	forged := "x\"},{\"eventName\":\"Forged\"}]}\\\xff\u2028"
	conn := raw(t, e, "sts", "Action=GetCallerIdentity&Version=2011-06-15", http.Header{"User-Agent": {forged}})
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	conn.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the odd user agent was answered %s", resp.Status)
	}
	// A change with so many parameters that its record could not hold them.
	users := iam.NewFromConfig(e.Config(t, victim))
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("tagged")}); err != nil {
		t.Fatal(err)
	}
	keys := make([]string, 5000)
	for i := range keys {
		keys[i] = strings.Repeat("\x01", 100) + strconv.Itoa(i)
	}
	if _, err := users.UntagUser(t.Context(), &iam.UntagUserInput{UserName: aws.String("tagged"), TagKeys: keys}); err != nil {
		t.Error(err)
	}

	there := map[string]bool{}
	list, err := users.ListUsers(t.Context(), &iam.ListUsersInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list.Users {
		there[*u.UserName] = true
	}
	client := s3.NewFromConfig(e.Config(t, victim), pathStyle)
	var all []map[string]any
	kit.Eventually(t, "every change in the bucket", func() bool {
		all = records(t, client)
		untagged := false
		for _, r := range all {
			if r["eventName"] == "CreateUser" && r["errorCode"] == nil {
				delete(there, r["requestParameters"].(map[string]any)["userName"].(string))
			}
			untagged = untagged || r["eventName"] == "UntagUser"
		}
		return len(there) == 0 && untagged
	})
	agent := false
	for _, r := range all {
		if r["eventName"] == "Forged" {
			t.Error("a record was forged")
		}
		if text, _ := r["userAgent"].(string); strings.HasPrefix(text, `x"},{`) {
			agent = true
		}
	}
	if !agent {
		t.Error("the odd user agent is not recorded")
	}
}

// TestSecretsStayHome looks for root secrets in all that the engine stores and
// prints.
func TestSecretsStayHome(t *testing.T) {
	e := besieged(t)
	keys, err := e.Config(t, victim).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(e.Dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Base(name) == "credentials" {
			return nil // removed meanwhile, or where the secret belongs
		}
		f, err := os.Open(name)
		if err != nil {
			return nil
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err == nil && bytes.Contains(b, []byte(keys.SecretAccessKey)) {
			t.Errorf("%s holds the root user's secret", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
