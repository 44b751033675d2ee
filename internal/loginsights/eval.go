package loginsights

import (
	"maps"
	"slices"
	"strings"

	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
)

// row is one row on its way through a segment.
type row struct {
	slots []value.Value
	// event is where the row comes from, and seq its number in the order of
	// arrival. Rows made by stats have no event.
	event *Event
	seq   int64
}

// eval computes an expression for a row. What it keeps between calls makes it
// unfit for concurrent use: every run compiles its own.
type eval func(r *row) value.Value

// expr compiles an expression in the current scope.
func (c *compiler) expr(n *syntax.Node) (eval, error) {
	// After stats, what it computed is the name of a column: sort count(*) desc,
	// filter sum(x) / 2 > 0.
	if slot, ok := c.scope.column(n); ok {
		return slotOf(slot), nil
	}
	switch n.Kind {
	case syntax.Literal:
		v := n.Value
		return func(*row) value.Value { return v }, nil
	case syntax.Field:
		return c.field(n)
	case syntax.Call:
		return c.call(n)
	case syntax.Period:
		return nil, syntax.Wrong(c.src, n, "a period can stand in bin(), datefloor() and dateceil() only")
	case syntax.Star:
		return nil, syntax.Wrong(c.src, n, "* can stand in count(*) only")
	case syntax.Not, syntax.And, syntax.Or, syntax.Neg, syntax.Binary, syntax.Like, syntax.In:
	}
	args, err := c.exprs(n.Args)
	if err != nil {
		return nil, err
	}
	return operator(n, args), nil
}

func (c *compiler) exprs(list []*syntax.Node) ([]eval, error) {
	out := make([]eval, len(list))
	for i, n := range list {
		var err error
		if out[i], err = c.expr(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// operator makes the evaluation of an operator. Conditions have three values: a
// comparison with what is missing is missing.
func operator(n *syntax.Node, args []eval) eval {
	a := args[0]
	switch n.Kind {
	case syntax.Not:
		return func(r *row) value.Value {
			v := a(r)
			if v.Kind == value.Missing {
				return v
			}
			return value.OfBool(!v.Truth())
		}
	case syntax.And:
		return logical(a, args[1], false)
	case syntax.Or:
		return logical(a, args[1], true)
	case syntax.Neg:
		return func(r *row) value.Value {
			v := a(r)
			f, ok := v.Number()
			if !ok {
				return value.Value{}
			}
			return value.OfNumber(-f)
		}
	case syntax.Like:
		return like(n, args)
	case syntax.In:
		return in(args)
	case syntax.Binary, syntax.Literal, syntax.Period, syntax.Star, syntax.Field, syntax.Call:
	}
	b, op := args[1], n.Name
	switch op {
	case "=", "!=":
		return func(r *row) value.Value {
			x, y := a(r), b(r)
			if x.Kind == value.Missing || y.Kind == value.Missing {
				return value.Value{}
			}
			return value.OfBool(value.Equal(&x, &y) == (op == "="))
		}
	case "<", "<=", ">", ">=":
		return func(r *row) value.Value { return ordered(op, a(r), b(r)) }
	}
	return func(r *row) value.Value {
		x, y := a(r), b(r)
		return value.Arithmetic(op, &x, &y)
	}
}

func ordered(op string, x, y value.Value) value.Value {
	if x.Kind == value.Missing || y.Kind == value.Missing {
		return value.Value{}
	}
	order, ok := value.Compare(&x, &y)
	if !ok {
		return value.Value{}
	}
	switch op {
	case "<":
		return value.OfBool(order < 0)
	case "<=":
		return value.OfBool(order <= 0)
	case ">":
		return value.OfBool(order > 0)
	}
	return value.OfBool(order >= 0)
}

// logical makes and (decides is false) or or (true): one operand that is
// decides it alone, even if the other is missing.
func logical(a, b eval, decides bool) eval {
	return func(r *row) value.Value {
		x := a(r)
		if x.Kind != value.Missing && x.Truth() == decides {
			return value.OfBool(decides)
		}
		y := b(r)
		if y.Kind != value.Missing && y.Truth() == decides {
			return value.OfBool(decides)
		}
		if x.Kind == value.Missing || y.Kind == value.Missing {
			return value.Value{}
		}
		return value.OfBool(!decides)
	}
}

func like(n *syntax.Node, args []eval) eval {
	a := args[0]
	if re := n.Regex; re != nil {
		return func(r *row) value.Value {
			v := a(r)
			if v.Kind == value.Missing {
				return v
			}
			return value.OfBool(re.MatchString(v.Text()))
		}
	}
	b := args[1]
	return func(r *row) value.Value {
		v, part := a(r), b(r)
		if v.Kind == value.Missing || part.Kind == value.Missing {
			return value.Value{}
		}
		return value.OfBool(strings.Contains(v.Text(), part.Text()))
	}
}

func in(args []eval) eval {
	return func(r *row) value.Value {
		v := args[0](r)
		if v.Kind == value.Missing {
			return v
		}
		unknown := false
		for _, e := range args[1:] {
			x := e(r)
			if x.Kind == value.Missing {
				unknown = true
			} else if value.Equal(&v, &x) {
				return value.OfBool(true)
			}
		}
		if unknown {
			return value.Value{}
		}
		return value.OfBool(false)
	}
}

// call compiles a call of a function.
func (c *compiler) call(n *syntax.Node) (eval, error) {
	name := strings.ToLower(n.Name)
	if _, ok := value.Aggregates[name]; ok {
		return c.aggregate(n, name)
	}
	if e, ok, err := c.special(n, name); ok {
		return e, err
	}
	f := c.functions[name]
	if f == nil {
		return nil, syntax.Unknown(c.src, n, "function", functionNames())
	}
	if len(n.Args) < f.Least || f.Most >= 0 && len(n.Args) > f.Most {
		return nil, syntax.Wrong(c.src, n, "%s() takes %s, not %d", f.Name, argumentCount(f.Least, f.Most), len(n.Args))
	}
	args, err := c.exprs(n.Args)
	if err != nil {
		return nil, err
	}
	for i, a := range n.Args {
		if f.Check == nil || a.Kind != syntax.Literal {
			continue
		}
		if why := f.Check(i, a.Value); why != "" {
			return nil, syntax.Wrong(c.src, a, "%s() %s", f.Name, why)
		}
	}
	values := make([]value.Value, len(args))
	return func(r *row) value.Value {
		for i, a := range args {
			values[i] = a(r)
		}
		return f.Call(values)
	}, nil
}

// functionNames returns what a misspelt function could be.
func functionNames() []string {
	names := []string{"bin", "now", "datefloor", "dateceil"}
	for _, f := range value.Functions() {
		names = append(names, f.Name)
	}
	return slices.AppendSeq(names, maps.Keys(value.Aggregates))
}
