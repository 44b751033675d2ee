package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Bounds on sets of keys.
const (
	maxSet    = 64 << 10 // bytes
	maxKeys   = 200      // AWS takes 100 of each sort
	minRSA    = 2048     // bits
	maxRSA    = 8192     // a longer key only takes longer
	maxKeyID  = 1024     // bytes
	rsaFactor = 65537    // what every provider's keys have as exponent
)

// Set is a provider's keys by id.
type Set map[string][]crypto.PublicKey

// jwk is one key of a set as it is written (RFC 7517, 7518 section 6).
type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Crv string `json:"crv"`
	N   string `json:"n"`
	E   string `json:"e"`
	X   string `json:"x"`
	Y   string `json:"y"`
	D   string `json:"d"`
	K   string `json:"k"`
}

// ParseSet reads a JSON Web Key Set. Keys that are not for signatures, or of a
// sort that is never accepted, are passed over; one that is and cannot be a key
// spoils the set, and so does a private key, which has no business there.
func ParseSet(text []byte) (Set, error) {
	if len(text) > maxSet {
		return nil, fmt.Errorf("read a key set: it has more than %d bytes", maxSet)
	}
	var doc struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read a key set: %w", err)
	}
	if len(doc.Keys) == 0 || len(doc.Keys) > maxKeys {
		return nil, fmt.Errorf("read a key set: it has %d keys, want 1 to %d", len(doc.Keys), maxKeys)
	}
	set := Set{}
	for i := range doc.Keys {
		k := &doc.Keys[i]
		if k.Use != "" && k.Use != "sig" || k.Kid == "" || len(k.Kid) > maxKeyID {
			continue
		}
		key, err := k.public()
		if err != nil {
			return nil, fmt.Errorf("read a key set: key %d (%.64q): %w", i+1, k.Kid, err)
		}
		if key != nil {
			set[k.Kid] = append(set[k.Kid], key)
		}
	}
	return set, nil
}

// public returns the key, or nil if it is of a sort that is not accepted.
func (k *jwk) public() (crypto.PublicKey, error) {
	if k.D != "" || k.K != "" {
		return nil, errors.New("it holds a secret: publish the public key, and make a new one")
	}
	switch k.Kty {
	case "RSA":
		return k.rsa()
	case "EC":
		return k.ec()
	}
	return nil, nil
}

func (k *jwk) rsa() (crypto.PublicKey, error) {
	n, err := number(k.N)
	if err != nil {
		return nil, fmt.Errorf("n: %w", err)
	}
	e, err := number(k.E)
	if err != nil {
		return nil, fmt.Errorf("e: %w", err)
	}
	if n.BitLen() < minRSA || n.BitLen() > maxRSA {
		return nil, fmt.Errorf("it has %d bits, want %d to %d", n.BitLen(), minRSA, maxRSA)
	}
	if !e.IsInt64() || e.Int64() != rsaFactor {
		return nil, fmt.Errorf("its exponent is not %d", rsaFactor)
	}
	return &rsa.PublicKey{N: n, E: rsaFactor}, nil
}

func (k *jwk) ec() (crypto.PublicKey, error) {
	curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
	if curve == nil {
		return nil, nil
	}
	size := (curve.Params().BitSize + 7) / 8
	point := []byte{4} // the uncompressed form of SEC 1
	for _, text := range []string{k.X, k.Y} {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(b) != size {
			return nil, fmt.Errorf("x and y have to be %d bytes each, in base64url", size)
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, fmt.Errorf("no point of its curve: %w", err)
	}
	return key, nil
}

func number(text string) (*big.Int, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, errors.New("no number in base64url")
	}
	return new(big.Int).SetBytes(b), nil
}

// key returns the key of an id that makes signatures of alg.
func (s Set) key(id, alg string) (crypto.PublicKey, bool) {
	for _, k := range s[id] {
		if fits(k, alg) {
			return k, true
		}
	}
	return nil, false
}
