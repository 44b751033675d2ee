package logquery

// jsonPattern is { condition }.
type jsonPattern struct {
	cond      expr
	selectors []selector
	root      *node
}

// json reads a JSON pattern.
func (p *parser) json() (matcher, error) {
	p.take("{")
	cond, err := p.or(0, func() (expr, error) {
		field, err := p.selector()
		if err != nil {
			return nil, err
		}
		return p.comparison(field)
	})
	if err != nil {
		return nil, err
	}
	if !p.take("}") {
		return nil, p.expected("&&, || or }")
	}
	if p.space(); p.pos < len(p.src) {
		return nil, p.expected("nothing after }")
	}
	return &jsonPattern{cond: cond, selectors: p.selectors, root: tree(p.selectors)}, nil
}

// match is false for a message that is not one JSON object, NOT EXISTS
// included.
func (j *jsonPattern) match(message []byte) bool {
	var room [16]value
	f, ok := scan(message, j.root, room[:0])
	return ok && j.cond.eval(f)
}

func (j *jsonPattern) extract(message []byte) map[string]string {
	f, ok := scan(message, j.root, nil)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for i := range f {
		if text, ok := f[i].text(); ok {
			out[j.selectors[f[i].field].source] = string(text)
		}
	}
	return out
}
