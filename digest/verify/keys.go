package verify

import (
	"context"
	"crypto/rsa"
	"fmt"
	"sync"
	"time"

	"cairn/digest"
)

// keyrings are the public keys of all regions, asked for when needed.
type keyrings struct {
	source KeySource
	mu     sync.Mutex
	rings  map[string]*keyring
}

// keyring holds the keys of a region.
type keyring struct {
	mu    sync.Mutex
	keys  map[string]*signer // by fingerprint
	asked map[time.Time]bool
}

// signer is a public key and when its private half signs; a zero time is not
// known.
type signer struct {
	*rsa.PublicKey
	from, to time.Time
}

// Around when a digest was made its key was valid: digests come up to two hours
// after their end, and validity is not to the second.
const (
	keyBefore = time.Hour
	keyAfter  = 2 * time.Hour
)

func (k *keyrings) of(region string) *keyring {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.rings[region]
	if !ok {
		r = &keyring{keys: map[string]*signer{}, asked: map[time.Time]bool{}}
		k.rings[region] = r
	}
	return r
}

// load asks for the keys of a stretch of time.
func (k *keyrings) load(ctx context.Context, region string, from, to time.Time) error {
	r := k.of(region)
	r.mu.Lock()
	defer r.mu.Unlock()
	return k.ask(ctx, r, region, from.Add(-keyBefore), to.Add(keyAfter))
}

func (k *keyrings) ask(ctx context.Context, r *keyring, region string, from, to time.Time) error {
	keys, err := k.source.PublicKeys(ctx, region, from, to)
	if err != nil {
		return fmt.Errorf("get the public keys of %s from %s to %s: %w", region, from.Format(time.RFC3339), to.Format(time.RFC3339), err)
	}
	for _, key := range keys {
		// The fingerprint a source gives beside the key is not relied on.
		// A value that is no key is as good as none: digests that name it say so.
		if k, err := digest.ParsePublicKey(key.Value); err == nil {
			r.keys[digest.Fingerprint(key.Value)] = &signer{k, key.ValidFrom, key.ValidTo}
		}
	}
	return nil
}

// find returns the key of a region with a fingerprint, nil if there is none;
// at is when it was used.
func (k *keyrings) find(ctx context.Context, region, fingerprint string, at time.Time) (*signer, error) {
	r := k.of(region)
	r.mu.Lock()
	defer r.mu.Unlock()
	key, ok := r.keys[fingerprint]
	if day := at.Truncate(24 * time.Hour); !ok && !r.asked[day] {
		// Once a day is enough: a forged fingerprint must not cost a call each.
		r.asked[day] = true
		if err := k.ask(ctx, r, region, at.Add(-keyBefore), at.Add(keyAfter)); err != nil {
			return nil, err
		}
		key = r.keys[fingerprint]
	}
	return key, nil
}
