package logquery

import "bytes"

// delimited is a space-delimited pattern: [name, name = value, ...].
//
// A message is split at white space; a part in square brackets or double
// quotes is one field, without them. The message must have as many fields as
// the pattern names, or more where the pattern has "...".
type delimited struct {
	names []string // of all slots but "..."
	// ellipsis is the index of the slot before which "..." stands; -1 if none.
	ellipsis int
	conds    and
}

// delimited reads a space-delimited pattern.
func (p *parser) delimited() (matcher, error) {
	p.take("[")
	d := &delimited{ellipsis: -1}
	for {
		if err := p.slot(d); err != nil {
			return nil, err
		}
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
	return d, nil
}

// slot reads one slot: "...", a name, or conditions on a name.
func (p *parser) slot(d *delimited) error {
	if p.space(); p.take("...") {
		if d.ellipsis >= 0 {
			return p.expectedAt(p.pos-len("..."), "only one ... in the pattern")
		}
		d.ellipsis = len(d.names)
		return nil
	}
	field := len(d.names)
	name := p.name()
	if name == "" {
		return p.expected("a field name of letters, digits and underscores, or ...")
	}
	d.names = append(d.names, name)
	if p.space(); p.peek() == ',' || p.peek() == ']' {
		return nil
	}
	first := true
	cond, err := p.or(0, func() (expr, error) {
		// The name of the first condition is read already; further ones must
		// be about the same field.
		if start := p.pos; !first && p.name() != name {
			return nil, p.expectedAt(start, "the field "+name+" again")
		}
		first = false
		return p.comparison(field)
	})
	if err != nil {
		return err
	}
	d.conds = append(d.conds, cond)
	return nil
}

func (p *parser) name() string {
	p.space()
	start := p.pos
	for p.pos < len(p.src) && isAlnum(p.src[p.pos]) {
		p.pos++
	}
	return p.src[start:p.pos]
}

func (d *delimited) match(message []byte) bool {
	f, ok := d.fields(message)
	return ok && d.conds.eval(f)
}

func (d *delimited) extract(message []byte) map[string]string {
	f, ok := d.fields(message)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for i := range f {
		out["$"+d.names[f[i].field]] = string(f[i].raw)
	}
	return out
}

// fields splits a message and gives each slot its part; ok is false if their
// numbers do not agree.
func (d *delimited) fields(message []byte) (fields, bool) {
	parts := split(message)
	if len(parts) != len(d.names) && (d.ellipsis < 0 || len(parts) < len(d.names)) {
		return nil, false
	}
	f := make(fields, 0, len(d.names))
	for i := range d.names {
		at := i
		if d.ellipsis >= 0 && i >= d.ellipsis {
			at = len(parts) - len(d.names) + i
		}
		f = append(f, value{field: i, kind: plainText, raw: parts[at]})
	}
	return f, true
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
