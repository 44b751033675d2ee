package logquery

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// terms is an unstructured pattern. A term matches anywhere in the message,
// inside a longer word too, and case counts.
type terms struct {
	all  []term // plain terms: every one must be there
	any  []term // ?terms: one must be there; ignored beside terms of another kind
	none []term // -terms: none may be there
}

// term is a word, a phrase or a regular expression.
type term struct {
	text  []byte
	regex *regexp.Regexp
}

func (t *term) in(message []byte) bool {
	if t.regex != nil {
		return t.regex.Match(message)
	}
	return bytes.Contains(message, t.text)
}

func (t *terms) match(message []byte) bool {
	in := func(x term) bool { return x.in(message) }
	if slices.ContainsFunc(t.none, in) {
		return false
	}
	for i := range t.all {
		if !t.all[i].in(message) {
			return false
		}
	}
	if len(t.all)+len(t.none) > 0 || len(t.any) == 0 {
		return true
	}
	return slices.ContainsFunc(t.any, in)
}

func (t *terms) extract([]byte) map[string]string { return nil }

// terms reads an unstructured pattern: terms separated by white space.
func (p *parser) terms() (matcher, error) {
	t := &terms{}
	for p.space(); p.pos < len(p.src); p.space() {
		into := &t.all
		switch p.peek() {
		case '?':
			into = &t.any
			p.pos++
		case '-':
			into = &t.none
			p.pos++
		}
		one, err := p.term()
		if err != nil {
			return nil, err
		}
		// A phrase of white space only (" " is how the console spells "all")
		// asks for nothing.
		if one.regex == nil && strings.TrimSpace(string(one.text)) == "" && into != &t.none {
			continue
		}
		*into = append(*into, one)
	}
	return t, nil
}

func (p *parser) term() (term, error) {
	switch p.peek() {
	case '"':
		s, err := p.quoted()
		return term{text: []byte(s)}, err
	case '%':
		re, err := p.regex()
		return term{regex: re}, err
	}
	start := p.pos
	for p.pos < len(p.src) && isAlnum(p.src[p.pos]) {
		p.pos++
	}
	if p.pos == start || p.pos < len(p.src) && !isSpace(p.src[p.pos]) {
		return term{}, p.expected("a term of letters, digits and underscores (put a term with other characters in double quotes)")
	}
	return term{text: []byte(p.src[start:p.pos])}, nil
}

// quoted reads a text in double quotes, in which \" and \\ stand for a quote
// and a backslash; any other backslash stands for itself.
func (p *parser) quoted() (string, error) {
	start := p.pos
	p.pos++
	var b strings.Builder
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\' && (p.peek() == '"' || p.peek() == '\\'):
			b.WriteByte(p.src[p.pos])
			p.pos++
		default:
			b.WriteByte(c)
		}
	}
	return "", p.expectedAt(len(p.src), "a closing double quote for "+found(p.src[start:]))
}
