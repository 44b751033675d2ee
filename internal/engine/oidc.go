package engine

import (
	"fmt"
	"os"

	"cairn/internal/oidc"
)

// OIDCFetch says whether the engine asks identity providers for the keys their
// tokens are signed with.
type OIDCFetch string

// The ways to come by keys that are in no file.
const (
	// FetchNone never asks.
	FetchNone OIDCFetch = "none"
	// FetchPublic asks providers on public addresses, over https.
	FetchPublic OIDCFetch = "public"
	// FetchPrivate asks providers wherever they are, over https: whoever may
	// register providers can have the engine connect to its own network.
	FetchPrivate OIDCFetch = "private"
)

// ParseOIDCFetch reads none, public or private.
func ParseOIDCFetch(text string) (OIDCFetch, error) {
	switch f := OIDCFetch(text); f {
	case FetchNone, FetchPublic, FetchPrivate:
		return f, nil
	}
	return "", fmt.Errorf("read %q: want none, public or private", text)
}

// webKeys returns where the keys of identity providers come from.
func (o *Options) webKeys() (oidc.Keys, error) {
	s := &oidc.Source{Dir: o.OIDCKeys}
	if o.OIDCKeys != "" {
		if at, err := os.Stat(o.OIDCKeys); err != nil || !at.IsDir() {
			return nil, fmt.Errorf("open the folder of identity providers' keys %s: it has to be a folder (--oidc-keys): %w", o.OIDCKeys, orNotDir(err))
		}
	}
	switch o.OIDCFetch {
	case "", FetchNone:
	case FetchPublic, FetchPrivate:
		s.Fetch = &oidc.Fetcher{Private: o.OIDCFetch == FetchPrivate}
	default:
		return nil, fmt.Errorf("ask identity providers (--oidc-fetch): %q is not none, public or private", o.OIDCFetch)
	}
	return s, nil
}

func orNotDir(err error) error {
	if err == nil {
		return os.ErrInvalid
	}
	return err
}
