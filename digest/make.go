package digest

import (
	"crypto/rsa"
	"fmt"
	"time"
)

// Names of the user metadata of a digest object, in lower case. They are sent
// with x-amz-meta- before them, also in lower case: the aws CLI finds a
// signature under no other spelling.
const (
	MetaSignature = "signature"
	MetaAlgorithm = "signature-algorithm"
	MetaBackfill  = "backfill-generation-timestamp"
)

// Next is what the next digest of a chain is made of.
type Next struct {
	// Name gives the key; its End is the digest's end.
	Name Name
	// Bucket is where the digest will be put.
	Bucket string
	// Start is the end of the digest before, or when the chain starts.
	Start time.Time
	// Previous is the [Signed.Link] of the digest before; zero for a chain's first.
	Previous Previous
	// LogFiles were delivered from Start until End. Their HashAlgorithm may be
	// left empty.
	LogFiles []LogFile
	// Generated is when a backfill digest was made; other digests have none.
	Generated time.Time
}

// Signed is a digest with its signature, ready to be put into the bucket. Made
// again of the same things, it has the same bytes.
type Signed struct {
	File File
	// Content is the uncompressed digest: what is hashed and signed.
	Content []byte
	// Signature is in lower-case hexadecimal.
	Signature string
	generated time.Time
}

// Make makes and signs the next digest of a chain. It refuses values no digest
// may have.
func Make(key *rsa.PrivateKey, n Next) (*Signed, error) {
	f := File{
		Account: n.Name.Account, Start: n.Start, End: n.Name.End, Bucket: n.Bucket, Object: n.Name.Key(),
		Fingerprint: Fingerprint(MarshalPublicKey(&key.PublicKey)), Algorithm: SignatureAlgorithm,
		Previous: n.Previous, LogFiles: make([]LogFile, len(n.LogFiles)),
	}
	if n.Name.Backfill == n.Generated.IsZero() {
		return nil, fmt.Errorf("make digest %s: a time of generation is for backfill digests, and they need one", f.Object)
	}
	for i, l := range n.LogFiles {
		l.HashAlgorithm = HashAlgorithm
		f.LogFiles[i] = l
		if f.OldestEvent.IsZero() || !l.OldestEvent.IsZero() && l.OldestEvent.Before(f.OldestEvent) {
			f.OldestEvent = l.OldestEvent
		}
		if l.NewestEvent.After(f.NewestEvent) {
			f.NewestEvent = l.NewestEvent
		}
	}
	if _, err := ParseKey(f.Object); err != nil {
		return nil, fmt.Errorf("make digest: %w", err)
	}
	content, err := f.Content()
	if err != nil {
		return nil, err
	}
	// What readers will see is what is signed: whole seconds, and nothing that
	// they refuse.
	read, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("make digest %s: %w", f.Object, err)
	}
	sig, err := Sign(key, read, content)
	if err != nil {
		return nil, err
	}
	return &Signed{File: *read, Content: content, Signature: sig, generated: n.Generated}, nil
}

// Object returns the bytes of the digest's object.
func (s *Signed) Object() []byte { return Encode(s.Content) }

// Metadata returns the user metadata of the digest's object.
func (s *Signed) Metadata() map[string]string {
	m := map[string]string{MetaSignature: s.Signature, MetaAlgorithm: s.File.Algorithm}
	if !s.generated.IsZero() {
		m[MetaBackfill] = timeText(s.generated)
	}
	return m
}

// Link returns what the digest after this one says of it.
func (s *Signed) Link() Previous {
	return Previous{
		Bucket: s.File.Bucket, Object: s.File.Object,
		Hash: Hash(s.Content), HashAlgorithm: HashAlgorithm, Signature: s.Signature,
	}
}
