package querytest

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// words are what random values and conditions are made of, so that they meet:
// ordinary ones, and those that are hard to write in JSON, SQL or patterns.
var words = []string{
	"AccessDenied", "AssumedRole", "Root", "s3.amazonaws.com", "111122223333", "us-east-1", "true", "false", "null",
	"arn:aws:iam::111122223333:user/a/joe", "joe", "AROAEXAMPLE:joe", "10.0.3.4", "10.0.200.4", "2001:db8::1", "2001:DB8:0::1", "::ffff:10.0.3.4",
	"40", "40.0", "4e1", "-0", "1.50", "", "a", "é", "a\"b\\c/d", "a/b/c", "it's; DROP TABLE events--", "100%_x", "%", "_", "nul\x00byte", "\ufffd", "日本語",
	"line\nbreak\ttab", "{\"x\":1}", "[1,2]", "{}", "'", "''", "\\", "x\u2028y", "\U0001f5ff", "2026-01-01T00:01:00Z", "2026-01-01T01:01:00.25+01:00",
}

// regexes are what random regular expressions are chosen from.
var regexes = []string{
	"Access", "^A.*ed$", "(?i)ROOT", "a|é", "[0-9]{3,}", "AccessDenied|AssumedRole|(?:ro|Ro)ot", "b\\\\c", "(amazon)+aws", "x*", "\ufffd", "joe$", "(?s)nul.byte", `"eventName"\s*:`, "^arn:aws:[a-z]+::",
}

var prefixes = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/17"), netip.MustParsePrefix("10.0.3.4/32"), netip.MustParsePrefix("10.0.2.0/23"),
	netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("::/0"),
}

// paths are what conditions ask for: members with a column and without, inside
// of those that hold JSON, through lists, and by names that are hard to quote.
var paths = []string{
	"eventTime", "eventName", "eventSource", "errorCode", "sourceIPAddress", "recipientAccountId", "readOnly", "managementEvent",
	"sessionCredentialFromConsole", "userIdentity.type", "userIdentity.arn", "userIdentity.userName", "userIdentity.principalId", "userIdentity.invokedBy",
	"userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext.sessionIssuer.userName",
	"userIdentity", "userIdentity.other", "requestParameters", "requestParameters.a", "requestParameters.a.b", "requestParameters['a.b']", "requestParameters['it's']",
	"requestParameters.*", "requestParameters.list[0]", "requestParameters.list[1].k", "requestParameters.list[*]", "requestParameters.list[*].k", "requestParameters.*.k",
	"resources[0].ARN", "resources[*].ARN", "resources[*]", "eventName.x", "unknown", "unknown.a", "unknown.*", "*", "*.type", "readOnly.a",
}

// topLevel are the members of random records, in CloudTrail's order.
var topLevel = []string{
	"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
	"requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources", "eventType", "managementEvent",
	"recipientAccountId", "eventCategory", "sessionCredentialFromConsole", "unknown",
}

// Record returns a random record: one JSON object with CloudTrail's members, but
// of any type now and then, written in any way JSON allows: escapes, white
// space, repeated members, text that is not UTF-8, halves of surrogate pairs.
func Record(r *rand.Rand) []byte {
	w := &writer{r: r, odd: r.IntN(3) == 0, spaced: r.IntN(6) == 0}
	w.object(func(member func(string)) {
		for _, name := range topLevel {
			if r.IntN(4) == 0 {
				continue
			}
			member(name)
			w.member(name)
			if w.odd && r.IntN(20) == 0 {
				member(name)
				w.member(name)
			}
		}
	})
	return w.b
}

// Hostile returns a random message of a log group: mostly a Record, but also
// one with a fault, or plain text.
func Hostile(r *rand.Rand) []byte {
	m := Record(r)
	switch r.IntN(8) {
	case 0:
		return m[:r.IntN(len(m))]
	case 1:
		m[r.IntN(len(m))] = `{}[]",:\x0 é`[r.IntN(12)]
		return m
	case 2:
		return []byte(strings.Join([]string{pick(r, words), pick(r, words), pick(r, words)}, " "))
	}
	return m
}

type writer struct {
	r   *rand.Rand
	b   []byte
	odd bool // writes what no ordinary writer writes
	// spaced has white space between tokens.
	spaced bool
}

func (w *writer) space() {
	if w.spaced && w.r.IntN(3) == 0 {
		w.b = append(w.b, pick(w.r, []string{" ", "\n", "\t ", "\r\n"})...)
	}
}

func (w *writer) token(c byte) {
	w.space()
	w.b = append(w.b, c)
	w.space()
}

func (w *writer) object(fill func(member func(name string))) {
	w.token('{')
	first := true
	fill(func(name string) {
		if !first {
			w.token(',')
		}
		first = false
		w.text(name)
		w.token(':')
	})
	w.token('}')
}

// member writes the value of a top-level member.
func (w *writer) member(name string) {
	if w.odd && w.r.IntN(10) == 0 {
		w.value(0)
		return
	}
	switch name {
	case "userIdentity":
		w.identity()
	case "requestParameters", "responseElements", "additionalEventData", "unknown":
		if w.r.IntN(4) == 0 {
			w.b = append(w.b, "null"...)
		} else {
			w.nested(0)
		}
	case "resources":
		w.list(func() {
			w.object(func(member func(string)) {
				for _, k := range []string{"accountId", "type", "ARN"} {
					member(k)
					w.text(pick(w.r, words))
				}
			})
		})
	case "readOnly", "managementEvent":
		w.b = append(w.b, pick(w.r, []string{"true", "false"})...)
	case "eventTime":
		w.text(fmt.Sprintf("2026-01-01T00:%02d:%02dZ", w.r.IntN(4), w.r.IntN(60)))
	default:
		w.text(pick(w.r, words))
	}
}

func (w *writer) identity() {
	w.object(func(member func(string)) {
		for _, k := range []string{"type", "principalId", "arn", "accountId", "userName", "invokedBy", "other"} {
			if w.r.IntN(3) == 0 {
				continue
			}
			member(k)
			if w.odd && w.r.IntN(8) == 0 {
				w.value(1)
			} else {
				w.text(pick(w.r, words))
			}
		}
		member("sessionContext")
		w.object(func(member func(string)) {
			member("sessionIssuer")
			w.object(func(member func(string)) {
				member("userName")
				w.text(pick(w.r, words))
			})
			member("attributes")
			w.object(func(member func(string)) {
				member("mfaAuthenticated")
				w.b = append(w.b, pick(w.r, []string{`"true"`, `"false"`, `"x"`, "true", "null"})...)
			})
		})
	})
}

func (w *writer) list(element func()) {
	w.token('[')
	for i := range w.r.IntN(4) {
		if i > 0 {
			w.token(',')
		}
		element()
	}
	w.token(']')
}

// nested writes an object of random members.
func (w *writer) nested(depth int) {
	w.object(func(member func(string)) {
		for _, k := range []string{"a", "b", "a.b", "list", "k", "it's"} {
			if w.r.IntN(2) == 0 {
				continue
			}
			member(k)
			if k == "list" && w.r.IntN(3) > 0 {
				w.list(func() { w.value(depth + 1) })
			} else {
				w.value(depth + 1)
			}
		}
	})
}

func (w *writer) value(depth int) {
	n := w.r.IntN(12)
	switch {
	case n < 2 && depth < 3:
		w.nested(depth)
	case n == 2 && depth < 3:
		w.list(func() { w.value(depth + 1) })
	case n == 3:
		w.b = append(w.b, pick(w.r, []string{"true", "false", "null"})...)
	case n < 6:
		w.b = append(w.b, pick(w.r, []string{"0", "-0", "40", "40.0", "400", "400.0", "4e2", "4.0E+1", "1.50", "3", "111122223333", "123456789012345678901234567890", "1e999", "-1.5e-7", "1e-400"})...)
	default:
		w.text(pick(w.r, words))
	}
}

// text writes a string: as everybody does, or with escapes where none is needed.
func (w *writer) text(s string) {
	w.b = append(w.b, '"')
	wild := w.odd && w.r.IntN(4) == 0
	for _, c := range s {
		switch {
		case wild && w.r.IntN(3) == 0:
			w.escape(c)
		case c == '/' && wild:
			w.b = append(w.b, `\/`...)
		case c == '"' || c == '\\':
			w.b = append(w.b, '\\', byte(c))
		case c == '\ufffd' && w.odd:
			w.b = append(w.b, pick(w.r, []string{"\xff", `\ud800`, `\udc00`, "\ufffd", "\xc3"})...)
		case c == '\n':
			w.b = append(w.b, '\\', 'n')
		case c < ' ':
			w.escape(c)
		default:
			w.b = append(w.b, string(c)...)
		}
	}
	w.b = append(w.b, '"')
}

func (w *writer) escape(c rune) {
	form := pick(w.r, []string{`\u%04x`, `\u%04X`})
	if c > 0xffff {
		c -= 0x10000
		w.b = fmt.Appendf(w.b, form+form, 0xd800+c>>10, 0xdc00+c&0x3ff)
		return
	}
	w.b = fmt.Appendf(w.b, form, c)
}
