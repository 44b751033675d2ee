package oidc_test

import (
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/internal/oidc"
	"cairn/internal/oidc/oidctest"
)

// TestFiles: a file counts, as it is now, and stands above asking.
func TestFiles(t *testing.T) {
	p := oidctest.New(t, "https://id.example.com/tenant/1")
	s := source(t, p)
	of := &oidc.Provider{Issuer: p.Issuer}
	if got := oidc.FileName(p.Issuer); got != "id.example.com%2Ftenant%2F1.json" {
		t.Error(got)
	}
	if _, checked, err := s.Key(t.Context(), of, "rsa", "RS256"); err != nil || checked != oidc.ByNobody {
		t.Error(checked, err)
	}
	next := oidctest.New(t, p.Issuer)
	if err := os.WriteFile(filepath.Join(s.Dir, oidc.FileName(p.Issuer)), next.Set(), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, _, err := s.Key(t.Context(), of, "rsa", "RS256"); err != nil || !next.RSA.PublicKey.Equal(key) {
		t.Error("the file was changed, the key was not:", err)
	}
	if _, _, err := s.Key(t.Context(), &oidc.Provider{Issuer: "https://other.example.com"}, "rsa", "RS256"); !errors.Is(err, oidc.ErrUnreachable) {
		t.Error("nobody is asked, and yet:", err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, oidc.FileName(p.Issuer)), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Key(t.Context(), of, "rsa", "RS256"); !errors.Is(err, oidc.ErrKey) {
		t.Error("a file with no keys:", err)
	}
	for _, issuer := range []string{"https://..", "https://../x", "https://" + `..\x`} {
		if _, _, err := s.Key(t.Context(), &oidc.Provider{Issuer: issuer}, "rsa", "RS256"); err == nil {
			t.Errorf("%s has a key", issuer)
		}
	}
}

func thumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw)
	return hex.EncodeToString(sum[:])
}

// TestFetch asks a provider, and goes through what may vouch for it.
func TestFetch(t *testing.T) {
	p := oidctest.New(t, "")
	server := p.Serve()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	for name, tt := range map[string]struct {
		fetch  oidc.Fetcher
		prints []string
		want   oidc.Checked
		err    error
	}{
		"an authority":                   {fetch: oidc.Fetcher{Private: true, Roots: trusted}, want: oidc.ByAuthority},
		"an authority, not a thumbprint": {fetch: oidc.Fetcher{Private: true, Roots: trusted}, prints: []string{strings.Repeat("0", 40)}, want: oidc.ByAuthority},
		"a thumbprint":                   {fetch: oidc.Fetcher{Private: true}, prints: []string{thumbprint(server.Certificate())}, want: oidc.ByThumbprint},
		"another thumbprint":             {fetch: oidc.Fetcher{Private: true}, prints: []string{strings.Repeat("0", 40)}, err: oidc.ErrThumbprint},
		"nobody":                         {fetch: oidc.Fetcher{Private: true}, err: oidc.ErrThumbprint},
		"public addresses only":          {fetch: oidc.Fetcher{Roots: trusted}, err: oidc.ErrUnreachable},
	} {
		s := &oidc.Source{Fetch: &tt.fetch}
		key, checked, err := s.Key(t.Context(), &oidc.Provider{Issuer: p.Issuer, Thumbprints: tt.prints}, "rsa", "RS256")
		if checked != tt.want || !errors.Is(err, tt.err) || tt.err == nil && !p.RSA.PublicKey.Equal(key) {
			t.Errorf("%s: %q, %v; want %q, %v", name, checked, err, tt.want, tt.err)
		}
	}
}

// TestKept: many tokens ask once; an unknown key asks again, but not at once; and
// what is old is asked for anew. Who trusts another certificate is answered alone.
func TestKept(t *testing.T) {
	p := oidctest.New(t, "")
	server := p.Serve()
	at := now
	s := &oidc.Source{Fetch: &oidc.Fetcher{Private: true}, Now: func() time.Time { return at }}
	of := &oidc.Provider{Issuer: p.Issuer, Thumbprints: []string{thumbprint(server.Certificate())}}
	asks := func(when string, want int32, id string, ok bool) {
		t.Helper()
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, _, err := s.Key(t.Context(), of, id, "RS256"); (err == nil) != ok {
					t.Errorf("%s: %v", when, err)
				}
			})
		}
		group.Wait()
		if got := p.Asked.Swap(0) / 2; got != want { // two documents each time
			t.Errorf("%s: asked %d times, want %d", when, got, want)
		}
	}
	asks("first", 1, "rsa", true)
	asks("an unknown key at once", 0, "new", false)
	at = at.Add(time.Minute)
	asks("a known key later", 0, "rsa", true)
	asks("an unknown key later", 1, "new", false)
	at = at.Add(time.Hour)
	asks("all later", 1, "rsa", true)
	if _, _, err := s.Key(t.Context(), &oidc.Provider{Issuer: p.Issuer}, "rsa", "RS256"); !errors.Is(err, oidc.ErrThumbprint) {
		t.Error("without the thumbprint:", err)
	}
}

// TestBadProviders goes through providers that answer what they should not.
func TestBadProviders(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(self string) http.HandlerFunc
		want   error
	}{
		"not found": {func(string) http.HandlerFunc { return http.NotFound }, oidc.ErrUnreachable},
		"elsewhere": {func(string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://example.com", http.StatusFound)
			}
		}, oidc.ErrUnreachable},
		"another issuer": {func(self string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":"https://example.com","jwks_uri":"%s/keys"}`, self)
			}
		}, oidc.ErrKey},
		"issuer in another case": {func(self string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"ISSUER":%q,"jwks_uri":"%s/keys"}`, self, self)
			}
		}, oidc.ErrKey},
		"keys over http": {func(self string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"http://example.com/keys"}`, self)
			}
		}, oidc.ErrKey},
		"keys in a file": {func(self string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"file:///etc/passwd"}`, self)
			}
		}, oidc.ErrKey},
		"no end": {func(string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				for range 100 {
					_, _ = w.Write(make([]byte, 4096))
				}
			}
		}, oidc.ErrUnreachable},
		"nonsense": {func(string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }
		}, oidc.ErrKey},
	} {
		var answer http.HandlerFunc
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
		answer = tt.answer(server.URL)
		trusted := x509.NewCertPool()
		trusted.AddCert(server.Certificate())
		s := &oidc.Source{Fetch: &oidc.Fetcher{Private: true, Roots: trusted}}
		if _, _, err := s.Key(context.Background(), &oidc.Provider{Issuer: server.URL}, "rsa", "RS256"); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		server.Close()
	}
}
