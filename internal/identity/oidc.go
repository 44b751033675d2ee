package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cairn/internal/arn"
)

// OIDCProvider is an OpenID Connect provider an account trusts to say who
// somebody is.
type OIDCProvider struct {
	Account string `json:"account"`
	// URL is the issuer without https://, such as id.example.com/tenant.
	URL string `json:"url"`
	// ClientIDs are the audiences tokens may be for; Thumbprints the SHA-1 hashes,
	// in lower-case hexadecimal, of certificates its server may show where no
	// authority vouches for it. Both are in the order in which they were added.
	ClientIDs   []string  `json:"clientIds,omitempty"`
	Thumbprints []string  `json:"thumbprints,omitempty"`
	Created     time.Time `json:"created"`
	Tags        []Tag     `json:"tags,omitempty"`
	// Deleted marks a row whose deletion was decided but is not finished.
	Deleted bool `json:"deleted,omitempty"`
}

// ARN returns arn:aws:iam::ACCOUNT:oidc-provider/URL.
func (p *OIDCProvider) ARN() string { return OIDCProviderARN(p.Account, p.URL) }

// OIDCProviderARN returns the ARN of the provider of an issuer, given without
// https://.
func OIDCProviderARN(account, url string) string {
	return "arn:aws:iam::" + account + ":oidc-provider/" + url
}

func (p *OIDCProvider) is(url string) bool { return !p.Deleted && p.URL == url }

func (p *OIDCProvider) mark() *bool { return &p.Deleted }

// OIDCProvider returns an account's provider of an issuer, given without
// https:// and compared exactly.
func (s *Store) OIDCProvider(account, url string) (*OIDCProvider, bool) {
	if url == "" {
		return nil, false
	}
	p, ok := s.oidc.Get(account, fold(url))
	if !ok || !p.is(url) {
		return nil, false
	}
	return p, true
}

// OIDCProviderByARN returns the provider an ARN names.
func (s *Store) OIDCProviderByARN(providerARN string) (*OIDCProvider, bool) {
	account, url, ok := splitOIDC(providerARN)
	if !ok {
		return nil, false
	}
	return s.OIDCProvider(account, url)
}

// OIDCProviders returns an account's providers, sorted by issuer.
func (s *Store) OIDCProviders(account string) []*OIDCProvider { return list(s.oidc, account) }

// CreateOIDCProvider adds a provider; the store sets Created. ErrExists if there
// is one of that issuer, in any spelling.
func (s *Store) CreateOIDCProvider(ctx context.Context, p OIDCProvider, now time.Time) (*OIDCProvider, error) {
	p.Created = stamp(now)
	if err := create(ctx, s.oidc, &p, marked, p.Account, fold(p.URL)); err != nil {
		return nil, fmt.Errorf("create OpenID Connect provider %s: %w", p.URL, err)
	}
	return &p, nil
}

// UpdateOIDCProvider changes a provider by compare-and-set; an error of change
// aborts and is returned. ErrNotFound if there is none of that ARN.
func (s *Store) UpdateOIDCProvider(ctx context.Context, providerARN string, change func(*OIDCProvider) error) error {
	account, url, ok := splitOIDC(providerARN)
	if !ok {
		return ErrNotFound
	}
	return update(ctx, s.oidc, url, change, account, fold(url))
}

// DeleteOIDCProvider deletes a provider. Sessions its web identities opened go
// on: they are the role's.
func (s *Store) DeleteOIDCProvider(ctx context.Context, providerARN string) error {
	account, url, ok := splitOIDC(providerARN)
	if !ok {
		return ErrNotFound
	}
	return remove(ctx, s.oidc, url, func(*OIDCProvider) error { return nil }, account, fold(url))
}

// splitOIDC takes the ARN of a provider apart. The issuer may have a path.
func splitOIDC(providerARN string) (account, url string, ok bool) {
	a, err := arn.Parse(providerARN)
	if err != nil || a.Partition != arn.Partition || a.Service != "iam" || a.Region != "" || a.Account == "" {
		return "", "", false
	}
	url, ok = strings.CutPrefix(a.Resource, "oidc-provider/")
	return a.Account, url, ok && url != ""
}

// ValidProvider says whether a trust policy may name p as a federated principal: a
// provider of an account, which need not exist yet, or one of those AWS knows by
// name, which vouch for nobody here.
func ValidProvider(p string) bool {
	if !strings.HasPrefix(p, "arn:") {
		return strings.Contains(p, ".")
	}
	a, err := arn.Parse(p)
	kind, name, _ := strings.Cut(a.Resource, "/")
	return err == nil && a.Service == "iam" && a.Region == "" && ValidAccount(a.Account) &&
		(kind == "oidc-provider" || kind == "saml-provider") && name != ""
}
