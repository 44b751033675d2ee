package logquery

import (
	"bytes"
	"sync"

	"cairn/internal/logquery/jsonwalk"
)

// Predicate is an expression ready to run. It is immutable and safe for
// concurrent use.
type Predicate struct {
	expr Expr
	// Parts of a conjunction, all of which must hold. before needs no walk over
	// the message.
	before, rest []cond
	tree         *jsonwalk.Tree // nil if no part needs a walk
	// checks are, for each path, those of the rest that are about its one value
	// alone and therefore decided when the walk meets it.
	checks [][]cond
	// needle is in every message that matches, but for those with a backslash;
	// nil if there is none, or the walk is likely to end sooner than a search.
	needle []byte
	room   sync.Pool
}

func newCompiler() *compiler { return &compiler{known: map[string]int{}} }

// Compile makes an expression run.
func Compile(e Expr) *Predicate {
	p := &Predicate{expr: e}
	parts := []Expr{e}
	if a, ok := e.(all); ok {
		parts = a
	}
	c := newCompiler()
	early := map[int][]cond{}
	for _, part := range parts {
		c.used, c.negated = nil, false
		bound := part.bind(c)
		if len(c.used) == 0 {
			p.before = append(p.before, bound)
			continue
		}
		p.rest = append(p.rest, bound)
		if i, ok := c.one(); ok {
			early[i] = append(early[i], bound)
		}
	}
	if len(p.rest) > 0 {
		p.tree = jsonwalk.NewTree(c.paths)
		p.checks = make([][]cond, len(c.paths))
		for i, list := range early {
			p.checks[i] = list
		}
	}
	if p.tree != nil && len(early) == 0 {
		p.needle = e.needles().Only()
	}
	p.room.New = func() any {
		return &view{one: make([]Value, len(c.paths)), checks: p.checks}
	}
	return p
}

// one returns the path the part just bound is about, if it is about one alone,
// which has one value, and the part is false for messages that are not JSON.
func (c *compiler) one() (int, bool) {
	for _, i := range c.used {
		if i != c.used[0] {
			return 0, false
		}
	}
	return c.used[0], !c.negated && c.paths[c.used[0]].Single()
}

// Match reports whether a message fulfils the expression.
func (p *Predicate) Match(message []byte) bool {
	f := p.room.Get().(*view)
	f.message = message
	ok := p.match(f)
	f.forget()
	p.room.Put(f)
	return ok
}

func (p *Predicate) match(f *view) bool {
	for _, c := range p.before {
		if !c.eval(f) {
			return false
		}
	}
	if p.tree == nil {
		return true
	}
	if p.needle != nil && !bytes.Contains(f.message, p.needle) && bytes.IndexByte(f.message, '\\') < 0 {
		return false
	}
	f.object = true
	if !p.tree.Walk(f.message, f) {
		if f.failed {
			return false
		}
		f.object = false
		clear(f.one)
		f.many = f.many[:0]
	}
	for _, c := range p.rest {
		if !c.eval(f) {
			return false
		}
	}
	return true
}

// Needles returns what can be looked for in bytes before records are cut out of
// them: every record for which the expression is true contains one string of
// each clause. It is nil if nothing can be said.
//
// In a clause, strings without a backslash come first. Any character may be
// written as an escape in JSON, though hardly any record writes one that need
// not be; for those that do the clause also has \/, if a slash matters, and the
// beginnings of \u00XX for the characters of the text, with one digit or both.
func (p *Predicate) Needles() [][][]byte {
	var out [][][]byte
	for _, c := range p.expr.needles() {
		out = append(out, c)
	}
	return out
}

// SQL returns a condition in DuckDB's SQL over the events table (Columns), true
// of every record for which the expression is true; exact if of no other.
func (p *Predicate) SQL() (where string, exact bool) { return p.expr.sql(false) }
