package logquery

import (
	"cairn/internal/logquery/jsonwalk"
)

// Value is a value in a message, as bytes of it.
type Value = jsonwalk.Value

// view is what is known of a message while a predicate is evaluated.
type view struct {
	message []byte
	// object is whether the message is one JSON object. It is taken for one as
	// long as the walk over it meets nothing else.
	object bool
	// one has the value of each path without a wildcard; many, those of the others.
	one  []Value
	many []numbered

	checks [][]cond // of a predicate, see there
	failed bool     // one of the checks
}

type numbered struct {
	path  int
	value Value
}

// Value takes a value from the walk and tells whether the message may still
// match.
func (f *view) Value(path int, v Value) bool {
	if f.checks == nil || f.checks[path] == nil {
		f.put(path, v)
		return true
	}
	f.put(path, v)
	for _, c := range f.checks[path] {
		if !c.eval(f) {
			f.failed = true
			return false
		}
	}
	return true
}

func (f *view) put(path int, v Value) {
	if f.one[path].Kind == jsonwalk.Absent {
		f.one[path] = v
	} else {
		f.many = append(f.many, numbered{path, v})
	}
}

// some reports whether a path has a value for which a test holds.
func (f *view) some(path int, t Test) bool {
	if f.one[path].Kind == jsonwalk.Absent {
		return false
	}
	if t.holds(&f.one[path]) {
		return true
	}
	for i := range f.many {
		if f.many[i].path == path && t.holds(&f.many[i].value) {
			return true
		}
	}
	return false
}

// forget empties f for the next message and lets go of the last one.
func (f *view) forget() {
	clear(f.one)
	clear(f.many)
	f.many, f.message, f.failed = f.many[:0], nil, false
}

// Strict is [jsonwalk.Strict]: what goes into a JSONColumn.
func Strict(raw []byte) []byte { return jsonwalk.Strict(raw) }
