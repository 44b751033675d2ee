package logquery

import "cairn/internal/logquery/needle"

// order is FIELD < N, <= N, > N or >= N. Only numbers compare: a string that
// holds digits does not.
type order struct {
	op     string
	number float64
}

// Less is passed by numbers less than n.
func Less(n float64) Test { return order{"<", n} }

// Greater is passed by numbers greater than n.
func Greater(n float64) Test { return order{">", n} }

func (o order) holds(v *Value) bool {
	n, ok := v.Number()
	if !ok {
		return false
	}
	switch o.op {
	case "<":
		return n < o.number
	case "<=":
		return n <= o.number
	case ">":
		return n > o.number
	default:
		return n >= o.number
	}
}

// literals: a number can be written in many ways.
func (o order) literals() needle.Literals { return nil }

func (o order) sql(x operand) (string, bool) { return x.number(o.op, o.number), false }

// order reads the number of a comparison.
func (p *parser) order(op string) (Test, error) {
	p.space()
	start := p.pos
	n, ok := parseNumber(p.bare())
	if !ok {
		return nil, p.expectedAt(start, "a number after "+op)
	}
	return order{op: op, number: n}, nil
}
