package event

import (
	"time"
	"unicode/utf8"
)

// MaxBytes is how many bytes the JSON of a record has at most, 256 KB (shared spec
// 2.2).
const MaxBytes = 256 << 10

// Limits on members, in bytes (shared spec 2.2). Longer text is truncated;
// longer objects are replaced by {"omitted":true}. AWS documents the limits;
// where exactly it puts its marker is not documented, so that placement is ours.
const (
	maxText   = 1 << 10
	maxObject = 100 << 10
	maxData   = 28 << 10
)

// omitted stands for an object that is too large.
var omitted = []byte(`{"omitted":true}`)

// Append appends the record's JSON to dst and returns it: one object, no white
// space, members in CloudTrail's order, at most MaxBytes.
//
// A record that is larger although each member is within its limit loses its
// largest members, one after the other until it fits: additionalEventData,
// responseElements, requestParameters, in the order in which AWS reduces the events
// of event data stores; then resources, which have no marker.
func (r *Record) Append(dst []byte) []byte {
	b := r.append(dst)
	if len(b)-len(dst) <= MaxBytes {
		return b
	}
	small := *r
	for _, reduce := range []func(){
		func() { small.AdditionalEventData = omit(small.AdditionalEventData) },
		func() { small.ResponseElements = omit(small.ResponseElements) },
		func() { small.RequestParameters = omit(small.RequestParameters) },
		func() { small.Resources = nil },
	} {
		reduce()
		if b = small.append(b[:len(dst)]); len(b)-len(dst) <= MaxBytes {
			break
		}
	}
	return b // fits now: a few texts of up to maxText are left
}

// omit returns the marker for an object that is there.
func omit(object []byte) []byte {
	if len(object) == 0 {
		return nil
	}
	return omitted
}

// append is Append without the limit on the whole.
func (r *Record) append(dst []byte) []byte {
	w := writer{append(dst, '{')}
	w.str("eventVersion", r.EventVersion)
	w.key("userIdentity")
	w.identity(&r.UserIdentity)
	w.str("eventTime", stamp(r.EventTime))
	w.str("eventSource", r.EventSource)
	w.str("eventName", r.EventName)
	w.str("awsRegion", r.AWSRegion)
	w.str("sourceIPAddress", r.SourceIPAddress)
	w.str("userAgent", r.UserAgent)
	w.opt("errorCode", r.ErrorCode)
	w.opt("errorMessage", r.ErrorMessage)
	w.raw("requestParameters", bounded(r.RequestParameters, maxObject))
	w.raw("responseElements", bounded(r.ResponseElements, maxObject))
	if r.AdditionalEventData != nil {
		w.raw("additionalEventData", bounded(r.AdditionalEventData, maxData))
	}
	w.opt("requestID", r.RequestID)
	w.str("eventID", r.EventID)
	w.bool("readOnly", r.ReadOnly)
	w.resources(r.Resources)
	w.str("eventType", r.EventType)
	w.opt("apiVersion", r.APIVersion)
	w.bool("managementEvent", r.ManagementEvent)
	w.str("recipientAccountId", r.RecipientAccountID)
	w.opt("sharedEventID", r.SharedEventID)
	w.str("eventCategory", r.EventCategory)
	if t := r.TLSDetails; t != nil {
		w.key("tlsDetails")
		w.open()
		w.opt("tlsVersion", t.TLSVersion)
		w.opt("cipherSuite", t.CipherSuite)
		w.opt("clientProvidedHostHeader", t.ClientProvidedHostHeader)
		w.close()
	}
	if r.SessionCredentialFromConsole {
		w.str("sessionCredentialFromConsole", "true")
	}
	w.close()
	return w.b
}

func (w *writer) identity(u *UserIdentity) {
	w.open()
	w.opt("type", u.Type)
	if u.HasPrincipalID {
		w.str("principalId", u.PrincipalID)
	} else {
		w.opt("principalId", u.PrincipalID)
	}
	w.opt("arn", u.ARN)
	w.opt("accountId", u.AccountID)
	w.opt("accessKeyId", u.AccessKeyID)
	w.opt("userName", u.UserName)
	if s := u.SessionContext; s != nil {
		w.key("sessionContext")
		w.open()
		if i := s.Issuer; i != nil {
			w.key("sessionIssuer")
			w.open()
			w.str("type", i.Type)
			w.str("principalId", i.PrincipalID)
			w.str("arn", i.ARN)
			w.str("accountId", i.AccountID)
			w.opt("userName", i.UserName)
			w.close()
		}
		if s.FederatedProvider != "" {
			w.key("webIdFederationData")
			w.open()
			w.str("federatedProvider", s.FederatedProvider)
			w.key("attributes")
			w.open()
			w.close()
			w.close()
		}
		w.key("attributes")
		w.open()
		w.str("creationDate", stamp(s.CreationDate))
		w.str("mfaAuthenticated", map[bool]string{true: "true", false: "false"}[s.MFAAuthenticated])
		w.close()
		w.opt("sourceIdentity", s.SourceIdentity)
		w.close()
	}
	w.opt("invokedBy", u.InvokedBy)
	w.opt("identityProvider", u.IdentityProvider)
	w.close()
}

func (w *writer) resources(list []Resource) {
	if len(list) == 0 {
		return
	}
	w.key("resources")
	w.b = append(w.b, '[')
	for i, r := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.open()
		w.opt("accountId", r.AccountID)
		w.opt("type", r.Type)
		w.whole("ARN", r.ARN)
		w.whole("ARNPrefix", r.ARNPrefix)
		w.close()
	}
	w.b = append(w.b, ']')
}

// writer appends JSON members. It relies on keys being plain ASCII.
type writer struct{ b []byte }

func (w *writer) open()  { w.b = append(w.b, '{') }
func (w *writer) close() { w.b = append(w.b, '}') }

func (w *writer) key(k string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

// str writes a text, truncated if need be.
func (w *writer) str(k, v string) {
	w.key(k)
	w.b = AppendString(w.b, truncate(v))
}

// opt is str for a text that is left out if empty.
func (w *writer) opt(k, v string) {
	if v != "" {
		w.str(k, v)
	}
}

// whole is opt for a text that has no limit of its own: a name that was cut would
// be another's.
func (w *writer) whole(k, v string) {
	if v != "" {
		w.key(k)
		w.b = AppendString(w.b, v)
	}
}

func (w *writer) bool(k string, v bool) {
	w.key(k)
	if v {
		w.b = append(w.b, "true"...)
	} else {
		w.b = append(w.b, "false"...)
	}
}

func (w *writer) raw(k string, v []byte) {
	w.key(k)
	if len(v) == 0 {
		v = []byte("null")
	}
	w.b = append(w.b, v...)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func truncate(s string) string {
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for cut > maxText-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut-- // back to where the rune that would be cut begins
	}
	return s[:cut]
}

func bounded(v []byte, limit int) []byte {
	if len(v) <= limit {
		return v
	}
	return omitted
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string, escaping only what JSON requires:
// quotes, backslashes, control characters, and U+2028/2029, which break
// readers that take JSON for JavaScript. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == 0x2028 || r == 0x2029 {
			dst = append(dst, s[start:i]...)
			if size == 1 {
				dst = append(dst, "\ufffd"...)
			} else {
				dst = append(dst, `\u202`...)
				dst = append(dst, hexDigits[r&0xf])
			}
			start = i + size
		}
		i += size
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}
