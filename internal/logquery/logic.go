package logquery

import (
	"strings"

	"cairn/internal/logquery/needle"
)

// all is true if all its parts are; some, if one is; not, if its part is not.
type (
	all  []Expr
	some []Expr
	not  struct{ of Expr }
)

// All is true if all of its parts are; without parts it always is.
func All(parts ...Expr) Expr {
	var a all
	for _, e := range parts {
		if inner, ok := e.(all); ok {
			a = append(a, inner...)
		} else {
			a = append(a, e)
		}
	}
	if len(a) == 1 {
		return a[0]
	}
	return a
}

// Any is true if one of its parts is; without parts it never is.
func Any(parts ...Expr) Expr {
	var s some
	for _, e := range parts {
		if inner, ok := e.(some); ok {
			s = append(s, inner...)
		} else {
			s = append(s, e)
		}
	}
	if len(s) == 1 {
		return s[0]
	}
	return s
}

// Not is true if its part is not. A message that is no JSON object fulfils no
// condition on a field, and so every Not of one.
func Not(e Expr) Expr {
	if n, ok := e.(not); ok {
		return n.of
	}
	return not{e}
}

type (
	andCond []cond
	orCond  []cond
	notCond struct{ of cond }
)

func (a all) bind(c *compiler) cond {
	out := make(andCond, len(a))
	for i, e := range a {
		out[i] = e.bind(c)
	}
	return out
}

func (s some) bind(c *compiler) cond {
	out := make(orCond, len(s))
	for i, e := range s {
		out[i] = e.bind(c)
	}
	return out
}

func (n not) bind(c *compiler) cond {
	c.negated = true
	return notCond{n.of.bind(c)}
}

func (a andCond) eval(f *view) bool {
	for _, c := range a {
		if !c.eval(f) {
			return false
		}
	}
	return true
}

func (o orCond) eval(f *view) bool {
	for _, c := range o {
		if c.eval(f) {
			return true
		}
	}
	return false
}

func (n notCond) eval(f *view) bool { return !n.of.eval(f) }

// needles of a conjunction are those of every part.
func (a all) needles() (out needle.Clauses) {
	for _, e := range a {
		out = append(out, e.needles()...)
	}
	return out
}

// needles of a disjunction: each part brings its best clause, and they become
// one. A part without any spoils it.
func (s some) needles() needle.Clauses {
	var joined needle.Clause
	for _, e := range s {
		best, ok := e.needles().Best()
		if !ok {
			return nil
		}
		joined = append(joined, best...)
	}
	if len(joined) == 0 {
		return nil
	}
	return needle.Clauses{joined.Tidy()}
}

// needles of a negation: nothing is known of messages without something.
func (n not) needles() needle.Clauses { return nil }

func (a all) sql(not bool) (string, bool) { return joinSQL(a, not, !not) }

func (s some) sql(not bool) (string, bool) { return joinSQL(s, not, not) }

func (n not) sql(not bool) (string, bool) { return n.of.sql(!not) }

// joinSQL joins the parts' conditions by AND or OR. Negations are pushed down
// to the leaves, where something is known about them.
func joinSQL(parts []Expr, not, and bool) (string, bool) {
	word, neutral := " OR ", "FALSE"
	if and {
		word, neutral = " AND ", "TRUE"
	}
	var terms []string
	exact := true
	for _, e := range parts {
		term, ok := e.sql(not)
		exact = exact && ok
		if term == neutral {
			continue
		}
		if term == "TRUE" { // in a disjunction
			return term, ok
		}
		if term == "FALSE" { // in a conjunction
			return term, true
		}
		terms = append(terms, term)
	}
	switch len(terms) {
	case 0:
		return neutral, exact
	case 1:
		return terms[0], exact
	}
	return "(" + strings.Join(terms, word) + ")", exact
}

// or reads conditions joined by || and &&, of which && binds tighter.
// operand reads one condition; depth counts open parentheses.
func (p *parser) or(depth int, operand func() (Expr, error)) (Expr, error) {
	return p.joined("||", Any, func() (Expr, error) {
		return p.joined("&&", All, func() (Expr, error) { return p.primary(depth, operand) })
	})
}

// joined reads parts with a separator between them.
func (p *parser) joined(separator string, join func(...Expr) Expr, part func() (Expr, error)) (Expr, error) {
	var parts []Expr
	for {
		e, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
		if !p.take(separator) {
			return join(parts...), nil
		}
	}
}

func (p *parser) primary(depth int, operand func() (Expr, error)) (Expr, error) {
	p.space()
	open := p.pos
	if !p.take("(") {
		return operand()
	}
	if depth == maxParens {
		return nil, p.expectedAt(open, "parentheses nested less deeply")
	}
	e, err := p.or(depth+1, operand)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.expected("&&, || or a closing parenthesis")
	}
	return e, nil
}

// comparison reads what follows a field: an operator and its value.
func (p *parser) comparison() (Test, error) {
	switch {
	case p.take("!="):
		return p.equal(true)
	case p.take("="):
		return p.equal(false)
	}
	for _, op := range []string{"<=", ">=", "<", ">"} { // the longer ones first
		if p.take(op) {
			return p.order(op)
		}
	}
	return p.presence()
}
