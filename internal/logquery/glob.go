package logquery

import (
	"bytes"
	"strings"
)

// glob is a text in which * stands for any run of characters.
type glob struct {
	// parts are the literal pieces between the stars; one part means no star.
	parts [][]byte
}

func newGlob(s string) glob {
	var g glob
	for part := range strings.SplitSeq(s, "*") {
		g.parts = append(g.parts, []byte(part))
	}
	return g
}

// match takes time linear in text for each part: the leftmost place for a part
// is always as good as a later one.
func (g *glob) match(text []byte) bool {
	first, last := g.parts[0], g.parts[len(g.parts)-1]
	if len(g.parts) == 1 {
		return bytes.Equal(first, text)
	}
	if !bytes.HasPrefix(text, first) || len(text) < len(first)+len(last) || !bytes.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range g.parts[1 : len(g.parts)-1] {
		i := bytes.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
