package iam

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/oidc"
	"cairn/internal/policy"
)

// Limits of OpenID Connect providers. Source: "IAM and AWS STS quotas" in the IAM
// User Guide, CreateOpenIDConnectProvider in the API reference.
const (
	maxProviders   = 100
	maxProviderURL = 255 // characters, as client ids
	maxClients     = 100
	maxThumbprints = 5
)

var thumbprintForm = regexp.MustCompile(`^[0-9A-Fa-f]{40}$`)

func (s *Service) addOIDC(a *call.API) {
	create := call.New("CreateOpenIDConnectProvider", s.createProvider)
	create.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		p, err := makeProvider(c, c.Input.(*iam.CreateOpenIDConnectProviderInput))
		if err != nil {
			return nil, err
		}
		return withTags([]call.Check{{Resource: p.ARN(), Context: requestTags(p.Tags)}}, "openIDConnectProvider", p.Tags), nil
	}
	a.Add(create)
	list := call.New("ListOpenIDConnectProviders", s.listProviders)
	list.ReadOnly = true
	list.Authorize = listing("oidc-provider")
	a.Add(list)
	a.Add(providerOp(s, "GetOpenIDConnectProvider",
		func(in *iam.GetOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }, s.getProvider))
	a.Add(providerOp(s, "DeleteOpenIDConnectProvider",
		func(in *iam.DeleteOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }, s.deleteProvider))
	a.Add(providerOp(s, "AddClientIDToOpenIDConnectProvider",
		func(in *iam.AddClientIDToOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }, s.addClient))
	a.Add(providerOp(s, "RemoveClientIDFromOpenIDConnectProvider",
		func(in *iam.RemoveClientIDFromOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }, s.removeClient))
	a.Add(providerOp(s, "UpdateOpenIDConnectProviderThumbprint",
		func(in *iam.UpdateOpenIDConnectProviderThumbprintInput) *string { return in.OpenIDConnectProviderArn }, s.setThumbprints))
	a.Add(providerOp(s, "TagOpenIDConnectProvider",
		func(in *iam.TagOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }, s.tagProvider,
		func(in *iam.TagOpenIDConnectProviderInput) policy.Context { return tagKeys(in.Tags) }))
	a.Add(providerOp(s, "UntagOpenIDConnectProvider",
		func(in *iam.UntagOpenIDConnectProviderInput) *string { return in.OpenIDConnectProviderArn }, s.untagProvider,
		func(in *iam.UntagOpenIDConnectProviderInput) policy.Context { return untagKeys(in.TagKeys) }))
	a.Add(providerOp(s, "ListOpenIDConnectProviderTags",
		func(in *iam.ListOpenIDConnectProviderTagsInput) *string { return in.OpenIDConnectProviderArn }, s.listProviderTags))
}

// providerOp makes an operation on one provider of the caller's account.
func providerOp[In, Out any](s *Service, op string, providerARN func(*In) *string,
	run func(ctx context.Context, providerARN string, in *In) (*Out, error), keys ...func(*In) policy.Context,
) *call.Operation {
	tags := func(providerARN string) []identity.Tag {
		if p, ok := s.store.OIDCProviderByARN(providerARN); ok {
			return p.Tags
		}
		return nil
	}
	return resourceOp(op, providerARN, checkProviderARN, tags, func(ctx context.Context, _ *call.Granted, providerARN string, in *In) (*Out, error) {
		return run(ctx, providerARN, in)
	}, keys...)
}

func checkProviderARN(c *call.Call, providerARN *string) error {
	if err := required("openIDConnectProviderArn", providerARN); err != nil {
		return err
	}
	a, err := arn.Parse(*providerARN)
	if err != nil || a.Partition != arn.Partition || a.Service != "iam" || a.Region != "" || !strings.HasPrefix(a.Resource, "oidc-provider/") {
		return invalid("ARN %s is not valid.", *providerARN)
	}
	if a.Account != c.Account() {
		return noProvider(*providerARN)
	}
	return nil
}

func noProvider(providerARN string) *awserr.Error {
	return notFound("OpenIDConnect Provider not found for arn %s", providerARN)
}

// makeProvider checks the input.
func makeProvider(c *call.Call, in *iam.CreateOpenIDConnectProviderInput) (p identity.OIDCProvider, err error) {
	p.Account = c.Account()
	if p.URL, err = issuer(in.Url); err != nil {
		return p, err
	}
	for _, id := range in.ClientIDList {
		if err = checkClient("clientIDList.member", &id); err != nil {
			return p, err
		} else if !slices.Contains(p.ClientIDs, id) {
			p.ClientIDs = append(p.ClientIDs, id)
		}
	}
	if err = clientCount(p.ClientIDs); err != nil {
		return p, err
	}
	if p.Thumbprints, err = checkThumbprints(in.ThumbprintList); err != nil {
		return p, err
	}
	p.Tags, err = checkTags(in.Tags)
	return p, err
}

// issuer checks a provider's URL and returns it without https://.
func issuer(text *string) (string, error) {
	if err := required("url", text); err != nil {
		return "", err
	}
	if err := atMost("url", *text, maxProviderURL); err != nil {
		return "", err
	}
	if err := oidc.CheckIssuer(*text); err != nil {
		return "", invalid("The URL %s is not valid: %v.", *text, err)
	}
	return strings.TrimPrefix(*text, "https://"), nil
}

func checkClient(member string, id *string) error {
	if err := required(member, id); err != nil {
		return err
	}
	return atMost(member, *id, maxProviderURL)
}

func clientCount(ids []string) error {
	if len(ids) > maxClients {
		return limit("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClients)
	}
	return nil
}

// checkThumbprints returns thumbprints in lower case. Where none are given AWS
// looks up the server's; here the authorities of the engine's machine count.
func checkThumbprints(list []string) ([]string, error) {
	if len(list) > maxThumbprints || slices.ContainsFunc(list, func(t string) bool { return !thumbprintForm.MatchString(t) }) {
		return nil, invalid("The thumbprint list is not valid: it may hold %d entries of 40 hexadecimal digits.", maxThumbprints)
	}
	return each(list, strings.ToLower), nil
}

func (s *Service) createProvider(ctx context.Context, g *call.Granted, in *iam.CreateOpenIDConnectProviderInput) (*iam.CreateOpenIDConnectProviderOutput, error) {
	p, err := makeProvider(g.Call, in)
	if err != nil {
		return nil, err
	}
	if len(s.store.OIDCProviders(g.Account())) >= maxProviders { // two at once may make one more
		return nil, limit("Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d", maxProviders)
	}
	made, err := s.store.CreateOIDCProvider(ctx, p, at(g))
	if err != nil {
		return nil, taken(err, exists("Provider with url https://%s already exists.", p.URL))
	}
	return &iam.CreateOpenIDConnectProviderOutput{OpenIDConnectProviderArn: aws.String(made.ARN()), Tags: tagsOut(made.Tags)}, nil
}

func (s *Service) getProvider(_ context.Context, providerARN string, _ *iam.GetOpenIDConnectProviderInput) (*iam.GetOpenIDConnectProviderOutput, error) {
	p, ok := s.store.OIDCProviderByARN(providerARN)
	if !ok {
		return nil, noProvider(providerARN)
	}
	return &iam.GetOpenIDConnectProviderOutput{
		Url: &p.URL, ClientIDList: p.ClientIDs, ThumbprintList: p.Thumbprints, CreateDate: &p.Created, Tags: tagsOut(p.Tags),
	}, nil
}

func (s *Service) listProviders(_ context.Context, g *call.Granted, _ *iam.ListOpenIDConnectProvidersInput) (*iam.ListOpenIDConnectProvidersOutput, error) {
	return &iam.ListOpenIDConnectProvidersOutput{
		OpenIDConnectProviderList: each(s.store.OIDCProviders(g.Account()), func(p *identity.OIDCProvider) types.OpenIDConnectProviderListEntry {
			return types.OpenIDConnectProviderListEntry{Arn: aws.String(p.ARN())}
		}),
	}, nil
}

// deleteProvider succeeds if there is no such provider (API reference).
func (s *Service) deleteProvider(ctx context.Context, providerARN string, _ *iam.DeleteOpenIDConnectProviderInput) (*iam.DeleteOpenIDConnectProviderOutput, error) {
	err := s.store.DeleteOIDCProvider(ctx, providerARN)
	if errors.Is(err, identity.ErrNotFound) {
		err = nil
	}
	return done[iam.DeleteOpenIDConnectProviderOutput](err)
}

// addClient succeeds if the id is there already, removeClient if it is not.
func (s *Service) addClient(ctx context.Context, providerARN string, in *iam.AddClientIDToOpenIDConnectProviderInput) (*iam.AddClientIDToOpenIDConnectProviderOutput, error) {
	if err := checkClient("clientID", in.ClientID); err != nil {
		return nil, err
	}
	err := s.changeProvider(ctx, providerARN, func(p *identity.OIDCProvider) error {
		if !slices.Contains(p.ClientIDs, *in.ClientID) {
			p.ClientIDs = append(p.ClientIDs, *in.ClientID)
		}
		return clientCount(p.ClientIDs)
	})
	return done[iam.AddClientIDToOpenIDConnectProviderOutput](err)
}

func (s *Service) removeClient(ctx context.Context, providerARN string, in *iam.RemoveClientIDFromOpenIDConnectProviderInput) (*iam.RemoveClientIDFromOpenIDConnectProviderOutput, error) {
	if err := checkClient("clientID", in.ClientID); err != nil {
		return nil, err
	}
	err := s.changeProvider(ctx, providerARN, func(p *identity.OIDCProvider) error {
		p.ClientIDs = slices.DeleteFunc(p.ClientIDs, func(id string) bool { return id == *in.ClientID })
		return nil
	})
	return done[iam.RemoveClientIDFromOpenIDConnectProviderOutput](err)
}

func (s *Service) setThumbprints(ctx context.Context, providerARN string, in *iam.UpdateOpenIDConnectProviderThumbprintInput) (*iam.UpdateOpenIDConnectProviderThumbprintOutput, error) {
	list, err := checkThumbprints(in.ThumbprintList)
	if err != nil {
		return nil, err
	}
	err = s.changeProvider(ctx, providerARN, func(p *identity.OIDCProvider) error {
		p.Thumbprints = list
		return nil
	})
	return done[iam.UpdateOpenIDConnectProviderThumbprintOutput](err)
}

func (s *Service) tagProvider(ctx context.Context, providerARN string, in *iam.TagOpenIDConnectProviderInput) (*iam.TagOpenIDConnectProviderOutput, error) {
	add, err := checkTags(in.Tags)
	if err != nil {
		return nil, err
	}
	err = s.changeProvider(ctx, providerARN, func(p *identity.OIDCProvider) error { return setTags(&p.Tags, add) })
	return done[iam.TagOpenIDConnectProviderOutput](err)
}

func (s *Service) untagProvider(ctx context.Context, providerARN string, in *iam.UntagOpenIDConnectProviderInput) (*iam.UntagOpenIDConnectProviderOutput, error) {
	err := s.changeProvider(ctx, providerARN, func(p *identity.OIDCProvider) error {
		p.Tags = identity.DropTags(p.Tags, in.TagKeys)
		return nil
	})
	return done[iam.UntagOpenIDConnectProviderOutput](err)
}

func (s *Service) listProviderTags(_ context.Context, providerARN string, in *iam.ListOpenIDConnectProviderTagsInput) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	p, ok := s.store.OIDCProviderByARN(providerARN)
	if !ok {
		return nil, noProvider(providerARN)
	}
	tags, more, next, err := tagPage(p.Tags, in.MaxItems, in.Marker)
	return &iam.ListOpenIDConnectProviderTagsOutput{Tags: tags, IsTruncated: more, Marker: next}, err
}

func (s *Service) changeProvider(ctx context.Context, providerARN string, change func(*identity.OIDCProvider) error) error {
	return absent(s.store.UpdateOIDCProvider(ctx, providerARN, change), noProvider(providerARN))
}
