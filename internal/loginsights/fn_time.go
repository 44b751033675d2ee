package loginsights

import (
	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
)

// rounded makes datefloor, dateceil or bin.
func rounded(of eval, round func(float64) float64) eval {
	return func(r *row) value.Value { return value.Rounded(of(r), round) }
}

// special compiles the functions that need more than the values of their
// arguments. ok is false for any other function.
func (c *compiler) special(n *syntax.Node, name string) (e eval, ok bool, err error) {
	switch name {
	case "now":
		if len(n.Args) != 0 {
			return nil, true, syntax.Wrong(c.src, n, "now() takes no arguments")
		}
		v := value.OfNumber(float64(c.now)) // in seconds, as the guide says
		return func(*row) value.Value { return v }, true, nil
	case "bin":
		if len(n.Args) != 1 || n.Args[0].Kind != syntax.Period {
			return nil, true, syntax.Wrong(c.src, n, "bin() takes one period, such as bin(5m)")
		}
		of, err := c.expr(&syntax.Node{Kind: syntax.Field, Name: "@timestamp", Start: n.Start, End: n.End})
		return rounded(of, n.Args[0].Period.Floor), true, err
	case "datefloor", "dateceil":
		if len(n.Args) != 2 || n.Args[1].Kind != syntax.Period {
			return nil, true, syntax.Wrong(c.src, n, "%s() takes a timestamp and a period, such as %s(@timestamp, 1h)", name, name)
		}
		of, err := c.expr(n.Args[0])
		if name == "dateceil" {
			return rounded(of, n.Args[1].Period.Ceil), true, err
		}
		return rounded(of, n.Args[1].Period.Floor), true, err
	}
	return nil, false, nil
}
