package digest

import (
	"crypto"
	"crypto/md5" //nolint:gosec // AWS defines fingerprints by it; they name keys and prove nothing
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// KeyBits is the size of the keys digests are signed with.
const KeyBits = 2048

// ErrSignature says that a signature is not that of the digest.
var ErrSignature = errors.New("signature verification failed")

// PublicKey is a key as CloudTrail's ListPublicKeys gives it.
type PublicKey struct {
	// Value is the PKCS#1 RSAPublicKey in DER.
	Value []byte
	// Fingerprint is the name digests call it by.
	Fingerprint string
	// ValidFrom and ValidTo bound when CloudTrail signs with it.
	ValidFrom, ValidTo time.Time
}

// GenerateKey makes a private key.
func GenerateKey() (*rsa.PrivateKey, error) {
	k, err := rsa.GenerateKey(rand.Reader, KeyBits)
	if err != nil {
		return nil, fmt.Errorf("make a key to sign digests: %w", err)
	}
	return k, nil
}

// MarshalPublicKey returns a key as ListPublicKeys gives it: PKCS#1 in DER.
func MarshalPublicKey(k *rsa.PublicKey) []byte { return x509.MarshalPKCS1PublicKey(k) }

// ParsePublicKey reads a key as ListPublicKeys gives it.
func ParsePublicKey(der []byte) (*rsa.PublicKey, error) {
	k, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read public key with fingerprint %s: not a PKCS#1 key: %w", Fingerprint(der), err)
	}
	return k, nil
}

// Fingerprint returns the name of a key: the MD5 of its DER in lower-case
// hexadecimal (spec 3.4).
func Fingerprint(der []byte) string {
	sum := md5.Sum(der) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// Hash returns the SHA-256 of uncompressed content as digests write it.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// StringToSign returns the bytes whose signature is a digest's (spec 3.3).
// content is the digest's uncompressed content and f what it says.
func StringToSign(f *File, content []byte) []byte {
	previous := f.Previous.Signature
	if previous == "" {
		previous = "null"
	}
	return []byte(timeText(f.End) + "\n" + f.Bucket + "/" + f.Object + "\n" + Hash(content) + "\n" + previous)
}

// Sign returns the signature of a digest in lower-case hexadecimal. The same
// digest and key give the same signature.
func Sign(key *rsa.PrivateKey, f *File, content []byte) (string, error) {
	sum := sha256.Sum256(StringToSign(f, content))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign digest %s: %w", f.Object, err)
	}
	return hex.EncodeToString(sig), nil
}

// Verify checks a digest's signature; the error is [ErrSignature].
func Verify(key *rsa.PublicKey, f *File, content []byte, signature string) error {
	sig, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: it is not hexadecimal", ErrSignature)
	}
	sum := sha256.Sum256(StringToSign(f, content))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig); err != nil {
		return ErrSignature
	}
	return nil
}
