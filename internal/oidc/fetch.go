package oidc

import (
	"context"
	"crypto/sha1" //nolint:gosec // thumbprints are what IAM says they are
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Bounds on what a provider is asked.
const (
	fetchTime   = 5 * time.Second
	maxDocument = 64 << 10 // bytes of the discovery document
	maxHeader   = 16 << 10
)

// Fetcher asks providers for their keys, over https: their discovery document,
// then the key set it names. It follows no redirects and uses no proxy, reads a
// bounded number of bytes in a bounded time, and checks whom it speaks to: by the
// authorities of the system or, where none vouches, by the thumbprints of the
// provider.
//
// Who may register providers says what it asks for; so that they cannot use it to
// look around behind a firewall, it connects to public addresses only.
type Fetcher struct {
	// Private lets it connect to private, loopback and link-local addresses too:
	// for providers within one's own network.
	Private bool
	// Roots are the authorities; nil for those of the system.
	Roots *x509.CertPool
}

// keys asks a provider. It does so to the end though its caller may hang up:
// others wait for the same answer.
func (f *Fetcher) keys(ctx context.Context, p *Provider) (Set, Checked, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
	defer cancel()
	text, first, err := f.get(ctx, p, strings.TrimSuffix(p.Issuer, "/")+"/.well-known/openid-configuration", maxDocument)
	if err != nil {
		return nil, "", err
	}
	var doc map[string]json.RawMessage // a struct would take names in any case
	var issuer, where string
	if json.Unmarshal(text, &doc) != nil || json.Unmarshal(doc["issuer"], &issuer) != nil || json.Unmarshal(doc["jwks_uri"], &where) != nil {
		return nil, "", fmt.Errorf("%w: the discovery document of %s has no issuer and jwks_uri", ErrKey, p.Issuer)
	}
	if issuer != p.Issuer {
		return nil, "", fmt.Errorf("%w: the discovery document of %s is one of %.128q", ErrKey, p.Issuer, issuer)
	}
	text, second, err := f.get(ctx, p, where, maxSet)
	if err != nil {
		return nil, "", err
	}
	set, err := ParseSet(text)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %s: %w", ErrKey, p.Issuer, err)
	}
	if first == ByThumbprint {
		return set, first, nil
	}
	return set, second, nil
}

// get reads one document. Every request has a connection of its own: there are
// few, and none outlives its provider.
func (f *Fetcher) get(ctx context.Context, p *Provider, where string, limit int64) ([]byte, Checked, error) {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, "", fmt.Errorf("%w: %s has its keys at %.128q, which is no https:// URL", ErrKey, p.Issuer, where)
	}
	checked := ByNobody
	client := &http.Client{
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Control: f.control}).DialContext,
			TLSClientConfig:        f.tls(u.Hostname(), p.Thumbprints, &checked),
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", fmt.Errorf("%w: ask %s: %w", ErrUnreachable, p.Issuer, err)
	}
	r.Header.Set("Accept", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, "", fmt.Errorf("%w: ask %s: %w", ErrUnreachable, p.Issuer, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%w: ask %s for %.128q: it answers %s", ErrUnreachable, p.Issuer, u.Path, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, "", fmt.Errorf("%w: ask %s for %.128q: %w", ErrUnreachable, p.Issuer, u.Path, err)
	}
	if int64(len(text)) > limit {
		return nil, "", fmt.Errorf("%w: ask %s for %.128q: it answers more than %d bytes", ErrUnreachable, p.Issuer, u.Path, limit)
	}
	return text, checked, nil
}

// ErrThumbprint says that neither an authority nor a thumbprint vouches for the
// server of a provider.
var ErrThumbprint = errors.New("the provider's certificate is vouched for by no authority and no thumbprint")

// tls checks certificates itself, because crypto/tls knows no thumbprints: it
// does so for every connection, which the switched-off check would not.
func (f *Fetcher) tls(host string, thumbprints []string, checked *Checked) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: host,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection checks, below
		VerifyConnection: func(c tls.ConnectionState) error {
			var err error
			*checked, err = f.vouched(c.PeerCertificates, host, thumbprints)
			return err
		},
	}
}

// vouched says who vouches for a server: an authority, or a thumbprint that is
// the hash of the last certificate the server shows. Then that certificate stands
// for the authority, and the others have to lead up to it.
//
// Source: "Obtain the thumbprint for an OpenID Connect identity provider" in the
// IAM User Guide.
func (f *Fetcher) vouched(chain []*x509.Certificate, host string, thumbprints []string) (Checked, error) {
	if len(chain) == 0 {
		return "", ErrThumbprint
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: f.Roots, Intermediates: between})
	if err == nil {
		return ByAuthority, nil
	}
	top := chain[len(chain)-1]
	sum := sha1.Sum(top.Raw) //nolint:gosec // as above
	if !slices.Contains(thumbprints, hex.EncodeToString(sum[:])) {
		return "", fmt.Errorf("%w: %w", ErrThumbprint, err)
	}
	pinned := x509.NewCertPool()
	pinned.AddCert(top)
	if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: pinned, Intermediates: between}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrThumbprint, err)
	}
	return ByThumbprint, nil
}

// control refuses connections to addresses that are not public. It sees the very
// address, after names are resolved.
func (f *Fetcher) control(_, address string, _ syscall.RawConn) error {
	if f.Private {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	if !public(to.Addr().Unmap()) {
		return fmt.Errorf("connect to %s: not a public address; --oidc-fetch=private lets the engine ask providers in its own network", address)
	}
	return nil
}

// reserved are ranges no provider is in that net/netip has no word for.
//
// Source: the IANA IPv4 and IPv6 Special-Purpose Address Registries.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(a) })
}
