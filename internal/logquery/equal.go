package logquery

import (
	"bytes"
	"strconv"
	"strings"

	"cairn/internal/logquery/needle"
)

// equal is FIELD = VALUE or FIELD != VALUE.
//
// A field the message does not have satisfies neither: AWS's guide does not say
// so, but its own pattern tester was seen to answer "no match" for != on an
// absent field (DataBiosphere/azul#5884). A pattern that wants absent fields
// too has to say ($.x NOT EXISTS) || ($.x != "v").
//
// A field with several values (by a wildcard) satisfies it if one of them does.
type equal struct {
	negate bool
	text   glob
	// number is the number that an unquoted value without * denotes: it also
	// equals a JSON number that is written differently.
	number   float64
	isNumber bool
}

// Equal is passed by values with this text: strings, numbers as they are
// written, true and false. Case counts.
func Equal(text string) Test { return &equal{text: glob{parts: [][]byte{[]byte(text)}}} }

// Glob is passed by values whose text matches a pattern in which * stands for
// any run of characters. There is no way to write a star that is meant
// literally. Case counts.
func Glob(pattern string) Test { return &equal{text: newGlob(pattern)} }

// Prefix is passed by values whose text begins with this one.
func Prefix(text string) Test {
	return &equal{text: glob{parts: [][]byte{[]byte(text), {}}}}
}

func (e *equal) holds(v *Value) bool {
	text, ok := v.Text()
	return ok && e.equals(v, text) != e.negate
}

func (e *equal) equals(v *Value, text []byte) bool {
	if e.isNumber {
		if n, ok := v.Number(); ok {
			return n == e.number
		}
	}
	return e.text.match(text)
}

func (e *equal) literals() needle.Literals {
	if e.negate || e.isNumber { // a number can be written in many ways
		return nil
	}
	var all needle.Literals
	last := len(e.text.parts) - 1
	for i, part := range e.text.parts {
		all = append(all, []needle.Literal{{Text: string(part), Start: i == 0, End: i == last}})
	}
	return all
}

func (e *equal) sql(x operand) (string, bool) {
	where, exact := e.text.sql(x, e.negate)
	if e.isNumber && !e.negate {
		return "(" + where + " OR " + x.number("=", e.number) + ")", false
	}
	return where, exact && !e.isNumber
}

// equal reads the value of = or !=: %regex%, "quoted" or bare.
func (p *parser) equal(negate bool) (Test, error) {
	p.space()
	switch p.peek() {
	case '%':
		re, err := p.regex()
		if err != nil {
			return nil, err
		}
		return &like{regex: re, negate: negate}, nil
	case '"':
		s, err := p.quoted()
		return &equal{text: newGlob(s), negate: negate}, err
	}
	s := p.bare()
	if s == "" {
		return nil, p.expected(`a value: "text", a number, %regex%, or a bare word of letters, digits, _ . - + and *`)
	}
	e := &equal{text: newGlob(s), negate: negate}
	e.number, e.isNumber = parseNumber(s)
	return e, nil
}

// bare reads an unquoted value. Words separated by white space are one value:
// CIS texts circulate in which the quotes of "Failed authentication" are lost
// (spec 6.5).
func (p *parser) bare() string {
	start, end := p.pos, p.pos
	for isBare(p.peek()) {
		for isBare(p.peek()) {
			p.pos++
		}
		end = p.pos
		p.space()
	}
	return p.src[start:end]
}

func isBare(c byte) bool { return isAlnum(c) || c == '.' || c == '*' || c == '-' || c == '+' }

// parseNumber reads a number as patterns write it: 12, +1.5, -2, 1e-3.
func parseNumber(s string) (float64, bool) {
	for i := range len(s) {
		if !isDigit(s[i]) && strings.IndexByte("+-.eE", s[i]) < 0 {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// glob is a text in which * stands for any run of characters.
type glob struct {
	// parts are the literal pieces between the stars; one part means no star.
	parts [][]byte
}

func newGlob(s string) glob {
	var g glob
	for part := range strings.SplitSeq(s, "*") {
		g.parts = append(g.parts, []byte(part))
	}
	return g
}

// match takes time linear in text for each part: the leftmost place for a part
// is always as good as a later one.
func (g *glob) match(text []byte) bool {
	first, last := g.parts[0], g.parts[len(g.parts)-1]
	if len(g.parts) == 1 {
		return bytes.Equal(first, text)
	}
	if !bytes.HasPrefix(text, first) || len(text) < len(first)+len(last) || !bytes.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range g.parts[1 : len(g.parts)-1] {
		i := bytes.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
