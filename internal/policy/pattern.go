package policy

import (
	"slices"
	"strings"

	"cairn/internal/arn"
)

// Inside a compiled pattern the wildcards are bytes that no UTF-8 text holds,
// so that a * or ? that came out of a variable stays what it is.
const (
	anyRun  = 0xff // stands for *
	anyByte = 0xfe // stands for ?
)

// runs is anyRun as text.
const runs = "\xff"

var wildcards = strings.NewReplacer("*", string([]byte{anyRun}), "?", string([]byte{anyByte}))

// pattern is a compiled pattern: literal text with wildcards and, between its
// pieces, variables. It is immutable.
type pattern struct {
	// text is the whole pattern if there are no variables.
	text string
	// pieces is nil if there are no variables.
	pieces []piece
	// bad says why the source is no pattern; empty if it is one.
	bad string
}

// piece is text followed by a variable.
type piece struct {
	text     string
	variable string // lower-case key; empty for the last piece
	fallback string
	optional bool // fallback is given
}

// compile makes a pattern of s, with variables or without.
//
// Source: "IAM policy elements: Variables and tags" in the IAM User Guide.
func compile(s string, variables bool) pattern { return compileText(s, variables, wildcards.Replace) }

// compileLiteral makes a pattern in which * and ? are ordinary characters.
func compileLiteral(s string, variables bool) pattern {
	return compileText(s, variables, func(s string) string { return s })
}

func compileText(s string, variables bool, translate func(string) string) pattern {
	if !variables || !strings.Contains(s, "${") {
		return pattern{text: translate(s)}
	}
	var p pattern
	var text strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		text.WriteString(translate(before))
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return pattern{bad: "a ${ has no closing brace"}
		}
		s = after
		if name == "*" || name == "?" || name == "$" {
			text.WriteString(name)
			continue
		}
		key, fallback, optional := strings.Cut(name, ",")
		key, fallback = strings.TrimSpace(key), strings.TrimSpace(fallback)
		if optional {
			if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
				return pattern{bad: "the default value in ${" + name + "} is not in single quotes"}
			}
			fallback = fallback[1 : len(fallback)-1]
		}
		if !strings.Contains(key, ":") {
			return pattern{bad: "${" + name + "} names no condition key"}
		}
		p.pieces = append(p.pieces, piece{text: text.String(), variable: strings.ToLower(key), fallback: fallback, optional: optional})
		text.Reset()
	}
	if p.pieces == nil {
		return pattern{text: text.String()}
	}
	p.pieces = append(p.pieces, piece{text: text.String()})
	return p
}

// in returns the pattern with its variables filled in. It reports false if one
// has no value, or more than one: then the pattern stands for nothing.
func (p *pattern) in(c Context) (string, bool) {
	if p.pieces == nil {
		return p.text, true
	}
	var b strings.Builder
	for i := range p.pieces {
		b.WriteString(p.pieces[i].text)
		if p.pieces[i].variable == "" {
			break
		}
		value := p.pieces[i].fallback
		switch values := c[p.pieces[i].variable]; {
		case len(values) == 1:
			value = values[0]
		case len(values) > 1 || !p.pieces[i].optional || !c.tells(p.pieces[i].variable):
			return "", false
		}
		if strings.IndexByte(value, anyRun) >= 0 || strings.IndexByte(value, anyByte) >= 0 {
			return "", false // not text, and it would act as a wildcard
		}
		b.WriteString(value)
	}
	return b.String(), true
}

// told reports whether the values of the pattern's variables can be told.
func (p *pattern) told(c Context) bool {
	for i := range p.pieces {
		if v := p.pieces[i].variable; v != "" && !c.tells(v) {
			return false
		}
	}
	return true
}

// mentions reports whether the pattern has a variable that begins with prefix.
func (p *pattern) mentions(prefix string) bool {
	return slices.ContainsFunc(p.pieces, func(v piece) bool { return strings.HasPrefix(v.variable, prefix) })
}

// shortWork is up to what product of their lengths text and value are compared in
// the plain way, which allocates nothing. Policies and requests are seldom longer.
const shortWork = 16 << 10

// glob reports whether value matches a compiled text. With fold, ASCII letters
// of value are taken as lower case; the text must be in lower case already.
func glob(text, value string, fold bool) bool {
	if fold || len(text)*len(value) <= shortWork { // fold is for actions, which are short
		return arn.Wildcards{Run: anyRun, One: anyByte, Fold: fold}.Match(text, value)
	}
	return globLong(text, value)
}

// globLong is glob for long texts and values. Callers choose both, of policies and
// of requests with a thousand keys, and the plain way takes the product of the
// lengths: a call could keep a processor busy for a minute.
func globLong(text, value string) bool {
	first, rest, some := strings.Cut(text, runs)
	switch {
	case len(first) > len(value) || index(first, value[:len(first)]) != 0:
		return false
	case !some:
		return len(first) == len(value)
	}
	value = value[len(first):]
	middle, last := "", rest
	if i := strings.LastIndex(rest, runs); i >= 0 {
		middle, last = rest[:i], rest[i+1:]
	}
	end := len(value) - len(last)
	if end < 0 || index(last, value[end:]) != 0 {
		return false
	}
	value = value[:end]
	for part := range strings.SplitSeq(middle, runs) { // the first place of each leaves the most to the others
		at := index(part, value)
		if at < 0 {
			return false
		}
		value = value[at+len(part):]
	}
	return true
}

// index returns the first place in value that matches part, which has no anyRun;
// -1 if there is none. With anyByte it keeps a bit for each byte of part, set if
// part matches up to there, and moves all of them on with each byte of value.
func index(part, value string) int {
	if strings.IndexByte(part, anyByte) < 0 {
		return strings.Index(value, part)
	}
	words := (len(part) + 63) / 64
	holes := make([]uint64, words)
	for i := range len(part) {
		if part[i] == anyByte {
			holes[i/64] |= 1 << (i % 64)
		}
	}
	var fits [256][]uint64 // by byte of value; holes where there is none
	for i := range len(part) {
		c := part[i]
		if c == anyByte {
			continue
		}
		if fits[c] == nil {
			fits[c] = slices.Clone(holes)
		}
		fits[c][i/64] |= 1 << (i % 64)
	}
	matched := make([]uint64, words)
	for at := range len(value) {
		mask := fits[value[at]]
		if mask == nil {
			mask = holes
		}
		carry := uint64(1) // a match can begin anywhere
		for w := range matched {
			matched[w], carry = (matched[w]<<1|carry)&mask[w], matched[w]>>63
		}
		if matched[words-1]>>((len(part)-1)%64)&1 == 1 {
			return at + 1 - len(part)
		}
	}
	return -1
}
