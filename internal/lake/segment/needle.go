package segment

import (
	"bytes"
	"cmp"
	"slices"

	"cairn/internal/find"
)

// fewNeedles is up to how many byte strings of a clause are looked for in a page
// before its messages are matched one by one: looking for one takes a fifteenth
// of what matching all messages does.
const fewNeedles = 8

// escape is what the alternatives for escaped characters begin with. They are
// looked for as one.
var escape = []byte(`\u00`)

// Needles are byte strings to look for in messages: of each clause one at least.
type Needles struct {
	clauses [][]find.Text
}

// NewNeedles makes those clauses ready that are worth looking for; nil if none
// is. The one that leaves fewest messages, as far as its strings tell, is first:
// it has few of them, or long ones.
func NewNeedles(needles [][][]byte) *Needles {
	var list [][][]byte
	for _, clause := range needles {
		if few := worth(clause); len(few) > 0 {
			list = append(list, few)
		}
	}
	slices.SortStableFunc(list, func(a, b [][]byte) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(shortest(b), shortest(a)))
	})
	if len(list) == 0 {
		return nil
	}
	n := &Needles{}
	for _, clause := range list {
		texts := make([]find.Text, len(clause))
		for i, text := range clause {
			texts[i] = find.New(text)
		}
		n.clauses = append(n.clauses, texts)
	}
	return n
}

// worth returns the byte strings to look for in place of a clause, nil if there
// are too many of them.
func worth(clause [][]byte) (few [][]byte) {
	escaped := false
	for _, needle := range clause {
		switch {
		case len(needle) == 0:
			return nil
		case !bytes.HasPrefix(needle, escape):
			few = append(few, needle)
		case !escaped:
			few, escaped = append(few, escape), true
		}
	}
	if len(few) > fewNeedles {
		return nil
	}
	return few
}

// shortest returns the length of a clause's shortest byte string but escape.
func shortest(clause [][]byte) int {
	n := 0
	for _, needle := range clause {
		if !bytes.Equal(needle, escape) && (n == 0 || len(needle) < n) {
			n = len(needle)
		}
	}
	return n
}

// Search unwants the messages of a page that lack the needles of a clause. It
// reports whether any is left.
func (p *Rows) Search(n *Needles, wanted []bool) bool {
	has := make([]bool, len(wanted))
	for i := range n.clauses[0] {
		p.mark(&n.clauses[0][i], has)
	}
	left := false
	for i := range wanted {
		wanted[i] = wanted[i] && has[i] && hasAll(p.Message(i), n.clauses[1:])
		left = left || wanted[i]
	}
	return left
}

// mark marks the messages that have a byte string: those it begins in. One that
// reaches into the next is no occurrence, and matching finds that out.
func (p *Rows) mark(text *find.Text, has []bool) {
	for i, at := 0, 0; i < len(has); i++ {
		n := text.Index(p.messages[at:])
		if n < 0 {
			return
		}
		for at += n; int(p.offsets[i+1]) <= at; {
			i++
		}
		has[i] = true
		at = int(p.offsets[i+1])
	}
}

// hasAll reports whether a message has a byte string of each clause.
func hasAll(message []byte, clauses [][]find.Text) bool {
	for _, clause := range clauses {
		if !slices.ContainsFunc(clause, func(text find.Text) bool { return text.Index(message) >= 0 }) {
			return false
		}
	}
	return true
}
