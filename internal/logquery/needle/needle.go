// Package needle finds byte strings that a message must have if a condition on
// its values holds, so that messages can be passed over without being read.
package needle

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Clause is byte strings of which a message has at least one. It must be sound:
// no message that matches may lack all of them. Those without a backslash come
// first; the others are for messages that write characters as escapes.
type Clause [][]byte

// Clauses are clauses of each of which a message has one.
type Clauses []Clause

// Shortest is the length below which a string is not worth looking for.
const Shortest = 3

// Literal is text that a value has.
type Literal struct {
	Text string
	// Start and End say that it is where the value begins, or ends.
	Start, End bool
}

// Literals are, of each list, alternatives of which a value has one.
type Literals [][]Literal

// common are names of members that nearly every record has: looking for them
// keeps nothing out.
var common = strings.Fields(`eventVersion userIdentity type principalId arn accountId eventTime eventSource eventName awsRegion
	sourceIPAddress userAgent requestParameters responseElements requestID eventID readOnly eventType managementEvent
	recipientAccountId eventCategory`)

// Member returns the clauses of JSON objects with a member of this name
// somewhere; nil if nearly every record has one.
func Member(name string) Clauses {
	if slices.Contains(common, name) {
		return nil
	}
	return Literals{{{Text: name, Start: true, End: true}}}.clauses(func(l Literal) Clause {
		return inString(l, true)
	})
}

// JSON returns the clauses of JSON objects that have such a value.
func (l Literals) JSON() Clauses {
	return l.clauses(func(l Literal) Clause { return inString(l, !bare(l.Text)) })
}

// Plain returns the clauses of messages that have the literals as they are.
func (l Literals) Plain() Clauses {
	return l.clauses(func(l Literal) Clause {
		text, _, _ := longest(l.Text, func(r rune) bool { return r == '\ufffd' })
		return Clause{[]byte(text)}
	})
}

func (l Literals) clauses(encode func(Literal) Clause) (out Clauses) {
	for _, alternatives := range l {
		var c Clause
		for _, a := range alternatives {
			one := encode(a)
			if len(one[0]) < Shortest {
				c = nil
				break
			}
			c = append(c, one...)
		}
		if c != nil {
			out = append(out, c.Tidy())
		}
	}
	return out
}

// bare reports whether a value with this text in it may stand in JSON without
// quotes: it is a part of a number, of true or of false.
func bare(text string) bool {
	number := strings.Trim(text, "0123456789+-.eE") == "" && strings.Count(text, ".") < 2
	return number || strings.Contains("true", text) || strings.Contains("false", text)
}

// inString returns what a record has that has the literal in a JSON string,
// between quotes if quoted says that it stands in one for sure. The first
// alternative is how every writer spells it; the others are for those who write
// a character as an escape though they need not.
//
// Only a run of printable ASCII is used: beyond it, text that is not UTF-8
// counts as U+FFFD, and characters are pairs of escapes.
func inString(l Literal, quoted bool) Clause {
	text, first, last := longest(l.Text, func(r rune) bool { return r < ' ' || r > '~' })
	var opening, closing string
	if quoted && l.Start && first {
		opening = `"`
	}
	if quoted && l.End && last {
		closing = `"`
	}
	quote := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	out := Clause{[]byte(opening + quote.Replace(text) + closing)}
	if strings.Contains(text, "/") {
		out = append(out, []byte(`\/`))
	}
	return append(out, escapes(text)...)
}

// escapes returns what a record has that writes a character of the text, which is
// printable ASCII, as \uXXXX. Letters have one string for sixteen characters, so
// that there are few; the others, which genuine records do escape (& < > ='), one
// for each, so that what is looked for is seldom there.
func escapes(text string) (out Clause) {
	for _, c := range []byte(text) {
		if c >= '@' {
			out = append(out, fmt.Appendf(nil, `\u00%x`, c>>4))
			continue
		}
		out = append(out, fmt.Appendf(nil, `\u00%02x`, c))
		if c&0xf > 9 {
			out = append(out, fmt.Appendf(nil, `\u00%02X`, c))
		}
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

// longest returns the longest part of a text without the characters that break
// it, and whether it stands at the text's start, or end, or is the whole of it.
func longest(text string, breaks func(rune) bool) (part string, first, last bool) {
	parts := strings.FieldsFunc(text, breaks)
	if len(parts) == 0 {
		return "", false, false
	}
	part = slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) })
	first = strings.HasPrefix(text, part)
	// At both ends there may be two of it.
	return part, first, strings.HasSuffix(text, part) && (!first || part == text)
}

// escaped reports whether an alternative is for a message with an escape.
func escaped(needle []byte) bool { return bytes.IndexByte(needle, '\\') >= 0 }

// Tidy drops repeated alternatives and those that another one covers, joins
// those with much in common, and puts those without a backslash first.
func (c Clause) Tidy() Clause {
	c = slices.Clone(c)
	slices.SortStableFunc(c, func(a, b []byte) int {
		if x, y := escaped(a), escaped(b); x != y {
			if x {
				return 1
			}
			return -1
		}
		return bytes.Compare(a, b)
	})
	c = slices.CompactFunc(c, bytes.Equal)
	n := slices.IndexFunc(c, escaped)
	if n < 0 {
		n = len(c)
	}
	var out Clause
	if s := shared(c[:n]); s != nil {
		out = Clause{s}
	} else {
		out = c[:n:n]
	}
	var short Clause
	for _, a := range append(out, c[n:]...) {
		if !slices.ContainsFunc(c, func(b []byte) bool { return len(b) < len(a) && bytes.Contains(a, b) }) {
			short = append(short, a)
		}
	}
	return short
}

// shared returns what all alternatives end or begin with, if that is nearly as
// good to look for as each of them: "joe", /joe" and :joe" become joe".
func shared(c Clause) []byte {
	if len(c) < 2 {
		return nil
	}
	suffix, prefix := c[0], c[0]
	for _, a := range c[1:] {
		for !bytes.HasSuffix(a, suffix) {
			suffix = suffix[1:]
		}
		for !bytes.HasPrefix(a, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	const enough, most = 4, 2 // bytes to have, and that the shortest may lose
	least := len(slices.MinFunc(c, func(a, b []byte) int { return len(a) - len(b) }))
	for _, s := range [][]byte{suffix, prefix} {
		if len(s) >= enough && len(s)+most >= least {
			return s
		}
	}
	return nil
}

// Best returns the clause that promises to keep most messages out: the one
// whose shortest alternative is longest.
func (c Clauses) Best() (Clause, bool) {
	if len(c) == 0 {
		return nil, false
	}
	return slices.MaxFunc(c, func(a, b Clause) int { return a.length() - b.length() }), true
}

// length is that of the shortest alternative without an escape.
func (c Clause) length() int {
	n := 1 << 30
	for _, a := range c {
		if !escaped(a) {
			n = min(n, len(a))
		}
	}
	return n
}

// Only returns the longest string that, escapes aside, has no alternative.
func (c Clauses) Only() (needle []byte) {
	for _, one := range c {
		if (len(one) == 1 || escaped(one[1])) && !escaped(one[0]) && len(one[0]) > len(needle) {
			needle = one[0]
		}
	}
	return needle
}
