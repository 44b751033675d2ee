package logquery

// expr is a condition on a message's fields.
type expr interface {
	eval(f fields) bool
}

// and is true if all its parts are; or, if one is.
type (
	and []expr
	or  []expr
)

func (a and) eval(f fields) bool {
	for _, e := range a {
		if !e.eval(f) {
			return false
		}
	}
	return true
}

func (o or) eval(f fields) bool {
	for _, e := range o {
		if e.eval(f) {
			return true
		}
	}
	return false
}

// or reads conditions joined by || and &&, of which && binds tighter.
// operand reads one condition; depth counts open parentheses.
func (p *parser) or(depth int, operand func() (expr, error)) (expr, error) {
	var o or
	for {
		e, err := p.and(depth, operand)
		if err != nil {
			return nil, err
		}
		o = append(o, e)
		if !p.take("||") {
			break
		}
	}
	if len(o) == 1 {
		return o[0], nil
	}
	return o, nil
}

func (p *parser) and(depth int, operand func() (expr, error)) (expr, error) {
	var a and
	for {
		e, err := p.primary(depth, operand)
		if err != nil {
			return nil, err
		}
		a = append(a, e)
		if !p.take("&&") {
			break
		}
	}
	if len(a) == 1 {
		return a[0], nil
	}
	return a, nil
}

func (p *parser) primary(depth int, operand func() (expr, error)) (expr, error) {
	p.space()
	open := p.pos
	if !p.take("(") {
		return operand()
	}
	if depth == maxParens {
		return nil, p.expectedAt(open, "parentheses nested less deeply")
	}
	e, err := p.or(depth+1, operand)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.expected("&&, || or a closing parenthesis")
	}
	return e, nil
}

// comparison reads what follows a field: an operator and its value.
func (p *parser) comparison(field int) (expr, error) {
	switch {
	case p.take("!="):
		return p.equal(field, true)
	case p.take("="):
		return p.equal(field, false)
	}
	for _, op := range []string{"<=", ">=", "<", ">"} { // the longer ones first
		if p.take(op) {
			return p.order(field, op)
		}
	}
	return p.presence(field)
}
