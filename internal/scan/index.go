package scan

import (
	"bytes"
	"slices"
	"strings"
)

// pattern is a byte string to be searched for by two of its bytes that are rare
// in log files.
type pattern struct {
	text []byte
	// one is where the first of the two is, distance how far behind it the other.
	one, distance int
}

// frequency are the bytes of log files, frequent ones first. The others are rare.
const frequency = `"ea:stnr1o,0-2icd3um56l4pA.98v7SgyI/w}{fbTEDCh RzONkPH_xMVWqLBG][ZKj#UXFQ)(JY+%!;=?\`

func newPattern(text []byte) pattern {
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
		return pattern{text: text}
	}
	a, b := min(places[0], places[1]), max(places[0], places[1])
	return pattern{text: text, one: a, distance: b - a}
}

// index returns where the pattern is in b; -1 if nowhere.
func (p *pattern) index(b []byte) int {
	if p.distance == 0 {
		return bytes.Index(b, p.text)
	}
	one, other := p.text[p.one], p.text[p.one+p.distance]
	for from := 0; from+len(p.text) <= len(b); {
		n := indexPair(b[from+p.one:], p.distance, one, other)
		if n < 0 {
			from += ^n
			if n = bytes.Index(b[min(from, len(b)):], p.text); n >= 0 {
				n += from
			}
			return n
		}
		if from += n; bytes.HasPrefix(b[from:], p.text) {
			return from
		}
		from++
	}
	return -1
}
