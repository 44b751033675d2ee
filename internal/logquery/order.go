package logquery

// order is FIELD < N, <= N, > N or >= N. Only numbers compare: a string that
// holds digits does not.
type order struct {
	field  int
	op     string
	number float64
}

func (o *order) eval(f fields) bool {
	for i := range f {
		if f[i].field != o.field {
			continue
		}
		if n, ok := f[i].number(); ok && o.holds(n) {
			return true
		}
	}
	return false
}

func (o *order) holds(n float64) bool {
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

// order reads the number of a comparison.
func (p *parser) order(field int, op string) (expr, error) {
	p.space()
	start := p.pos
	n, ok := parseNumber(p.bare())
	if !ok {
		return nil, p.expectedAt(start, "a number after "+op)
	}
	return &order{field: field, op: op, number: n}, nil
}
