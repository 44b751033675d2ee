package sts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/oidc"
	"cairn/internal/service/servicetest"
	service "cairn/internal/service/sts"
)

const (
	trustAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"sts:ExternalId":"secret-word"},"StringLike":{"sts:RoleSessionName":"deploy*"}}}]}`
	trustTrail = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole",
		"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}]}`
	trustAlice = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"sts:AssumeRole"}]}`
	trustRole  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/first"},"Action":"sts:AssumeRole"}]}`
	allowAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

const account = servicetest.Account

var s = aws.String

func start(t *testing.T) *servicetest.Engine {
	t.Helper()
	return servicetest.Start(t, func(e *servicetest.Engine) *call.API { return service.New(e.Users, &oidc.Source{}).API() })
}

func role(e *servicetest.Engine, account, name, trust string) *identity.Role {
	e.T.Helper()
	r, err := e.Users.CreateRole(e.T.Context(), identity.Role{
		Entity: identity.Entity{Account: account, Name: name, Path: "/", Inline: []identity.InlinePolicy{{Name: "p", Document: allowAll}}},
		Trust:  trust, MaxSession: 7200,
	}, e.Now)
	if err != nil {
		e.T.Fatal(err)
	}
	return r
}

// user makes a user with one inline policy, none if it is empty.
func user(e *servicetest.Engine, name, policy string) identity.Credentials {
	e.T.Helper()
	u := identity.User{Entity: identity.Entity{Account: account, Name: name, Path: "/"}}
	if policy != "" {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: policy}}
	}
	if _, err := e.Users.CreateUser(e.T.Context(), u, e.Now); err != nil {
		e.T.Fatal(err)
	}
	_, c, err := e.Users.CreateAccessKey(e.T.Context(), account, name, e.Now, func([]identity.AccessKey) error { return nil })
	if err != nil {
		e.T.Fatal(err)
	}
	return c
}

func TestGetCallerIdentity(t *testing.T) {
	e := start(t)
	out := servicetest.OK[sts.GetCallerIdentityOutput](e, "GetCallerIdentity", &sts.GetCallerIdentityInput{})
	if *out.Account != account || *out.UserId != account || *out.Arn != "arn:aws:iam::111122223333:root" {
		t.Errorf("%+v", out)
	}
	rec := e.Last()
	want := map[string]any{"RequestDetails": map[string]any{"endpointType": "regional", "awsServingRegion": "eu-west-1"}}
	if d := cmp.Diff(any(want), rec["additionalEventData"]); d != "" {
		t.Error(d)
	}
	if rec["awsRegion"] != "eu-west-1" || rec["requestParameters"] != nil || rec["responseElements"] != nil || rec["readOnly"] != true {
		t.Errorf("%v", rec)
	}
	if e.Records[0].Header.Global {
		t.Error("a call in eu-west-1 counts as global")
	}
	// Not even a Deny keeps a caller from learning who he is.
	e.As(user(e, "denied", strings.Replace(allowAll, "Allow", "Deny", 1)))
	if out := servicetest.OK[sts.GetCallerIdentityOutput](e, "GetCallerIdentity", &sts.GetCallerIdentityInput{}); *out.Arn != "arn:aws:iam::111122223333:user/denied" {
		t.Errorf("%+v", out)
	}
	e.Fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s(e.Who.AccessKeyID)}, "AccessDenied", "")
}

func TestGetAccessKeyInfo(t *testing.T) {
	e := start(t)
	if out := servicetest.OK[sts.GetAccessKeyInfoOutput](e, "GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s(e.Who.AccessKeyID)}); *out.Account != account {
		t.Errorf("%+v", out)
	}
	e.Fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s("AKIAIOSFODNN7EXAMPLE")}, "ValidationError", "")
	e.Fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{}, "ValidationError", "")
}

func TestAssumeRole(t *testing.T) {
	e := start(t)
	r := role(e, account, "deployer", trustAccount)
	e.As(user(e, "alice", allowAll))
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("deploy1"), ExternalId: s("secret-word"), DurationSeconds: aws.Int32(900)}
	out := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", in)
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/deployer/deploy1" || !out.Credentials.Expiration.Equal(e.Now.Add(900*time.Second)) {
		t.Errorf("%+v", out.AssumedRoleUser)
	}
	p, secret, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil || secret != *out.Credentials.SecretAccessKey || p.ID != r.ID+":deploy1" {
		t.Errorf("%+v %v", p, err)
	}
	rec := e.Last()
	if strings.Contains(string(e.Records[0].JSON), secret) {
		t.Error("the record holds the secret")
	}
	response := rec["responseElements"].(map[string]any)
	want := map[string]any{
		"accessKeyId": *out.Credentials.AccessKeyId, "sessionToken": *out.Credentials.SessionToken, "expiration": "Nov 23, 2026, 12:15:05 PM",
	}
	if d := cmp.Diff(any(want), response["credentials"]); d != "" {
		t.Error(d)
	}
	resources := []any{map[string]any{"accountId": account, "type": "AWS::IAM::Role", "ARN": r.ARN()}}
	if d := cmp.Diff(any(resources), rec["resources"]); d != "" || rec["readOnly"] != true {
		t.Error(d)
	}
}

func TestAssumeRoleDenied(t *testing.T) {
	e := start(t)
	role(e, account, "deployer", trustAccount)
	role(e, account, "alices", trustAlice)
	bob := user(e, "bob", "")
	e.As(user(e, "alice", ""))
	role := func(name string) *string { return s("arn:aws:iam::111122223333:role/" + name) }
	refused := func(name string) string {
		return "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/" + name
	}
	// The trust of an account leaves it to the caller's own policies.
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("deployer"), RoleSessionName: s("deploy1"), ExternalId: s("secret-word")}, "AccessDenied", refused("deployer"))
	// A role that does not exist looks the same.
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("nothing"), RoleSessionName: s("deploy1")}, "AccessDenied", refused("nothing"))
	rec := e.Last()
	if rec["requestParameters"] != nil || rec["resources"] != nil || rec["responseElements"] != nil || rec["errorMessage"] != refused("nothing") {
		t.Errorf("%v", rec)
	}
	// Trust of the user alone suffices within the account.
	servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", &sts.AssumeRoleInput{RoleArn: role("alices"), RoleSessionName: s("x1")})
	e.As(bob)
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("alices"), RoleSessionName: s("x1")}, "AccessDenied", "")

	e.As(user(e, "carol", allowAll))
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("deployer"), RoleSessionName: s("deploy1"), ExternalId: s("wrong-word")}, "AccessDenied", "")
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("deployer"), RoleSessionName: s("other"), ExternalId: s("secret-word")}, "AccessDenied", "")
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("alices"), RoleSessionName: s("x1")}, "AccessDenied", "")
}

// TestAssumeRoleByRoot: a root user assumes no role, not even one that trusts
// its account.
func TestAssumeRoleByRoot(t *testing.T) {
	e := start(t)
	r := role(e, account, "deployer", trustAccount)
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("deploy1"), ExternalId: s("secret-word")}
	e.Fails("AssumeRole", in, "AccessDenied", "Roles may not be assumed by root accounts.")
}

func TestAssumeRoleByService(t *testing.T) {
	e := start(t)
	r := role(e, account, "trail", trustTrail)
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("CLOUDTRAIL")}
	e.Who = identity.ForService("cloudtrail.amazonaws.com", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", account)
	out := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", in)
	rec := e.Last()
	if d := cmp.Diff(any(map[string]any{"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}), rec["userIdentity"]); d != "" {
		t.Error(d)
	}
	if rec["sharedEventID"] == nil || rec["additionalEventData"] != nil {
		t.Errorf("%v", rec)
	}
	p, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil || p.Session.InvokedBy != "cloudtrail.amazonaws.com" {
		t.Errorf("%+v %v", p, err)
	}
	e.Who = identity.ForService("cloudtrail.amazonaws.com", "arn:aws:cloudtrail:eu-west-1:444455556666:trail/t", "444455556666")
	e.Fails("AssumeRole", in, "AccessDenied", "User: cloudtrail.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: "+r.ARN())
	e.As(user(e, "alice", allowAll))
	e.Fails("AssumeRole", in, "AccessDenied", "")
}

func TestCrossAccount(t *testing.T) {
	e := start(t)
	const theirs = "444455556666"
	if _, err := e.Users.CreateAccount(t.Context(), theirs, e.Now); err != nil {
		t.Fatal(err)
	}
	r := role(e, theirs, "shared", trustAlice)
	e.As(user(e, "alice", ""))
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}
	e.Fails("AssumeRole", in, "AccessDenied", "") // across accounts both sides must allow
	e.As(user(e, "bob", allowAll))
	e.Fails("AssumeRole", in, "AccessDenied", "")
	if err := e.Users.UpdateUser(t.Context(), account, "alice", func(u *identity.User) error {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: allowAll}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	u, _ := e.Users.User(account, "alice")
	e.As(identity.Credentials{AccessKeyID: u.Keys[0].ID})
	e.Records = nil
	servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", in)
	var got []string
	for _, r := range e.Records {
		got = append(got, r.Header.Account)
	}
	if d := cmp.Diff([]string{account, theirs}, got); d != "" {
		t.Error(d)
	}
}

func TestDurations(t *testing.T) {
	e := start(t)
	first := role(e, account, "first", trustAlice)
	second := role(e, account, "second", trustRole)
	e.As(user(e, "alice", ""))
	in := &sts.AssumeRoleInput{RoleArn: s(first.ARN()), RoleSessionName: s("x1"), DurationSeconds: aws.Int32(7201)}
	e.Fails("AssumeRole", in, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	for _, d := range []int32{899, 43201} {
		in.DurationSeconds = &d
		e.Fails("AssumeRole", in, "ValidationError", "")
	}
	in.DurationSeconds = aws.Int32(7200)
	out := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", in)
	p, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.Who = p
	in = &sts.AssumeRoleInput{RoleArn: s(second.ARN()), RoleSessionName: s("x2"), DurationSeconds: aws.Int32(3601)}
	e.Fails("AssumeRole", in, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	in.DurationSeconds = nil
	servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", in)
}

func TestSessionPolicies(t *testing.T) {
	e := start(t)
	r := role(e, account, "first", trustAlice)
	e.As(user(e, "alice", ""))
	base := sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}
	in := base
	in.Policy = s(allowAll)
	in.PolicyArns = []types.PolicyDescriptorType{{Arn: s("arn:aws:iam::aws:policy/ReadOnlyAccess")}}
	out := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", &in)
	p, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil || len(p.SessionPolicies) != 2 || *out.PackedPolicySize < 1 {
		t.Errorf("%+v %v", p, err)
	}
	for want, change := range map[string]func(*sts.AssumeRoleInput){
		"MalformedPolicyDocument": func(in *sts.AssumeRoleInput) { in.Policy = s("{") },
		"PackedPolicyTooLarge": func(in *sts.AssumeRoleInput) {
			in.Policy = s(strings.Replace(allowAll, `"Resource":"*"`, `"Resource":"arn:aws:s3:::`+strings.Repeat("x", 2048)+`"`, 1))
		},
		"ValidationError": func(in *sts.AssumeRoleInput) {
			in.PolicyArns = []types.PolicyDescriptorType{{Arn: s("arn:aws:iam::aws:policy/None")}}
		},
	} {
		in := base
		change(&in)
		e.Fails("AssumeRole", &in, want, "")
	}
}

func TestRefusedInputs(t *testing.T) {
	e := start(t)
	r := role(e, account, "first", trustAlice)
	for name, change := range map[string]func(*sts.AssumeRoleInput){
		"no role":        func(in *sts.AssumeRoleInput) { in.RoleArn = nil },
		"short role":     func(in *sts.AssumeRoleInput) { in.RoleArn = s("x") },
		"no ARN":         func(in *sts.AssumeRoleInput) { in.RoleArn = s(strings.Repeat("x", 30)) },
		"no session":     func(in *sts.AssumeRoleInput) { in.RoleSessionName = nil },
		"bad session":    func(in *sts.AssumeRoleInput) { in.RoleSessionName = s("a b") },
		"short session":  func(in *sts.AssumeRoleInput) { in.RoleSessionName = s("a") },
		"bad externalId": func(in *sts.AssumeRoleInput) { in.ExternalId = s("ü") },
		"MFA":            func(in *sts.AssumeRoleInput) { in.SerialNumber, in.TokenCode = s("arn"), s("123456") },
		"short code": func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = s("arn:aws:iam::111122223333:mfa/a"), s("12345")
		},
		"contexts":   func(in *sts.AssumeRoleInput) { in.ProvidedContexts = []types.ProvidedContext{{}} },
		"token size": func(in *sts.AssumeRoleInput) { in.MinimumSessionTokenSize = aws.Int32(100) },
	} {
		in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}
		change(in)
		if _, err := e.Try("AssumeRole", in); err == nil || !strings.HasPrefix(err.Error(), "ValidationError: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
