package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/identity"
	"cairn/internal/service/servicetest"
)

// TestProviderLife takes a provider through every operation on it.
func TestProviderLife(t *testing.T) {
	e := start(t)
	print1, print2 := strings.Repeat("a", 40), strings.Repeat("0B", 20)
	made := servicetest.OK[iam.CreateOpenIDConnectProviderOutput](e, "CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{
		Url: s("https://id.example.com/Tenant"), ClientIDList: []string{"app", "app"}, ThumbprintList: []string{strings.ToUpper(print1)},
		Tags: []types.Tag{{Key: s("team"), Value: s("web")}},
	})
	at := made.OpenIDConnectProviderArn
	if *at != "arn:aws:iam::111122223333:oidc-provider/id.example.com/Tenant" {
		t.Error(*at)
	}
	for _, again := range []string{"https://id.example.com/Tenant", "https://ID.example.com/tenant"} {
		e.Fails("CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{Url: &again},
			"EntityAlreadyExists", "Provider with url "+again+" already exists.")
	}
	for range 2 { // both ways, twice is as good as once
		servicetest.OK[iam.AddClientIDToOpenIDConnectProviderOutput](e, "AddClientIDToOpenIDConnectProvider",
			&iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: at, ClientID: s("second")})
		servicetest.OK[iam.RemoveClientIDFromOpenIDConnectProviderOutput](e, "RemoveClientIDFromOpenIDConnectProvider",
			&iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: at, ClientID: s("app")})
	}
	servicetest.OK[iam.UpdateOpenIDConnectProviderThumbprintOutput](e, "UpdateOpenIDConnectProviderThumbprint",
		&iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: at, ThumbprintList: []string{print2, print1}})
	servicetest.OK[iam.TagOpenIDConnectProviderOutput](e, "TagOpenIDConnectProvider",
		&iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: at, Tags: []types.Tag{{Key: s("cost"), Value: s("7")}}})
	servicetest.OK[iam.UntagOpenIDConnectProviderOutput](e, "UntagOpenIDConnectProvider",
		&iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: at, TagKeys: []string{"team"}})
	got := servicetest.OK[iam.GetOpenIDConnectProviderOutput](e, "GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: at})
	if d := cmp.Diff([]string{"second"}, got.ClientIDList); d != "" || *got.Url != "id.example.com/Tenant" || !got.CreateDate.Equal(e.Now.Truncate(1e9)) {
		t.Error(d, *got.Url, got.CreateDate)
	}
	if d := cmp.Diff([]string{strings.ToLower(print2), print1}, got.ThumbprintList); d != "" {
		t.Error(d)
	}
	tags := servicetest.OK[iam.ListOpenIDConnectProviderTagsOutput](e, "ListOpenIDConnectProviderTags", &iam.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: at})
	if len(tags.Tags) != 1 || *tags.Tags[0].Key != "cost" || len(got.Tags) != 1 {
		t.Errorf("%d tags", len(tags.Tags))
	}
	list := servicetest.OK[iam.ListOpenIDConnectProvidersOutput](e, "ListOpenIDConnectProviders", &iam.ListOpenIDConnectProvidersInput{})
	if len(list.OpenIDConnectProviderList) != 1 || *list.OpenIDConnectProviderList[0].Arn != *at {
		t.Errorf("%+v", list.OpenIDConnectProviderList)
	}
	if n := servicetest.OK[iam.GetAccountSummaryOutput](e, "GetAccountSummary", &iam.GetAccountSummaryInput{}).SummaryMap["Providers"]; n != 1 {
		t.Errorf("%d providers counted", n)
	}
	for range 2 { // "does not fail or return an error" for one that is not there
		servicetest.OK[iam.DeleteOpenIDConnectProviderOutput](e, "DeleteOpenIDConnectProvider", &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: at})
	}
	e.Fails("GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: at},
		"NoSuchEntity", "OpenIDConnect Provider not found for arn "+*at)
	if code := e.Last()["errorCode"]; code != "NoSuchEntityException" {
		t.Error(code)
	}
}

func TestProviderRefusals(t *testing.T) {
	e := start(t)
	many := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("app-%d", i))
		}
		return list
	}
	for name, tt := range map[string]struct {
		in   iam.CreateOpenIDConnectProviderInput
		code string
	}{
		"no URL":              {iam.CreateOpenIDConnectProviderInput{}, "ValidationError"},
		"long URL":            {iam.CreateOpenIDConnectProviderInput{Url: s("https://" + strings.Repeat("a", 250))}, "ValidationError"},
		"http":                {iam.CreateOpenIDConnectProviderInput{Url: s("http://id.example.com")}, "InvalidInput"},
		"no scheme":           {iam.CreateOpenIDConnectProviderInput{Url: s("id.example.com")}, "InvalidInput"},
		"no host":             {iam.CreateOpenIDConnectProviderInput{Url: s("https:///x")}, "InvalidInput"},
		"a port":              {iam.CreateOpenIDConnectProviderInput{Url: s("https://id.example.com:8443")}, "InvalidInput"},
		"a query":             {iam.CreateOpenIDConnectProviderInput{Url: s("https://id.example.com/?a")}, "InvalidInput"},
		"a fragment":          {iam.CreateOpenIDConnectProviderInput{Url: s("https://id.example.com/#a")}, "InvalidInput"},
		"a user":              {iam.CreateOpenIDConnectProviderInput{Url: s("https://me@id.example.com")}, "InvalidInput"},
		"an escape":           {iam.CreateOpenIDConnectProviderInput{Url: s("https://id.example.com/%2e%2e")}, "InvalidInput"},
		"a new line":          {iam.CreateOpenIDConnectProviderInput{Url: s("https://id.example.com/\n")}, "InvalidInput"},
		"long client":         {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ClientIDList: []string{strings.Repeat("a", 256)}}, "ValidationError"},
		"empty client":        {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ClientIDList: []string{""}}, "ValidationError"},
		"101 clients":         {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ClientIDList: many(101)}, "LimitExceeded"},
		"short thumbprint":    {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ThumbprintList: []string{strings.Repeat("a", 39)}}, "InvalidInput"},
		"thumbprint of words": {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ThumbprintList: []string{strings.Repeat("g", 40)}}, "InvalidInput"},
		"six thumbprints":     {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ThumbprintList: make([]string, 6)}, "InvalidInput"},
		"a tag of AWS's":      {iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), Tags: []types.Tag{{Key: s("aws:a"), Value: s("")}}}, "InvalidInput"},
	} {
		e.T.Log(name)
		e.Fails("CreateOpenIDConnectProvider", &tt.in, tt.code, "")
	}
	servicetest.OK[iam.CreateOpenIDConnectProviderOutput](e, "CreateOpenIDConnectProvider",
		&iam.CreateOpenIDConnectProviderInput{Url: s("https://x.example.com"), ClientIDList: many(100)})
	const at = "arn:aws:iam::111122223333:oidc-provider/x.example.com"
	e.Fails("AddClientIDToOpenIDConnectProvider", &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: s(at), ClientID: s("more")},
		"LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
	for arn, code := range map[string]string{
		"arn:aws:iam::444455556666:oidc-provider/x.example.com": "NoSuchEntity", "arn:aws:iam::111122223333:saml-provider/x": "InvalidInput",
		"x": "InvalidInput", "": "ValidationError", at + "/y": "NoSuchEntity", strings.ToUpper(at[len(at)-13:]): "InvalidInput",
	} {
		e.Fails("GetOpenIDConnectProvider", &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn}, code, "")
	}
	for i := range 99 {
		if _, err := e.Users.CreateOIDCProvider(t.Context(), identity.OIDCProvider{Account: servicetest.Account, URL: fmt.Sprintf("x%d.example.com", i)}, e.Now); err != nil {
			t.Fatal(err)
		}
	}
	e.Fails("CreateOpenIDConnectProvider", &iam.CreateOpenIDConnectProviderInput{Url: s("https://last.example.com")},
		"LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100")
}

// TestFederatedTrust: a trust policy names providers in the forms there are.
func TestFederatedTrust(t *testing.T) {
	e := start(t)
	for principal, ok := range map[string]bool{
		"arn:aws:iam::111122223333:oidc-provider/id.example.com": true, "arn:aws:iam::111122223333:saml-provider/Corp": true,
		"accounts.google.com": true, "arn:aws:iam::111122223333:oidc-provider/": false, "arn:aws:iam::1:oidc-provider/x": false,
		"arn:aws:iam::111122223333:user/ann": false, "arn:aws:sts::111122223333:oidc-provider/x": false, "google": false,
	} {
		name := fmt.Sprintf("r%d", len(e.Records))
		_, err := e.Try("CreateRole", &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: s(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Principal":{"Federated":"` + principal + `"},"Action":"sts:AssumeRoleWithWebIdentity"}]}`)})
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "MalformedPolicyDocument: Invalid principal in policy") {
			t.Errorf("%s: %v", principal, err)
		}
	}
}

// TestTagConditions: operations that tag ask with the tags they set and the keys
// they take away.
func TestTagConditions(t *testing.T) {
	e := start(t)
	const at = "arn:aws:iam::111122223333:oidc-provider/id.example.com"
	if _, err := e.Users.CreateOIDCProvider(t.Context(), identity.OIDCProvider{Account: servicetest.Account, URL: "id.example.com"}, e.Now); err != nil {
		t.Fatal(err)
	}
	p, err := e.Users.CreatePolicy(t.Context(), identity.ManagedPolicy{Account: servicetest.Account, Name: "P", Path: "/"}, readBucket, e.Now)
	if err != nil {
		t.Fatal(err)
	}
	u := identity.User{Entity: identity.Entity{Account: servicetest.Account, Name: "tagger", Path: "/", Inline: []identity.InlinePolicy{{
		Name: "p", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Tag*","iam:CreateOpenIDConnectProvider"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"web"}}},
			{"Effect":"Allow","Action":"iam:Untag*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["cost"]},"Null":{"aws:TagKeys":"false"}}}]}`,
	}}}}
	if _, err := e.Users.CreateUser(t.Context(), u, e.Now); err != nil {
		t.Fatal(err)
	}
	_, keys, err := e.Users.CreateAccessKey(t.Context(), servicetest.Account, "tagger", e.Now, func([]identity.AccessKey) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	e.As(keys)
	tag := func(value string) []types.Tag { return []types.Tag{{Key: s("team"), Value: &value}} }
	for op, in := range map[string]func(value, key string) any{
		"TagOpenIDConnectProvider": func(value, _ string) any {
			return &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: s(at), Tags: tag(value)}
		},
		"UntagOpenIDConnectProvider": func(_, key string) any {
			return &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: s(at), TagKeys: []string{key}}
		},
		"TagPolicy":   func(value, _ string) any { return &iam.TagPolicyInput{PolicyArn: s(p.ARN()), Tags: tag(value)} },
		"UntagPolicy": func(_, key string) any { return &iam.UntagPolicyInput{PolicyArn: s(p.ARN()), TagKeys: []string{key}} },
		"CreateOpenIDConnectProvider": func(value, _ string) any {
			return &iam.CreateOpenIDConnectProviderInput{Url: s("https://new.example.com"), Tags: tag(value)}
		},
	} {
		e.Fails(op, in("ops", "team"), "AccessDenied", "")
		if _, err := e.Try(op, in("web", "cost")); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
}
