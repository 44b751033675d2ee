package loginsights

import (
	"fmt"
	"slices"

	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
	"cairn/internal/logquery"
)

// compiler turns commands into a plan.
type compiler struct {
	src       string
	now       int64
	functions map[string]*value.Function

	scope    *scope
	segments []*segment
	needles  []logquery.Expr
	stats    int
	group    *grouping // set while the expressions of stats are compiled

	// shown are the columns of the result. chosen is true once a command said
	// which; fixed once display did.
	shown         []column
	chosen, fixed bool
}

// column is a column of the result.
type column struct {
	name string
	of   eval
}

// segment is a part of the plan: what is done to rows one by one, and how it
// ends. Exactly one of group and top is set.
type segment struct {
	scope *scope
	ops   []op
	group *grouping
	top   *selection
}

// op does something to a row, and drops it by returning false.
type op func(r *row) bool

// plan is a compiled query.
type plan struct {
	segments []*segment
	shown    []column
}

// compile makes a plan of the query.
func (q *Query) compile(o *Options) (*compiler, error) {
	c := &compiler{src: q.source, now: o.Now.Unix(), functions: value.Functions()}
	c.begin(newScope(true))
	for _, name := range []string{"@timestamp", "@message"} {
		if err := c.show(name, &syntax.Node{Kind: syntax.Field, Name: name, Parts: []string{name}}); err != nil {
			return nil, err
		}
	}
	for _, one := range q.commands {
		if err := one.compile(c); err != nil {
			return nil, err
		}
	}
	last := c.last()
	if last.top == nil {
		last.top = &selection{}
	}
	last.top.final(o.Rows)
	return c, nil
}

// begin starts a segment in a scope.
func (c *compiler) begin(s *scope) {
	c.scope = s
	c.segments = append(c.segments, &segment{scope: s})
}

func (c *compiler) last() *segment { return c.segments[len(c.segments)-1] }

// open returns the segment that rows can be changed, dropped or sorted in: a new
// one after limit, which must see all that came before it and nothing else.
func (c *compiler) open() *segment {
	if top := c.last().top; top != nil && top.limit > 0 {
		c.begin(c.scope)
	}
	return c.last()
}

// selection returns how the open segment ends, if not by stats.
func (s *segment) selection() *selection {
	if s.top == nil {
		s.top = &selection{}
	}
	return s.top
}

// show adds a column to the result, unless it is there.
func (c *compiler) show(name string, n *syntax.Node) error {
	of, err := c.expr(n)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(c.shown, func(x column) bool { return x.name == name }) {
		c.shown = append(c.shown, column{name, of})
	}
	return nil
}

// define gives a name to what an operation computes, and shows it. A name that
// a command gave already cannot be given again: the service refuses that too.
func (c *compiler) define(name string, at *syntax.Node) (slot int, err error) {
	if c.scope.defined[name] {
		return 0, syntax.Wrong(c.src, at, "the field %s is defined already", name)
	}
	if systemFields[name] != nil && c.scope.events {
		return 0, syntax.Wrong(c.src, at, "the field %s is the service's own and cannot be defined", name)
	}
	if len(c.scope.defined) == maxDefined {
		return 0, syntax.Wrong(c.src, at, "a query can define %d fields", maxDefined)
	}
	slot = c.scope.define(name)
	if !c.fixed {
		c.shown = slices.DeleteFunc(c.shown, func(x column) bool { return x.name == name })
		c.shown = append(c.shown, column{name, slotOf(slot)})
	}
	return slot, nil
}

// afterDedup refuses what may not follow dedup: the guide allows limit only.
func (c *compiler) afterDedup(name string) error {
	if top := c.last().top; top != nil && top.dedup != nil {
		return syntax.Fault(c.src, top.at.Start, top.at.End, "unexpected symbol found "+name+" after the dedup", "only limit can follow dedup")
	}
	return nil
}

// argumentCount says how many arguments there must be.
func argumentCount(least, most int) string {
	switch {
	case least == most && least == 1:
		return "one argument"
	case least == most:
		return fmt.Sprintf("%d arguments", least)
	case most < 0:
		return fmt.Sprintf("at least %d", least)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}
