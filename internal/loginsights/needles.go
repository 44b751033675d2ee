package loginsights

import (
	"bytes"
	"strings"

	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
	"cairn/internal/logquery"
)

// Prefilter is what a query implies about the bytes of messages. It is cheap, it
// is never wrong about an event that the query's first filters keep, and what it
// refuses need not be read. It is immutable and safe for concurrent use.
type Prefilter struct{ clauses [][][]byte }

func newPrefilter(needles []logquery.Expr) *Prefilter {
	if len(needles) == 0 {
		return nil
	}
	p := &Prefilter{logquery.Compile(logquery.All(needles...)).Needles()}
	if len(p.clauses) == 0 {
		return nil
	}
	return p
}

// Needles returns the byte strings: of each clause a message has at least one.
func (p *Prefilter) Needles() [][][]byte { return p.clauses }

// Match reports whether a message has them.
func (p *Prefilter) Match(message []byte) bool {
	for _, clause := range p.clauses {
		if !hasOne(message, clause) {
			return false
		}
	}
	return true
}

func hasOne(message []byte, clause [][]byte) bool {
	for _, needle := range clause {
		if bytes.Contains(message, needle) {
			return true
		}
	}
	return false
}

// needle returns a condition that an event for which n is true fulfils; nil if
// there is none to say. Only its needles are used, not its own truth: a path in
// it stands for any that ends like it.
func (c *compiler) needle(n *syntax.Node) logquery.Expr {
	switch n.Kind {
	case syntax.And:
		left, right := c.needle(n.Args[0]), c.needle(n.Args[1])
		if left == nil {
			return right
		}
		if right == nil {
			return left
		}
		return logquery.All(left, right)
	case syntax.Or:
		left, right := c.needle(n.Args[0]), c.needle(n.Args[1])
		if left == nil || right == nil {
			return nil
		}
		return logquery.Any(left, right)
	case syntax.Binary:
		return c.comparisonNeedle(n)
	case syntax.In:
		if e := c.equalNeedle(n.Args[0], n.Args[1:]); e != nil {
			return e
		}
		return c.presence(n.Args[0])
	case syntax.Like:
		return c.likeNeedle(n)
	case syntax.Call:
		if strings.EqualFold(n.Name, "isPresent") && len(n.Args) == 1 {
			return c.presence(n.Args[0])
		}
	case syntax.Literal, syntax.Period, syntax.Star, syntax.Field, syntax.Not, syntax.Neg:
	}
	return nil
}

// comparisonNeedle is FIELD = TEXT, or another comparison, for which the field
// must be there at least. Arithmetic is no condition: its value may be missing.
func (c *compiler) comparisonNeedle(n *syntax.Node) logquery.Expr {
	left, right := n.Args[0], n.Args[1]
	switch n.Name {
	case "=":
		if left.Kind == syntax.Literal {
			left, right = right, left
		}
		if e := c.equalNeedle(left, []*syntax.Node{right}); e != nil {
			return e
		}
	case "!=", "<", "<=", ">", ">=":
	default:
		return nil
	}
	if e := c.presence(left); e != nil {
		return e
	}
	return c.presence(right)
}

// presence says that a message has the name of a field; nil if it need not.
func (c *compiler) presence(field *syntax.Node) logquery.Expr {
	if inMessage, plain := c.where(field); !inMessage || plain {
		return nil
	}
	return logquery.Field(member(field), logquery.Exists())
}

// member returns the last part of a field's name, which must stand in a message
// that has the field, or a name that nearly all have.
func member(field *syntax.Node) string {
	const anywhere = "eventName"
	last := field.Parts[len(field.Parts)-1]
	plain := strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "@") && len(field.Parts) == 1+strings.Count(field.Name, ".")
	for _, c := range []byte(last) {
		plain = plain && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_')
	}
	if !plain {
		return anywhere
	}
	return last
}

// equalNeedle is FIELD = TEXT, or one of several texts.
func (c *compiler) equalNeedle(field *syntax.Node, values []*syntax.Node) logquery.Expr {
	inMessage, plain := c.where(field)
	if !inMessage {
		return nil
	}
	var some []logquery.Expr
	for _, v := range values {
		s := v.Value.Str
		switch {
		case v.Kind != syntax.Literal || v.Value.Kind != value.Text || s == "":
			return nil
		case plain:
			some = append(some, logquery.Text(s))
		case !asWritten(s):
			return nil
		default:
			some = append(some, logquery.Field(member(field), logquery.Equal(s)))
		}
	}
	return logquery.Any(some...)
}

// likeNeedle is FIELD like TEXT, or like a regular expression.
func (c *compiler) likeNeedle(n *syntax.Node) logquery.Expr {
	inMessage, plain := c.where(n.Args[0])
	if !inMessage {
		return nil
	}
	s := ""
	switch {
	case n.Regex != nil && plain:
		e, err := logquery.Regexp(n.Regex.String())
		if err != nil {
			return nil // one that this package reads and the other does not
		}
		return e
	case n.Regex != nil:
		s, _ = n.Regex.LiteralPrefix()
	case n.Args[1].Kind == syntax.Literal && n.Args[1].Value.Kind == value.Text:
		s = n.Args[1].Value.Str
	}
	switch {
	case plain && s == "":
		return nil
	case plain:
		return logquery.Text(s)
	case s == "" || !asWritten(s) || strings.Contains(s, "*"):
		return c.presence(n.Args[0])
	}
	return logquery.Field(member(n.Args[0]), logquery.Glob("*"+s+"*"))
}

// asWritten reports whether a value with this text has it in JSON too, in quotes
// if it is the whole: not so a number or a boolean, which can be written
// otherwise, or an object or array, which is its JSON with quotes and all.
func asWritten(s string) bool {
	_, isNumber := value.ParseNumber(s)
	return !isNumber && !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") &&
		strings.Trim(s, "01") != "" && s[0] != '{' && s[0] != '[' && !strings.ContainsAny(s, `"\\`)
}

// where reports whether a field's value is a part of the message, and whether
// it is the message as it is.
func (c *compiler) where(n *syntax.Node) (inMessage, plain bool) {
	if n.Kind != syntax.Field || c.scope.defined[n.Name] {
		return false, false
	}
	for i, b := range []byte(n.Name) {
		if b == '.' && c.scope.defined[n.Name[:i]] {
			return false, false
		}
	}
	if n.Name == "@message" {
		return true, true
	}
	return systemFields[n.Name] == nil, false
}
