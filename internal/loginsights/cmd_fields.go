package loginsights

import (
	"cairn/internal/loginsights/syntax"
)

// fieldsCommand is fields EXPRESSION [as NAME], ...: it adds columns to the
// result. Without it, and without display and stats, the result has @timestamp
// and @message, and what parse found.
type fieldsCommand struct{ items []syntax.Item }

func readFields(p *syntax.Parser) (command, error) {
	items, err := p.Items()
	return &fieldsCommand{items}, err
}

func (f *fieldsCommand) compile(c *compiler) error {
	if err := c.afterDedup("fields"); err != nil {
		return err
	}
	if !c.chosen && !c.fixed {
		c.chosen = true
		c.shown = c.shown[min(2, len(c.shown)):] // @timestamp and @message
	}
	for _, it := range f.items {
		if err := c.item(it); err != nil {
			return err
		}
	}
	return nil
}

// item adds one expression: a plain field is a column as it is, all else is
// computed into a new field, once.
func (c *compiler) item(it syntax.Item) error {
	plain := it.Expr.Kind == syntax.Field && it.Alias == nil
	_, column := c.scope.column(it.Expr)
	if plain || it.Alias == nil && (c.scope.defined[it.Name] || column) {
		if c.fixed {
			_, err := c.expr(it.Expr)
			return err
		}
		return c.show(it.Name, it.Expr)
	}
	of, err := c.expr(it.Expr)
	if err != nil {
		return err
	}
	at := it.Alias
	if at == nil {
		at = it.Expr
	}
	slot, err := c.define(it.Name, at)
	if err != nil {
		return err
	}
	s := c.last() // computed for every row: whether before or after limit is the same
	s.ops = append(s.ops, func(r *row) bool {
		r.slots[slot] = of(r)
		return true
	})
	return nil
}
