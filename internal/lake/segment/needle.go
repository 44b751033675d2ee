package segment

import "bytes"

// fewNeedles is up to how many byte strings are looked for in a page before its
// messages are matched one by one: looking for one takes about a tenth of what
// matching all messages does.
const fewNeedles = 8

// escape is what the alternatives for escaped characters begin with. They are
// looked for as one.
var escape = []byte(`\u00`)

// Rarest returns the clause of needles with the fewest alternatives, nil if all
// have too many to be worth looking for.
func Rarest(needles [][][]byte) [][]byte {
	var best [][]byte
	for _, clause := range needles {
		var few [][]byte
		escaped, empty := false, len(clause) == 0
		for _, needle := range clause {
			empty = empty || len(needle) == 0
			switch {
			case !bytes.HasPrefix(needle, escape):
				few = append(few, needle)
			case !escaped:
				few, escaped = append(few, escape), true
			}
		}
		if !empty && len(few) <= fewNeedles && (best == nil || len(few) < len(best)) {
			best = few
		}
	}
	return best
}

// Search unwants the messages of a page that have none of the needles. It
// reports whether any is left.
func (p *Rows) Search(needles [][]byte, wanted []bool) bool {
	has := make([]bool, len(wanted))
	for _, needle := range needles {
		for i, at := 0, 0; i < len(wanted); i++ {
			if at = index(p.messages, needle, at); at < 0 {
				break
			}
			// The message it begins in; one that reaches into the next is no
			// occurrence, and matching finds that out.
			for int(p.offsets[i+1]) <= at {
				i++
			}
			has[i] = true
			at = int(p.offsets[i+1])
		}
	}
	left := false
	for i := range wanted {
		wanted[i] = wanted[i] && has[i]
		left = left || wanted[i]
	}
	return left
}

// index returns where the first needle is from a place on, -1 if there is none.
// JSON is full of quotes: bytes.Index is several times as quick without one in
// front.
func index(text, needle []byte, from int) int {
	rest, quoted := bytes.CutPrefix(needle, []byte{'"'})
	if !quoted || len(rest) == 0 {
		if n := bytes.Index(text[from:], needle); n >= 0 {
			return from + n
		}
		return -1
	}
	for at := from + 1; at < len(text); at++ {
		n := bytes.Index(text[at:], rest)
		if n < 0 {
			break
		}
		if at += n; text[at-1] == '"' {
			return at - 1
		}
	}
	return -1
}
