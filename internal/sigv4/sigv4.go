// Package sigv4 checks AWS Signature Version 4: the Authorization header, the
// presigned query, and the bodies that S3 clients sign in chunks. It knows no
// keys: the caller resolves the access key between Parse and Verify.
//
//	req, err := sigv4.Parse(r)                  // what the caller claims
//	secret := ...                               // look req.AccessKeyID up
//	err = req.Verify(r, secret, time.Now())     // whether it is so
//	body := req.Body(r)                         // S3: checked while it is read
//
// Every error is an *awserr.Error as the addressed service words it.
//
// Source: "AWS Signature Version 4 for API requests" in the IAM User Guide;
// "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API
// Reference. Error texts were compared with those clients have reported.
package sigv4

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	// timeFormat and dayFormat are X-Amz-Date and the scope's date.
	timeFormat = "20060102T150405Z"
	dayFormat  = "20060102"

	// MaxSkew is how far a signed request's date may be from the engine's clock.
	MaxSkew = 15 * time.Minute
	// MaxExpires is the longest life of a presigned request.
	MaxExpires = 7 * 24 * time.Hour
)

// Payload hashes that are not a SHA-256: x-amz-content-sha256 of S3 requests.
const (
	UnsignedPayload   = "UNSIGNED-PAYLOAD"
	streamingSigned   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamingUnsigned = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	emptySHA256       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// Request is what a signed request claims about itself. Parse makes it; Verify
// tells whether it is true. It is not safe for concurrent use.
type Request struct {
	// AccessKeyID names the key that signed.
	AccessKeyID string
	// Date is the time of signing, in UTC.
	Date time.Time
	// Region and Service are the scope of the signature.
	Region  string
	Service string
	// SessionToken came with temporary credentials; empty otherwise.
	SessionToken string
	// Presigned is true if the signature is in the query; Expires is then how
	// long after Date it holds.
	Presigned bool
	Expires   time.Duration
	// SignedHeaders are the names of the headers signed, in lower case.
	SignedHeaders []string
	// PayloadHash is what S3 callers say of the body (x-amz-content-sha256):
	// the hex SHA-256, UNSIGNED-PAYLOAD, or a STREAMING- mode. It is empty for
	// other services: there the hash is always computed from the body.
	PayloadHash string
	// Family is how the addressed service words its errors.
	Family Family

	signature string // 64 hex digits as received
	scope     string // DATE/REGION/SERVICE/aws4_request
	key       []byte // derived signing key, kept by Verify for signed chunks
}

// Parse reads the signature of a request, from its Authorization header or its
// query. It returns nil and no error for a request without one. It does not
// read the body.
func Parse(r *http.Request) (*Request, error) {
	query := authQuery(r.URL.RawQuery)
	auth := r.Header.Values("Authorization")
	switch {
	case len(auth) > 0 && query != nil, len(auth) > 1:
		return nil, familyOf(r, "").twoMechanisms()
	case len(auth) == 1:
		return parseHeader(r, auth[0])
	case query != nil:
		return parseQuery(r, query)
	}
	return nil, nil
}

// parseHeader reads "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=...,
// Signature=...".
func parseHeader(r *http.Request, auth string) (*Request, error) {
	s := &Request{Family: familyOf(r, "")}
	kind, rest, _ := strings.Cut(auth, " ")
	if kind != algorithm {
		return nil, s.Family.unsupported(kind)
	}
	var credential, signed string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		var target *string
		switch name {
		case "Credential":
			target = &credential
		case "SignedHeaders":
			target = &signed
		case "Signature":
			target = &s.signature
		}
		if !ok || target == nil || *target != "" {
			return nil, s.Family.badComponent(part)
		}
		*target = value
	}
	if credential == "" || signed == "" || s.signature == "" {
		return nil, s.Family.missingComponents(credential, signed, s.signature)
	}
	if err := s.setScope(r, credential); err != nil {
		return nil, err
	}
	var err error
	if s.Date, err = headerDate(r); err != nil {
		return nil, s.Family.badDate()
	}
	s.SessionToken = r.Header.Get("X-Amz-Security-Token")
	return s.complete(r, signed)
}

// parseQuery reads the X-Amz-... parameters of a presigned request.
func parseQuery(r *http.Request, q map[string]string) (*Request, error) {
	s := &Request{Family: familyOf(r, ""), Presigned: true, signature: q["X-Amz-Signature"]}
	if q["AWSAccessKeyId"] != "" {
		return nil, s.Family.unsupported("AWS")
	}
	if _, twice := q[repeated]; twice {
		return nil, s.Family.badQuery("A signature parameter is given more than once.")
	}
	for _, name := range requiredParameters {
		if q[name] == "" {
			return nil, s.Family.badQuery(textMissingParameters)
		}
	}
	if q["X-Amz-Algorithm"] != algorithm {
		return nil, s.Family.badQuery(textAlgorithm)
	}
	if err := s.setScope(r, q["X-Amz-Credential"]); err != nil {
		return nil, err
	}
	var err error
	if s.Date, err = time.Parse(timeFormat, q["X-Amz-Date"]); err != nil {
		return nil, s.Family.badQuery(textDateFormat)
	}
	if s.Expires, err = s.Family.expires(q["X-Amz-Expires"]); err != nil {
		return nil, err
	}
	s.SessionToken = q["X-Amz-Security-Token"]
	s.PayloadHash = q["X-Amz-Content-Sha256"]
	return s.complete(r, q["X-Amz-SignedHeaders"])
}

// setScope reads AKID/DATE/REGION/SERVICE/aws4_request. From here on the
// service is known, and with it the wording of errors.
func (s *Request) setScope(r *http.Request, credential string) error {
	id, scope, _ := strings.Cut(credential, "/")
	parts := strings.Split(scope, "/")
	if len(parts) != 4 || id == "" || slices.Contains(parts, "") {
		return s.Family.badCredential(s.Presigned)
	}
	s.AccessKeyID, s.scope, s.Region, s.Service = id, scope, parts[1], parts[2]
	s.Family = familyOf(r, s.Service)
	if parts[3] != terminator {
		return s.Family.badTerminator(s.Presigned, parts[3])
	}
	if _, err := time.Parse(dayFormat, parts[0]); err != nil {
		return s.Family.badScopeDate(s.Presigned, parts[0])
	}
	return nil
}

// complete checks what header and query signatures have in common.
func (s *Request) complete(r *http.Request, signed string) (*Request, error) {
	if day := s.Date.Format(dayFormat); !strings.HasPrefix(s.scope, day+"/") {
		return nil, s.Family.dateMismatch(s.Presigned, s.scope[:len(dayFormat)], s.Date)
	}
	if !isHexSHA256(s.signature) {
		return nil, s.Family.badSignature(s)
	}
	s.SignedHeaders = strings.Split(strings.ToLower(signed), ";")
	if !slices.Contains(s.SignedHeaders, "host") {
		return nil, s.Family.hostNotSigned()
	}
	if loose := s.unsignedHeaders(r.Header); loose != "" {
		return nil, s.Family.headersNotSigned(loose)
	}
	if s.Family != S3 {
		s.PayloadHash = ""
		return s, nil
	}
	return s, s.setPayloadHash(r)
}

// unsignedHeaders returns the x-amz- headers the signature does not cover. AWS
// refuses them: they change what a request means.
func (s *Request) unsignedHeaders(h http.Header) string {
	var loose []string
	for name := range h {
		if len(name) < 6 || !strings.EqualFold(name[:6], "X-Amz-") {
			continue
		}
		if !slices.ContainsFunc(s.SignedHeaders, func(n string) bool { return strings.EqualFold(n, name) }) {
			loose = append(loose, strings.ToLower(name))
		}
	}
	slices.Sort(loose)
	return strings.Join(loose, ", ")
}

// setPayloadHash takes what an S3 request says of its body. A presigned
// request need not say anything.
func (s *Request) setPayloadHash(r *http.Request) error {
	if given := r.Header.Get("X-Amz-Content-Sha256"); given != "" {
		s.PayloadHash = given
	}
	switch h := s.PayloadHash; {
	case h == "" && s.Presigned:
		s.PayloadHash = UnsignedPayload
	case h == "":
		return errMissingPayloadHash()
	case h == UnsignedPayload, h == streamingSigned, h == streamingTrailer, h == streamingUnsigned, isHexSHA256(h):
	case strings.HasPrefix(h, "STREAMING-AWS4-ECDSA-"):
		return errNotImplemented()
	default:
		return errBadPayloadHash(h)
	}
	return nil
}

// headerDate reads X-Amz-Date or, without it, Date.
func headerDate(r *http.Request) (time.Time, error) {
	if v := r.Header.Get("X-Amz-Date"); v != "" {
		return time.Parse(timeFormat, v)
	}
	v := r.Header.Get("Date")
	if t, err := time.Parse(timeFormat, v); err == nil {
		return t, nil
	}
	t, err := http.ParseTime(v)
	return t.UTC(), err
}

var requiredParameters = [...]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
}

// repeated marks, in what authQuery returns, that a parameter came twice.
const repeated = ""

// authQuery returns the parameters of a query that carry a signature; nil if
// there is none. Version 2 signatures are noticed so that they are refused
// instead of taken for no signature at all.
func authQuery(raw string) map[string]string {
	if !strings.Contains(raw, "X-Amz-") && !strings.Contains(raw, "AWSAccessKeyId=") {
		return nil
	}
	q := map[string]string{}
	for part := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(part, "=")
		k, v = unescape(k), unescape(v)
		if !strings.HasPrefix(k, "X-Amz-") && k != "AWSAccessKeyId" {
			continue
		}
		if _, twice := q[k]; twice {
			q[repeated] = k
		}
		q[k] = v
	}
	for _, k := range [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "AWSAccessKeyId"} {
		if _, ok := q[k]; ok {
			return q
		}
	}
	return nil
}

// isHexSHA256 reports whether s is a SHA-256 in lower-case hex.
func isHexSHA256(s string) bool {
	if len(s) != len(emptySHA256) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// headerValues returns the values of a header by its lower-case name, including
// those net/http keeps elsewhere.
func headerValues(r *http.Request, name string) []string {
	switch v := r.Header[textproto.CanonicalMIMEHeaderKey(name)]; {
	case name == "host":
		return []string{hostOf(r)}
	case v != nil:
		return v
	case name == "content-length" && r.ContentLength >= 0:
		return []string{itoa(r.ContentLength)}
	case name == "transfer-encoding":
		return r.TransferEncoding
	}
	return nil
}

func hostOf(r *http.Request) string {
	if r.Host == "" && r.URL != nil {
		return r.URL.Host
	}
	return r.Host
}
