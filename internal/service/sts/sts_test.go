package sts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/identity"
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

var s = aws.String

func (e *engine) role(account, name, trust string) *identity.Role {
	e.t.Helper()
	r, err := e.store.CreateRole(e.t.Context(), identity.Role{
		Entity: identity.Entity{Account: account, Name: name, Path: "/", Inline: []identity.InlinePolicy{{Name: "p", Document: allowAll}}},
		Trust:  trust, MaxSession: 7200,
	}, now)
	if err != nil {
		e.t.Fatal(err)
	}
	return r
}

// user makes a user with one inline policy, none if it is empty.
func (e *engine) user(name, policy string) identity.Credentials {
	e.t.Helper()
	u := identity.User{Entity: identity.Entity{Account: account, Name: name, Path: "/"}}
	if policy != "" {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: policy}}
	}
	if _, err := e.store.CreateUser(e.t.Context(), u, now); err != nil {
		e.t.Fatal(err)
	}
	_, c, err := e.store.CreateAccessKey(e.t.Context(), account, name, now, func([]identity.AccessKey) error { return nil })
	if err != nil {
		e.t.Fatal(err)
	}
	return c
}

func TestGetCallerIdentity(t *testing.T) {
	e := start(t)
	out := ok[sts.GetCallerIdentityOutput](e, "GetCallerIdentity", &sts.GetCallerIdentityInput{})
	if *out.Account != account || *out.UserId != account || *out.Arn != "arn:aws:iam::111122223333:root" {
		t.Errorf("%+v", out)
	}
	rec := e.last()
	want := map[string]any{"RequestDetails": map[string]any{"endpointType": "regional", "awsServingRegion": "eu-west-1"}}
	if d := cmp.Diff(any(want), rec["additionalEventData"]); d != "" {
		t.Error(d)
	}
	if rec["awsRegion"] != "eu-west-1" || rec["requestParameters"] != nil || rec["responseElements"] != nil || rec["readOnly"] != true {
		t.Errorf("%v", rec)
	}
	if e.records[0].Header.Global {
		t.Error("a call in eu-west-1 counts as global")
	}
	// Not even a Deny keeps a caller from learning who he is.
	e.as(e.user("denied", strings.Replace(allowAll, "Allow", "Deny", 1)))
	if out := ok[sts.GetCallerIdentityOutput](e, "GetCallerIdentity", &sts.GetCallerIdentityInput{}); *out.Arn != "arn:aws:iam::111122223333:user/denied" {
		t.Errorf("%+v", out)
	}
	e.fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s(e.who.AccessKeyID)}, "AccessDenied", "")
}

func TestGetAccessKeyInfo(t *testing.T) {
	e := start(t)
	if out := ok[sts.GetAccessKeyInfoOutput](e, "GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s(e.who.AccessKeyID)}); *out.Account != account {
		t.Errorf("%+v", out)
	}
	e.fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s("AKIAIOSFODNN7EXAMPLE")}, "ValidationError", "")
	e.fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{}, "ValidationError", "")
}

func TestAssumeRole(t *testing.T) {
	e := start(t)
	r := e.role(account, "deployer", trustAccount)
	e.as(e.user("alice", allowAll))
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("deploy1"), ExternalId: s("secret-word"), DurationSeconds: aws.Int32(900)}
	out := ok[sts.AssumeRoleOutput](e, "AssumeRole", in)
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/deployer/deploy1" || !out.Credentials.Expiration.Equal(now.Add(900*time.Second)) {
		t.Errorf("%+v", out.AssumedRoleUser)
	}
	p, secret, err := e.store.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, now)
	if err != nil || secret != *out.Credentials.SecretAccessKey || p.ID != r.ID+":deploy1" {
		t.Errorf("%+v %v", p, err)
	}
	rec := e.last()
	if strings.Contains(string(e.records[0].JSON), secret) {
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
	e.role(account, "deployer", trustAccount)
	e.role(account, "alices", trustAlice)
	bob := e.user("bob", "")
	e.as(e.user("alice", ""))
	role := func(name string) *string { return s("arn:aws:iam::111122223333:role/" + name) }
	refused := func(name string) string {
		return "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/" + name
	}
	// The trust of an account leaves it to the caller's own policies.
	e.fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("deployer"), RoleSessionName: s("deploy1"), ExternalId: s("secret-word")}, "AccessDenied", refused("deployer"))
	// A role that does not exist looks the same.
	e.fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("nothing"), RoleSessionName: s("deploy1")}, "AccessDenied", refused("nothing"))
	rec := e.last()
	if rec["requestParameters"] != nil || rec["resources"] != nil || rec["responseElements"] != nil || rec["errorMessage"] != refused("nothing") {
		t.Errorf("%v", rec)
	}
	// Trust of the user alone suffices within the account.
	ok[sts.AssumeRoleOutput](e, "AssumeRole", &sts.AssumeRoleInput{RoleArn: role("alices"), RoleSessionName: s("x1")})
	e.as(bob)
	e.fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("alices"), RoleSessionName: s("x1")}, "AccessDenied", "")

	e.as(e.user("carol", allowAll))
	e.fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("deployer"), RoleSessionName: s("deploy1"), ExternalId: s("wrong-word")}, "AccessDenied", "")
	e.fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("deployer"), RoleSessionName: s("other"), ExternalId: s("secret-word")}, "AccessDenied", "")
	e.fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: role("alices"), RoleSessionName: s("x1")}, "AccessDenied", "")
}

func TestAssumeRoleByService(t *testing.T) {
	e := start(t)
	r := e.role(account, "trail", trustTrail)
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("CLOUDTRAIL")}
	e.who = identity.ForService("cloudtrail.amazonaws.com", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", account)
	out := ok[sts.AssumeRoleOutput](e, "AssumeRole", in)
	rec := e.last()
	if d := cmp.Diff(any(map[string]any{"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}), rec["userIdentity"]); d != "" {
		t.Error(d)
	}
	if rec["sharedEventID"] == nil || rec["additionalEventData"] != nil {
		t.Errorf("%v", rec)
	}
	p, _, err := e.store.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, now)
	if err != nil || p.Session.InvokedBy != "cloudtrail.amazonaws.com" {
		t.Errorf("%+v %v", p, err)
	}
	e.who = identity.ForService("cloudtrail.amazonaws.com", "arn:aws:cloudtrail:eu-west-1:444455556666:trail/t", "444455556666")
	e.fails("AssumeRole", in, "AccessDenied", "User: cloudtrail.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: "+r.ARN())
	e.as(e.user("alice", allowAll))
	e.fails("AssumeRole", in, "AccessDenied", "")
}

func TestCrossAccount(t *testing.T) {
	e := start(t)
	const theirs = "444455556666"
	if _, err := e.store.CreateAccount(t.Context(), theirs, now); err != nil {
		t.Fatal(err)
	}
	r := e.role(theirs, "shared", trustAlice)
	e.as(e.user("alice", ""))
	in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}
	e.fails("AssumeRole", in, "AccessDenied", "") // across accounts both sides must allow
	e.as(e.user("bob", allowAll))
	e.fails("AssumeRole", in, "AccessDenied", "")
	if err := e.store.UpdateUser(t.Context(), account, "alice", func(u *identity.User) error {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: allowAll}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	u, _ := e.store.User(account, "alice")
	e.as(identity.Credentials{AccessKeyID: u.Keys[0].ID})
	e.records = nil
	ok[sts.AssumeRoleOutput](e, "AssumeRole", in)
	var got []string
	for _, r := range e.records {
		got = append(got, r.Header.Account)
	}
	if d := cmp.Diff([]string{account, theirs}, got); d != "" {
		t.Error(d)
	}
}

func TestDurations(t *testing.T) {
	e := start(t)
	first := e.role(account, "first", trustAlice)
	second := e.role(account, "second", trustRole)
	e.as(e.user("alice", ""))
	in := &sts.AssumeRoleInput{RoleArn: s(first.ARN()), RoleSessionName: s("x1"), DurationSeconds: aws.Int32(7201)}
	e.fails("AssumeRole", in, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	for _, d := range []int32{899, 43201} {
		in.DurationSeconds = &d
		e.fails("AssumeRole", in, "ValidationError", "")
	}
	in.DurationSeconds = aws.Int32(7200)
	out := ok[sts.AssumeRoleOutput](e, "AssumeRole", in)
	p, _, err := e.store.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, now)
	if err != nil {
		t.Fatal(err)
	}
	e.who = p
	in = &sts.AssumeRoleInput{RoleArn: s(second.ARN()), RoleSessionName: s("x2"), DurationSeconds: aws.Int32(3601)}
	e.fails("AssumeRole", in, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	in.DurationSeconds = nil
	ok[sts.AssumeRoleOutput](e, "AssumeRole", in)
}

func TestSessionPolicies(t *testing.T) {
	e := start(t)
	r := e.role(account, "first", trustAlice)
	e.as(e.user("alice", ""))
	base := sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}
	in := base
	in.Policy = s(allowAll)
	in.PolicyArns = []types.PolicyDescriptorType{{Arn: s("arn:aws:iam::aws:policy/ReadOnlyAccess")}}
	out := ok[sts.AssumeRoleOutput](e, "AssumeRole", &in)
	p, _, err := e.store.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, now)
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
		e.fails("AssumeRole", &in, want, "")
	}
}

func TestRefusedInputs(t *testing.T) {
	e := start(t)
	r := e.role(account, "first", trustAlice)
	for name, change := range map[string]func(*sts.AssumeRoleInput){
		"no role":        func(in *sts.AssumeRoleInput) { in.RoleArn = nil },
		"short role":     func(in *sts.AssumeRoleInput) { in.RoleArn = s("x") },
		"no ARN":         func(in *sts.AssumeRoleInput) { in.RoleArn = s(strings.Repeat("x", 30)) },
		"no session":     func(in *sts.AssumeRoleInput) { in.RoleSessionName = nil },
		"bad session":    func(in *sts.AssumeRoleInput) { in.RoleSessionName = s("a b") },
		"short session":  func(in *sts.AssumeRoleInput) { in.RoleSessionName = s("a") },
		"bad externalId": func(in *sts.AssumeRoleInput) { in.ExternalId = s("ü") },
		"MFA":            func(in *sts.AssumeRoleInput) { in.SerialNumber, in.TokenCode = s("arn"), s("123456") },
		"source":         func(in *sts.AssumeRoleInput) { in.SourceIdentity = s("me") },
		"tags":           func(in *sts.AssumeRoleInput) { in.Tags = []types.Tag{{Key: s("a"), Value: s("b")}} },
	} {
		in := &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}
		change(in)
		if _, err := e.try("AssumeRole", in); err == nil || !strings.HasPrefix(err.Error(), "ValidationError: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
