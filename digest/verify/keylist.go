package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"cairn/digest"
)

// KeyList is a saved list of public keys. It is a [KeySource]; what is verified
// with it can be trusted as far as the file can.
//
// As a file it is what aws cloudtrail list-public-keys prints, with the member
// Region added to each key; a key without it serves all regions.
type KeyList struct{ Keys []RegionKey }

// RegionKey is a public key of a region.
type RegionKey struct {
	Region string
	digest.PublicKey
}

// keyFile is the form of the file.
type keyFile struct {
	PublicKeyList []keyEntry
}

type keyEntry struct {
	Region            string `json:",omitempty"`
	Fingerprint       string
	Value             []byte
	ValidityStartTime json.RawMessage `json:",omitempty"`
	ValidityEndTime   json.RawMessage `json:",omitempty"`
}

// ParseKeyList reads a key list. It refuses values that are no keys, and
// fingerprints that are not of their key.
func ParseKeyList(r io.Reader) (*KeyList, error) {
	var file keyFile
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, fmt.Errorf("read list of public keys: %w", err)
	}
	l := &KeyList{}
	for _, e := range file.PublicKeyList {
		if _, err := digest.ParsePublicKey(e.Value); err != nil {
			return nil, fmt.Errorf("read list of public keys: %w", err)
		}
		if own := digest.Fingerprint(e.Value); e.Fingerprint != own {
			return nil, fmt.Errorf("read list of public keys: the key with fingerprint %s is listed as %s", own, e.Fingerprint)
		}
		k := RegionKey{Region: e.Region, PublicKey: digest.PublicKey{Value: e.Value, Fingerprint: e.Fingerprint}}
		for _, t := range []struct {
			from json.RawMessage
			to   *time.Time
		}{{e.ValidityStartTime, &k.ValidFrom}, {e.ValidityEndTime, &k.ValidTo}} {
			var err error
			if *t.to, err = keyTime(t.from); err != nil {
				return nil, fmt.Errorf("read list of public keys: the validity of %s: %w", e.Fingerprint, err)
			}
		}
		l.Keys = append(l.Keys, k)
	}
	if len(l.Keys) == 0 {
		return nil, fmt.Errorf("read list of public keys: there is no key in it; want what `aws cloudtrail list-public-keys` or `cairn validate --save-keys` writes")
	}
	return l, nil
}

// keyTime reads a time as the aws CLI prints it: text, or seconds since 1970.
func keyTime(text json.RawMessage) (t time.Time, err error) {
	var seconds float64
	switch {
	case len(text) == 0:
		return t, nil
	case json.Unmarshal(text, &seconds) == nil:
		return time.UnixMilli(int64(seconds * 1000)).UTC(), nil
	}
	err = json.Unmarshal(text, &t)
	return t.UTC(), err
}

// Write writes the list as a file, sorted.
func (l *KeyList) Write(w io.Writer) error {
	file := keyFile{PublicKeyList: []keyEntry{}}
	for _, k := range l.Keys {
		from, err := json.Marshal(k.ValidFrom.UTC())
		if err != nil {
			return fmt.Errorf("write list of public keys: %w", err)
		}
		to, err := json.Marshal(k.ValidTo.UTC())
		if err != nil {
			return fmt.Errorf("write list of public keys: %w", err)
		}
		file.PublicKeyList = append(file.PublicKeyList, keyEntry{k.Region, k.Fingerprint, k.Value, from, to})
	}
	slices.SortFunc(file.PublicKeyList, func(a, b keyEntry) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(string(a.ValidityStartTime), string(b.ValidityStartTime)), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(file); err != nil {
		return fmt.Errorf("write list of public keys: %w", err)
	}
	return nil
}

// PublicKeys implements [KeySource].
func (l *KeyList) PublicKeys(_ context.Context, region string, _, _ time.Time) (keys []digest.PublicKey, err error) {
	for _, k := range l.Keys {
		if k.Region == "" || k.Region == region {
			keys = append(keys, k.PublicKey)
		}
	}
	return keys, nil
}

// Recorder is a [KeySource] that remembers what another one gave, to be saved.
type Recorder struct {
	// Source is the other one.
	Source KeySource
	mu     sync.Mutex
	keys   map[string]RegionKey // by region and fingerprint
}

// PublicKeys implements [KeySource].
func (r *Recorder) PublicKeys(ctx context.Context, region string, from, to time.Time) ([]digest.PublicKey, error) {
	keys, err := r.Source.PublicKeys(ctx, region, from, to)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys = map[string]RegionKey{}
	}
	for _, k := range keys {
		r.keys[region+" "+k.Fingerprint] = RegionKey{region, k}
	}
	return keys, err
}

// List returns what was given so far.
func (r *Recorder) List() *KeyList {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &KeyList{}
	for _, k := range r.keys {
		l.Keys = append(l.Keys, k)
	}
	return l
}
