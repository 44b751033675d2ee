package jsonwalk

import (
	"slices"
	"strings"
)

// Tree is a set of paths, joined so that one walk over a message finds the
// values of all. It is immutable and safe for concurrent use.
type Tree struct{ root *node }

// node is a place that paths lead to or through. Walks are in one node at a
// time: where a wildcard and a name both lead on, the name's node stands for
// both.
type node struct {
	fields  []int // indexes of the paths that end here
	members []member
	// lengths has a bit for the length, modulo 64, of each name.
	lengths uint64
	// odd is whether a name has U+FFFD in it, which stands for text in messages
	// that is not UTF-8.
	odd bool
	// others is where members that are not named lead, and members that are
	// named but came before; nil if nowhere.
	others   *node
	elements []element
	// rest is where elements without their own node lead; nil if nowhere.
	rest *node
}

type member struct {
	key  string
	node *node
}

type element struct {
	index int
	node  *node
}

// NewTree joins paths. Their indexes are what walks name the values by.
func NewTree(paths []Path) *Tree {
	at := make([]cursor, len(paths))
	for i, p := range paths {
		at[i] = cursor{field: i, rest: p}
	}
	return &Tree{root: join(at)}
}

// cursor is a path with the steps that are still to go.
type cursor struct {
	field int
	rest  Path
}

// join makes the node where the cursors stand. Every path has at most one
// wildcard, which bounds the tree: it has a node for each path and each name
// beside it, not for each combination of names.
func join(at []cursor) *node {
	if len(at) == 0 {
		return nil
	}
	n := &node{}
	var keys []string
	var indexes []int
	for _, c := range at {
		switch {
		case len(c.rest) == 0:
			n.fields = append(n.fields, c.field)
		case c.rest[0].Wildcard:
		case c.rest[0].Array:
			indexes = append(indexes, c.rest[0].Index)
		default:
			keys = append(keys, c.rest[0].Key)
		}
	}
	n.others = join(follow(at, Step{Wildcard: true}))
	n.rest = join(follow(at, Step{Wildcard: true, Array: true}))
	for _, k := range unique(keys) {
		n.members = append(n.members, member{k, join(follow(at, Step{Key: k}))})
		n.lengths |= 1 << (len(k) & 63)
		n.odd = n.odd || strings.ContainsRune(k, '\ufffd')
	}
	for _, i := range unique(indexes) {
		n.elements = append(n.elements, element{i, join(follow(at, Step{Array: true, Index: i}))})
	}
	return n
}

// follow moves the cursors that the step leads on by one. A step by name also
// moves those at a wildcard.
func follow(at []cursor, step Step) (moved []cursor) {
	for _, c := range at {
		if len(c.rest) == 0 || c.rest[0].Array != step.Array {
			continue
		}
		if c.rest[0].Wildcard || c.rest[0] == step {
			moved = append(moved, cursor{c.field, c.rest[1:]})
		}
	}
	return moved
}

// unique drops repeated values and keeps the order of the others.
func unique[T comparable](list []T) (out []T) {
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// member returns the index of the named member with this key, or -1.
func (n *node) member(key []byte) int {
	if n.lengths>>(len(key)&63)&1 == 0 {
		return -1
	}
	for i := range n.members {
		if m := &n.members[i]; len(m.key) == len(key) && m.key == string(key) {
			return i
		}
	}
	return -1
}

// element returns the node that an index leads to, or nil.
func (n *node) element(index int) *node {
	for i := range n.elements {
		if n.elements[i].index == index {
			return n.elements[i].node
		}
	}
	return n.rest
}
