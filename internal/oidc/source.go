package oidc

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Checked says how the connection to a provider was checked. The values are
// those of identityProviderConnectionVerificationMethod in records.
type Checked string

// The ways to check a connection. Keys of a file came over none.
const (
	ByNobody     Checked = ""
	ByAuthority  Checked = "IAMTrustStore"
	ByThumbprint Checked = "Thumbprint"
)

// How long fetched keys are good. An unknown key id asks again sooner, because
// providers sign with a new key from one moment to the next, but not at every
// token that names one.
const (
	keep   = 10 * time.Minute
	refuse = 30 * time.Second
)

// maxKept bounds the providers whose keys are kept.
const maxKept = 256

// Source finds the keys of providers: in files its operator put in a folder, or
// from the providers themselves. The zero value finds none. It is safe for
// concurrent use; its fields are not changed once it is used.
type Source struct {
	// Dir holds key sets by provider, each in a file named as FileName says. A
	// provider that has one is never asked. Empty for none. The files are read at
	// every use: a change counts at once.
	Dir string
	// Fetch gets the keys of providers that have no file; nil if they are not to
	// be asked.
	Fetch *Fetcher
	// Now is the clock; time.Now if nil.
	Now func() time.Time

	mu   sync.Mutex
	kept map[string]*kept // by issuer and thumbprints: who trusts others is answered on his own
}

// kept is what a provider answered last. mu is held while it is asked, so that
// many tokens at once ask it once.
type kept struct {
	mu      sync.Mutex
	set     Set
	checked Checked
	err     error
	at      time.Time
}

// FileName returns the name of the file with the keys of an issuer: the URL
// without https://, with every slash as %2F, and ".json".
func FileName(issuer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(issuer, "https://"), "/", "%2F") + ".json"
}

// Key implements Keys.
func (s *Source) Key(ctx context.Context, p *Provider, id, alg string) (crypto.PublicKey, Checked, error) {
	set, found, err := s.file(p.Issuer)
	if err != nil {
		return nil, "", err
	}
	if found {
		return one(set, ByNobody, p, id, alg)
	}
	if s.Fetch == nil {
		return nil, "", fmt.Errorf("%w: %s has no key file, and this engine does not ask providers. "+
			"Put its key set into the folder of --oidc-keys as %s, or start with --oidc-fetch=public", ErrUnreachable, p.Issuer, FileName(p.Issuer))
	}
	return s.fetched(ctx, p, id, alg)
}

func one(set Set, checked Checked, p *Provider, id, alg string) (crypto.PublicKey, Checked, error) {
	key, ok := set.key(id, alg)
	if !ok {
		return nil, "", fmt.Errorf("%w: %s has no key %.64q for %s", ErrKey, p.Issuer, id, alg)
	}
	return key, checked, nil
}

// file reads the file of an issuer.
func (s *Source) file(issuer string) (Set, bool, error) {
	if s.Dir == "" {
		return nil, false, nil
	}
	name := FileName(issuer)
	if !filepath.IsLocal(name) || filepath.Base(name) != name {
		return nil, false, fmt.Errorf("%w: %.64q can have no key file", ErrUnreachable, issuer)
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w: read the keys of %s: %w", ErrUnreachable, issuer, err)
	}
	set, err := ParseSet(text)
	if err != nil {
		return nil, false, fmt.Errorf("%w: the key file of %s: %w", ErrKey, issuer, err)
	}
	return set, true, nil
}

// fetched returns a key the provider was asked for, now or lately.
func (s *Source) fetched(ctx context.Context, p *Provider, id, alg string) (crypto.PublicKey, Checked, error) {
	k := s.keptOf(p.Issuer + " " + strings.Join(p.Thumbprints, " "))
	k.mu.Lock()
	defer k.mu.Unlock()
	now := s.now()
	age := now.Sub(k.at)
	_, known := k.set.key(id, alg)
	if k.at.IsZero() || age > keep || age < 0 || !known && age > refuse {
		k.set, k.checked, k.err = s.Fetch.keys(ctx, p)
		k.at = now
	}
	if k.err != nil {
		return nil, "", k.err
	}
	return one(k.set, k.checked, p, id, alg)
}

func (s *Source) keptOf(whom string) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[whom]
	if !ok {
		if s.kept == nil || len(s.kept) >= maxKept {
			s.kept = map[string]*kept{} // starting over is rare and costs a request each
		}
		k = &kept{}
		s.kept[whom] = k
	}
	return k
}

func (s *Source) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
