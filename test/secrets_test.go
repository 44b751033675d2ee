//go:build e2e

package test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/test/kit"
)

// listener is a client's transport that notes every secret that goes by.
type listener struct {
	mu      sync.Mutex
	secrets map[string]string // what it is, by its text
}

// secretive are the texts in requests and answers that are secrets, or stand for
// one: who has a signature can send its call again.
var secretive = regexp.MustCompile(`<(SecretAccessKey|SessionToken|Base32StringSeed|QRCodePNG)>([^<]+)<|(Signature)=([0-9a-f]{64})`)

func (l *listener) note(what, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(text) < 16 {
		panic(what + " is too short to be looked for")
	}
	l.secrets[text] = what
}

func (l *listener) find(text string) {
	for _, m := range secretive.FindAllStringSubmatch(text, -1) {
		l.note(m[1]+m[3], m[2]+m[4])
	}
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	l.find(r.Header.Get("Authorization") + " " + r.URL.RawQuery)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	l.find(string(body))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, err
}

// ofRecords are the places of records. AWS's records of AssumeRole and
// GetSessionToken hold the token (spec 2.4), which is nothing without the secret.
var ofRecords = regexp.MustCompile(`^the log (group|files)$|^event history$|/JOURNAL/|/LOGS_|\.json\.gz$|/lake/`)

// TestSecretsStayInside tells a story in which every kind of secret is made, used
// and mistaken, with all the engine can log, and then looks for each in the log, in
// what trails delivered, in log groups, in event history and in every file of the
// data folder that is not there to keep secrets.
func TestSecretsStayInside(t *testing.T) {
	dir := t.TempDir()
	e := kit.StartEngine(t, dir, "--log-level", "debug", "--log-format", "json")
	l := &listener{secrets: map[string]string{}}
	root := e.Config(t, "")
	root.HTTPClient = &http.Client{Transport: l}
	root.RetryMaxAttempts = 1
	keys, err := root.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.note("root's secret", keys.SecretAccessKey)
	trailEverything(t, root, e.Account)
	ann := secretsOfIAM(t, l, root)
	secretsOfSTS(t, l, root, ann, e.Account)
	secretsOfS3(t, l, ann)
	secretsMistaken(t, l, ann)
	said := spoken(t, root, "secrets-seen")
	for _, name := range []string{"admin-token", "seal.key"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		l.note(name, strings.TrimSpace(string(b)))
		l.note(name+" in hexadecimal", hex.EncodeToString(b))
	}
	e.Stop(t, syscall.SIGTERM)
	said["the engine's log"] = e.Log()
	if !strings.Contains(e.Log(), `"action":"sts:AssumeRole"`) {
		t.Error("calls are not in the log")
	}
	for name, text := range folder(t, dir) {
		said[name] = text
	}
	kinds := map[string]int{}
	for secret, what := range l.secrets {
		kinds[what]++
		for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			for place, text := range said {
				if what == "SessionToken" && ofRecords.MatchString(place) {
					continue
				}
				if strings.Contains(text, form) {
					t.Errorf("%s (%.8s...) is in %s", what, secret, place)
				}
			}
		}
	}
	t.Logf("looked for %v in %d places", kinds, len(said))
	for _, what := range []string{"SecretAccessKey", "SessionToken", "Base32StringSeed", "Signature"} {
		if kinds[what] == 0 {
			t.Errorf("the story had no %s", what)
		}
	}
}

func trailEverything(t *testing.T, c aws.Config, account string) {
	t.Helper()
	objects := s3.NewFromConfig(c, pathStyle)
	must(t)(objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("secrets-seen"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region}}))
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::secrets-seen","arn:aws:s3:::secrets-seen/*"]}]}`
	must(t)(objects.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("secrets-seen"), Policy: &policy}))
	must(t)(cloudwatchlogs.NewFromConfig(c).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("secrets")}))
	roles := iam.NewFromConfig(c)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	must(t)(roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("writer"), AssumeRolePolicyDocument: &trust}))
	must(t)(roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("writer"), PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`)}))
	trails := cloudtrail.NewFromConfig(c)
	trail := aws.String("secrets")
	must(t)(trails.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{
		Name: trail, S3BucketName: aws.String("secrets-seen"), IsMultiRegionTrail: aws.Bool(true), IncludeGlobalServiceEvents: aws.Bool(true),
		CloudWatchLogsLogGroupArn: aws.String("arn:aws:logs:" + kit.Region + ":" + account + ":log-group:secrets:*"), CloudWatchLogsRoleArn: aws.String("arn:aws:iam::" + account + ":role/writer"),
	}))
	must(t)(trails.PutEventSelectors(t.Context(), &cloudtrail.PutEventSelectorsInput{TrailName: trail, EventSelectors: []trailtypes.EventSelector{{
		ReadWriteType: trailtypes.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(true),
		DataResources: []trailtypes.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}},
	}}}))
	must(t)(trails.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: trail}))
}

// secretsOfIAM makes a user with keys and a device, and returns what calls as her.
func secretsOfIAM(t *testing.T, l *listener, root aws.Config) aws.Config {
	t.Helper()
	users, name := iam.NewFromConfig(root), aws.String("ann")
	must(t)(users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name}))
	must(t)(users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)}))
	made, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: name})
	must(t)(made, err)
	device, err := users.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	must(t)(device, err)
	seed := string(device.VirtualMFADevice.Base32StringSeed)
	l.note("the device's seed", seed)
	if key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed); err != nil {
		t.Error(err)
	} else {
		l.note("the device's key", string(key))
	}
	_, err = users.EnableMFADevice(t.Context(), &iam.EnableMFADeviceInput{
		UserName: name, SerialNumber: device.VirtualMFADevice.SerialNumber, AuthenticationCode1: aws.String("000000"), AuthenticationCode2: aws.String("000001"),
	})
	refused(t, err)
	// Passwords are for consoles, which there is none of: refused, and still not told.
	_, err = users.CreateLoginProfile(t.Context(), &iam.CreateLoginProfileInput{UserName: name, Password: secret(l, "a password", "correct horse battery staple")})
	refused(t, err)
	_, err = users.ChangePassword(t.Context(), &iam.ChangePasswordInput{OldPassword: secret(l, "an old password", "correct horse battery stable"), NewPassword: secret(l, "a new password", "incorrect horse battery staple")})
	refused(t, err)
	c := root
	c.Credentials = credentials.NewStaticCredentialsProvider(*made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey, "")
	return c
}

func secretsOfSTS(t *testing.T, l *listener, root, ann aws.Config, account string) {
	t.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
	must(t)(iam.NewFromConfig(root).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust}))
	tokens := sts.NewFromConfig(ann)
	role := aws.String("arn:aws:iam::" + account + ":role/r")
	session, err := tokens.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String("story")})
	must(t)(session, err)
	must(t)(tokens.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{}))
	_, err = tokens.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String("story"), SerialNumber: aws.String("arn:aws:iam::" + account + ":mfa/phone"), TokenCode: secret(l, "no code", "a-code-of-many-letters-1")})
	refused(t, err)
	_, err = tokens.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{RoleArn: role, RoleSessionName: aws.String("story"), WebIdentityToken: secret(l, "a web identity's token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl")})
	refused(t, err)
	as := ann
	as.Credentials = credentials.NewStaticCredentialsProvider(*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	must(t)(sts.NewFromConfig(as).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	as.Credentials = credentials.NewStaticCredentialsProvider(*session.Credentials.AccessKeyId, "wrong", *secret(l, "a changed session token", *session.Credentials.SessionToken+"AAAA"))
	_, err = sts.NewFromConfig(as).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	refused(t, err)
}

func secretsOfS3(t *testing.T, l *listener, ann aws.Config) {
	t.Helper()
	objects, bucket := s3.NewFromConfig(ann, pathStyle), aws.String("secrets-of-ann")
	must(t)(objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region}}))
	key := *secret(l, "a customer's key", base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef")))
	put := &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("v"), SSECustomerAlgorithm: aws.String("AES256"), SSECustomerKey: &key}
	_, err := objects.PutObject(t.Context(), put)
	refused(t, err)
	must(t)(objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("v")}))
	signed, err := s3.NewPresignClient(objects).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("k")})
	must(t)(signed, err)
	for _, target := range []string{signed.URL, signed.URL + "0", strings.Replace(signed.URL, "X-Amz-Date", "X-Amz-Dote", 1)} {
		r, err := http.NewRequestWithContext(t.Context(), signed.Method, target, nil)
		must(t)(r, err)
		resp, err := ann.HTTPClient.Do(r)
		must(t)(resp, err)
		resp.Body.Close()
	}
	must(t)(ec2.NewFromConfig(ann).RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String("ami-12345678"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}))
}

// secretsMistaken sends secrets where none belong.
func secretsMistaken(t *testing.T, l *listener, ann aws.Config) {
	t.Helper()
	keys, err := ann.Credentials.Retrieve(t.Context())
	must(t)(keys, err)
	send := func(body, contentType string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *ann.BaseEndpoint, strings.NewReader(body))
		must(t)(r, err)
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("X-Api-Key", *secret(l, "a header of somebody else's", "sk-0123456789-somebody-elses-key"))
		sum := sha256.Sum256([]byte(body))
		if err := v4.NewSigner().SignHTTP(t.Context(), keys, r, hex.EncodeToString(sum[:]), "sts", kit.Region, time.Now()); err != nil {
			t.Fatal(err)
		}
		resp, err := ann.HTTPClient.Do(r)
		must(t)(resp, err)
		resp.Body.Close()
	}
	form := "application/x-www-form-urlencoded"
	send("Action=GetCallerIdentity&Version=2011-06-15&Password="+url.QueryEscape(*secret(l, "an unknown parameter", "tell nobody of this password")), form)
	send("Action=NoSuchOperation&Version=2011-06-15&SecretAccessKey="+*secret(l, "a parameter of no operation", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"), form)
	send(`{"password":"`+*secret(l, "JSON to a service of forms", "json-is-not-spoken-here-0001")+`"}`, "application/x-amz-json-1.1")
	send("%zz"+*secret(l, "a body that is no form", "this-body-cannot-be-read-0002"), form)
}

// spoken is what the engine tells of calls, once all are delivered.
func spoken(t *testing.T, c aws.Config, bucket string) map[string]string {
	t.Helper()
	objects := s3.NewFromConfig(c, pathStyle)
	mark := aws.String("the-last-call")
	_, err := iam.NewFromConfig(c).GetUser(t.Context(), &iam.GetUserInput{UserName: mark})
	refused(t, err)
	said := map[string]string{}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		var group, files, events strings.Builder
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(c), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("secrets")})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			must(t)(page, err)
			for _, m := range page.Events {
				group.WriteString(*m.Message + "\n")
			}
		}
		for _, key := range kit.Keys(t.Context(), t, objects, bucket, "") {
			got, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
			must(t)(got, err)
			b, err := io.ReadAll(got.Body)
			must(t)(b, err)
			files.WriteString(inflated(b))
		}
		history := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(c), &cloudtrail.LookupEventsInput{})
		for history.HasMorePages() {
			page, err := history.NextPage(t.Context())
			must(t)(page, err)
			for _, v := range page.Events {
				events.WriteString(*v.CloudTrailEvent + "\n")
			}
		}
		said["the log group"], said["the log files"], said["event history"] = group.String(), files.String(), events.String()
		missing := slices.DeleteFunc([]string{"the log group", "the log files"}, func(place string) bool { return strings.Contains(said[place], *mark) })
		if len(missing) == 0 && strings.Contains(said["event history"], "AssumeRole") {
			return said
		}
		if time.Now().After(deadline) {
			t.Fatalf("the last call is not in %v", missing)
		}
	}
}

func inflated(b []byte) string {
	if zr, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if text, err := io.ReadAll(zr); err == nil {
			return string(text)
		}
	}
	return string(b)
}

// folder is every file of the data folder but those that are there for secrets.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	said := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Dir(path) == dir && slices.Contains([]string{"credentials", "admin-token", "seal.key"}, d.Name()) {
			return err
		}
		b, err := os.ReadFile(path)
		said[strings.TrimPrefix(path, dir)] = inflated(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func secret(l *listener, what, text string) *string {
	l.note(what, text)
	return &text
}

func must(t *testing.T) func(_ any, err error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// refused fails if a call was carried out, or did not come to the engine.
func refused(t *testing.T, err error) {
	t.Helper()
	var answered interface{ HTTPStatusCode() int }
	if err == nil || !errors.As(err, &answered) {
		t.Fatalf("the engine answered %v", err)
	}
}
