package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/event"
	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/oidc"
	"cairn/internal/policy"
)

// webIdentityOp is called without a signature: a token of an identity provider
// that the role's account knows says who calls.
func (s *Service) webIdentityOp() *call.Operation {
	op := call.New("AssumeRoleWithWebIdentity", s.assumeWithWebIdentity)
	op.RecordOutput = true
	op.Identify = s.identifyWeb
	op.Authorize = s.authorizeWeb
	op.Record = recordWeb
	return op
}

// identifyWeb finds out who calls. As long as the token is not known to hold, it
// is somebody unknown in the role's account, whose record shows nothing of what
// the token says. An account the engine does not hold has no record.
func (s *Service) identifyWeb(ctx context.Context, c *call.Call) (identity.Principal, error) {
	in := c.Input.(*sts.AssumeRoleWithWebIdentityInput)
	nobody := identity.Principal{Kind: identity.Anonymous}
	if err := checkWebIdentity(in); err != nil {
		return nobody, err
	}
	roleARN, err := arn.Parse(*in.RoleArn)
	if err != nil {
		return nobody, validation("%s is invalid", *in.RoleArn)
	}
	if _, ok := s.store.Account(roleARN.Account); !ok {
		return nobody, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	unknown := identity.Principal{Kind: identity.Unknown, Account: roleARN.Account}
	claims, provider, err := s.verify(ctx, *in.WebIdentityToken, roleARN.Account, c)
	if err != nil {
		return unknown, err
	}
	web, err := webIdentity(claims, provider)
	if err != nil {
		return unknown, err
	}
	p := unknown
	p.Kind, p.Provider, p.Name, p.Web = identity.WebIdentityUser, provider.ARN(), claims.Subject, web
	p.ID = p.Provider + ":" + claims.Audience + ":" + claims.Subject
	return p, nil
}

func checkWebIdentity(in *sts.AssumeRoleWithWebIdentityInput) error {
	if err := (roleRequest{in.RoleArn, in.RoleSessionName, in.DurationSeconds}).check(); err != nil {
		return err
	}
	switch {
	case in.WebIdentityToken == nil:
		return validation("1 validation error detected: Value null at 'webIdentityToken' failed to satisfy constraint: Member must not be null")
	case len(*in.WebIdentityToken) < 4 || len(*in.WebIdentityToken) > oidc.MaxToken:
		return validation("1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length between 4 and %d", oidc.MaxToken)
	case in.ProviderId != nil:
		return validation("ProviderId is for OAuth 2.0 access tokens, which this engine does not support. Leave it out, and pass an OpenID Connect ID token.")
	}
	return noMinimumSize(in.MinimumSessionTokenSize)
}

// noMinimumSize refuses what is not implemented.
func noMinimumSize(size *int32) error {
	if size != nil && *size != 0 {
		return validation("MinimumSessionTokenSize is not supported by this engine. Leave it out.")
	}
	return nil
}

// verify checks a token for an account.
func (s *Service) verify(ctx context.Context, token, account string, c *call.Call) (*oidc.Claims, *identity.OIDCProvider, error) {
	var provider *identity.OIDCProvider
	claims, err := oidc.Verify(ctx, s.keys, token, func(issuer string) (*oidc.Provider, error) {
		p, ok := s.store.OIDCProvider(account, strings.TrimPrefix(issuer, "https://"))
		if !ok {
			return nil, awserr.New(http.StatusBadRequest, codeBadToken, "No OpenIDConnect provider found in your account for %s", issuer)
		}
		provider = p
		return &oidc.Provider{Issuer: "https://" + p.URL, Audiences: p.ClientIDs, Thumbprints: p.Thumbprints}, nil
	}, at(c))
	return claims, provider, tokenError(err)
}

// codeBadToken is STS's word for a token that does not hold.
const codeBadToken = "InvalidIdentityToken"

// tokenError spells what is wrong with a token as STS does, as far as its texts
// are known. What went wrong on the way to a provider is for the engine's log:
// it would tell strangers what can be reached from here.
func tokenError(err error) error {
	bad := func(text string) error { return awserr.Wrap(err, http.StatusBadRequest, codeBadToken, "%s", text) }
	var known *awserr.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, oidc.ErrExpired):
		_, text, _ := strings.Cut(err.Error(), oidc.ErrExpired.Error())
		return awserr.Wrap(err, http.StatusBadRequest, "ExpiredTokenException", "Token expired%s", text)
	case errors.Is(err, oidc.ErrEarly):
		return bad("The ID Token provided is not valid yet")
	case errors.Is(err, oidc.ErrAudience):
		return bad("Incorrect token audience")
	case errors.Is(err, oidc.ErrClaim):
		return awserr.Wrap(err, http.StatusForbidden, "IDPRejectedClaim", "The identity provider's token cannot be accepted: %v", err)
	case errors.Is(err, oidc.ErrThumbprint):
		return bad("OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint")
	case errors.Is(err, oidc.ErrKey):
		return bad("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	case errors.Is(err, oidc.ErrUnreachable):
		return awserr.Wrap(err, http.StatusBadRequest, "IDPCommunicationError",
			"The keys of the identity provider could not be read. The engine asks it only if it was started with --oidc-fetch=public; otherwise a file has to be in the folder of --oidc-keys.")
	case errors.Is(err, oidc.ErrSignature):
		return bad("The signature of the ID Token provided does not hold")
	}
	return bad("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
}

// The claims that carry session tags and a source identity.
//
// Source: "Pass session tags in AWS STS" and "Monitor and control actions taken
// with assumed roles" in the IAM User Guide.
const (
	claimTags   = "https://aws.amazon.com/tags"
	claimSource = "https://aws.amazon.com/source_identity"
)

// webIdentity reads what the claims say about the session.
func webIdentity(c *oidc.Claims, p *identity.OIDCProvider) (*identity.WebIdentity, error) {
	w := &identity.WebIdentity{
		Issuer: p.URL, Audience: c.Audience, Subject: c.Subject, Methods: c.Methods, Checked: string(c.Checked),
	}
	refused := func(claim string) error {
		return awserr.New(http.StatusForbidden, "IDPRejectedClaim", "The claim %s is not of the form it has to be.", claim)
	}
	if v, ok := c.All[claimSource]; ok {
		if w.SourceIdentity, ok = v.(string); !ok || w.SourceIdentity == "" {
			return nil, refused(claimSource)
		}
	}
	if v, ok := c.All[claimTags]; ok {
		if w.Tags, w.Transitive, ok = claimedTags(v); !ok {
			return nil, refused(claimTags)
		}
	}
	for name := range c.All { // the flat form, of providers that cannot nest
		if strings.HasPrefix(name, claimTags+"/") {
			return nil, refused(name)
		}
	}
	return w, nil
}

// claimedTags reads {"principal_tags": {KEY: [VALUE]}, "transitive_tag_keys":
// [KEY]}, sorted by key.
func claimedTags(v any) (tags []identity.Tag, transitive []string, ok bool) {
	members, ok := v.(map[string]any)
	if !ok {
		return nil, nil, false
	}
	given, _ := members["principal_tags"].(map[string]any)
	for k, values := range given {
		list, ok := values.([]any)
		if !ok || len(list) != 1 {
			return nil, nil, false
		}
		value, ok := list[0].(string)
		if !ok {
			return nil, nil, false
		}
		tags = append(tags, identity.Tag{Key: k, Value: value})
	}
	slices.SortFunc(tags, func(a, b identity.Tag) int { return strings.Compare(a.Key, b.Key) })
	if keys, given := members["transitive_tag_keys"]; given {
		list, ok := keys.([]any)
		if !ok {
			return nil, nil, false
		}
		for _, k := range list {
			key, ok := k.(string)
			if !ok {
				return nil, nil, false
			}
			transitive = append(transitive, key)
		}
	}
	return tags, transitive, true
}

func taggedBy(w *identity.WebIdentity) (*tagged, error) {
	t := &tagged{tags: w.Tags, transitive: w.Transitive, source: w.SourceIdentity}
	return t, t.check()
}

// authorizeWeb asks the role's trust policy alone: who calls has no other.
func (s *Service) authorizeWeb(_ context.Context, c *call.Call) ([]call.Check, error) {
	in, w := c.Input.(*sts.AssumeRoleWithWebIdentityInput), c.Principal.Web
	if w == nil {
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	with, err := taggedBy(w)
	if err != nil {
		return nil, err
	}
	check, err := s.roleCheck(*in.RoleArn, c.Principal.Account, *in.RoleSessionName)
	if err != nil {
		return nil, err
	}
	for name, values := range (policy.Context{"aud": {w.Audience}, "sub": {w.Subject}, "amr": w.Methods}) {
		check.Context[strings.ToLower(w.Issuer)+":"+name] = values
	}
	check.Context["aws:federatedprovider"] = []string{c.Principal.Provider}
	// The role is on the record of a refusal too, as in AWS's.
	c.Resources = append(c.Resources, event.Resource{AccountID: c.Principal.Account, Type: "AWS::IAM::Role", ARN: *in.RoleArn})
	return with.checks(check), nil
}

func (s *Service) assumeWithWebIdentity(_ context.Context, g *call.Granted, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	r, ok := s.store.RoleByARN(*in.RoleArn)
	if !ok { // it was deleted since the caller was let in
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	with, err := taggedBy(g.Principal.Web)
	if err != nil {
		return nil, err
	}
	lasts, err := roleRequest{in.RoleArn, in.RoleSessionName, in.DurationSeconds}.duration(r)
	if err != nil {
		return nil, err
	}
	spec := identity.SessionSpec{
		Role: r, Name: *in.RoleSessionName, Duration: lasts, SourceAccount: r.Account, Provider: g.Principal.Provider,
	}
	with.put(&spec)
	var packed *int32
	if spec.Policies, spec.PolicyARNs, packed, err = s.narrow(narrowing{in.Policy, in.PolicyArns}, r.Account, with.tags); err != nil {
		return nil, err
	}
	cred, err := s.store.OpenSession(spec, at(g.Call))
	if err != nil {
		return nil, fmt.Errorf("assume role %s with a web identity: %w", *in.RoleArn, err)
	}
	out := &sts.AssumeRoleWithWebIdentityOutput{
		Credentials: credentials(&cred), AssumedRoleUser: assumed(r, spec.Name), PackedPolicySize: packed,
		Provider: &g.Principal.Provider, Audience: &g.Principal.Web.Audience, SubjectFromWebIdentityToken: &g.Principal.Name,
	}
	if with.source != "" {
		out.SourceIdentity = &with.source
	}
	return out, nil
}

// recordWeb records a call as AWS does: with what the token says of the session
// beside what was asked for, without the token, and without a reason why the
// trust policy did not let the caller in.
//
// Source: "Logging IAM and AWS STS API calls with AWS CloudTrail" in the IAM User
// Guide for success; a genuine refusal of 2023.
func recordWeb(c *call.Call, out any, r *event.Record) {
	record(c, out, r)
	if r.ErrorCode == "AccessDenied" {
		r.ErrorMessage = "An unknown error occurred"
	}
	w := c.Principal.Web
	if w == nil {
		return
	}
	if w.Checked != "" {
		r.AdditionalEventData = with(r.AdditionalEventData, true, "identityProviderConnectionVerificationMethod", event.AppendString(nil, w.Checked))
	}
	if w.SourceIdentity != "" {
		r.RequestParameters = with(r.RequestParameters, false, "sourceIdentity", event.AppendString(nil, w.SourceIdentity))
	}
	if len(w.Tags) > 0 {
		r.RequestParameters = with(r.RequestParameters, false, "principalTags", tagObject(w.Tags))
	}
	if len(w.Transitive) > 0 {
		r.RequestParameters = with(r.RequestParameters, false, "transitiveTagKeys", stringList(w.Transitive))
	}
}
