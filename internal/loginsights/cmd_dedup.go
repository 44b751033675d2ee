package loginsights

import (
	"cairn/internal/loginsights/syntax"
)

// dedupCommand is dedup FIELD, ...: of rows with the same values it keeps the
// first in the order of sort, or the latest. Rows without a value in one of the
// fields are all kept, as the guide says.
type dedupCommand struct {
	items []syntax.Item
	at    *syntax.Node
}

func readDedup(p *syntax.Parser) (command, error) {
	d := &dedupCommand{at: &syntax.Node{Start: p.Tok.Start}}
	for {
		e, err := p.Expr()
		if err != nil {
			return nil, err
		}
		d.items = append(d.items, syntax.Item{Expr: e})
		if !p.Take(",") {
			d.at.End = p.Last
			return d, nil
		}
	}
}

func (d *dedupCommand) compile(c *compiler) error {
	if err := c.afterDedup("dedup"); err != nil {
		return err
	}
	top := c.open().selection()
	for _, it := range d.items {
		of, err := c.expr(it.Expr)
		if err != nil {
			return err
		}
		top.dedup = append(top.dedup, of)
	}
	top.at = d.at
	return nil
}
