package sts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/servicetest"
)

var rs256 = jwt.SigningMethodRS256

// TestFederation opens a federated user's session, and reads the records as
// genuine ones have them.
func TestFederation(t *testing.T) {
	e := start(t)
	e.As(user(e, "bouncer", allowAll))
	issuer := e.Who
	in := &sts.GetFederationTokenInput{
		Name: s("guest"), Policy: s(strings.Replace(allowAll, `"*"`, `"s3:*"`, 1)), DurationSeconds: aws.Int32(900),
		Tags: []types.Tag{{Key: s("Team"), Value: s("Web")}},
	}
	out := servicetest.OK[sts.GetFederationTokenOutput](e, "GetFederationToken", in)
	const guest = "arn:aws:sts::111122223333:federated-user/guest"
	if *out.FederatedUser.Arn != guest || *out.FederatedUser.FederatedUserId != "111122223333:guest" || !out.Credentials.Expiration.Equal(e.Now.Add(900*time.Second)) {
		t.Errorf("%+v", out.FederatedUser)
	}
	rec := e.Last()
	response, _ := rec["responseElements"].(map[string]any)
	if d := cmp.Diff(any(map[string]any{"federatedUserId": "111122223333:guest", "arn": guest}), response["federatedUser"]); d != "" || rec["readOnly"] != false {
		t.Error(d, rec["readOnly"])
	}
	if strings.Contains(string(e.Records[len(e.Records)-1].JSON), *out.Credentials.SecretAccessKey) {
		t.Error("the record holds the secret")
	}
	who, secret, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil || secret != *out.Credentials.SecretAccessKey {
		t.Fatal(err)
	}
	e.Who = who
	if me := servicetest.OK[sts.GetCallerIdentityOutput](e, "GetCallerIdentity", &sts.GetCallerIdentityInput{}); *me.Arn != guest || *me.UserId != "111122223333:guest" {
		t.Errorf("%+v", me)
	}
	want := map[string]any{
		"type": "FederatedUser", "principalId": "111122223333:guest", "arn": guest, "accountId": account, "accessKeyId": *out.Credentials.AccessKeyId,
		"sessionContext": map[string]any{
			"sessionIssuer": map[string]any{"type": "IAMUser", "principalId": issuer.ID, "arn": issuer.ARN, "accountId": account, "userName": "bouncer"},
			"attributes":    map[string]any{"creationDate": "2026-11-23T12:00:05Z", "mfaAuthenticated": "false"},
		},
	}
	if d := cmp.Diff(any(want), e.Last()["userIdentity"]); d != "" {
		t.Error(d)
	}
	// "You cannot call any STS operations except GetCallerIdentity."
	r := role(e, account, "open", trustAlice)
	e.Fails("AssumeRole", &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("x1")}, "AccessDenied", "")
	e.Fails("GetFederationToken", in, "AccessDenied", "")
	e.Fails("GetSessionToken", &sts.GetSessionTokenInput{}, "AccessDenied", "")
	e.Fails("GetAccessKeyInfo", &sts.GetAccessKeyInfoInput{AccessKeyId: s(who.AccessKeyID)}, "AccessDenied", "")

	// The session ends with its issuer.
	if err := e.Users.DeleteUser(t.Context(), account, "bouncer", func(*identity.User) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now); err == nil {
		t.Error("the session of a deleted user's guest goes on")
	}
}

// TestFederatedRights: a guest may do what both the issuer and the session's
// policies allow, and without any, what a resource's policy lets it by name.
func TestFederatedRights(t *testing.T) {
	e := start(t)
	objects := strings.Replace(allowAll, `"Action":"*"`, `"Action":"s3:*"`, 1)
	open := func(issuer identity.Credentials, passed *string) identity.Principal {
		t.Helper()
		e.As(issuer)
		out := servicetest.OK[sts.GetFederationTokenOutput](e, "GetFederationToken", &sts.GetFederationTokenInput{Name: s("guest"), Policy: passed})
		p, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	root, err := e.Users.RootCredentials(account)
	if err != nil {
		t.Fatal(err)
	}
	federates := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetFederationToken","s3:GetObject"],"Resource":"*"}]}`
	all, few := user(e, "all", allowAll), user(e, "few", federates)
	named := func(principal string) *policy.Document {
		d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"s3:*","Resource":"*"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, tt := range map[string]struct {
		who      identity.Principal
		action   string
		resource *policy.Document
		want     bool
	}{
		"both allow":                      {open(all, &objects), "s3:GetObject", nil, true},
		"the session does not":            {open(all, &objects), "ec2:RunInstances", nil, false},
		"the issuer does not":             {open(few, s(allowAll)), "s3:PutObject", nil, false},
		"the issuer does":                 {open(few, s(allowAll)), "s3:GetObject", nil, true},
		"no policy passed":                {open(all, nil), "s3:GetObject", nil, false},
		"no policy passed, named":         {open(all, nil), "s3:GetObject", named("arn:aws:sts::111122223333:federated-user/guest"), true},
		"no policy passed, issuer named":  {open(all, nil), "s3:GetObject", named("arn:aws:iam::111122223333:user/all"), false},
		"passed, the issuer named":        {open(few, &objects), "s3:PutObject", named("arn:aws:iam::111122223333:user/few"), true},
		"no policy passed, account named": {open(all, nil), "s3:GetObject", named(account), false},
		"another guest named":             {open(all, nil), "s3:GetObject", named("arn:aws:sts::111122223333:federated-user/other"), false},
		"root's guest":                    {open(root, &objects), "s3:GetObject", nil, true},
		"root's guest, beyond":            {open(root, &objects), "ec2:RunInstances", nil, false},
		"root's guest, none passed":       {open(root, nil), "s3:GetObject", nil, false},
	} {
		d := policy.Evaluate(&policy.Query{
			Principal: tt.who.ForPolicy(), Action: tt.action, Resource: "arn:aws:s3:::b/k", ResourcePolicy: tt.resource,
			Identity: tt.who.Policies, Boundary: tt.who.Boundary, Session: tt.who.SessionPolicies,
		})
		if d.Allowed != tt.want {
			t.Errorf("%s: allowed is %v (%s), want %v", name, d.Allowed, d.Reason, tt.want)
		}
	}
}

func TestFederationRefused(t *testing.T) {
	e := start(t)
	none := user(e, "none", "")
	tagless := user(e, "tagless", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"arn:aws:sts::111122223333:federated-user/g*"}]}`)
	root := e.Who
	for name, tt := range map[string]struct {
		change func(*sts.GetFederationTokenInput)
		as     *identity.Credentials
		code   string
	}{
		"no name":        {change: func(in *sts.GetFederationTokenInput) { in.Name = nil }, code: "ValidationError"},
		"short name":     {change: func(in *sts.GetFederationTokenInput) { in.Name = s("g") }, code: "ValidationError"},
		"long name":      {change: func(in *sts.GetFederationTokenInput) { in.Name = s(strings.Repeat("g", 33)) }, code: "ValidationError"},
		"odd name":       {change: func(in *sts.GetFederationTokenInput) { in.Name = s("a/b") }, code: "ValidationError"},
		"too short":      {change: func(in *sts.GetFederationTokenInput) { in.DurationSeconds = aws.Int32(899) }, code: "ValidationError"},
		"too long":       {change: func(in *sts.GetFederationTokenInput) { in.DurationSeconds = aws.Int32(129601) }, code: "ValidationError"},
		"bad policy":     {change: func(in *sts.GetFederationTokenInput) { in.Policy = s("{") }, code: "MalformedPolicyDocument"},
		"no permission":  {as: &none, code: "AccessDenied"},
		"another name":   {as: &tagless, change: func(in *sts.GetFederationTokenInput) { in.Name = s("other") }, code: "AccessDenied"},
		"tags, no leave": {as: &tagless, change: func(in *sts.GetFederationTokenInput) { in.Tags = []types.Tag{{Key: s("a"), Value: s("b")}} }, code: "AccessDenied"},
		"reserved tag":   {change: func(in *sts.GetFederationTokenInput) { in.Tags = []types.Tag{{Key: s("AWS:a"), Value: s("b")}} }, code: "ValidationError"},
		"a tag twice": {change: func(in *sts.GetFederationTokenInput) {
			in.Tags = []types.Tag{{Key: s("a"), Value: s("b")}, {Key: s("A"), Value: s("c")}}
		}, code: "ValidationError"},
		"a tag too many":  {change: func(in *sts.GetFederationTokenInput) { in.Tags = make([]types.Tag, 51) }, code: "ValidationError"},
		"no key of a tag": {change: func(in *sts.GetFederationTokenInput) { in.Tags = []types.Tag{{Value: s("b")}} }, code: "ValidationError"},
	} {
		e.Who = root
		if tt.as != nil {
			e.As(*tt.as)
		}
		in := &sts.GetFederationTokenInput{Name: s("guest")}
		if tt.change != nil {
			tt.change(in)
		}
		if _, err := e.Try("GetFederationToken", in); err == nil || !strings.HasPrefix(err.Error(), tt.code+": ") {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	e.Who = root
	out := servicetest.OK[sts.GetFederationTokenOutput](e, "GetFederationToken", &sts.GetFederationTokenInput{Name: s("guest")})
	if !out.Credentials.Expiration.Equal(e.Now.Add(time.Hour)) {
		t.Errorf("a root user's guest has until %v", out.Credentials.Expiration)
	}
	session := servicetest.OK[sts.GetSessionTokenOutput](e, "GetSessionToken", &sts.GetSessionTokenInput{})
	p, _, err := e.Users.Resolve(t.Context(), *session.Credentials.AccessKeyId, *session.Credentials.SessionToken, e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.Who = p
	e.Fails("GetFederationToken", &sts.GetFederationTokenInput{Name: s("guest")}, "AccessDenied", "Cannot call GetFederationToken with session credentials")
}

// TestSessionTags: who may set tags and a source identity, what of them goes on,
// and that nobody changes what was set before.
func TestSessionTags(t *testing.T) {
	e := start(t)
	const may = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"},
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:TagSession","Condition":{"StringEquals":{"aws:RequestTag/Team":["Web","Ops"]},
			"ForAllValues:StringEquals":{"aws:TagKeys":["Team","Cost"],"sts:TransitiveTagKeys":["Team"]}}},
		{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:SetSourceIdentity","Condition":{"StringLike":{"sts:SourceIdentity":"a*"}}}]}`
	first := role(e, account, "first", may)
	bare := role(e, account, "bare", trustRole)
	second := role(e, account, "second", strings.Replace(strings.Replace(may, `"aws:RequestTag/Team":["Web","Ops"]`, `"aws:PrincipalTag/team":"Web"`, 1), "a*", "*", 1))
	if err := e.Users.UpdateRole(t.Context(), account, "first", func(r *identity.Role) error {
		r.Tags = []identity.Tag{{Key: "TEAM", Value: "none"}, {Key: "Kept", Value: "yes"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	e.As(user(e, "ann", allowAll))
	ann := e.Who
	tag := func(pairs ...string) (list []types.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return list
	}
	base := func(r *identity.Role) *sts.AssumeRoleInput {
		return &sts.AssumeRoleInput{RoleArn: s(r.ARN()), RoleSessionName: s("work")}
	}
	for name, tt := range map[string]struct {
		change func(*sts.AssumeRoleInput)
		code   string
	}{
		"another value": {func(in *sts.AssumeRoleInput) { in.Tags = tag("Team", "Sales") }, "AccessDenied"},
		"another key":   {func(in *sts.AssumeRoleInput) { in.Tags = tag("Team", "Web", "x", "y") }, "AccessDenied"},
		"another transitive": {func(in *sts.AssumeRoleInput) {
			in.Tags, in.TransitiveTagKeys = tag("Team", "Web", "Cost", "1"), []string{"Cost"}
		}, "AccessDenied"},
		"transitive, no tag": {func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"Team"} }, "ValidationError"},
		"another source":     {func(in *sts.AssumeRoleInput) { in.SourceIdentity = s("bob") }, "AccessDenied"},
		"short source":       {func(in *sts.AssumeRoleInput) { in.SourceIdentity = s("a") }, "ValidationError"},
		"empty source":       {func(in *sts.AssumeRoleInput) { in.SourceIdentity = s("") }, "ValidationError"},
		"odd source":         {func(in *sts.AssumeRoleInput) { in.SourceIdentity = s("a b") }, "ValidationError"},
	} {
		in := base(first)
		tt.change(in)
		if _, err := e.Try("AssumeRole", in); err == nil || !strings.HasPrefix(err.Error(), tt.code+": ") {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	in := base(first)
	in.Tags, in.TransitiveTagKeys, in.SourceIdentity = tag("Team", "Web", "Cost", "1"), []string{"team"}, s("ann")
	// The transitive key is compared exactly by the condition, so ask as it is written there.
	in.TransitiveTagKeys = []string{"Team"}
	out := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", in)
	p, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil || *out.SourceIdentity != "ann" {
		t.Fatal(err)
	}
	want := []identity.Tag{{Key: "Kept", Value: "yes"}, {Key: "Team", Value: "Web"}, {Key: "Cost", Value: "1"}}
	if d := cmp.Diff(want, p.Tags); d != "" {
		t.Error("tags of the role under those of the session:", d)
	}
	e.Who = p
	e.Fails("AssumeRole", base(bare), "AccessDenied", "User: "+p.ARN+" is not authorized to perform: sts:TagSession on resource: "+bare.ARN())
	changed := base(second)
	changed.SourceIdentity = s("eve")
	e.Fails("AssumeRole", changed, "AccessDenied", "")
	again := base(second)
	again.Tags = tag("Team", "Ops")
	e.Fails("AssumeRole", again, "ValidationError", "")
	on := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", base(second))
	if p, _, err = e.Users.Resolve(t.Context(), *on.Credentials.AccessKeyId, *on.Credentials.SessionToken, e.Now); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]identity.Tag{{Key: "Team", Value: "Web"}}, p.Tags); d != "" || p.Session.SourceIdentity != "ann" {
		t.Error(d, p.Session.SourceIdentity)
	}
	// One who has no session sets what he likes.
	e.Who = ann
	plain := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", base(first))
	if plain.SourceIdentity != nil || plain.PackedPolicySize != nil {
		t.Errorf("%+v", plain)
	}
}
