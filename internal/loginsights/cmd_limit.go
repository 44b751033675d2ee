package loginsights

import (
	"strconv"

	"cairn/internal/loginsights/syntax"
)

// limitCommand is limit N, or limit any N: any N rows will do, so that reading
// ends when they are found.
type limitCommand struct {
	rows int
	any  bool
}

func readLimit(p *syntax.Parser) (command, error) {
	l := &limitCommand{any: p.Take("any")}
	n, err := strconv.Atoi(p.Tok.Text)
	if p.Tok.Kind != syntax.NumberWord || err != nil || n < 1 || n > MaxRows {
		return nil, p.Expected("a number of rows from 1 to " + strconv.Itoa(MaxRows))
	}
	p.Next()
	l.rows = n
	return l, nil
}

func (l *limitCommand) compile(c *compiler) error {
	top := c.last().selection()
	if top.limit > 0 {
		top.limit = min(top.limit, l.rows)
		return nil
	}
	top.limit, top.any = l.rows, l.any && top.keys == nil && top.dedup == nil
	return nil
}
