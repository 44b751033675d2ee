// Package jsonwalk finds values in JSON objects by path, in one walk over the
// bytes that decodes nothing it is not asked for. It is how filter patterns,
// searches and counts read records.
//
// Of members with the same name in one object the first counts, as in DuckDB's
// JSON functions; a wildcard leads to every one of them.
package jsonwalk

// Visitor is told the values a walk finds, in the order they end in the
// message. It says whether to go on. A path without a wildcard has at most one
// value.
type Visitor interface {
	Value(path int, v Value) (more bool)
}

// Walk walks over all of a message and reports whether it is one JSON object,
// with white space around it at most. It is false, too, if the visitor ended
// the walk.
func (t *Tree) Walk(message []byte, visit Visitor) bool {
	w := walker{text: text{b: message, block: -1}, visit: visit, whole: true}
	i := space(message, 0)
	if i >= len(message) || message[i] != '{' {
		return false
	}
	if i = w.value(i, t.root, 0); i < 0 {
		return false
	}
	return space(message, i) == len(message)
}

// Find walks over a message only until every path has its values. The message
// should be a JSON object; of one that is not, it finds what stands before the
// fault.
func (t *Tree) Find(message []byte, visit Visitor) {
	w := walker{text: text{b: message, block: -1}, visit: visit}
	i := space(message, 0)
	if i >= len(message) || message[i] != '{' {
		return
	}
	w.value(i, t.root, 0)
}

type walker struct {
	text
	visit Visitor
	whole bool
}

// value passes over the value at i, which is at a node.
func (w *walker) value(i int, n *node, depth int) int {
	if n == nil {
		return w.skip(i, depth)
	}
	if i >= len(w.b) {
		return -1
	}
	start, kind := i, Number
	switch w.b[i] {
	case '{':
		kind, i = Object, w.object(i+1, n, depth+1)
	case '[':
		kind, i = Array, w.array(i+1, n, depth+1)
	case '"':
		kind, i = String, w.skipString(i+1)
	case 't':
		kind, i = True, skipWord(w.b, i, "true")
	case 'f':
		kind, i = False, skipWord(w.b, i, "false")
	case 'n':
		kind, i = Null, skipWord(w.b, i, "null")
	default:
		i = skipNumber(w.b, i)
	}
	if i < 0 {
		return -1
	}
	for _, f := range n.fields {
		if !w.visit.Value(f, Value{kind, w.b[start:i]}) {
			return -1
		}
	}
	return i
}

// object passes over what follows an opening brace.
func (w *walker) object(i int, n *node, depth int) int {
	if depth > MaxDepth {
		return -1
	}
	b := w.b
	if len(n.members) == 0 && n.others == nil {
		return w.skipObject(i, depth)
	}
	if i = space(b, i); i < len(b) && b[i] == '}' {
		return i + 1
	}
	seen := newSet(len(n.members))
	left := len(n.members)
	for {
		w.escapes = false
		key, at := w.memberKey(i)
		if at < 0 {
			return -1
		}
		if w.escapes || n.odd {
			key = Unquote(b[i : i+len(key)+2])
		}
		to := n.others
		if m := n.member(key); m >= 0 && !seen.has(m) {
			to = n.members[m].node
			seen.add(m)
			left--
		}
		if i = w.value(at, to, depth); i < 0 {
			return -1
		}
		if left == 0 && n.others == nil && !w.whole {
			return w.leave(i, depth)
		}
		var end int
		if i, end = next(b, i, '}'); end != 0 {
			return i
		}
	}
}

// leave passes over the rest of an object in which there is nothing more to
// find. Of the outermost one it does not even look at it.
func (w *walker) leave(i, depth int) int {
	if depth == 1 {
		return -1
	}
	i, end := next(w.b, i, '}')
	if end != 0 {
		return i
	}
	return w.skipMembers(i, depth)
}

// array passes over what follows an opening bracket.
func (w *walker) array(i int, n *node, depth int) int {
	if depth > MaxDepth {
		return -1
	}
	b := w.b
	if len(n.elements) == 0 && n.rest == nil {
		return w.skipArray(i, depth)
	}
	if i = space(b, i); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for index := 0; ; index++ {
		if i = w.value(i, n.element(index), depth); i < 0 {
			return -1
		}
		var end int
		if i, end = next(b, i, ']'); end != 0 {
			return i
		}
	}
}

// set is a set of small numbers. Up to 64 it needs no memory of its own.
type set struct {
	low  uint64
	high []bool
}

func newSet(size int) set {
	if size <= 64 {
		return set{}
	}
	return set{high: make([]bool, size)}
}

func (s *set) has(i int) bool {
	if s.high != nil {
		return s.high[i]
	}
	return s.low>>i&1 != 0
}

func (s *set) add(i int) {
	if s.high != nil {
		s.high[i] = true
	} else {
		s.low |= 1 << i
	}
}
