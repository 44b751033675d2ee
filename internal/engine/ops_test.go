package engine

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// get asks an admin address and returns status and body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// pair writes a certificate for 127.0.0.1 and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir+"/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	put(t, dir+"/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return dir + "/cert.pem", dir + "/key.pem"
}

// TestTLS calls an engine over TLS, as its clients and as a local command, and
// looks at what the record says of the connection.
func TestTLS(t *testing.T) {
	cert, key := pair(t)
	dir := t.TempDir()
	e := open(t, Options{Dir: dir, TLSCert: cert, TLSKey: key})
	if !strings.HasPrefix(e.URL(), "https://") {
		t.Fatalf("the endpoint is %s", e.URL())
	}
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	c := config(t, e, account)
	c.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if _, err := awssts.NewFromConfig(c).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	recs, _, err := e.journal.Read(t.Context(), e.journal.First(), 1<<20)
	if err != nil || len(recs) != 1 || !bytes.Contains(recs[0].JSON, []byte(`"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_`)) {
		t.Errorf("records %v, %s", err, recs[0].JSON)
	}
	if err := AddAccount(t.Context(), dir, "444455556666"); err != nil {
		t.Errorf("a local command over TLS: %v", err)
	}
	plain := config(t, e, account)
	plain.BaseEndpoint = aws.String("http://" + strings.TrimPrefix(e.URL(), "https://"))
	if _, err := awssts.NewFromConfig(plain).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err == nil {
		t.Error("plain HTTP was answered")
	}
}

// TestListenWithTLS has the addresses and certificates nothing listens with.
func TestListenWithTLS(t *testing.T) {
	cert, key := pair(t)
	for name, row := range map[string]struct {
		o    Options
		want string
	}{
		"remote, plain":     {Options{Listen: "0.0.0.0:0"}, "--tls-cert and --tls-key, or say --insecure"},
		"a half pair":       {Options{Listen: "127.0.0.1:0", TLSCert: cert}, "give both --tls-cert and --tls-key"},
		"another half":      {Options{Listen: "127.0.0.1:0", TLSKey: key}, "give both"},
		"no such file":      {Options{Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key + "x"}, "read TLS key"},
		"the wrong way":     {Options{Listen: "127.0.0.1:0", TLSCert: key, TLSKey: cert}, "read TLS certificate"},
		"an unknown scheme": {Options{Listen: "https://x"}, "listen on"},
	} {
		if l, err := listen(t.Context(), &row.o); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
			if err == nil {
				_ = l.Close()
			}
		}
	}
	l, err := listen(t.Context(), &Options{Listen: "0.0.0.0:0", TLSCert: cert, TLSKey: key})
	if err != nil {
		t.Fatalf("TLS beyond loopback: %v", err)
	}
	_ = l.Close()
	if _, err := listenAt(t.Context(), "0.0.0.0:0", "--admin", false); err == nil || !strings.Contains(err.Error(), "choose a loopback address, or say --insecure") {
		t.Errorf("an admin address beyond loopback: %v", err)
	}
}

// TestOps asks an engine with a trail how it is, in health and in trouble.
func TestOps(t *testing.T) {
	e := open(t, Options{Admin: "127.0.0.1:0"})
	if code, text := get(t, e.AdminURL()+"/healthz"); code != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz: %d %s", code, text)
	}
	if code, text := get(t, e.AdminURL()+"/readyz"); code != http.StatusOK || strings.Count(text, `"ok":true`) != 5 {
		t.Errorf("/readyz: %d %s", code, text)
	}
	aTrail(t, e)
	until(t, func() bool { _, text := get(t, e.AdminURL()+"/metrics"); return delivered.MatchString(text) })
	_, text := get(t, e.AdminURL()+"/metrics")
	for _, want := range []string{
		`cairn_requests_total{operation="CreateTrail",service="cloudtrail",status="2xx"} 1`,
		`cairn_requests_total{operation="unknown",service="sts",status="4xx"} 1`,
		`cairn_request_seconds_count{service="cloudtrail"} 2`, `cairn_records_balanced{account="111122223333",destination="bucket",region="eu-west-1",trail="main"} 1`,
		`cairn_delivery_lag_seconds{`, `cairn_journal_records_total`, `cairn_stream_bytes{stream="journal"}`, "process_open_fds", "go_goroutines",
		"cairn_metrics_incomplete 0", "cairn_ready 1", "cairn_trails 1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	root, err := e.identities.RootCredentials(account)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, root.Secret) || strings.Contains(text, root.AccessKeyID) || strings.Contains(text, e.adminToken) {
		t.Error("/metrics shows a credential")
	}
	if code, _ := get(t, e.AdminURL()+adminPath+"metrics"); code != http.StatusNotFound {
		t.Errorf("the admin address answers commands: %d", code)
	}
	// What cannot be written is not ready.
	if err := os.Mkdir(filepath.Join(e.dir.path, temporary(probeFile)), 0o700); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { code, _ := get(t, e.AdminURL()+"/readyz"); return code == http.StatusServiceUnavailable })
}

var delivered = regexp.MustCompile(`cairn_records\{account="111122223333",destination="bucket",outcome="delivered",region="eu-west-1",trail="main"\} [1-9]`)

// aTrail makes a trail that logs, and a call that fails.
func aTrail(t *testing.T, e *Engine) {
	t.Helper()
	c := config(t, e, account)
	buckets := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("logs"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := buckets.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("logs"), Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/*"]}]}`)}); err != nil {
		t.Fatal(err)
	}
	trails := cloudtrail.NewFromConfig(c)
	if _, err := trails.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: aws.String("main"), S3BucketName: aws.String("logs"), EnableLogFileValidation: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := trails.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: aws.String("main")}); err != nil {
		t.Fatal(err)
	}
	c.Credentials = credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wrong", "")
	if _, err := awssts.NewFromConfig(c).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err == nil {
		t.Fatal("an unknown key was let in")
	}
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to be within 20 s")
		}
	}
}

// who returns the error of a call with these credentials.
func who(t *testing.T, e *Engine, c aws.CredentialsProvider) error {
	t.Helper()
	cfg := config(t, e, account)
	cfg.Credentials = c
	_, err := awssts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	return err
}

// TestRotate changes root credentials at once and with a grace, over a restart.
func TestRotate(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	first := config(t, e, account).Credentials
	if err := RotateAccount(t.Context(), dir, account, 0); err != nil {
		t.Fatal(err)
	}
	second := fileCredentials(t, dir)
	if who(t, e, first) == nil || who(t, e, second) != nil {
		t.Error("rotated at once: the old key works, or the new one does not")
	}
	if info, err := os.Stat(CredentialsFile(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the credentials file: %v, %v", info.Mode(), err)
	}
	if err := RotateAccount(t.Context(), dir, account, time.Hour); err != nil {
		t.Fatal(err)
	}
	third := fileCredentials(t, dir)
	if who(t, e, second) != nil || who(t, e, third) != nil {
		t.Error("in the grace one of the keys does not work")
	}
	if err := RotateAccount(t.Context(), dir, account, 3*time.Second); err != nil { // ends the second
		t.Fatal(err)
	}
	fourth := fileCredentials(t, dir)
	if who(t, e, second) == nil || who(t, e, third) != nil || who(t, e, fourth) != nil {
		t.Error("of three keys, the oldest works, or another does not")
	}
	end(t, e)
	e = open(t, Options{Dir: dir})
	if got := fileCredentials(t, dir); got.Value != fourth.Value {
		t.Error("a restart wrote an old key to the credentials file")
	}
	until(t, func() bool { return who(t, e, third) != nil })
	if who(t, e, fourth) != nil || len(e.rotations.List()) != 0 {
		t.Error("after the grace the new key does not work, or its predecessor is not forgotten")
	}
	made, deleted := 0, 0
	recs, _, err := e.journal.Read(t.Context(), e.journal.First(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		switch {
		case r.Header.Name == "CreateAccessKey" && bytes.Contains(r.JSON, []byte(`"type":"Root"`)):
			made++
		case r.Header.Name == "DeleteAccessKey":
			deleted++
		}
		if bytes.Contains(r.JSON, []byte(fourth.Value.SecretAccessKey)) {
			t.Errorf("a record holds a secret: %s", r.JSON)
		}
	}
	if made != 3 || deleted != 3 {
		t.Errorf("%d CreateAccessKey and %d DeleteAccessKey are recorded, want 3 and 3", made, deleted)
	}
	for _, bad := range []func() error{
		func() error { return RotateAccount(t.Context(), dir, "999999999999", 0) },
		func() error { return RotateAccount(t.Context(), dir, account, -1) },
		func() error { return RotateAccount(t.Context(), dir, account, MaxGrace+1) },
	} {
		if err := bad(); err == nil {
			t.Error("an impossible rotation was done")
		}
	}
}

func fileCredentials(t *testing.T, dir string) credentials.StaticCredentialsProvider {
	t.Helper()
	b, err := os.ReadFile(CredentialsFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)\[default\]\naws_access_key_id = (\S+)\naws_secret_access_key = (\S+)\n`).FindSubmatch(b)
	if m == nil {
		t.Fatal("the credentials file has no default profile")
	}
	return credentials.NewStaticCredentialsProvider(string(m[1]), string(m[2]), "")
}

// TestLogsHoldNoSecret makes all kinds of credentials with everything logged.
func TestLogsHoldNoSecret(t *testing.T) {
	var log bytes.Buffer
	dir := t.TempDir()
	e, err := Open(t.Context(), Options{Dir: dir, Listen: "127.0.0.1:0", Account: account, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	var secrets []string
	c := config(t, e, account)
	users := iam.NewFromConfig(c)
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, *key.AccessKey.SecretAccessKey, e.adminToken, fileCredentials(t, dir).Value.SecretAccessKey)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
	if _, err := users.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
	if _, err := users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)}); err != nil {
		t.Fatal(err)
	}
	ann := c
	ann.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	session, err := awssts.NewFromConfig(ann).AssumeRole(t.Context(), &awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/r"), RoleSessionName: aws.String("session")})
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	if err := RotateAccount(t.Context(), dir, account, time.Minute); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, fileCredentials(t, dir).Value.SecretAccessKey)
	_ = who(t, e, credentials.NewStaticCredentialsProvider(*session.Credentials.AccessKeyId, "wrong", *session.Credentials.SessionToken+"x"))
	seal, err := os.ReadFile(filepath.Join(dir, sealFile))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.TrimSpace(string(seal)))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), `"action":"sts:AssumeRole"`) {
		t.Error("calls are not logged at debug level")
	}
	for i, s := range secrets {
		if len(s) < 20 || strings.Contains(log.String(), s) {
			t.Errorf("secret %d of %d bytes is in the log", i, len(s))
		}
	}
}
