package logquery

import (
	"bytes"
	"slices"

	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/needle"
)

// delimited is a space-delimited pattern: [name, name = value, ...].
//
// A message is split at white space; a part in square brackets or double
// quotes is one field, without them. The message must have as many fields as
// the pattern names, or more where the pattern has "...".
type delimited struct {
	names []string // of all slots but "..."
	// ellipsis is the index of the slot before which "..." stands; -1 if none.
	ellipsis int
	cond     Expr

	// paths are the slots that cond is about, in the order compiled numbers them.
	paths    []jsonwalk.Path
	compiled cond
}

func (d *delimited) bind(*compiler) cond { return d }

func (d *delimited) eval(f *view) bool {
	parts := d.slots(f.message)
	if parts == nil {
		return false
	}
	in := view{one: make([]Value, len(d.paths)), object: true}
	for i, p := range d.paths {
		in.one[i] = Value{Kind: jsonwalk.Plain, Raw: parts[p[0].Index]}
	}
	return d.compiled.eval(&in)
}

func (d *delimited) needles() needle.Clauses { return d.cond.needles() }

// sql: the table does not have a record in one piece.
func (d *delimited) sql(bool) (string, bool) { return "TRUE", false }

// delimited reads a space-delimited pattern.
func (p *parser) delimited() (*delimited, error) {
	p.take("[")
	d := &delimited{ellipsis: -1}
	var conds []Expr
	for {
		e, err := p.slot(d)
		if err != nil {
			return nil, err
		}
		conds = append(conds, e)
		if p.take(",") {
			continue
		}
		if !p.take("]") {
			return nil, p.expected("a comma, &&, || or ]")
		}
		break
	}
	if p.space(); p.pos < len(p.src) {
		return nil, p.expected("nothing after ]")
	}
	c := newCompiler()
	d.cond = All(conds...)
	d.compiled = d.cond.bind(c)
	d.paths = c.paths
	return d, nil
}

// slot reads one slot: "...", a name, or conditions on a name.
func (p *parser) slot(d *delimited) (Expr, error) {
	if p.space(); p.take("...") {
		if d.ellipsis >= 0 {
			return nil, p.expectedAt(p.pos-len("..."), "only one ... in the pattern")
		}
		d.ellipsis = len(d.names)
		return All(), nil
	}
	path := jsonwalk.Path{{Array: true, Index: len(d.names)}}
	name := p.name()
	if name == "" {
		return nil, p.expected("a field name of letters, digits and underscores, or ...")
	}
	d.names = append(d.names, name)
	if p.space(); p.peek() == ',' || p.peek() == ']' {
		return All(), nil
	}
	first := true
	return p.or(0, func() (Expr, error) {
		// The name of the first condition is read already; further ones must
		// be about the same field.
		if start := p.pos; !first && p.name() != name {
			return nil, p.expectedAt(start, "the field "+name+" again")
		}
		first = false
		test, err := p.comparison()
		return field{path: path, test: test, slot: true}, err
	})
}

func (p *parser) name() string {
	p.space()
	start := p.pos
	for p.pos < len(p.src) && isAlnum(p.src[p.pos]) {
		p.pos++
	}
	return p.src[start:p.pos]
}

func (d *delimited) extract(message []byte) map[string]string {
	parts := d.slots(message)
	if parts == nil {
		return nil
	}
	out := map[string]string{}
	for i, name := range d.names {
		out["$"+name] = string(parts[i])
	}
	return out
}

// slots splits a message and gives each slot its part; nil if their numbers do
// not agree.
func (d *delimited) slots(message []byte) [][]byte {
	parts := split(message)
	extra := len(parts) - len(d.names)
	switch {
	case extra < 0 || extra > 0 && d.ellipsis < 0:
		return nil
	case extra > 0:
		parts = slices.Delete(parts, d.ellipsis, d.ellipsis+extra)
	}
	if parts == nil {
		parts = [][]byte{}
	}
	return parts
}

func split(message []byte) [][]byte {
	var parts [][]byte
	for {
		message = bytes.TrimLeft(message, " \t\r\n")
		if len(message) == 0 {
			return parts
		}
		var end byte
		switch message[0] {
		case '[':
			end = ']'
		case '"':
			end = '"'
		}
		if n := bytes.IndexByte(message[1:], end); end != 0 && n >= 0 {
			parts = append(parts, message[1:1+n])
			message = message[n+2:]
			continue
		}
		n := bytes.IndexAny(message, " \t\r\n")
		if n < 0 {
			n = len(message)
		}
		parts = append(parts, message[:n])
		message = message[n:]
	}
}
