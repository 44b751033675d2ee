package logquery

import (
	"bytes"
	"strings"

	"cairn/internal/logquery/needle"
)

// text is a message that contains these bytes.
type text []byte

// Text is true of messages that contain these bytes, inside a longer word too.
// Case counts. The bytes are those of the message: where it writes a character
// as an escape, such as \u0026, only the escape is found.
func Text(s string) Expr { return text(s) }

func (t text) bind(*compiler) cond { return t }

func (t text) eval(f *view) bool { return bytes.Contains(f.message, t) }

func (t text) needles() needle.Clauses {
	if len(t) < needle.Shortest {
		return nil
	}
	return needle.Clauses{{t}}
}

// sql: the table does not have a record in one piece.
func (t text) sql(bool) (string, bool) { return "TRUE", false }

// terms reads an unstructured pattern: terms separated by white space. A term
// matches anywhere in the message. Plain terms must all be there, no -term may
// be; of ?terms one must be there, but beside terms of another kind they are
// ignored.
func (p *parser) terms() (Expr, error) {
	var must, may, never []Expr
	for p.space(); p.pos < len(p.src); p.space() {
		into := &must
		switch p.peek() {
		case '?':
			into = &may
			p.pos++
		case '-':
			into = &never
			p.pos++
		}
		one, err := p.term()
		if err != nil {
			return nil, err
		}
		// A phrase of white space only (" " is how the console spells "all")
		// asks for nothing.
		if t, ok := one.(text); ok && strings.TrimSpace(string(t)) == "" && into != &never {
			continue
		}
		*into = append(*into, one)
	}
	if len(must)+len(never) == 0 && len(may) > 0 {
		return Any(may...), nil
	}
	for _, e := range never {
		must = append(must, Not(e))
	}
	return All(must...), nil
}

func (p *parser) term() (Expr, error) {
	switch p.peek() {
	case '"':
		s, err := p.quoted()
		return text(s), err
	case '%':
		re, err := p.regex()
		return matching{re}, err
	}
	start := p.pos
	for p.pos < len(p.src) && isAlnum(p.src[p.pos]) {
		p.pos++
	}
	if p.pos == start || p.pos < len(p.src) && !isSpace(p.src[p.pos]) {
		return nil, p.expected("a term of letters, digits and underscores (put a term with other characters in double quotes)")
	}
	return text(p.src[start:p.pos]), nil
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
