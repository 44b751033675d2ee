package sigv4

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awserr"
)

// Family is how a service words the refusal of a signature.
type Family int

// The families. AWS's services differ in codes, statuses and texts.
const (
	S3    Family = iota // REST XML
	JSON                // awsJson: CloudTrail, CloudWatch Logs
	Query               // awsQuery: IAM, STS
	EC2                 // ec2Query
)

// familyOf tells the family by the service signed for or, while that is not
// known, by what the request looks like.
func familyOf(r *http.Request, service string) Family {
	contentType := r.Header.Get("Content-Type")
	switch {
	case service == "s3":
		return S3
	case service == "ec2":
		return EC2
	case r.Header.Get("X-Amz-Target") != "", strings.HasPrefix(contentType, "application/x-amz-json"):
		return JSON
	case service != "", strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		return Query
	}
	return S3
}

const (
	textMissingParameters = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
	textAlgorithm         = `X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`
	textDateFormat        = `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`
	textCredential        = `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".` //nolint:gosec // an error text, no credential
	textMismatchS3        = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	textMismatch          = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	textEC2               = "AWS was not able to validate the provided access credentials"
)

// Missing is the refusal of a call without a signature, where one is needed.
// S3 calls may be anonymous: there the bucket's policy decides.
func Missing(r *http.Request) error {
	switch familyOf(r, "") {
	case S3:
		return awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied")
	case JSON:
		return awserr.New(http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token")
	case Query, EC2:
	}
	return awserr.New(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
}

// KeyError words the refusal of an access key or session token as the addressed
// service does: err is the identity store's InvalidClientTokenId or
// ExpiredToken. Other errors pass unchanged.
func (s *Request) KeyError(err error) error {
	expired := awserr.Is(err, "ExpiredToken") || awserr.Is(err, "ExpiredTokenException")
	unknown := awserr.Is(err, "InvalidClientTokenId") || awserr.Is(err, "InvalidAccessKeyId") ||
		awserr.Is(err, "UnrecognizedClientException")
	if !expired && !unknown {
		return err
	}
	const textExpired, textUnknown = "The security token included in the request is expired", "The security token included in the request is invalid."
	wrap := func(status int, code, text string) error { return awserr.Wrap(err, status, code, "%s", text) }
	switch s.Family {
	case S3:
		if expired {
			return wrap(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
		}
		return s3Error(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.",
			"AWSAccessKeyId", s.AccessKeyID)
	case JSON:
		if expired {
			return wrap(http.StatusBadRequest, "ExpiredTokenException", textExpired)
		}
		return wrap(http.StatusBadRequest, "UnrecognizedClientException", textUnknown)
	case EC2:
		if expired {
			return wrap(http.StatusBadRequest, "RequestExpired", "Request has expired.")
		}
		return wrap(http.StatusUnauthorized, "AuthFailure", textEC2)
	case Query:
	}
	if expired {
		return wrap(http.StatusForbidden, "ExpiredToken", textExpired)
	}
	return wrap(http.StatusForbidden, "InvalidClientTokenId", textUnknown)
}

// s3Error makes an S3 error with further members of its body: name, value, ...
func s3Error(status int, code, text string, detail ...string) *awserr.Error {
	e := awserr.New(status, code, "%s", text)
	if len(detail) > 0 {
		e.Detail = map[string]string{}
	}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Detail[detail[i]] = detail[i+1]
	}
	return e
}

// invalid is a signature that does not hold; incomplete one that cannot be
// read. Neither is worded like that by S3.
func (f Family) invalid(text string) error {
	switch f {
	case JSON:
		return awserr.New(http.StatusBadRequest, "InvalidSignatureException", "%s", text)
	case EC2:
		return awserr.New(http.StatusUnauthorized, "AuthFailure", "%s", textEC2)
	case S3, Query:
	}
	return awserr.New(http.StatusForbidden, "SignatureDoesNotMatch", "%s", text)
}

func (f Family) incomplete(text string) error {
	if f == JSON {
		return awserr.New(http.StatusBadRequest, "IncompleteSignatureException", "%s", text)
	}
	return awserr.New(http.StatusBadRequest, "IncompleteSignature", "%s", text)
}

// malformed is S3's word for a bad Authorization header or signed query.
func malformed(presigned bool, text string) error {
	if presigned {
		return s3Error(http.StatusBadRequest, "AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; "+text)
	}
	return s3Error(http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; "+text)
}

func (f Family) twoMechanisms() error {
	if f == S3 {
		return s3Error(http.StatusBadRequest, "InvalidArgument", "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
			"ArgumentName", "Authorization")
	}
	return f.incomplete("Only one auth mechanism allowed: the Authorization header, once, or a signed query.")
}

func (f Family) unsupported(kind string) error {
	switch {
	case f != S3:
		return f.incomplete("Authorization header requires the '" + algorithm + "' algorithm.")
	case strings.HasPrefix(kind, "AWS"): // versions 2 and 3, and 4A, whose keys nobody here has
		return s3Error(http.StatusBadRequest, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	return s3Error(http.StatusBadRequest, "InvalidArgument", "Unsupported Authorization Type", "ArgumentName", "Authorization")
}

func (f Family) badComponent(part string) error {
	if f == S3 {
		return malformed(false, "the authorization component "+strconv.Quote(strings.TrimSpace(part))+" is malformed.")
	}
	return f.incomplete(strconv.Quote(strings.TrimSpace(part)) + " not a valid key=value pair (missing equal-sign) in Authorization header.")
}

func (f Family) missingComponents(credential, signed, signature string) error {
	if f == S3 {
		return malformed(false, "the authorization header requires three components: Credential, SignedHeaders, and Signature.")
	}
	var missing []string
	for _, c := range [...][2]string{{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signed}} {
		if c[1] == "" {
			missing = append(missing, "Authorization header requires '"+c[0]+"' parameter.")
		}
	}
	return f.incomplete(strings.Join(missing, " "))
}

func (f Family) badQuery(text string) error {
	if f == S3 {
		return s3Error(http.StatusBadRequest, "AuthorizationQueryParametersError", text)
	}
	return f.incomplete(text)
}

// expires reads X-Amz-Expires, in seconds.
func (f Family) expires(v string) (time.Duration, error) {
	n, err := strconv.Atoi(v)
	switch {
	case err != nil:
		return 0, f.badQuery("X-Amz-Expires should be a number")
	case n < 0:
		return 0, f.badQuery("X-Amz-Expires must be non-negative")
	case n == 0:
		return 0, f.badQuery("X-Amz-Expires must be at least 1 second")
	case n > int(MaxExpires/time.Second):
		return 0, f.badQuery("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return time.Duration(n) * time.Second, nil
}

func (f Family) badCredential(presigned bool) error {
	if f == S3 {
		return malformed(presigned, textCredential)
	}
	return f.incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
}

func (f Family) badTerminator(presigned bool, got string) error {
	if f == S3 {
		return malformed(presigned, "incorrect terminal "+strconv.Quote(got)+`. This endpoint uses "aws4_request".`)
	}
	return f.invalid("Credential should be scoped with a valid terminator: 'aws4_request', not '" + got + "'.")
}

func (f Family) badScopeDate(presigned bool, got string) error {
	if f == S3 {
		return malformed(presigned, "incorrect date format "+strconv.Quote(got)+`. This date in the credential must be in the format "yyyyMMdd".`)
	}
	return f.invalid("Date in Credential scope does not match YYYYMMDD: '" + got + "'.")
}

func (f Family) dateMismatch(presigned bool, scope string, date time.Time) error {
	day := date.Format(dayFormat)
	switch {
	case f != S3:
		return f.invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			scope + "' != '" + day + "', from '" + date.Format(timeFormat) + "'.")
	case presigned:
		return f.badQuery("Invalid credential date " + strconv.Quote(scope) + ". This date is not the same as X-Amz-Date: " + strconv.Quote(day) + ".")
	}
	return malformed(false, "Invalid credential date "+strconv.Quote(scope)+". This date is not the same as X-Amz-Date: "+strconv.Quote(day)+".")
}

func (f Family) badDate() error {
	if f == S3 {
		return s3Error(http.StatusForbidden, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
	}
	return f.incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
}

func (f Family) hostNotSigned() error {
	if f == S3 {
		return f.headersNotSigned("host")
	}
	return f.invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
}

func (f Family) headersNotSigned(names string) error {
	if f == S3 {
		return s3Error(http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed", "HeadersNotSigned", names)
	}
	return f.invalid("'" + names + "' must be a 'SignedHeader' in the AWS Authorization.")
}

func (f Family) skewed(date, now time.Time) error {
	const minutes = " - 15 min.)"
	switch {
	case f == S3:
		return s3Error(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
			"RequestTime", date.Format(timeFormat), "ServerTime", now.Format(time.RFC3339),
			"MaxAllowedSkewMilliseconds", strconv.FormatInt(MaxSkew.Milliseconds(), 10))
	case f == EC2:
		return awserr.New(http.StatusBadRequest, "RequestExpired", "Request has expired.")
	case date.Before(now):
		return f.invalid("Signature expired: " + date.Format(timeFormat) + " is now earlier than " +
			now.Add(-MaxSkew).Format(timeFormat) + " (" + now.Format(timeFormat) + minutes)
	}
	return f.invalid("Signature not yet current: " + date.Format(timeFormat) + " is still later than " +
		now.Add(MaxSkew).Format(timeFormat) + " (" + now.Format(timeFormat) + " + 15 min.)")
}

func (f Family) presignExpired(s *Request, now time.Time) error {
	until := s.Date.Add(s.Expires)
	switch f {
	case S3:
		return s3Error(http.StatusForbidden, "AccessDenied", "Request has expired",
			"X-Amz-Expires", strconv.Itoa(int(s.Expires/time.Second)), "Expires", until.Format(time.RFC3339), "ServerTime", now.Format(time.RFC3339))
	case EC2:
		return awserr.New(http.StatusBadRequest, "RequestExpired", "Request has expired.")
	case JSON, Query:
	}
	return f.invalid("Signature expired: " + until.Format(timeFormat) + " is now earlier than " + now.Format(timeFormat))
}

func (f Family) presignEarly(s *Request, now time.Time) error {
	if f == S3 {
		return s3Error(http.StatusForbidden, "AccessDenied", "Request is not valid yet",
			"X-Amz-Date", s.Date.Format(timeFormat), "ServerTime", now.Format(time.RFC3339))
	}
	return f.skewed(s.Date, now)
}

// badSignature refuses text that cannot be a signature.
func (f Family) badSignature(s *Request) error {
	if f == S3 {
		return s3Error(http.StatusForbidden, "SignatureDoesNotMatch", textMismatchS3,
			"AWSAccessKeyId", s.AccessKeyID, "SignatureProvided", s.signature)
	}
	return f.invalid(textMismatch)
}

// mismatch refuses a signature that is not the one computed. S3 shows what was
// to be signed, which is how people find their mistake; it tells nothing the
// caller did not send. With a session token the canonical request is left out,
// because it holds the token.
func (f Family) mismatch(s *Request, canonical []byte) error {
	if f != S3 {
		return f.invalid(textMismatch)
	}
	text := stringToSign(nil, s.Date, s.scope, canonical)
	e := s3Error(http.StatusForbidden, "SignatureDoesNotMatch", textMismatchS3,
		"AWSAccessKeyId", s.AccessKeyID, "SignatureProvided", s.signature,
		"StringToSign", string(text), "StringToSignBytes", spaced(text))
	if s.SessionToken == "" {
		e.Detail["CanonicalRequest"] = string(canonical)
		e.Detail["CanonicalRequestBytes"] = spaced(canonical)
	}
	return e
}

// spaced writes bytes in hex with a space between, as S3 does.
func spaced(b []byte) string {
	out := make([]byte, 0, 3*len(b))
	for i := range b {
		if i > 0 {
			out = append(out, ' ')
		}
		out = hex.AppendEncode(out, b[i:i+1])
	}
	return string(out)
}

func errMissingPayloadHash() error {
	return s3Error(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
}

func errBadPayloadHash(value string) error {
	return s3Error(http.StatusBadRequest, "InvalidArgument",
		"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
		"ArgumentName", "x-amz-content-sha256", "ArgumentValue", value)
}

func errNotImplemented() error {
	return s3Error(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented.",
		"Header", "x-amz-content-sha256")
}

func errContentMismatch(claimed, computed string) error {
	return s3Error(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.",
		"ClientComputedContentSHA256", claimed, "S3ComputedContentSHA256", computed)
}

func errIncompleteBody() error {
	return s3Error(http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly")
}

func errMissingLength() error {
	return s3Error(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
}

func errChunkSize(n int, size int64) error {
	return s3Error(http.StatusForbidden, "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes",
		"Chunk", strconv.Itoa(n), "BadChunkSize", strconv.FormatInt(size, 10))
}

func errTrailer() error {
	return s3Error(http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
}

func errTooLarge() error {
	return awserr.New(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is larger than %d bytes.", MaxPayload)
}

// errChunk refuses framing that cannot be read.
func errChunk(format string, args ...any) error {
	e := awserr.New(http.StatusBadRequest, "InvalidRequest", format, args...)
	e.Message = "The aws-chunked body is malformed: " + e.Message + "."
	return e
}
