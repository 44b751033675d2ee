package logquery

import (
	"slices"
	"strconv"
	"strings"
)

// selector is a path into a JSON message, such as $.a.b[0].
type selector struct {
	source string
	steps  []step
}

// step is one part of a selector: a member by name, an element by index, or
// every one of them.
type step struct {
	array    bool
	wildcard bool
	key      string
	index    int
}

// selector reads a selector and returns its number; equal selectors share one.
func (p *parser) selector() (int, error) {
	p.space()
	start := p.pos
	if p.peek() != '$' {
		return 0, p.expected("a selector such as $.eventName")
	}
	p.pos++
	s := selector{}
	for {
		st, ok, err := p.step()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		s.steps = append(s.steps, st)
	}
	if len(s.steps) == 0 {
		return 0, p.expected("a member name after $, as in $.eventName")
	}
	s.source = p.src[start:p.pos]
	if err := p.countWildcards(start, s.steps); err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(p.selectors, func(o selector) bool { return slices.Equal(o.steps, s.steps) }); i >= 0 {
		return i, nil
	}
	p.selectors = append(p.selectors, s)
	return len(p.selectors) - 1, nil
}

func (p *parser) countWildcards(start int, steps []step) error {
	n := 0
	for _, st := range steps {
		if st.wildcard {
			n++
		}
	}
	if n > maxSelectorWildcards {
		return p.expectedAt(start, "at most one wildcard in a selector")
	}
	if p.wildcards += n; p.wildcards > maxWildcards {
		return p.expectedAt(start, "at most three wildcard selectors in a pattern")
	}
	return nil
}

// step reads .key, .*, .['key'], ['key'], [3] or [*]; ok is false if the
// selector ends here.
func (p *parser) step() (s step, ok bool, err error) {
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
		return step{wildcard: true}, true, nil
	}
	start := p.pos
	for p.pos < len(p.src) && (isAlnum(p.src[p.pos]) || p.src[p.pos] == '-') {
		p.pos++
	}
	if p.pos == start {
		return s, false, p.expected("a member name of letters, digits, - and _ (write others as $.['a.b'])")
	}
	return step{key: p.src[start:p.pos]}, true, nil
}

func (p *parser) bracket(dot bool) (step, error) {
	p.pos++
	if p.peek() == '\'' {
		p.pos++
		n := strings.Index(p.src[p.pos:], "']")
		if n <= 0 {
			return step{}, p.expected("a member name and then ']")
		}
		key := p.src[p.pos : p.pos+n]
		p.pos += n + len("']")
		return step{key: key}, nil
	}
	end := strings.IndexByte(p.src[p.pos:], ']')
	if dot || end < 0 {
		return step{}, p.expected("a quoted member name, as in $.['a.b']")
	}
	inner := p.src[p.pos : p.pos+end]
	if inner == "*" {
		p.pos += end + 1
		return step{array: true, wildcard: true}, nil
	}
	index, err := strconv.Atoi(inner)
	if err != nil || !isDigit(inner[0]) {
		return step{}, p.expected("an array index, * or a quoted member name")
	}
	p.pos += end + 1
	return step{array: true, index: index}, nil
}

// node is a tree of the selectors of a pattern, so that one walk over a
// message finds the values of all.
type node struct {
	step     step
	fields   []int // selectors that end here
	children []*node
}

// tree joins selectors into a tree.
func tree(selectors []selector) *node {
	root := &node{}
	for i, s := range selectors {
		n := root
		for _, st := range s.steps {
			n = n.child(st)
		}
		n.fields = append(n.fields, i)
	}
	return root
}

func (n *node) child(st step) *node {
	for _, c := range n.children {
		if c.step == st {
			return c
		}
	}
	c := &node{step: st}
	n.children = append(n.children, c)
	return c
}
