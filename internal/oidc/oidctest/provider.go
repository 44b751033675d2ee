// Package oidctest is an OpenID Connect provider for tests: it has keys, signs
// tokens, and answers for its keys over TLS.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Provider is a provider with an RSA key called "rsa" and a P-256 key called "ec".
type Provider struct {
	// Issuer is its URL.
	Issuer string
	// RSA and EC are its keys.
	RSA *rsa.PrivateKey
	EC  *ecdsa.PrivateKey
	// Asked counts the requests Serve answered.
	Asked atomic.Int32

	t testing.TB
}

// New makes a provider with new keys.
func New(t testing.TB, issuer string) *Provider {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Provider{Issuer: issuer, RSA: r, EC: e, t: t}
}

// Claims returns the claims of a good token: for a subject and an audience, made
// at a time, for an hour. more replaces and adds to them; nil takes away.
func (p *Provider) Claims(subject, audience string, at time.Time, more map[string]any) map[string]any {
	c := map[string]any{"iss": p.Issuer, "sub": subject, "aud": audience, "iat": at.Unix(), "exp": at.Add(time.Hour).Unix()}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// Sign makes a token with the RSA key.
func (p *Provider) Sign(claims map[string]any) string {
	return p.SignWith(jwt.SigningMethodRS256, p.RSA, claims, map[string]any{"kid": "rsa"})
}

// SignWith makes a token with any method and key, and further header members.
func (p *Provider) SignWith(method jwt.SigningMethod, key any, claims, header map[string]any) string {
	p.t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// Set is the provider's key set.
func (p *Provider) Set() []byte {
	p.t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	point, err := p.EC.PublicKey.Bytes()
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "rsa", "use": "sig", "n": b64(p.RSA.N.Bytes()), "e": b64(big.NewInt(int64(p.RSA.E)).Bytes())},
		{"kty": "EC", "kid": "ec", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// Serve answers for the provider over TLS until the test ends, with a certificate
// that no authority of the system vouches for, and sets Issuer to its URL.
func (p *Provider) Serve() *httptest.Server {
	p.t.Helper()
	mux := http.NewServeMux()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Asked.Add(1)
		mux.ServeHTTP(w, r)
	}))
	p.t.Cleanup(s.Close)
	p.Issuer = s.URL
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.Issuer, "jwks_uri": s.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(p.Set()) })
	return s
}
