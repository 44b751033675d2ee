package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/oidc"
	"cairn/internal/oidc/oidctest"
)

const idProvider = "arn:aws:iam::" + account + ":oidc-provider/id.example.com"

// proof is how a token stands with the role's account.
type proof int

const (
	holds     proof = iota // it says who calls
	forged                 // nobody vouches for it
	elsewhere              // another account's provider vouches for it, not this one's
)

// trusts are the trust policies of roles: which subjects of the provider each lets
// in, in words, beside AWS's.
var trusts = map[string]struct {
	statements string
	lets       func(subject, audience string) bool
}{
	"provider":                   {trustOne(`{"Federated":"`+idProvider+`"}`, ``), func(string, string) bool { return true }},
	"everyone":                   {trustOne(`"*"`, ``), func(string, string) bool { return true }},
	"audience":                   {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringEquals":{"id.example.com:aud":"app"}`), func(_, a string) bool { return a == "app" }},
	"subject":                    {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringLike":{"id.example.com:sub":"repo:acme/*"}`), func(s, _ string) bool { return strings.HasPrefix(s, "repo:acme/") }},
	"key in any case":            {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringEquals":{"ID.Example.com:SUB":"repo:acme/site"}`), func(s, _ string) bool { return s == "repo:acme/site" }},
	"session name":               {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringEquals":{"sts:RoleSessionName":"work"}`), func(string, string) bool { return true }},
	"both of two":                {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringEquals":{"id.example.com:aud":"second","id.example.com:sub":"repo:acme/site"}`), func(s, a string) bool { return a == "second" && s == "repo:acme/site" }},
	"another's claim":            {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringEquals":{"accounts.google.com:sub":"repo:acme/site"}`), nil},
	"wrong name":                 {trustOne(`{"Federated":"`+idProvider+`"}`, `"StringEquals":{"sts:RoleSessionName":"play"}`), nil},
	"another provider":           {trustOne(`{"Federated":"`+idProvider+`.org"}`, ``), nil},
	"another account":            {trustOne(`{"Federated":"arn:aws:iam::`+abroad+`:oidc-provider/id.example.com"}`, ``), nil},
	"the account":                {trustOne(`{"AWS":"`+account+`"}`, ``), nil},
	"a principal of the account": {trustOne(`"*"`, `"StringEquals":{"aws:PrincipalAccount":"`+account+`"}`), nil},
	"a service":                  {trustOne(`{"Service":"id.example.com"}`, ``), nil},
	"another way":                {strings.Replace(trustOne(`{"Federated":"`+idProvider+`"}`, ``), "WithWebIdentity", "WithSAML", 1), nil},
	"plain AssumeRole":           {strings.Replace(trustOne(`{"Federated":"`+idProvider+`"}`, ``), "WithWebIdentity", "", 1), nil},
	"denied":                     {trustOne(`"*"`, ``) + "," + strings.Replace(trustOne(`{"Federated":"`+idProvider+`"}`, ``), "Allow", "Deny", 1), nil},
	"denied but one": {
		trustOne(`"*"`, ``) + "," + strings.Replace(trustOne(`{"Federated":"`+idProvider+`"}`, `"StringNotEquals":{"id.example.com:sub":"repo:acme/site"}`), "Allow", "Deny", 1),
		func(s, _ string) bool { return s == "repo:acme/site" },
	},
}

func trustOne(principal, condition string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRoleWithWebIdentity","Condition":{` + condition + `}}`
}

// TestWhoByWebIdentity shows every kind of token to roles with every kind of trust
// policy, unsigned, as SDKs do, and reads what is recorded.
func TestWhoByWebIdentity(t *testing.T) {
	p, other := oidctest.New(t, "https://id.example.com"), oidctest.New(t, "https://id.example.com")
	foreign := oidctest.New(t, "https://foreign.example.com")
	dir := t.TempDir()
	for _, of := range []*oidctest.Provider{p, foreign} {
		if err := os.WriteFile(filepath.Join(dir, oidc.FileName(of.Issuer)), of.Set(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := newCourtWith(t, Options{OIDCKeys: dir})
	ctx := t.Context()
	for in, url := range map[string]string{account: p.Issuer, abroad: foreign.Issuer} {
		if _, err := iam.NewFromConfig(c.root(in)).CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: &url, ClientIDList: []string{"app", "second"}}); err != nil {
			t.Fatal(err)
		}
	}
	roles := iam.NewFromConfig(c.root(account))
	roleOf := func(name string) string { return "t-" + strings.NewReplacer(" ", "-", "'", "").Replace(name) }
	for name, trust := range trusts {
		text := `{"Version":"2012-10-17","Statement":[` + trust.statements + `]}`
		if _, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(roleOf(name)), AssumeRolePolicyDocument: &text}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	now := time.Now()
	tokens := map[string]struct {
		text              string
		proof             proof
		subject, audience string
	}{
		"site for app":    {p.Sign(p.Claims("repo:acme/site", "app", now, nil)), holds, "repo:acme/site", "app"},
		"site for second": {p.Sign(p.Claims("repo:acme/site", "second", now, nil)), holds, "repo:acme/site", "second"},
		"other for app":   {p.Sign(p.Claims("repo:acme/other", "app", now, nil)), holds, "repo:acme/other", "app"},
		"evil for app":    {p.Sign(p.Claims("repo:evil/site", "app", now, nil)), holds, "repo:evil/site", "app"},
		"forged":          {other.Sign(other.Claims("repo:acme/site", "app", now, nil)), forged, "", ""},
		"expired":         {p.Sign(p.Claims("repo:acme/site", "app", now.Add(-2*time.Hour), nil)), forged, "", ""},
		"for a stranger":  {p.Sign(p.Claims("repo:acme/site", "stranger", now, nil)), forged, "", ""},
		"abroad":          {foreign.Sign(foreign.Claims("repo:acme/site", "app", now, nil)), elsewhere, "", ""},
	}
	anonymous := c.root(account)
	anonymous.Credentials = aws.AnonymousCredentials{}
	signed := c.user(account, "all", document(allowAll), "")
	c.still()
	type expected struct{ what, userType string }
	identities := map[string]expected{}
	for name, trust := range trusts {
		for kind, token := range tokens {
			for how, cfg := range map[string]aws.Config{"unsigned": anonymous, "signed": signed} {
				ran, code, id := c.ask(cfg, "sts", "AssumeRoleWithWebIdentity", func(v any) {
					in := v.(*awssts.AssumeRoleWithWebIdentityInput)
					in.RoleArn, in.RoleSessionName = aws.String("arn:aws:iam::"+account+":role/"+roleOf(name)), aws.String("work")
					in.WebIdentityToken, in.ProviderId = aws.String(token.text), nil
				})
				what := fmt.Sprintf("%s, token %s, trust %s", how, kind, name)
				want := token.proof == holds && trust.lets != nil && trust.lets(token.subject, token.audience)
				c.judge(what, want, ran, code, id)
				userType := "WebIdentityUser"
				if token.proof != holds {
					userType = "Unknown"
					refusal := "InvalidIdentityToken"
					if kind == "expired" {
						refusal = "ExpiredTokenException"
					}
					c.refusedWith(id, refusal)
				}
				identities[id] = expected{what, userType}
			}
		}
	}
	c.close()
	c.each(func(body []byte) {
		var r struct {
			RequestID    string
			UserIdentity struct{ Type, UserName, AccessKeyID, AccountID string }
		}
		if err := json.Unmarshal(body, &r); err != nil {
			t.Fatal(err)
		}
		want, ok := identities[r.RequestID]
		if !ok {
			return
		}
		u := r.UserIdentity
		if u.Type != want.userType || (u.UserName != "") != (want.userType == "WebIdentityUser") || u.AccessKeyID != "" || u.AccountID != "" {
			t.Errorf("%s: recorded as %+v, want a %s", want.what, u, want.userType)
		}
		delete(identities, r.RequestID)
	})
	if len(identities) != 0 {
		t.Errorf("%d calls have no record", len(identities))
	}
}

// TestUnsigned: an operation that knows its callers by a token is the only one of
// STS that answers without a signature.
func TestUnsigned(t *testing.T) {
	c := newCourt(t)
	c.still()
	for body, want := range map[string]string{
		"Action=GetCallerIdentity&Version=2011-06-15":                                              "MissingAuthenticationToken",
		"Action=AssumeRole&Version=2011-06-15&RoleArn=x":                                           "MissingAuthenticationToken",
		"Action=GetFederationToken&Version=2011-06-15&Name=x":                                      "MissingAuthenticationToken",
		"Action=Nothing&Version=2011-06-15":                                                        "MissingAuthenticationToken",
		"Action=ListUsers&Version=2010-05-08":                                                      "InvalidAction",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15":                                      "ValidationError",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&Extra=1":                              "ValidationError",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + strings.Repeat("a", 3000): "ValidationError",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.e.URL(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := c.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		_, _ = text.ReadFrom(answer.Body)
		answer.Body.Close()
		if !strings.Contains(text.String(), "<Code>"+want+"</Code>") {
			t.Errorf("%.80s: %s, want %s", body, text.String(), want)
		}
	}
	if len(c.ran) != 0 {
		t.Errorf("%d calls of nobody ran", len(c.ran))
	}
}

// TestWhoOrganizations asks the operations of AWS Organizations, for which there
// is no SDK here, as the callers of TestWhoByIdentity.
func TestWhoOrganizations(t *testing.T) {
	c := newCourt(t)
	all := document(allowAll)
	nothing := c.managed("nothing", identityDocument)
	members := map[string]struct {
		cfg aws.Config
		q   question
	}{
		"root":                    {c.root(account), question{who: asRoot}},
		"user, no policy":         {c.user(account, "none", "", ""), question{who: asUser}},
		"user, all allowed":       {c.user(account, "all", all, ""), question{who: asUser, identity: allows}},
		"user, boundary silent":   {c.user(account, "beyond", all, nothing), question{who: asUser, identity: allows, boundary: silent}},
		"user, other actions":     {c.user(account, "other", identityDocument, ""), question{who: asUser, identity: silent}},
		"user, these actions":     {c.user(account, "these", document(statement("Allow", "Action", "organizations:DescribeOrganization", "organizations:ListAccounts")), ""), question{who: asUser, identity: allows}},
		"user, denied":            {c.user(account, "denied", document(allowAll, statement("Deny", "Action", "organizations:*")), ""), question{who: asUser, identity: denies}},
		"session":                 {c.session(c.role("all", all, ""), time.Now()), question{who: asSession, identity: allows}},
		"session, passed silent":  {c.session(c.role("narrow", all, ""), time.Now(), identityDocument), question{who: asSession, identity: allows, passed: silent}},
		"web identity's session":  {c.webSession(c.role("web", all, "")), question{who: asSession, identity: allows}},
		"guest, both allow":       {c.guest(account, "host", all, "", all), question{who: asGuest, identity: allows, passed: allows}},
		"guest, none passed":      {c.guest(account, "host-open", all, ""), question{who: asGuest, identity: allows}},
		"guest, host not allowed": {c.guest(account, "host-none", "", "", all), question{who: asGuest, passed: allows}},
	}
	c.still()
	for name, m := range members {
		for _, op := range []string{"DescribeOrganization", "ListAccounts"} {
			id, code := c.organizations(m.cfg, op)
			c.judge(name+", organizations:"+op, m.q.answer(), c.ran[id], code, id)
		}
	}
	expired := c.session(c.role("late", all, ""), time.Now().Add(-2*time.Hour))
	for who, cfg := range map[string]aws.Config{"expired session": expired, "wrong secret": wrongSecret(t, c.root(account))} {
		id, code := c.organizations(cfg, "DescribeOrganization")
		c.refused(who)(c.ran[id], code, id)
	}
	c.service("organizations:DescribeOrganization", "cloudtrail.amazonaws.com", false)
	c.close()
}

// organizations calls an operation by hand.
func (c *court) organizations(cfg aws.Config, op string) (requestID, code string) {
	c.t.Helper()
	body := []byte("{}")
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.e.URL(), bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSOrganizationsV20161128."+op)
	keys, err := cfg.Credentials.Retrieve(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(c.t.Context(), keys, r, hex.EncodeToString(sum[:]), "organizations", "us-east-1", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	var text struct {
		Type string `json:"__type"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&text); err != nil {
		c.t.Fatalf("%s: %v", op, err)
	}
	return answer.Header.Get("X-Amzn-Requestid"), text.Type
}
