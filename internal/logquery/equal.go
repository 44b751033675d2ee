package logquery

import (
	"regexp"
	"strconv"
	"strings"
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
	field  int
	negate bool
	// Either regex is set, or text.
	regex *regexp.Regexp
	text  glob
	// number is the number that an unquoted value without * denotes: it also
	// equals a JSON number that is written differently.
	number   float64
	isNumber bool
}

func (e *equal) eval(f fields) bool {
	for i := range f {
		if f[i].field != e.field {
			continue
		}
		text, ok := f[i].text()
		if ok && e.equals(&f[i], text) != e.negate {
			return true
		}
	}
	return false
}

func (e *equal) equals(v *value, text []byte) bool {
	if e.regex != nil {
		return e.regex.Match(text)
	}
	if e.isNumber {
		if n, ok := v.number(); ok {
			return n == e.number
		}
	}
	return e.text.match(text)
}

// equal reads the value of = or !=: %regex%, "quoted" or bare.
func (p *parser) equal(field int, negate bool) (expr, error) {
	e := &equal{field: field, negate: negate}
	p.space()
	var err error
	switch p.peek() {
	case '%':
		e.regex, err = p.regex()
		return e, err
	case '"':
		s, err := p.quoted()
		e.text = newGlob(s)
		return e, err
	}
	s := p.bare()
	if s == "" {
		return nil, p.expected(`a value: "text", a number, %regex%, or a bare word of letters, digits, _ . - + and *`)
	}
	e.text = newGlob(s)
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
