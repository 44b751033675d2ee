// Package find looks for a byte string in log files and records at about the
// speed of memory: by two of its bytes that are rare there, sixteen places at
// once. [bytes.Index] goes by the first byte, a quote or a letter, which is
// everywhere.
package find

import (
	"bytes"
	"slices"
	"strings"
)

// Text is a byte string to be looked for.
type Text struct {
	text []byte
	// one is where the first of the two is, distance how far behind it the other.
	one, distance int
}

// frequency are the bytes of log files, frequent ones first. The others are rare.
const frequency = `"ea:stnr1o,0-2icd3um56l4pA.98v7SgyI/w}{fbTEDCh RzONkPH_xMVWqLBG][ZKj#UXFQ)(JY+%!;=?\`

// New makes a byte string ready. It keeps text, which must not be changed.
func New(text []byte) Text {
	rank := func(i int) int {
		if r := strings.IndexByte(frequency, text[i]); r >= 0 {
			return r
		}
		return len(frequency)
	}
	places := make([]int, len(text))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return rank(b) - rank(a) })
	if len(places) < 2 {
		return Text{text: text}
	}
	a, b := min(places[0], places[1]), max(places[0], places[1])
	return Text{text: text, one: a, distance: b - a}
}

// Bytes returns the byte string, which must not be changed.
func (t *Text) Bytes() []byte { return t.text }

// Index returns where the byte string is in b first; -1 if nowhere. It finds an
// empty one at once, as [bytes.Index] does.
func (t *Text) Index(b []byte) int {
	if t.distance == 0 {
		return bytes.Index(b, t.text)
	}
	one, other := t.text[t.one], t.text[t.one+t.distance]
	for from := 0; from+len(t.text) <= len(b); {
		n := indexPair(b[from+t.one:], t.distance, one, other)
		if n < 0 {
			from += ^n
			if n = bytes.Index(b[min(from, len(b)):], t.text); n >= 0 {
				n += from
			}
			return n
		}
		if from += n; bytes.HasPrefix(b[from:], t.text) {
			return from
		}
		from++
	}
	return -1
}
