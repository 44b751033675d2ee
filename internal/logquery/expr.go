package logquery

import (
	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/needle"
)

// Expr is an immutable condition on a message: one tree for filter patterns and
// for the flags of searches, with one meaning. Compile makes it run over a
// message's bytes, tells what bytes every matching message has, and says it in
// SQL. Each kind of condition does all three in its own file.
type Expr interface {
	// bind returns the condition with its paths numbered by c.
	bind(c *compiler) cond
	// needles returns what bytes a message has for which the condition is true.
	needles() needle.Clauses
	// sql returns a condition over the events table that is true of every
	// record for which this one is true, or, if not is set, false; exact if of no
	// other. NULL counts as false.
	sql(not bool) (where string, exact bool)
}

// cond is a condition that is ready to be evaluated.
type cond interface {
	eval(f *view) bool
}

// compiler numbers the paths of an expression.
type compiler struct {
	paths []jsonwalk.Path
	known map[string]int
	// used are the paths of the part that is being bound; negated is whether
	// something in it is.
	used    []int
	negated bool
}

func (c *compiler) path(p jsonwalk.Path) int {
	key := p.String()
	i, ok := c.known[key]
	if !ok {
		i = len(c.paths)
		c.paths = append(c.paths, p)
		c.known[key] = i
	}
	c.used = append(c.used, i)
	return i
}
