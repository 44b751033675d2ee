// Package signkey keeps the RSA keys that digest files are signed with: pairs of
// 2048 bits, one at a time for each region (spec 3.4).
//
// Time is cut into periods of 28 days. A digest is signed with the key of the
// period its end lies in, so that which key signs it never depends on when it is
// written, or how often. A key is made when it is first asked for and is valid
// from a day before its period until a day after: 30 days, of which two overlap
// with the next key's.
//
//	period n-1        │ period n                     │ period n+1
//	──────────────────┤                              ├──────────
//	                ├─┼── key n valid, 30 days ──────┼─┤
//
// Public halves are kept for ever, or digests could not be validated. Private
// halves are sealed with the engine's seal key, and erased a month after a key
// has run out: who takes over the engine cannot forge older digests.
package signkey

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"cairn/digest"
	"cairn/internal/seal"
	"cairn/internal/state"
)

const (
	// period is how long a key signs, margin how much longer it is valid on
	// either side.
	period = 28 * 24 * time.Hour
	margin = 24 * time.Hour
	// Late is how long after its end a digest can still be signed: as long as
	// delivery is tried (spec 1.3). Keys that are not needed for that any more are
	// erased.
	Late = 30 * 24 * time.Hour
)

// Key is a stored key pair.
type Key struct {
	// Public is the public half: DER of PKCS#1.
	Public []byte
	// Sealed is the private half, DER of PKCS#1, sealed; empty once erased.
	Sealed []byte `json:",omitempty"`
}

// Keys keeps key pairs in state. It is safe for concurrent use.
type Keys struct {
	table  *state.Table[Key]
	sealer seal.Sealer
	now    func() time.Time

	mu     sync.Mutex                 // held while a key is made or opened
	opened map[string]*rsa.PrivateKey // by region: the last one used
	number map[string]int64           // its period
}

// New returns the keys kept in st. sealKey seals private halves; with another one
// than they were sealed with, At fails.
func New(st *state.Store, sealKey []byte, now func() time.Time) *Keys {
	return &Keys{
		table: state.NewTable[Key](st, "signing-keys"), sealer: seal.New(sealKey, "signing keys"), now: now,
		opened: map[string]*rsa.PrivateKey{}, number: map[string]int64{},
	}
}

// numberAt returns the number of the period a time lies in. Times are after
// 1970.
func numberAt(t time.Time) int64 { return t.Unix() / int64(period/time.Second) }

func validity(n int64) (from, to time.Time) {
	begin := time.Unix(n*int64(period/time.Second), 0).UTC()
	return begin.Add(-margin), begin.Add(period + margin)
}

func rowKey(region string, n int64) []string { return []string{region, strconv.FormatInt(n, 10)} }

// label binds a sealed key to its place.
func label(region string, n int64) string { return region + "/" + strconv.FormatInt(n, 10) }

// At returns the key that signs digests of a region that end at a time, which it
// makes if there is none yet. Times longer ago than Late may fail: the key may
// have been erased.
func (k *Keys) At(ctx context.Context, region string, end time.Time) (*rsa.PrivateKey, error) {
	n := numberAt(end)
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.opened[region]; key != nil && k.number[region] == n {
		return key, nil
	}
	row, ok := k.table.Get(rowKey(region, n)...)
	if !ok {
		var err error
		if row, err = k.create(ctx, region, n); err != nil {
			return nil, fmt.Errorf("make the signing key of %s for %s: %w", region, end.Format(time.DateOnly), err)
		}
	}
	key, err := k.open(row, region, n)
	if err != nil {
		return nil, fmt.Errorf("open the signing key of %s for %s: %w", region, end.Format(time.DateOnly), err)
	}
	k.opened[region], k.number[region] = key, n
	return key, nil
}

// create makes a key pair. A crash before it is stored leaves nothing, and
// nothing signed; after it, the pair, which is then used.
func (k *Keys) create(ctx context.Context, region string, n int64) (*Key, error) {
	key, err := digest.GenerateKey()
	if err != nil {
		return nil, err
	}
	row := &Key{
		Public: digest.MarshalPublicKey(&key.PublicKey),
		Sealed: k.sealer.Seal(label(region, n), x509.MarshalPKCS1PrivateKey(key)),
	}
	err = k.table.Create(ctx, row, rowKey(region, n)...)
	if errors.Is(err, state.ErrExists) { // another engine of the cluster was faster
		if other, ok := k.table.Get(rowKey(region, n)...); ok {
			return other, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return row, k.erase(ctx, region)
}

// erase drops the private halves of a region that nothing can need any more. A
// crash in the middle leaves some, which the next period's call drops.
func (k *Keys) erase(ctx context.Context, region string) error {
	for _, r := range k.table.List(region) {
		n, err := strconv.ParseInt(r.Key[1], 10, 64)
		if err != nil {
			return fmt.Errorf("read the name of signing key %q: %w", r.Key, err)
		}
		if _, to := validity(n); len(r.Value.Sealed) == 0 || k.now().Sub(to) < Late {
			continue
		}
		if _, err := k.table.Update(ctx, func(row *Key) error { row.Sealed = nil; return nil }, r.Key...); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keys) open(row *Key, region string, n int64) (*rsa.PrivateKey, error) {
	if len(row.Sealed) == 0 {
		return nil, errors.New("its private half was erased, because it has run out long ago")
	}
	der, err := k.sealer.Open(label(region, n), row.Sealed)
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS1PrivateKey(der)
}

// Public returns the public keys of a region that are valid at some time from
// one to another, oldest first.
func (k *Keys) Public(region string, from, to time.Time) []digest.PublicKey {
	var list []digest.PublicKey
	for _, r := range k.table.List(region) {
		n, err := strconv.ParseInt(r.Key[1], 10, 64)
		if err != nil {
			continue // not one of ours: create refuses to go on then
		}
		begin, end := validity(n)
		if begin.After(to) || end.Before(from) {
			continue
		}
		list = append(list, digest.PublicKey{
			Value: r.Value.Public, Fingerprint: digest.Fingerprint(r.Value.Public), ValidFrom: begin, ValidTo: end,
		})
	}
	slices.SortFunc(list, func(a, b digest.PublicKey) int { return a.ValidFrom.Compare(b.ValidFrom) })
	return list
}
