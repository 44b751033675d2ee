package loginsights

import (
	"cairn/internal/loginsights/syntax"
)

// displayCommand is display EXPRESSION [as NAME], ...: the columns of the result
// are these alone. Of several, the last counts.
type displayCommand struct{ items []syntax.Item }

func readDisplay(p *syntax.Parser) (command, error) {
	items, err := p.Items()
	return &displayCommand{items}, err
}

func (d *displayCommand) compile(c *compiler) error {
	if err := c.afterDedup("display"); err != nil {
		return err
	}
	c.shown, c.fixed = nil, false
	for _, it := range d.items {
		if err := c.item(it); err != nil {
			return err
		}
	}
	c.chosen, c.fixed = true, true
	return nil
}
