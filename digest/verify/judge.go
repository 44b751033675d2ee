package verify

import (
	"context"
	"crypto/rsa"
	"fmt"
	"strings"
	"time"

	"cairn/digest"
)

// verdict is what a digest by itself, and beside the one after it, turns out to
// be.
type verdict struct {
	problems []Finding
	// believed says that what it lists and what it follows is taken for true;
	// signed, that CloudTrail said so.
	believed, signed bool
}

func (v *verdict) problem(s Severity, k Kind, format string, args ...any) {
	v.problems = append(v.problems, Finding{Severity: s, Kind: k, Text: fmt.Sprintf(format, args...)})
}

// judge looks at a digest. The error is for not being able to get public keys.
func (c *chain) judge(ctx context.Context, d *loaded) (*verdict, error) {
	v := &verdict{}
	if f := c.run.compareHead(d); f != nil {
		v.problems = append(v.problems, *f)
	}
	switch d.kind {
	case "":
	case DigestMissing:
		v.problem(Invalid, DigestMissing, "not found, though it was listed")
		return v, nil
	case Unreadable:
		v.problem(Unverified, Unreadable, "could not be read: %v", d.err)
		return v, nil
	case DigestTrailing:
		v.problem(Invalid, DigestTrailing, "data follows its end")
	default:
		v.problem(Invalid, DigestFormat, "it is not a digest: %v", d.err)
		return v, nil
	}
	if d.at.bucket != "" && d.file.Bucket != d.at.bucket || d.file.Object != d.key {
		v.problem(Invalid, DigestMoved, "it was moved here from %s", objectName(d.file.Bucket, d.file.Object))
		return v, nil
	}
	if !d.file.End.Equal(d.name.End) || d.file.Account != d.name.Account {
		v.problem(Invalid, DigestFormat, "its content is of another time or account than its name")
		return v, nil
	}
	if d.file.Algorithm != digest.SignatureAlgorithm {
		v.problem(Unverified, DigestSignature, "it is signed by %q, which is not known here", d.file.Algorithm)
		return v, nil
	}
	key, err := c.run.rings.find(ctx, d.name.Region, d.file.Fingerprint, d.signedAt())
	if err != nil {
		return nil, err
	}
	if key == nil {
		v.problem(Invalid, DigestKey, "no public key of %s with the fingerprint %s is known", d.name.Region, d.file.Fingerprint)
		return v, nil
	}
	if !judgeValidity(v, d, key) {
		return v, nil
	}
	c.judgeSignature(v, d, key.PublicKey)
	if v.signed {
		c.judgeLink(v, d)
	}
	return v, nil
}

// judgeValidity compares when a digest was signed with when its key signs: who
// gets hold of one key cannot sign digests of all times. A digest is signed after
// its end, at times long after it: a later key may be right, one that had run out
// is not. When a backfill digest was signed only says its metadata, which anybody
// can write.
func judgeValidity(v *verdict, d *loaded, key *signer) (ok bool) {
	switch end := d.file.End; {
	case !key.to.IsZero() && end.After(key.to.Add(keyBefore)):
		v.problem(Invalid, DigestKey, "it is signed with the key %s, which had run out on %s, before the digest's end", d.file.Fingerprint, key.to.UTC().Format(time.RFC3339))
		return false
	case !key.from.IsZero() && !d.name.Backfill && end.Add(keyAfter).Before(key.from):
		v.problem(Unverified, DigestKey, "it is signed with the key %s, which was not used before %s: either it was signed that late, or by somebody who has a later key", d.file.Fingerprint, key.from.UTC().Format(time.RFC3339))
	}
	return true
}

// judgeSignature finds the signature of a digest. It is in the object's
// metadata; and the digest after has it too, which serves for copies without
// metadata.
func (c *chain) judgeSignature(v *verdict, d *loaded, key *rsa.PublicKey) {
	own, hasOwn := d.metadata[digest.MetaSignature]
	if hasOwn && digest.Verify(key, d.file, d.content, own) == nil {
		d.signature, v.signed, v.believed = own, true, true
		if a := d.metadata[digest.MetaAlgorithm]; a != digest.SignatureAlgorithm {
			v.problem(Invalid, DigestSignature, "its metadata %s is %q", digest.MetaAlgorithm, a)
		}
		return
	}
	tried := false
	for _, s := range c.otherSignatures(d) {
		tried = true
		if digest.Verify(key, d.file, d.content, s) == nil {
			d.signature, v.signed, v.believed = s, true, true
			break
		}
	}
	switch {
	case d.metadata == nil && v.signed:
	case d.metadata == nil && !tried:
		v.believed = true
		v.problem(Unverified, Unsigned, "this copy has not its signature: it is in the object's metadata, or in the digest after it")
	case v.signed && !hasOwn:
		v.problem(Invalid, DigestSignature, "its metadata lacks the signature; the digest after it has it, and it fits")
	case v.signed:
		v.problem(Invalid, DigestSignature, "the signature in its metadata is not its own; that in the digest after it is")
	case d.metadata != nil && !hasOwn:
		v.problem(Invalid, DigestSignature, "its metadata lacks the signature")
	default:
		v.problem(Invalid, DigestSignature, "%v", digest.ErrSignature)
	}
}

// otherSignatures are those known from outside the digest's object.
func (c *chain) otherSignatures(d *loaded) (signatures []string) {
	if c.follows(d) && c.newer.file.Previous.Signature != "" {
		signatures = append(signatures, c.newer.file.Previous.Signature)
	}
	if h, ok := c.run.headAt(d); ok && h.Signature != "" {
		signatures = append(signatures, h.Signature)
	}
	return signatures
}

// judgeLink compares a signed digest with what the one after it says of it.
func (c *chain) judgeLink(v *verdict, d *loaded) {
	if !c.follows(d) {
		return
	}
	p := c.newer.file.Previous
	if p.Hash != "" && p.Hash != d.hash {
		v.problem(Invalid, PreviousHash, "the digest after it was signed over another content of it")
	}
	if p.Signature != "" && !strings.EqualFold(p.Signature, d.signature) {
		v.problem(Invalid, PreviousSigned, "the digest after it was signed over another signature of it")
	}
}
