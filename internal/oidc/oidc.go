// Package oidc checks the tokens of OpenID Connect providers: who signed them,
// for whom, and until when they are good.
//
// It keeps nothing but the keys of providers for a while, and reaches for the
// network only where its owner says so (Keys).
//
// Source: OpenID Connect Core 1.0 sections 2 and 3.1.3.7, OpenID Connect
// Discovery 1.0, RFC 7515, 7517, 7518 and 7519; what is asked beyond them is
// said at each place.
package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The reasons why a token is refused.
var (
	// ErrToken says that the token cannot be read, or is of a form that is never
	// accepted.
	ErrToken = errors.New("invalid token")
	// ErrSignature says that its signature does not hold: nothing in it counts.
	ErrSignature = errors.New("wrong signature")
	// ErrAudience says that the token is for somebody else.
	ErrAudience = errors.New("incorrect token audience")
	// ErrExpired says that the token is too old.
	ErrExpired = errors.New("token expired")
	// ErrEarly says that the token is not good yet.
	ErrEarly = errors.New("token not yet valid")
	// ErrClaim says that the provider signed a claim that cannot be what it says.
	ErrClaim = errors.New("bad claim")
	// ErrKey says that the provider has no key of the token's id that could have
	// made the signature.
	ErrKey = errors.New("no such verification key")
	// ErrUnreachable says that the provider's keys could not be read.
	ErrUnreachable = errors.New("identity provider unreachable")
)

// MaxToken bounds a token, in bytes. Source: AssumeRoleWithWebIdentity in the
// STS API Reference.
const MaxToken = 20000

// skew is how far the provider's clock may be ahead. AWS's allowance is not
// documented.
const skew = 5 * time.Minute

// methods are the signatures that are accepted, with the curve of those that
// have one. No others are: above all not "none", nor those with a shared secret,
// which whoever knows a public key could make.
var methods = map[string]string{
	"RS256": "", "RS384": "", "RS512": "", "ES256": "P-256", "ES384": "P-384", "ES512": "P-521",
}

// Provider is what a verifier trusts.
type Provider struct {
	// Issuer is the provider's URL as tokens name it, https:// included.
	Issuer string
	// Audiences are the client ids tokens may be for.
	Audiences []string
	// Thumbprints are SHA-1 hashes in lower-case hexadecimal of certificates the
	// provider's server may show where no authority vouches for it.
	Thumbprints []string
}

// Claims are what a token says, checked.
type Claims struct {
	// Subject is who the token is about; Audience for whom it was made: one of
	// the provider's audiences.
	Subject, Audience string
	// Methods are the ways the subject showed who it is (amr).
	Methods []string
	// All holds every claim, as encoding/json decodes it.
	All map[string]any
	// Checked says how the connection to the provider was checked.
	Checked Checked
}

// Keys finds the keys of a provider. The error wraps ErrKey or ErrUnreachable. It
// may be called concurrently.
type Keys interface {
	// Key returns the public key of an id that makes signatures of alg.
	Key(ctx context.Context, p *Provider, id, alg string) (crypto.PublicKey, Checked, error)
}

// Verify checks a token at a time. find returns the provider of an issuer the
// token names, before anything in it is known to be true; its error is returned.
//
// The signature has to be one of the provider's keys', named by its id; issuer
// and audience have to be the provider's, subject, issuing and expiry times have
// to be there. With several audiences or an authorized party (azp), that party
// has to be one of the provider's audiences and is the audience.
func Verify(ctx context.Context, keys Keys, token string, find func(issuer string) (*Provider, error), now time.Time) (*Claims, error) {
	if len(token) > MaxToken {
		return nil, fmt.Errorf("verify a token: %w: %d bytes, at most %d are read", ErrToken, len(token), MaxToken)
	}
	var (
		claims = jwt.MapClaims{}
		out    *Claims
		own    error // what the key function found, without the parser's words around it
	)
	parser := jwt.NewParser(jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		var key crypto.PublicKey
		key, out, own = prove(ctx, keys, t, claims, find, now)
		return key, own
	})
	switch {
	case own != nil:
		return nil, fmt.Errorf("verify a token: %w", own)
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, fmt.Errorf("verify a token: %w: %w", ErrSignature, err)
	case err != nil:
		return nil, fmt.Errorf("verify a token: %w: %w", ErrToken, err)
	}
	return out, nil
}

// prove checks all but the signature and returns the key it has to be made with.
// What is wrong with the claims is found before a key is asked for, so that
// nobody makes us fetch keys with a token that would be refused anyway.
func prove(ctx context.Context, keys Keys, t *jwt.Token, claims jwt.MapClaims, find func(string) (*Provider, error), now time.Time) (crypto.PublicKey, *Claims, error) {
	alg := t.Method.Alg()
	if _, ok := methods[alg]; !ok {
		return nil, nil, fmt.Errorf("%w: signed with %s, want one of RS256, RS384, RS512, ES256, ES384, ES512", ErrToken, alg)
	}
	if _, ok := t.Header["crit"]; ok { // RFC 7515, section 4.1.11: what is not understood is refused
		return nil, nil, fmt.Errorf("%w: it has critical header parameters, of which none is known", ErrToken)
	}
	id, _ := t.Header["kid"].(string)
	if id == "" {
		return nil, nil, fmt.Errorf("%w: it does not name its key (kid)", ErrToken)
	}
	issuer, ok := claims["iss"].(string)
	if !ok || !strings.HasPrefix(issuer, "https://") {
		return nil, nil, fmt.Errorf("%w: its issuer is no https:// URL", ErrToken)
	}
	provider, err := find(issuer)
	if err != nil {
		return nil, nil, err
	}
	if provider.Issuer != issuer {
		return nil, nil, fmt.Errorf("%w: issued by %q, not %q", ErrToken, issuer, provider.Issuer)
	}
	out, err := read(claims, provider, now)
	if err != nil {
		return nil, nil, err
	}
	key, checked, err := keys.Key(ctx, provider, id, alg)
	if err != nil {
		return nil, nil, err
	}
	if !fits(key, alg) {
		return nil, nil, fmt.Errorf("%w: the key %q makes no %s signatures", ErrKey, id, alg)
	}
	out.Checked = checked
	return key, out, nil
}

// fits says whether a key makes signatures of alg: of the right sort and on the
// right curve.
func fits(key crypto.PublicKey, alg string) bool {
	curve, ok := methods[alg]
	switch k := key.(type) {
	case *rsa.PublicKey:
		return ok && curve == ""
	case *ecdsa.PublicKey:
		return ok && curve == k.Curve.Params().Name
	}
	return false
}

// read checks the claims of a token for a provider.
func read(claims jwt.MapClaims, p *Provider, now time.Time) (*Claims, error) {
	out := &Claims{All: claims}
	var err error
	if out.Audience, err = audience(claims, p); err != nil {
		return nil, err
	}
	if err := times(claims, now); err != nil {
		return nil, err
	}
	subject, ok := claims["sub"].(string)
	if !ok || subject == "" || len(subject) > maxSubject {
		return nil, fmt.Errorf("%w: sub has to be a text of 1 to %d bytes", ErrClaim, maxSubject)
	}
	out.Subject = subject
	if amr, ok := claims["amr"]; ok {
		if out.Methods, ok = texts(amr); !ok {
			return nil, fmt.Errorf("%w: amr has to be a list of texts", ErrClaim)
		}
	}
	return out, nil
}

// maxSubject bounds a subject in bytes: OpenID Connect Core 2 says 255.
const maxSubject = 255

func audience(claims jwt.MapClaims, p *Provider) (string, error) {
	list, ok := texts(claims["aud"])
	if !ok || len(list) == 0 {
		return "", fmt.Errorf("%w: aud has to be a text or a list of texts", ErrClaim)
	}
	party, given := claims["azp"]
	if !given {
		if len(list) > 1 || !slices.Contains(p.Audiences, list[0]) {
			return "", fmt.Errorf("%w: one client id of the provider has to be in aud, and with several the one meant in azp", ErrAudience)
		}
		return list[0], nil
	}
	azp, ok := party.(string)
	if !ok || !slices.Contains(p.Audiences, azp) || !slices.ContainsFunc(list, func(a string) bool { return slices.Contains(p.Audiences, a) }) {
		return "", fmt.Errorf("%w: aud and azp have to be client ids of the provider", ErrAudience)
	}
	return azp, nil
}

// texts reads a text or a list of texts.
func texts(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		list := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return nil, false
			}
			list[i] = s
		}
		return list, true
	}
	return nil, false
}

func times(claims jwt.MapClaims, now time.Time) error {
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil {
		return fmt.Errorf("%w: exp has to be a time", ErrClaim)
	}
	issued, err := claims.GetIssuedAt()
	if err != nil || issued == nil {
		return fmt.Errorf("%w: iat has to be a time", ErrClaim)
	}
	begins, err := claims.GetNotBefore()
	if err != nil {
		return fmt.Errorf("%w: nbf has to be a time", ErrClaim)
	}
	if !now.Before(expires.Time) {
		return fmt.Errorf("%w: current date/time %d must be before the expiration date/time %d", ErrExpired, now.Unix(), expires.Unix())
	}
	if early := now.Add(skew); issued.After(early) || begins != nil && begins.After(early) {
		return fmt.Errorf("%w: current date/time %d is before the token's", ErrEarly, now.Unix())
	}
	return nil
}
