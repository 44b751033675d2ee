package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// sealKeySize is the least length of the engine's seal key, in bytes.
const sealKeySize = 32

// sealer encrypts and authenticates small secrets with AES-256-GCM. Each text
// is bound to a label (an access key id), so that a sealed secret moved to
// another key does not open.
type sealer struct{ aead cipher.AEAD }

// newSealer derives a key for one purpose from the engine's seal key, so that
// what was sealed for one purpose never opens for another.
func newSealer(sealKey []byte, purpose string) sealer {
	if len(sealKey) < sealKeySize {
		panic(fmt.Sprintf("identity: the seal key has %d bytes, want at least %d", len(sealKey), sealKeySize))
	}
	key, err := hkdf.Key(sha256.New, sealKey, nil, "cairn "+purpose, sealKeySize)
	if err != nil {
		panic(fmt.Sprintf("identity: derive the %s key: %v", purpose, err))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(fmt.Sprintf("identity: make the %s cipher: %v", purpose, err))
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(fmt.Sprintf("identity: make the %s cipher: %v", purpose, err))
	}
	return sealer{aead}
}

func (s sealer) seal(label string, text []byte) []byte {
	return s.aead.Seal(nil, nil, text, []byte(label))
}

func (s sealer) open(label string, sealed []byte) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(label))
	if err != nil {
		return nil, fmt.Errorf("open what was sealed for %s: wrong seal key or changed text: %w", label, err)
	}
	return text, nil
}
