package loginsights

import (
	"cairn/internal/loginsights/syntax"
)

// filterCommand is filter CONDITION: it keeps the rows for which it is true.
type filterCommand struct{ cond *syntax.Node }

func readFilter(p *syntax.Parser) (command, error) {
	cond, err := p.Expr()
	return &filterCommand{cond}, err
}

func (f *filterCommand) compile(c *compiler) error {
	if err := c.afterDedup("filter"); err != nil {
		return err
	}
	s := c.open()
	if len(c.segments) == 1 {
		if e := c.needle(f.cond); e != nil {
			c.needles = append(c.needles, e)
		}
	}
	cond, err := c.expr(f.cond)
	if err != nil {
		return err
	}
	s.ops = append(s.ops, func(r *row) bool {
		v := cond(r)
		return v.Truth()
	})
	return nil
}
