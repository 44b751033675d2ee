package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// MaxPayload bounds the body of a request to any service but S3, in bytes:
// such a body is hashed, and so read, before the call goes on. The largest AWS
// allows is 1 MiB (logs:PutLogEvents), before the overhead of JSON.
const MaxPayload = 8 << 20

// Verify checks the signature with the secret of the access key, and that the
// request is of now. It reads the body of requests to services other than S3,
// up to MaxPayload, and leaves it readable again; S3 bodies are checked by
// Body while they are read.
func (s *Request) Verify(r *http.Request, secret string, now time.Time) error {
	return s.VerifyWith(nil, r, secret, now)
}

// VerifyWith is Verify with remembered keys, for servers.
func (s *Request) VerifyWith(keys *Keys, r *http.Request, secret string, now time.Time) error {
	if err := s.checkTime(now); err != nil {
		return err
	}
	payloadHash := s.PayloadHash
	if s.Family != S3 {
		body, err := ReadPayload(r)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		payloadHash = hex.EncodeToString(sum[:])
	}
	key, known := keys.get(secret, s.scope)
	first, second := canonicalPaths(s.Family, r)
	if !s.matches(r, key, first, payloadHash) && (first == second || !s.matches(r, key, second, payloadHash)) {
		var buf [1024]byte
		canonical := canonicalRequest(buf[:0], s, r, first, payloadHash)
		return s.Family.mismatch(s, canonical)
	}
	if !known {
		keys.keep(secret, s.scope, key)
	}
	if s.Family == S3 && isHexSHA256(payloadHash) && payloadHash != emptySHA256 && r.ContentLength == 0 {
		return errContentMismatch(payloadHash, emptySHA256)
	}
	if strings.HasPrefix(payloadHash, streamingSigned) {
		s.key = key // and only then: a key nobody needs should not linger
	}
	return nil
}

func (s *Request) matches(r *http.Request, key []byte, canonicalPath, payloadHash string) bool {
	var buf [1024]byte
	canonical := canonicalRequest(buf[:0], s, r, canonicalPath, payloadHash)
	var text [256]byte
	mac := sign(key, stringToSign(text[:0], s.Date, s.scope, canonical))
	var want [2 * sha256.Size]byte
	hex.Encode(want[:], mac[:])
	return subtle.ConstantTimeCompare(want[:], []byte(s.signature)) == 1
}

// checkTime refuses requests signed too long ago or in the future.
func (s *Request) checkTime(now time.Time) error {
	now = now.UTC()
	switch {
	case s.Presigned && now.After(s.Date.Add(s.Expires)):
		return s.Family.presignExpired(s, now)
	case s.Presigned && s.Date.After(now.Add(MaxSkew)):
		return s.Family.presignEarly(s, now)
	case !s.Presigned && (now.Sub(s.Date) > MaxSkew || s.Date.Sub(now) > MaxSkew):
		return s.Family.skewed(s.Date, now)
	}
	return nil
}

// ReadPayload reads the body of a request to any service but S3 whole, once: a
// second call, and Verify, find the same bytes without reading again. The body
// stays readable. More than MaxPayload bytes is an error.
func ReadPayload(r *http.Request) ([]byte, error) {
	if p, ok := r.Body.(*payload); ok {
		return p.all, nil
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > MaxPayload {
		return nil, errTooLarge() // before its bytes are held
	}
	all, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("read the body of %s %s: %w", r.Method, r.URL.Path, err)
	}
	if len(all) > MaxPayload {
		return nil, errTooLarge()
	}
	r.Body = &payload{Reader: bytes.NewReader(all), Closer: r.Body, all: all}
	return all, nil
}

// payload is a body that was read whole and can be read again.
type payload struct {
	*bytes.Reader
	io.Closer
	all []byte
}

// Sign signs a request as a client would, for calls to another S3 server. The
// payload hash is the hex SHA-256 of the body, or UnsignedPayload. It signs
// Host, Content-Type, Content-Md5 and all X-Amz- headers, and sets X-Amz-Date,
// X-Amz-Content-Sha256 and Authorization.
func Sign(r *http.Request, accessKeyID, secret, region, service, payloadHash string, now time.Time) {
	now = now.UTC().Truncate(time.Second)
	r.Header.Set("X-Amz-Date", now.Format(timeFormat))
	r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	s := &Request{
		Date: now, Service: service, Region: region, SignedHeaders: headersToSign(r), Family: familyOf(r, service),
		scope: now.Format(dayFormat) + "/" + region + "/" + service + "/" + terminator,
	}
	p, _ := canonicalPaths(s.Family, r)
	canonical := canonicalRequest(nil, s, r, p, payloadHash)
	mac := sign(deriveKey(secret, s.scope), stringToSign(nil, now, s.scope, canonical))
	r.Header.Set("Authorization", algorithm+" Credential="+accessKeyID+"/"+s.scope+
		", SignedHeaders="+strings.Join(s.SignedHeaders, ";")+", Signature="+hex.EncodeToString(mac[:]))
}

func headersToSign(r *http.Request) []string {
	names := []string{"host"}
	for name := range r.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") || name == "content-type" || name == "content-md5" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// stringToSign appends the text whose MAC is the signature.
func stringToSign(b []byte, date time.Time, scope string, canonical []byte) []byte {
	b = append(b, algorithm+"\n"...)
	b = date.AppendFormat(b, timeFormat)
	b = append(b, '\n')
	b = append(b, scope...)
	b = append(b, '\n')
	sum := sha256.Sum256(canonical)
	return hex.AppendEncode(b, sum[:])
}

// deriveKey makes the signing key of a scope (DATE/REGION/SERVICE/aws4_request).
func deriveKey(secret, scope string) []byte {
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		mac := sign(key, []byte(part))
		key = mac[:]
	}
	return key
}

func sign(key, text []byte) (mac [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	h.Sum(mac[:0])
	return mac
}
