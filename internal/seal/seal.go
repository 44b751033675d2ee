// Package seal encrypts small secrets (access keys, sessions, signing keys)
// before they are kept in state, with keys derived from the engine's seal key.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// KeySize is the least length of the engine's seal key, in bytes.
const KeySize = 32

// Sealer encrypts and authenticates texts with AES-256-GCM. Each text is bound to
// a label (an access key id, a key's name), so that a sealed secret moved to
// another label does not open.
type Sealer struct{ aead cipher.AEAD }

// New derives a key for one purpose from the engine's seal key, so that what was
// sealed for one purpose never opens for another. It panics if the seal key is
// shorter than KeySize: that is a mistake in the program.
func New(sealKey []byte, purpose string) Sealer {
	if len(sealKey) < KeySize {
		panic(fmt.Sprintf("seal: the seal key has %d bytes, want at least %d", len(sealKey), KeySize))
	}
	key, err := hkdf.Key(sha256.New, sealKey, nil, "cairn "+purpose, KeySize)
	if err != nil {
		panic(fmt.Sprintf("seal: derive the %s key: %v", purpose, err))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(fmt.Sprintf("seal: make the %s cipher: %v", purpose, err))
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(fmt.Sprintf("seal: make the %s cipher: %v", purpose, err))
	}
	return Sealer{aead}
}

// Seal encrypts a text for a label.
func (s Sealer) Seal(label string, text []byte) []byte {
	return s.aead.Seal(nil, nil, text, []byte(label)) //nolint:gosec // nil: this AEAD makes a random nonce for each text
}

// Open decrypts what was sealed for a label. It fails for another label, purpose
// or seal key, and if a bit was changed.
func (s Sealer) Open(label string, sealed []byte) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(label))
	if err != nil {
		return nil, fmt.Errorf("open what was sealed for %s: wrong seal key or changed text: %w", label, err)
	}
	return text, nil
}
