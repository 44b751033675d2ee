package oidc_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cairn/internal/oidc"
	"cairn/internal/oidc/oidctest"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// source keeps a provider's key set in a folder.
func source(t testing.TB, p *oidctest.Provider) *oidc.Source {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, oidc.FileName(p.Issuer)), p.Set(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &oidc.Source{Dir: dir}
}

func knows(p *oidctest.Provider, audiences ...string) func(string) (*oidc.Provider, error) {
	return func(issuer string) (*oidc.Provider, error) {
		if issuer != p.Issuer {
			return nil, errNobody
		}
		return &oidc.Provider{Issuer: p.Issuer, Audiences: audiences}, nil
	}
}

var errNobody = errors.New("nobody knows this issuer")

// TestVerify goes through what can be wrong with a token.
func TestVerify(t *testing.T) {
	p := oidctest.New(t, "https://id.example.com/tenant")
	other := oidctest.New(t, p.Issuer)
	keys := source(t, p)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := func(more map[string]any) map[string]any { return p.Claims("ann", "app", now, more) }
	kid := func(id string) map[string]any { return map[string]any{"kid": id} }
	public, err := x509.MarshalPKIXPublicKey(&p.RSA.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asSecret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	parts := strings.Split(p.Sign(good(nil)), ".")
	for name, tt := range map[string]struct {
		token string
		want  error // nil for none
	}{
		"RS256":                    {p.Sign(good(nil)), nil},
		"RS384":                    {p.SignWith(jwt.SigningMethodRS384, p.RSA, good(nil), kid("rsa")), nil},
		"RS512":                    {p.SignWith(jwt.SigningMethodRS512, p.RSA, good(nil), kid("rsa")), nil},
		"ES256":                    {p.SignWith(jwt.SigningMethodES256, p.EC, good(nil), kid("ec")), nil},
		"another's key":            {other.Sign(good(nil)), oidc.ErrSignature},
		"another's EC key":         {p.SignWith(jwt.SigningMethodES256, other.EC, good(nil), kid("ec")), oidc.ErrSignature},
		"no signature":             {p.SignWith(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good(nil), kid("rsa")), oidc.ErrToken},
		"signature cut off":        {parts[0] + "." + parts[1] + ".", oidc.ErrSignature},
		"public key as the secret": {p.SignWith(jwt.SigningMethodHS256, asSecret, good(nil), kid("rsa")), oidc.ErrToken},
		"PSS":                      {p.SignWith(jwt.SigningMethodPS256, p.RSA, good(nil), kid("rsa")), oidc.ErrToken},
		"RSA by the EC key's name": {p.SignWith(jwt.SigningMethodRS256, p.RSA, good(nil), kid("ec")), oidc.ErrKey},
		"EC by the RSA key's name": {p.SignWith(jwt.SigningMethodES256, p.EC, good(nil), kid("rsa")), oidc.ErrKey},
		"another curve":            {p.SignWith(jwt.SigningMethodES512, p521, good(nil), kid("ec")), oidc.ErrKey},
		"unknown key":              {p.SignWith(jwt.SigningMethodRS256, p.RSA, good(nil), kid("new")), oidc.ErrKey},
		"no key named":             {p.SignWith(jwt.SigningMethodRS256, p.RSA, good(nil), nil), oidc.ErrToken},
		"critical header":          {p.SignWith(jwt.SigningMethodRS256, p.RSA, good(nil), map[string]any{"kid": "rsa", "crit": []string{"b64"}}), oidc.ErrToken},
		"claims changed":           {parts[0] + "." + strings.Split(p.Sign(good(map[string]any{"sub": "eve"})), ".")[1] + "." + parts[2], oidc.ErrSignature},
		"another issuer":           {p.Sign(good(map[string]any{"iss": "https://id.example.com/other"})), errNobody},
		"issuer over http":         {p.Sign(good(map[string]any{"iss": "http://id.example.com/tenant"})), oidc.ErrToken},
		"no issuer":                {p.Sign(good(map[string]any{"iss": nil})), oidc.ErrToken},
		"another audience":         {p.Sign(good(map[string]any{"aud": "other"})), oidc.ErrAudience},
		"two audiences":            {p.Sign(good(map[string]any{"aud": []string{"app", "other"}})), oidc.ErrAudience},
		"two, the party ours":      {p.Sign(good(map[string]any{"aud": []string{"other", "app"}, "azp": "app"})), nil},
		"two, the party not ours":  {p.Sign(good(map[string]any{"aud": []string{"other", "app"}, "azp": "other"})), oidc.ErrAudience},
		"the party alone ours":     {p.Sign(good(map[string]any{"aud": "other", "azp": "app"})), oidc.ErrAudience},
		"no audience":              {p.Sign(good(map[string]any{"aud": nil})), oidc.ErrClaim},
		"audience in another case": {p.Sign(good(map[string]any{"aud": nil, "AUD": "app"})), oidc.ErrClaim},
		"expired":                  {p.Sign(good(map[string]any{"exp": now.Unix()})), oidc.ErrExpired},
		"expired a second later":   {p.Sign(good(map[string]any{"exp": now.Unix() + 1})), nil},
		"never expires":            {p.Sign(good(map[string]any{"exp": nil})), oidc.ErrClaim},
		"expires in words":         {p.Sign(good(map[string]any{"exp": "tomorrow"})), oidc.ErrClaim},
		"not issued":               {p.Sign(good(map[string]any{"iat": nil})), oidc.ErrClaim},
		"issued tomorrow":          {p.Sign(good(map[string]any{"iat": now.Add(24 * time.Hour).Unix(), "exp": now.Add(48 * time.Hour).Unix()})), oidc.ErrEarly},
		"good from tomorrow":       {p.Sign(good(map[string]any{"nbf": now.Add(24 * time.Hour).Unix()})), oidc.ErrEarly},
		"clock a minute ahead":     {p.Sign(good(map[string]any{"iat": now.Add(time.Minute).Unix(), "nbf": now.Add(time.Minute).Unix()})), nil},
		"no subject":               {p.Sign(good(map[string]any{"sub": nil})), oidc.ErrClaim},
		"a number as subject":      {p.Sign(good(map[string]any{"sub": 7})), oidc.ErrClaim},
		"long subject":             {p.Sign(good(map[string]any{"sub": strings.Repeat("a", 256)})), oidc.ErrClaim},
		"no token":                 {"hello", oidc.ErrToken},
		"four parts":               {p.Sign(good(nil)) + ".e30", oidc.ErrToken},
		"too long":                 {p.Sign(good(map[string]any{"x": strings.Repeat("a", oidc.MaxToken)})), oidc.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := oidc.Verify(t.Context(), keys, tt.token, knows(p, "app"), now)
			switch {
			case tt.want == nil && (err != nil || c.Subject != "ann" || c.Audience != "app" || c.Checked != oidc.ByNobody):
				t.Errorf("%+v, %v", c, err)
			case tt.want != nil && (c != nil || !errors.Is(err, tt.want)):
				t.Errorf("%+v, %v; want %v", c, err, tt.want)
			}
		})
	}
}

// counted counts how often a key is asked for.
type counted struct {
	oidc.Keys
	n int
}

func (c *counted) Key(ctx context.Context, p *oidc.Provider, id, alg string) (crypto.PublicKey, oidc.Checked, error) {
	c.n++
	return c.Keys.Key(ctx, p, id, alg)
}

// TestNoKeysForJunk: a token that would be refused anyway makes nobody ask for
// keys, which may be a request to the network.
func TestNoKeysForJunk(t *testing.T) {
	p := oidctest.New(t, "https://id.example.com")
	keys := &counted{Keys: source(t, p)}
	for _, more := range []map[string]any{{"aud": "other"}, {"exp": now.Unix() - 1}, {"sub": nil}} {
		if _, err := oidc.Verify(t.Context(), keys, p.Sign(p.Claims("ann", "app", now, more)), knows(p, "app"), now); err == nil {
			t.Errorf("%v was accepted", more)
		}
	}
	if keys.n != 0 {
		t.Errorf("a key was asked for %d times", keys.n)
	}
}

func TestParseSet(t *testing.T) {
	p := oidctest.New(t, "https://id.example.com")
	change := func(f func(keys []map[string]string) []map[string]string) []byte {
		var doc struct {
			Keys []map[string]string `json:"keys"`
		}
		if err := json.Unmarshal(p.Set(), &doc); err != nil {
			t.Fatal(err)
		}
		doc.Keys = f(doc.Keys)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	set := func(i int, name, value string) []byte {
		return change(func(k []map[string]string) []map[string]string { k[i][name] = value; return k })
	}
	short := base64.RawURLEncoding.EncodeToString(p.RSA.N.Bytes()[:128])
	for name, tt := range map[string]struct {
		text []byte
		keys int // -1: refused
	}{
		"as it is":          {p.Set(), 2},
		"for encryption":    {set(0, "use", "enc"), 1},
		"no id":             {set(0, "kid", ""), 1},
		"of another sort":   {set(0, "kty", "OKP"), 1},
		"another curve":     {set(1, "crv", "secp256k1"), 1},
		"not on the curve":  {set(1, "x", base64.RawURLEncoding.EncodeToString(make([]byte, 32))), -1},
		"short coordinates": {set(1, "x", "AA"), -1},
		"wrong curve":       {set(1, "crv", "P-384"), -1},
		"1024 bits":         {set(0, "n", short), -1},
		"exponent 3":        {set(0, "e", "Aw"), -1},
		"exponent 1":        {set(0, "e", "AQ"), -1},
		"no modulus":        {set(0, "n", ""), -1},
		"a private key":     {set(0, "d", "AQAB"), -1},
		"a shared secret":   {set(0, "k", "AQAB"), -1},
		"no keys":           {change(func([]map[string]string) []map[string]string { return nil }), -1},
		"too many": {change(func(k []map[string]string) []map[string]string {
			for range 200 {
				k = append(k, map[string]string{"kty": "OKP", "kid": "x"})
			}
			return k
		}), -1},
		"not JSON": {[]byte("keys"), -1},
		"too long": {append(p.Set(), make([]byte, 64<<10)...), -1},
	} {
		got, err := oidc.ParseSet(tt.text)
		if (err != nil) != (tt.keys < 0) || err == nil && len(got) != tt.keys {
			t.Errorf("%s: %d keys, %v; want %d", name, len(got), err, tt.keys)
		}
	}
}

// FuzzVerify: no token holds but those the provider signed.
func FuzzVerify(f *testing.F) {
	p := oidctest.New(f, "https://id.example.com")
	keys := source(f, p)
	signed := map[string]bool{} // what signatures are over
	for _, token := range []string{
		p.Sign(p.Claims("ann", "app", now, nil)),
		p.SignWith(jwt.SigningMethodES256, p.EC, p.Claims("ann", "app", now, nil), map[string]any{"kid": "ec"}),
	} {
		signed[token[:strings.LastIndexByte(token, '.')]] = true
		f.Add(token)
		parts := strings.Split(token, ".")
		f.Add(parts[0] + ".." + parts[2])
	}
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := oidc.Verify(t.Context(), keys, token, knows(p, "app"), now)
		if err == nil && (c.Subject != "ann" || !signed[token[:strings.LastIndexByte(token, '.')]]) {
			t.Fatalf("accepted %q: %+v", token, c)
		}
	})
}

// FuzzParseSet: whatever a provider answers, what comes of it are public keys.
func FuzzParseSet(f *testing.F) {
	p := oidctest.New(f, "https://id.example.com")
	f.Add(p.Set())
	f.Add([]byte(`{"keys":[{"kty":"EC","kid":"a","crv":"P-521","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"____","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := oidc.ParseSet(text)
		if err != nil {
			return
		}
		for id, keys := range set {
			if id == "" || len(keys) == 0 {
				t.Fatalf("key %q: %v", id, keys)
			}
		}
	})
}
