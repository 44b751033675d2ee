package sts_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"cairn/event"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/oidc"
	"cairn/internal/oidc/oidctest"
	"cairn/internal/service/servicetest"
	service "cairn/internal/service/sts"
)

const (
	providerARN = "arn:aws:iam::111122223333:oidc-provider/id.example.com/tenant"
	trustWeb    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + providerARN + `"},"Action":"sts:AssumeRoleWithWebIdentity",
		"Condition":{"StringEquals":{"id.example.com/tenant:aud":"app"},"StringLike":{"id.example.com/tenant:sub":"repo:acme/*"}}}]}`
)

// startWeb starts an engine whose account knows a provider by a file of its keys.
func startWeb(t *testing.T) (*servicetest.Engine, *oidctest.Provider) {
	t.Helper()
	p := oidctest.New(t, "https://id.example.com/tenant")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, oidc.FileName(p.Issuer)), p.Set(), 0o600); err != nil {
		t.Fatal(err)
	}
	e := servicetest.Start(t, func(e *servicetest.Engine) *call.API { return service.New(e.Users, &oidc.Source{Dir: dir}).API() })
	_, err := e.Users.CreateOIDCProvider(t.Context(), identity.OIDCProvider{
		Account: account, URL: strings.TrimPrefix(p.Issuer, "https://"), ClientIDs: []string{"app", "second"},
	}, e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.Who = identity.Principal{Kind: identity.Anonymous}
	return e, p
}

func member(t *testing.T, r event.Entry, name string) string {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(r.JSON, &all); err != nil {
		t.Fatal(err)
	}
	return string(all[name])
}

// TestWebIdentity follows a web identity through the role it assumes and on to the
// next one, and reads its records as AWS shows them: the members of the guide's
// example ("Logging IAM and AWS STS API calls with AWS CloudTrail"), in its order.
func TestWebIdentity(t *testing.T) {
	e, p := startWeb(t)
	r := role(e, account, "deployer", strings.Replace(trustWeb, `"sts:AssumeRoleWithWebIdentity"`, `["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"]`, 1))
	token := p.Sign(p.Claims("repo:acme/site", "app", e.Now, map[string]any{
		"https://aws.amazon.com/tags": map[string]any{
			"principal_tags": map[string]any{"Team": []string{"Web"}, "Cost": []string{"7"}}, "transitive_tag_keys": []string{"Team"},
		},
		"https://aws.amazon.com/source_identity": "ann",
	}))
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: s(r.ARN()), RoleSessionName: s("deploy"), WebIdentityToken: &token, DurationSeconds: aws.Int32(900)}
	out := servicetest.OK[sts.AssumeRoleWithWebIdentityOutput](e, "AssumeRoleWithWebIdentity", in)
	if *out.Provider != providerARN || *out.Audience != "app" || *out.SubjectFromWebIdentityToken != "repo:acme/site" || *out.SourceIdentity != "ann" {
		t.Errorf("%+v", out)
	}
	last := e.Records[len(e.Records)-1]
	if strings.Contains(string(last.JSON), token) || strings.Contains(string(last.JSON), *out.Credentials.SecretAccessKey) {
		t.Error("the record holds the token or the secret")
	}
	for name, want := range map[string]string{
		"userIdentity": `{"type":"WebIdentityUser","principalId":"` + providerARN + `:app:repo:acme/site","userName":"repo:acme/site","identityProvider":"` + providerARN + `"}`,
		"requestParameters": `{"roleArn":"` + r.ARN() + `","roleSessionName":"deploy","durationSeconds":900,"sourceIdentity":"ann",` +
			`"principalTags":{"Cost":"7","Team":"Web"},"transitiveTagKeys":["Team"]}`,
		"resources":          `[{"accountId":"` + account + `","type":"AWS::IAM::Role","ARN":"` + r.ARN() + `"}]`,
		"recipientAccountId": `"` + account + `"`, "readOnly": "true",
	} {
		if got := member(t, last, name); got != want {
			t.Errorf("%s is\n %s, want\n %s", name, got, want)
		}
	}
	var response []string
	d := json.NewDecoder(strings.NewReader(member(t, last, "responseElements")))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch token {
		case json.Delim('{'):
			depth++
		case json.Delim('}'):
			depth--
		default:
			if name, ok := token.(string); ok && depth == 1 {
				response = append(response, name)
				if name != "credentials" && name != "assumedRoleUser" {
					_, _ = d.Token()
				}
			}
		}
	}
	want := []string{"credentials", "subjectFromWebIdentityToken", "sourceIdentity", "assumedRoleUser", "packedPolicySize", "provider", "audience"}
	if diff := cmp.Diff(want, response); diff != "" {
		t.Error(diff)
	}

	who, _, err := e.Users.Resolve(t.Context(), *out.Credentials.AccessKeyId, *out.Credentials.SessionToken, e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.Who = who
	servicetest.OK[sts.GetCallerIdentityOutput](e, "GetCallerIdentity", &sts.GetCallerIdentityInput{})
	context := `{"sessionIssuer":{"type":"Role","principalId":"` + r.ID + `","arn":"` + r.ARN() + `","accountId":"` + account + `","userName":"deployer"},` +
		`"webIdFederationData":{"federatedProvider":"` + providerARN + `","attributes":{}},` +
		`"attributes":{"creationDate":"2026-11-23T12:00:05Z","mfaAuthenticated":"false"},"sourceIdentity":"ann"}`
	if got := member(t, e.Records[len(e.Records)-1], "userIdentity"); !strings.HasSuffix(got, `"sessionContext":`+context+"}") {
		t.Errorf("the session's call is recorded as %s", got)
	}

	// What is transitive goes along, and is recorded so.
	next := role(e, account, "next", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+r.ARN()+`"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],
		"Condition":{"StringEquals":{"aws:PrincipalTag/Team":"Web","aws:PrincipalTag/Cost":"7","sts:SourceIdentity":"ann","aws:FederatedProvider":"`+providerARN+`"}}}]}`)
	second := servicetest.OK[sts.AssumeRoleOutput](e, "AssumeRole", &sts.AssumeRoleInput{RoleArn: s(next.ARN()), RoleSessionName: s("on")})
	if got := member(t, e.Records[len(e.Records)-1], "requestParameters"); got != `{"incomingTransitiveTags":{"Team":"Web"},"roleArn":"`+next.ARN()+`","roleSessionName":"on","sourceIdentity":"ann"}` {
		t.Error(got)
	}
	who, _, err = e.Users.Resolve(t.Context(), *second.Credentials.AccessKeyId, *second.Credentials.SessionToken, e.Now)
	if err != nil || who.Session.Provider != "" || who.Session.SourceIdentity != "ann" {
		t.Errorf("%+v, %v", who.Session, err)
	}
	if diff := cmp.Diff([]identity.Tag{{Key: "Team", Value: "Web"}}, who.Tags); diff != "" {
		t.Error(diff)
	}
}

// TestWebIdentityRefused goes through tokens that do not hold and roles that do not
// trust: AWS's codes, and records that tell nothing that was not proved.
func TestWebIdentityRefused(t *testing.T) {
	e, p := startWeb(t)
	other := oidctest.New(t, p.Issuer)
	stranger := oidctest.New(t, "https://stranger.example.com")
	r := role(e, account, "deployer", trustWeb)
	closed := role(e, account, "closed", trustAccount)
	claims := func(more map[string]any) map[string]any { return p.Claims("repo:acme/site", "app", e.Now, more) }
	const key = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	const refused = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	for name, tt := range map[string]struct {
		token, role, code, message, who string
	}{
		"wrong signature":         {token: other.Sign(claims(nil)), code: "InvalidIdentityToken", who: "Unknown"},
		"no JWT":                  {token: "hello", code: "InvalidIdentityToken", message: "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)", who: "Unknown"},
		"unknown provider":        {token: stranger.Sign(stranger.Claims("x", "app", e.Now, nil)), code: "InvalidIdentityToken", message: "No OpenIDConnect provider found in your account for https://stranger.example.com", who: "Unknown"},
		"unknown key":             {token: p.SignWith(rs256, p.RSA, claims(nil), map[string]any{"kid": "new"}), code: "InvalidIdentityToken", message: key, who: "Unknown"},
		"wrong audience":          {token: p.Sign(claims(map[string]any{"aud": "other"})), code: "InvalidIdentityToken", message: "Incorrect token audience", who: "Unknown"},
		"not yet":                 {token: p.Sign(claims(map[string]any{"nbf": e.Now.Add(time.Hour).Unix()})), code: "InvalidIdentityToken", who: "Unknown"},
		"expired":                 {token: p.Sign(claims(map[string]any{"exp": e.Now.Unix() - 1})), code: "ExpiredTokenException", message: "Token expired: current date/time 1795435205 must be before the expiration date/time 1795435204", who: "Unknown"},
		"no subject":              {token: p.Sign(claims(map[string]any{"sub": nil})), code: "IDPRejectedClaim", who: "Unknown"},
		"bad tags":                {token: p.Sign(claims(map[string]any{"https://aws.amazon.com/tags": "x"})), code: "IDPRejectedClaim", who: "Unknown"},
		"flat tags":               {token: p.Sign(claims(map[string]any{"https://aws.amazon.com/tags/principal_tags/a": "x"})), code: "IDPRejectedClaim", who: "Unknown"},
		"another subject":         {token: p.Sign(claims(map[string]any{"sub": "repo:evil/site"})), code: "AccessDenied", message: refused, who: "WebIdentityUser"},
		"another audience of two": {token: p.Sign(claims(map[string]any{"aud": "second"})), code: "AccessDenied", message: refused, who: "WebIdentityUser"},
		"no trust":                {token: p.Sign(claims(nil)), role: closed.ARN(), code: "AccessDenied", message: refused, who: "WebIdentityUser"},
		"no role":                 {token: p.Sign(claims(nil)), role: r.ARN() + "2", code: "AccessDenied", message: refused, who: "WebIdentityUser"},
		"tags without leave":      {token: p.Sign(claims(map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"a": []string{"b"}}}})), code: "AccessDenied", message: "Not authorized to perform sts:TagSession", who: "WebIdentityUser"},
		"source without leave":    {token: p.Sign(claims(map[string]any{"https://aws.amazon.com/source_identity": "ann"})), code: "AccessDenied", message: "Not authorized to perform sts:SetSourceIdentity", who: "WebIdentityUser"},
		"another account's role":  {token: p.Sign(claims(nil)), role: "arn:aws:iam::999900001111:role/deployer", code: "AccessDenied", message: refused},
	} {
		t.Run(name, func(t *testing.T) {
			e.T, e.Records = t, nil
			in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: s(r.ARN()), RoleSessionName: s("deploy"), WebIdentityToken: &tt.token}
			if tt.role != "" {
				in.RoleArn = &tt.role
			}
			e.Fails("AssumeRoleWithWebIdentity", in, tt.code, tt.message)
			if tt.who == "" {
				if len(e.Records) != 0 {
					t.Errorf("recorded in an account that is not here: %s", e.Records[0].JSON)
				}
				return
			}
			who := member(t, e.Records[0], "userIdentity")
			if tt.who == "Unknown" && who != `{"type":"Unknown"}` || !strings.HasPrefix(who, `{"type":"`+tt.who+`"`) {
				t.Errorf("recorded as %s", who)
			}
			if tt.who == "WebIdentityUser" && member(t, e.Records[0], "errorMessage") != `"An unknown error occurred"` {
				t.Errorf("recorded as %s", e.Records[0].JSON)
			}
			if strings.Contains(string(e.Records[0].JSON), tt.token) {
				t.Error("the record holds the token")
			}
		})
	}
	// The caller's own rights count for nothing: the token alone says who calls.
	e.T = t
	e.As(user(e, "admin", allowAll))
	e.Fails("AssumeRoleWithWebIdentity", &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: s(closed.ARN()), RoleSessionName: s("deploy"), WebIdentityToken: s(p.Sign(claims(nil))),
	}, "AccessDenied", refused)
}
