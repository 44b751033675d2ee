package logquery

import (
	"strings"

	"cairn/internal/logquery/jsonwalk"
)

// json reads a JSON pattern, { condition }. It is false for a message that is
// not one JSON object, NOT EXISTS included.
func (p *parser) json() (Expr, error) {
	p.take("{")
	e, err := p.or(0, func() (Expr, error) {
		path, err := p.selector()
		if err != nil {
			return nil, err
		}
		test, err := p.comparison()
		return field{path: path, test: test}, err
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
	return e, nil
}

// selector reads a selector, such as $.a.b[0], and notes it for Extract.
func (p *parser) selector() (jsonwalk.Path, error) {
	p.space()
	start := p.pos
	if p.peek() != '$' {
		return nil, p.expected("a selector such as $.eventName")
	}
	p.pos++
	var path jsonwalk.Path
	for {
		st, ok, err := p.step()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		path = append(path, st)
	}
	if len(path) == 0 {
		return nil, p.expected("a member name after $, as in $.eventName")
	}
	if err := p.countWildcards(start, path); err != nil {
		return nil, err
	}
	p.selectors = append(p.selectors, selector{p.src[start:p.pos], path})
	return path, nil
}

func (p *parser) countWildcards(start int, path jsonwalk.Path) error {
	n := 0
	for _, st := range path {
		if st.Wildcard {
			n++
		}
	}
	if n > maxSelectorWildcards {
		return p.expectedAt(start, "at most one wildcard in a selector")
	}
	if n > 0 && !p.knows(path) {
		p.wildcards++
	}
	if p.wildcards > maxWildcards {
		return p.expectedAt(start, "at most three wildcard selectors in a pattern")
	}
	return nil
}

// step reads .key, .*, .['key'], ['key'], [3] or [*]; ok is false if the
// selector ends here.
func (p *parser) step() (s jsonwalk.Step, ok bool, err error) {
	dot := p.peek() == '.'
	if dot {
		p.pos++
	}
	switch {
	case p.peek() == '[':
		s, err = p.bracket(dot)
		return s, err == nil, err
	case !dot:
		return s, false, nil
	case p.peek() == '*':
		p.pos++
		return jsonwalk.Step{Wildcard: true}, true, nil
	}
	start := p.pos
	for p.pos < len(p.src) && (isAlnum(p.src[p.pos]) || p.src[p.pos] == '-') {
		p.pos++
	}
	if p.pos == start {
		return s, false, p.expected("a member name of letters, digits, - and _ (write others as $.['a.b'])")
	}
	return jsonwalk.Step{Key: p.src[start:p.pos]}, true, nil
}

// bracket reads ['key'], and [3] or [*] if no dot stands before it.
func (p *parser) bracket(dot bool) (jsonwalk.Step, error) {
	step, n, err := jsonwalk.ParseBracket(p.src[p.pos:])
	quoted := strings.HasPrefix(p.src[p.pos:], "['")
	p.pos++
	switch {
	case err != nil && quoted:
		p.pos++
		return step, p.expected("a member name and then ']")
	case dot && !quoted || err != nil && !strings.Contains(p.src[p.pos:], "]"):
		return step, p.expected("a quoted member name, as in $.['a.b']")
	case err != nil:
		return step, p.expected("an array index, * or a quoted member name")
	}
	p.pos += n - 1
	return step, nil
}
