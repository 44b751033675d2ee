package logquery

// is is FIELD IS NULL, IS TRUE or IS FALSE.
type is struct {
	field int
	kind  kind
}

func (s *is) eval(f fields) bool {
	for i := range f {
		if f[i].field == s.field && f[i].kind == s.kind {
			return true
		}
	}
	return false
}

// notExists is FIELD NOT EXISTS. A field that is null exists.
type notExists struct{ field int }

func (n *notExists) eval(f fields) bool {
	for i := range f {
		if f[i].field == n.field {
			return false
		}
	}
	return true
}

// presence reads what follows a field in words: IS ... or NOT EXISTS. Neither
// IS NOT nor EXISTS alone is part of the language.
func (p *parser) presence(field int) (expr, error) {
	switch {
	case p.word("IS"):
		switch {
		case p.word("NULL"):
			return &is{field: field, kind: jsonNull}, nil
		case p.word("TRUE"):
			return &is{field: field, kind: jsonTrue}, nil
		case p.word("FALSE"):
			return &is{field: field, kind: jsonFalse}, nil
		}
		return nil, p.expected("NULL, TRUE or FALSE after IS")
	case p.word("NOT"):
		if p.word("EXISTS") {
			return &notExists{field: field}, nil
		}
		return nil, p.expected("EXISTS after NOT")
	}
	return nil, p.expected("one of = != < <= > >= IS, NOT EXISTS")
}
