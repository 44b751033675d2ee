package logquery

import (
	"bytes"
	"encoding/json"
)

// maxDepth bounds the nesting of a message. A deeper one matches no JSON
// pattern; the records of this system nest less than ten deep.
const maxDepth = 512

// scan walks once over a message, checks that it is one JSON object, and
// appends the values of the tree's selectors to found. Values nobody asked for
// are checked but not decoded. A member that occurs twice has two values.
func scan(message []byte, root *node, found fields) (fields, bool) {
	s := scanner{b: message, found: found}
	var room [16]*node
	s.nodes = append(room[:0], root)
	s.space()
	if s.peek() != '{' || !s.value(s.nodes, 0) {
		return nil, false
	}
	s.space()
	return s.found, s.i == len(s.b)
}

type scanner struct {
	b     []byte
	i     int
	found fields
	// nodes is a stack: the nodes that point at the value being scanned, and
	// below them those of the values around it.
	nodes []*node
}

func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) && isSpace(s.b[s.i]) {
		s.i++
	}
}

// value scans one value. at are the tree's nodes that point at it.
func (s *scanner) value(at []*node, depth int) bool {
	start, k := s.i, jsonContainer
	var ok bool
	switch s.peek() {
	case '{':
		ok = depth < maxDepth && s.object(at, depth)
	case '[':
		ok = depth < maxDepth && s.array(at, depth)
	case '"':
		k, ok = jsonString, s.str()
	case 't':
		k, ok = jsonTrue, s.literal("true")
	case 'f':
		k, ok = jsonFalse, s.literal("false")
	case 'n':
		k, ok = jsonNull, s.literal("null")
	default:
		k, ok = jsonNumber, s.number()
	}
	if !ok {
		return false
	}
	for _, n := range at {
		for _, field := range n.fields {
			s.found = append(s.found, value{field: field, kind: k, raw: s.b[start:s.i]})
		}
	}
	return true
}

func (s *scanner) object(at []*node, depth int) bool {
	s.i++
	if s.space(); s.peek() == '}' {
		s.i++
		return true
	}
	for {
		s.space()
		start := s.i
		if s.peek() != '"' || !s.str() {
			return false
		}
		top := len(s.nodes)
		s.nodes = members(s.nodes, at, s.b[start:s.i])
		if s.space(); s.peek() != ':' {
			return false
		}
		s.i++
		s.space()
		if !s.value(s.nodes[top:], depth+1) {
			return false
		}
		s.nodes = s.nodes[:top]
		if more, ok := s.next('}'); !more {
			return ok
		}
	}
}

func (s *scanner) array(at []*node, depth int) bool {
	s.i++
	if s.space(); s.peek() == ']' {
		s.i++
		return true
	}
	for i := 0; ; i++ {
		s.space()
		top := len(s.nodes)
		s.nodes = elements(s.nodes, at, i)
		if !s.value(s.nodes[top:], depth+1) {
			return false
		}
		s.nodes = s.nodes[:top]
		if more, ok := s.next(']'); !more {
			return ok
		}
	}
}

// next reads what stands between members: a comma (more), or the end.
func (s *scanner) next(end byte) (more, ok bool) {
	s.space()
	c := s.peek()
	s.i++
	return c == ',', c == end
}

// members appends the nodes that the member with this quoted key leads to.
func members(dst, at []*node, quoted []byte) []*node {
	for _, n := range at {
		for _, c := range n.children {
			if !c.step.array && (c.step.wildcard || keyIs(quoted, c.step.key)) {
				dst = append(dst, c)
			}
		}
	}
	return dst
}

func elements(dst, at []*node, index int) []*node {
	for _, n := range at {
		for _, c := range n.children {
			if c.step.array && (c.step.wildcard || c.step.index == index) {
				dst = append(dst, c)
			}
		}
	}
	return dst
}

func keyIs(quoted []byte, key string) bool {
	inner := quoted[1 : len(quoted)-1]
	if string(inner) == key {
		return true
	}
	if bytes.IndexByte(inner, '\\') < 0 {
		return false
	}
	var s string
	return json.Unmarshal(quoted, &s) == nil && s == key
}

func (s *scanner) literal(text string) bool {
	if !bytes.HasPrefix(s.b[s.i:], []byte(text)) {
		return false
	}
	s.i += len(text)
	return true
}

// str scans a string: no control characters, and only JSON's escapes.
func (s *scanner) str() bool {
	b := s.b
	for i := s.i + 1; i < len(b); i++ {
		c := b[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		if c == '"' {
			s.i = i + 1
			return true
		}
		if s.i = i + 1; c != '\\' || !s.escape() {
			return false
		}
		i = s.i
	}
	return false
}

// escape checks what follows a backslash and stops at its last byte.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if s.i++; !isHex(s.peek()) {
				return false
			}
		}
		return true
	}
	return false
}

// number scans a number by JSON's grammar.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		if s.i++; !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for isDigit(s.peek()) {
		s.i++
	}
	return s.i > start
}
