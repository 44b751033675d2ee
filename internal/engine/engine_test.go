package engine

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cairn/internal/service/logs"
	"cairn/internal/service/sts"
	"cairn/internal/trail"
)

// open starts an engine on a free port and ends it with the test.
func open(t *testing.T, o Options) *Engine {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.Account, o.Log, o.DeliveryInterval = account, slog.New(slog.DiscardHandler), 100*time.Millisecond
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if e.listener == nil {
			return
		}
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// end closes an engine before the test ends.
func end(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e.listener = nil
}

func config(t *testing.T, e *Engine, account string) aws.Config {
	t.Helper()
	root, err := e.identities.RootCredentials(account)
	if err != nil {
		t.Fatal(err)
	}
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(e.URL()), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.Secret, ""),
	}
}

func TestListenRefused(t *testing.T) {
	for address, want := range map[string]string{
		"0.0.0.0:0":         "other machines could reach it",
		":0":                "other machines could reach it",
		"[::]:0":            "other machines could reach it",
		"192.0.2.1:4566":    "other machines could reach it",
		"no-port":           "listen on no-port",
		"127.0.0.1:9999999": "listen on",
	} {
		l, err := listen(t.Context(), &Options{Listen: address})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("listen on %s: %v", address, err)
		}
		if l != nil {
			_ = l.Close()
		}
	}
	taken, err := listen(t.Context(), &Options{Listen: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := filepath.Join(t.TempDir(), "data")
	_, err = Open(t.Context(), Options{Dir: dir, Listen: taken.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("an address in use: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data folder was made although nothing can listen")
	}
	remote, err := listen(t.Context(), &Options{Listen: "0.0.0.0:0", Insecure: true})
	if err != nil {
		t.Errorf("--insecure: %v", err)
	} else {
		_ = remote.Close()
	}
}

// TestRestart keeps accounts, users and keys over a restart, also of an account
// whose root user has no access key any more.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	if err := AddAccount(t.Context(), dir, "444455556666"); err != nil {
		t.Fatal(err)
	}
	mine := config(t, e, account)
	users := iam.NewFromConfig(mine)
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	made, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("ann")})
	if err != nil {
		t.Fatal(err)
	}
	root, err := mine.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{AccessKeyId: &root.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
	end(t, e)

	e = open(t, Options{Dir: dir})
	mine.BaseEndpoint = aws.String(e.URL())
	_, err = awssts.NewFromConfig(mine).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidClientTokenId" {
		t.Errorf("the deleted root key: %v", err)
	}
	mine.Credentials = credentials.NewStaticCredentialsProvider(*made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey, "")
	who, err := awssts.NewFromConfig(mine).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::111122223333:user/ann" {
		t.Errorf("after the restart ann is %+v, %v", who, err)
	}
	text, err := os.ReadFile(CredentialsFile(dir))
	if err != nil || !strings.Contains(string(text), "[444455556666]") || strings.Contains(string(text), root.AccessKeyID) {
		t.Errorf("the credentials file holds, %v:\n%s", err, text)
	}
}

func TestAdmin(t *testing.T) {
	e := open(t, Options{})
	ask := func(host, token, path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, e.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	const add = "/_cairn/accounts/444455556666"
	_, port, _ := net.SplitHostPort(e.listener.Addr().String())
	for name, row := range map[string]struct {
		host, token, path string
		status            int
		text              string
	}{
		"no token":            {"", "", add, http.StatusForbidden, "token"},
		"a wrong token":       {"", strings.Repeat("0", 64), add, http.StatusForbidden, "token"},
		"a web page's name":   {"evil.example:" + port, e.adminToken, add, http.StatusBadRequest, "<Code>"},
		"a key, not a path":   {"bucket.localhost:" + port, e.adminToken, add, http.StatusBadRequest, "<Code>"},
		"no account id":       {"", e.adminToken, "/_cairn/accounts/x", http.StatusBadRequest, "12 digits"},
		"no such command":     {"", e.adminToken, "/_cairn/x", http.StatusNotFound, ""},
		"the right one":       {"", e.adminToken, add, http.StatusNoContent, ""},
		"the right one again": {"", e.adminToken, add, http.StatusNoContent, ""},
	} {
		if status, text := ask(row.host, row.token, row.path); status != row.status || !strings.Contains(text, row.text) {
			t.Errorf("%s: answered %d %s", name, status, text)
		}
	}
	dir := e.dir.path
	before := e.adminToken
	if err := AddAccount(t.Context(), dir, "not-an-id"); err == nil || !strings.Contains(err.Error(), "12 digits") {
		t.Errorf("a wrong id: %v", err)
	}
	end(t, e)
	if err := AddAccount(t.Context(), dir, "555566667777"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without an engine: %v", err)
	}
	if e := open(t, Options{Dir: dir}); e.adminToken == before {
		t.Error("the token of an engine that ended still holds")
	}
	if _, err := Endpoint(t.TempDir()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("the endpoint of an empty folder: %v", err)
	}
}

// TestPartialStart gives everything back when a later step fails.
func TestPartialStart(t *testing.T) {
	dir := t.TempDir()
	end(t, open(t, Options{Dir: dir}))
	key := filepath.Join(dir, sealFile)
	sealed, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Replace(sealed, sealed[:1], []byte{'0' + (sealed[0]-'0'+1)%10}, 1)
	for name, content := range map[string][]byte{"no key": nil, "another key": other} {
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		if content != nil {
			put(t, key, string(content))
		}
		e, err := Open(t.Context(), Options{Dir: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			_ = e.Close()
			t.Errorf("%s: the engine started", name)
		}
		put(t, key, string(sealed))
	}
	open(t, Options{Dir: dir}) // lock, socket and stores are free again
}

// TestCloseCutsSlowCalls ends although a client neither sends nor reads on.
func TestCloseCutsSlowCalls(t *testing.T) {
	e := open(t, Options{})
	c, err := net.Dial("tcp", e.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	end(t, e)
	if took := time.Since(start); took > shutdownGrace+cutGrace {
		t.Errorf("it took %s to end", took)
	}
}

func TestGroupName(t *testing.T) {
	for text, want := range map[string]string{
		"arn:aws:logs:eu-west-1:111122223333:log-group:audit:*":   "audit",
		"arn:aws:logs:eu-west-1:111122223333:log-group:/a/b.c#:*": "/a/b.c#",
		"arn:aws:logs:eu-west-1:111122223333:log-group:audit":     "audit",
		"arn:aws:logs:eu-west-1:111122223333:log-group::*":        "",
		"arn:aws:logs:eu-west-1:111122223333:destination:audit":   "",
		"audit": "",
	} {
		got, err := groupName(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// TestForeignRole refuses to export through a role of another account, whose
// calls would go to that account's log group of the same name.
func TestForeignRole(t *testing.T) {
	e := open(t, Options{})
	const other = "444455556666"
	if err := e.ensureAccount(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	role, err := iam.NewFromConfig(config(t, e, other)).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("to-logs"), AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	d := &destinations{
		dispatcher: e.dispatcher, objects: e.objects, identities: e.identities, groups: e.groups,
		logs: logs.New(e.groups, e.queries).API(), sts: sts.New(e.identities, nil).API(),
	}
	tr := &trail.Trail{ID: "t", Name: "t", Account: account, HomeRegion: "eu-west-1", RoleARN: *role.Role.Arn, LogGroupARN: "arn:aws:logs:eu-west-1:" + account + ":log-group:audit:*"}
	err = d.PutLogEvents(t.Context(), tr, "s", nil, "")
	if err == nil || !strings.Contains(err.Error(), "not of the trail's account") {
		t.Errorf("exported with %v", err)
	}
}
