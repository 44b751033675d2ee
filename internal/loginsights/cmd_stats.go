package loginsights

import (
	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
)

// statsCommand is stats EXPRESSION [as NAME], ... [by EXPRESSION [as NAME], ...].
// Expressions hold aggregate functions, and may use the names of those before
// them: stats max(x) as a, min(x) as b, a - b as spread by user.
type statsCommand struct {
	items, by []syntax.Item
	at        *syntax.Node
}

func readStats(p *syntax.Parser) (command, error) {
	s := &statsCommand{at: &syntax.Node{Start: p.Tok.Start, End: p.Tok.End}}
	var err error
	if s.items, err = p.Items(); err != nil {
		return nil, err
	}
	if p.Take("by") {
		s.by, err = p.Items()
	}
	return s, err
}

// grouping is how a segment ends in stats: rows of the scope in become groups,
// each a row of the scope out.
type grouping struct {
	in, out *scope
	by      []eval // the values of out's first slots
	aggs    []aggregation
	posts   []op // compute the columns of a group from by and aggs
}

// aggregation is one call of an aggregate function.
type aggregation struct {
	of   eval // nil for count(*)
	make func() value.Aggregate
	slot int // in the scope out
}

func (s *statsCommand) compile(c *compiler) error {
	if err := c.afterDedup("stats"); err != nil {
		return err
	}
	if c.stats++; c.stats > maxStats {
		return syntax.Wrong(c.src, s.at, "there can be two stats commands in a query")
	}
	seg := c.open()
	seg.top = nil // groups do not depend on an order
	g := &grouping{in: c.scope, out: newScope(false)}
	c.shown, c.chosen, c.fixed = nil, true, false
	for _, it := range s.by {
		of, err := c.expr(it.Expr)
		if err != nil {
			return err
		}
		g.by = append(g.by, of)
		if err := g.column(c, it); err != nil {
			return err
		}
	}
	c.group, c.scope = g, g.out
	for _, it := range s.items {
		of, err := c.expr(it.Expr)
		if err != nil {
			return err
		}
		if err := g.column(c, it); err != nil {
			return err
		}
		slot := g.out.names[it.Name]
		g.posts = append(g.posts, func(r *row) bool {
			r.slots[slot] = of(r)
			return true
		})
	}
	c.group = nil
	seg.group = g
	c.begin(g.out)
	return nil
}

// column makes a column of the result.
func (g *grouping) column(c *compiler, it syntax.Item) error {
	at := it.Alias
	if at == nil {
		at = it.Expr
	}
	if g.out.defined[it.Name] {
		return syntax.Wrong(c.src, at, "the column %s is there already", it.Name)
	}
	slot := g.out.define(it.Name)
	if it.Expr.Kind != syntax.Field {
		g.out.columns[it.Expr.Key()] = slot
	}
	c.shown = append(c.shown, column{it.Name, slotOf(slot)})
	return nil
}

// field compiles a name beside aggregate functions: a column.
func (g *grouping) field(c *compiler, n *syntax.Node) (eval, error) {
	if slot, ok := g.out.names[n.Name]; ok {
		return slotOf(slot), nil
	}
	return nil, syntax.Wrong(c.src, n, "the field %s must stand in an aggregate function such as count(%s), or after by", n.Name, n.Name)
}

// aggregate compiles a call of an aggregate function.
func (c *compiler) aggregate(n *syntax.Node, name string) (eval, error) {
	g := c.group
	if g == nil {
		return nil, syntax.Wrong(c.src, n, "the aggregate function %s() can stand in stats only, and not in another", n.Name)
	}
	def := value.Aggregates[name]
	if name == "count" && (len(n.Args) == 0 || n.Args[0].Kind == syntax.Star) && len(n.Args) <= 1 {
		slot := g.out.size
		g.out.size++
		g.aggs = append(g.aggs, aggregation{make: def.Make(nil), slot: slot})
		return slotOf(slot), nil
	}
	if want := 1 + def.Constants; len(n.Args) != want {
		return nil, syntax.Wrong(c.src, n, "%s() takes %s, not %d", n.Name, argumentCount(want, want), len(n.Args))
	}
	if def.Timed && !g.in.events {
		return nil, syntax.Wrong(c.src, n, "%s() needs the events' timestamps, which are gone after stats", n.Name)
	}
	var constants []float64
	for _, a := range n.Args[1:] {
		f, ok := a.Value.Number()
		if a.Kind != syntax.Literal || !ok || f < 0 || f > 100 {
			return nil, syntax.Wrong(c.src, a, "%s() takes a field and a number from 0 to 100", n.Name)
		}
		constants = append(constants, f)
	}
	c.group, c.scope = nil, g.in
	of, err := c.expr(n.Args[0])
	c.group, c.scope = g, g.out
	if err != nil {
		return nil, err
	}
	slot := g.out.size
	g.out.size++
	g.aggs = append(g.aggs, aggregation{of: of, make: def.Make(constants), slot: slot})
	return slotOf(slot), nil
}
