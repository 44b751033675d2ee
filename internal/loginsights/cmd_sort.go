package loginsights

import (
	"cairn/internal/loginsights/syntax"
)

// sortCommand is sort EXPRESSION [asc|desc], ...; ascending if it does not say.
type sortCommand struct {
	items []syntax.Item
	desc  []bool
}

func readSort(p *syntax.Parser) (command, error) {
	s := &sortCommand{}
	for {
		e, err := p.Expr()
		if err != nil {
			return nil, err
		}
		it := syntax.Item{Expr: e, Name: e.Label(p.Src)}
		if p.Take("as") {
			if it.Name, it.Alias, err = p.Name("a name after as"); err != nil {
				return nil, err
			}
		}
		desc := p.Take("desc")
		if !desc {
			p.Take("asc")
		}
		s.items, s.desc = append(s.items, it), append(s.desc, desc)
		if !p.Take(",") {
			return s, nil
		}
	}
}

// compile replaces an earlier order: rows that come in that order and are equal
// in this one have no promised order on the service either.
func (s *sortCommand) compile(c *compiler) error {
	if err := c.afterDedup("sort"); err != nil {
		return err
	}
	top := c.open().selection()
	first := s.items[0].Expr
	top.keys, top.byTime = nil, first.Kind == syntax.Field && first.Name == "@timestamp" && c.scope.events
	for i, it := range s.items {
		if it.Alias != nil {
			if err := c.item(it); err != nil {
				return err
			}
			it.Expr = it.Alias
		}
		of, err := c.expr(it.Expr)
		if err != nil {
			return err
		}
		top.keys = append(top.keys, sortBy{of, s.desc[i]})
	}
	return nil
}
