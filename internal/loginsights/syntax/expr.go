package syntax

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cairn/internal/loginsights/value"
	"cairn/internal/logquery/regex"
)

// NodeKind is what sort of expression it is.
type NodeKind uint8

// The kinds of expression.
const (
	Literal NodeKind = iota // value
	Period                  // period
	Star                    // the * of count(*)
	Field                   // name, of which parts are the parts between dots
	Call                    // name(args)
	Not                     // not args[0]
	And                     // args[0] and args[1]
	Or                      // args[0] or args[1]
	Neg                     // -args[0]
	Binary                  // args[0] name args[1], a comparison or arithmetic
	Like                    // args[0] like regex, or like args[1]
	In                      // args[0] in [args[1:]]
)

// Node is an expression: src[start:end].
type Node struct {
	Kind       NodeKind
	Name       string
	Parts      []string
	Value      value.Value
	Period     value.Period
	Regex      *regexp.Regexp
	Args       []*Node
	Start, End int
}

// Label returns the name of a column that holds the expression's value: a
// field's own name, or the text of the expression.
func (n *Node) Label(src string) string {
	if n.Kind == Field {
		return n.Name
	}
	return strings.TrimSpace(src[n.Start:n.End])
}

// Key returns a text that only expressions with the same meaning have: white
// space, and the case of functions, make no difference.
func (n *Node) Key() string {
	var b strings.Builder
	n.key(&b)
	return b.String()
}

func (n *Node) key(b *strings.Builder) {
	name := n.Name
	if n.Kind == Call {
		name = strings.ToLower(name)
	}
	fmt.Fprintf(b, "%d %q %d %q %v", n.Kind, name, n.Value.Kind, n.Value.Text(), n.Period)
	if n.Regex != nil {
		fmt.Fprintf(b, " %q", n.Regex)
	}
	for _, a := range n.Args {
		b.WriteByte('(')
		a.key(b)
		b.WriteByte(')')
	}
}

// Expr reads an expression. Operators bind, from the weakest: or, and, not,
// comparisons, + and -, * / and %, a minus sign, ^.
func (p *Parser) Expr() (*Node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.Expected("expressions nested less deeply")
	}
	defer func() { p.depth-- }()
	return p.chain(Or, "or", func() (*Node, error) { return p.chain(And, "and", p.not) })
}

func (p *Parser) chain(kind NodeKind, word string, operand func() (*Node, error)) (*Node, error) {
	left, err := operand()
	for err == nil && p.Take(word) {
		var right *Node
		if right, err = operand(); err == nil {
			left = p.join(kind, word, left, right)
		}
	}
	return left, err
}

func (p *Parser) join(kind NodeKind, name string, left, right *Node) *Node {
	return &Node{Kind: kind, Name: name, Args: []*Node{left, right}, Start: left.Start, End: p.Last}
}

func (p *Parser) not() (*Node, error) {
	start := p.Tok.Start
	if !p.Take("not") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxNesting {
		return nil, p.Expected("expressions nested less deeply")
	}
	defer func() { p.depth-- }()
	e, err := p.not()
	if err != nil {
		return nil, err
	}
	return &Node{Kind: Not, Args: []*Node{e}, Start: start, End: p.Last}, nil
}

func (p *Parser) comparison() (*Node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	for _, op := range [...]string{"=", "!=", "<=", ">=", "<", ">"} {
		if p.Take(op) {
			right, err := p.sum()
			if err != nil {
				return nil, err
			}
			return p.join(Binary, op, left, right), nil
		}
	}
	negate := false
	if p.Tok.Is("not") {
		after := lex(p.Src, p.Tok.End)
		if !after.Is("like") && !after.Is("in") {
			return left, nil
		}
		negate = true
		p.Next()
	}
	var e *Node
	switch {
	case p.Tok.Is("like") || p.Tok.Is("=~"):
		e, err = p.like(left)
	case p.Tok.Is("in"):
		e, err = p.in(left)
	default:
		return left, nil
	}
	if err == nil && negate {
		e = &Node{Kind: Not, Args: []*Node{e}, Start: left.Start, End: p.Last}
	}
	return e, err
}

// like reads what follows a field: like or =~, then a regular expression
// between slashes, or a text to be contained. Case counts.
func (p *Parser) like(left *Node) (*Node, error) {
	word := p.Tok.Text
	p.Next()
	if p.Tok.Is("/") {
		re, err := p.regex()
		if err != nil {
			return nil, err
		}
		return &Node{Kind: Like, Regex: re, Args: []*Node{left}, Start: left.Start, End: p.Last}, nil
	}
	if p.Tok.Kind == End || p.Tok.Kind == Bad || p.Tok.Kind == Symbol {
		return nil, p.Expected("a text in quotes or a /regular expression/ after " + word)
	}
	right, err := p.sum()
	if err != nil {
		return nil, err
	}
	return p.join(Like, word, left, right), nil
}

// regex reads /.../. The syntax is RE2's: it knows no look-around and no
// back-references, and runs in time linear in the text.
func (p *Parser) regex() (*regexp.Regexp, error) {
	expr, end, ok := LexRegex(p.Src, p.Tok.Start)
	if !ok {
		return nil, p.Expected("a slash that closes the regular expression")
	}
	re, err := regex.Compile(expr)
	if err != nil {
		p.Tok.End = end
		return nil, p.Expected("a regular expression without look-around or back-references (" + err.Error() + ")")
	}
	p.Tok = Token{Kind: Symbol, Start: p.Tok.Start, End: end}
	p.Next()
	return re, nil
}

// in reads what follows a field: in ["a", "b"].
func (p *Parser) in(left *Node) (*Node, error) {
	p.Next()
	if !p.Take("[") {
		return nil, p.Expected(`a list such as ["a", "b"] after in`)
	}
	n := &Node{Kind: In, Args: []*Node{left}, Start: left.Start}
	for {
		e, err := p.Expr()
		if err != nil {
			return nil, err
		}
		if n.Args = append(n.Args, e); !p.Take(",") {
			break
		}
	}
	if !p.Take("]") {
		return nil, p.Expected(", or ] in a list")
	}
	n.End = p.Last
	return n, nil
}

func (p *Parser) sum() (*Node, error) {
	return p.arithmetic([]string{"+", "-"}, func() (*Node, error) {
		return p.arithmetic([]string{"*", "/", "%"}, p.unary)
	})
}

func (p *Parser) arithmetic(ops []string, operand func() (*Node, error)) (*Node, error) {
	left, err := operand()
	for i := 0; err == nil && i < len(ops); i++ {
		if p.Take(ops[i]) {
			var right *Node
			if right, err = operand(); err == nil {
				left = p.join(Binary, ops[i], left, right)
			}
			i = -1 // any of the operators may follow
		}
	}
	return left, err
}

func (p *Parser) unary() (*Node, error) {
	start := p.Tok.Start
	if !p.Take("-") {
		return p.power()
	}
	if p.depth++; p.depth > maxNesting {
		return nil, p.Expected("expressions nested less deeply")
	}
	defer func() { p.depth-- }()
	e, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &Node{Kind: Neg, Args: []*Node{e}, Start: start, End: p.Last}, nil
}

func (p *Parser) power() (*Node, error) {
	left, err := p.Primary()
	if err != nil || !p.Tok.Is("^") {
		return left, err
	}
	p.Next()
	if p.depth++; p.depth > maxNesting {
		return nil, p.Expected("expressions nested less deeply")
	}
	defer func() { p.depth-- }()
	right, err := p.unary()
	if err != nil {
		return nil, err
	}
	return p.join(Binary, "^", left, right), nil
}

// Primary reads a field, a function, a literal, or an expression in parentheses.
func (p *Parser) Primary() (*Node, error) {
	t := p.Tok
	n := &Node{Start: t.Start, End: t.End}
	switch t.Kind {
	case NumberWord:
		f, err := strconv.ParseFloat(t.Text, 64)
		if err != nil {
			return nil, p.Expected("a number that is not so large")
		}
		n.Kind, n.Value = Literal, value.OfNumber(f)
	case Quoted:
		n.Kind, n.Value = Literal, value.OfText(t.Text)
	case PeriodWord:
		d, ok := value.ParsePeriod(t.Text)
		if !ok {
			return nil, p.Expected("a period such as 30s, 5m, 1h, 1d, 1w, 1mo, 1q or 1y")
		}
		n.Kind, n.Period = Period, d
	case Word:
		return p.named(n)
	default:
		if !p.Take("(") {
			return nil, p.Expected("a field, a function, a number or a text in quotes")
		}
		e, err := p.Expr()
		if err != nil {
			return nil, err
		}
		if !p.Take(")") {
			return nil, p.Expected("an operator or a closing parenthesis")
		}
		e.Start, e.End = t.Start, p.Last
		return e, nil
	}
	p.Next()
	return n, nil
}

// keywords cannot be fields without backticks.
var keywords = []string{"and", "or", "not", "like", "in", "as", "by"}

// named reads a field or a function with its arguments.
func (p *Parser) named(n *Node) (*Node, error) {
	t := p.Tok
	if slices.ContainsFunc(keywords, t.Is) {
		return nil, p.Expected("a field, a function, a number or a text in quotes")
	}
	if t.Is("true") || t.Is("false") {
		n.Kind, n.Value = Literal, value.OfBool(t.Is("true"))
		p.Next()
		return n, nil
	}
	n.Kind, n.Name, n.Parts = Field, t.Text, t.Parts
	p.Next()
	if t.Quoted || !p.Take("(") {
		return n, nil
	}
	n.Kind = Call
	for !p.Tok.Is(")") {
		if star := p.Tok; p.Take("*") {
			n.Args = append(n.Args, &Node{Kind: Star, Start: star.Start, End: star.End})
		} else {
			e, err := p.Expr()
			if err != nil {
				return nil, err
			}
			n.Args = append(n.Args, e)
		}
		if !p.Take(",") {
			break
		}
	}
	if !p.Take(")") {
		return nil, p.Expected("a comma or a closing parenthesis")
	}
	n.End = p.Last
	return n, nil
}
