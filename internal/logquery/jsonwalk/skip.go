package jsonwalk

import "math/bits"

// MaxDepth bounds the nesting of a message. One that nests deeper is not walked
// to its end, like one that is not JSON; genuine records nest less than ten deep.
const MaxDepth = 512

// The functions below pass over one piece of JSON at b[i] and return the index
// behind it, or -1 if b holds something else there. They accept exactly what
// encoding/json accepts, up to MaxDepth.

func space(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skip passes over a value that nobody asks for.
func (t *text) skip(i, depth int) int {
	b := t.b
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return t.skipString(i + 1)
	case '{':
		if depth >= MaxDepth {
			return -1
		}
		return t.skipObject(i+1, depth+1)
	case '[':
		if depth >= MaxDepth {
			return -1
		}
		return t.skipArray(i+1, depth+1)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	}
	return skipNumber(b, i)
}

// skipObject passes over what follows an opening brace.
func (t *text) skipObject(i, depth int) int {
	b := t.b
	if i = space(b, i); i < len(b) && b[i] == '}' {
		return i + 1
	}
	return t.skipMembers(i, depth)
}

// skipMembers passes over members, of which there is at least one, and the
// closing brace.
func (t *text) skipMembers(i, depth int) int {
	b := t.b
	for {
		var end int
		if _, i = t.memberKey(i); i < 0 {
			return -1
		}
		if i = t.skip(i, depth); i < 0 {
			return -1
		}
		if i, end = next(b, i, '}'); end != 0 {
			return i
		}
	}
}

// memberKey passes over a member's name and its colon, and returns the name
// as written, without quotes, and the index of the value.
func (t *text) memberKey(i int) ([]byte, int) {
	b := t.b
	if i >= len(b) || b[i] != '"' {
		return nil, -1
	}
	end := t.skipString(i + 1)
	if end < 0 {
		return nil, -1
	}
	key := b[i+1 : end-1]
	if end < len(b) && b[end] == ':' {
		end++
	} else if end = space(b, end); end < len(b) && b[end] == ':' {
		end++
	} else {
		return nil, -1
	}
	if end < len(b) && b[end] <= ' ' {
		end = space(b, end)
	}
	return key, end
}

// next passes over what stands behind a member or element: a comma and the
// white space behind it (end is 0), or the closing character (end is 1), or
// something that may not stand there (end is 1 and the index -1).
func next(b []byte, i int, closing byte) (after, end int) {
	if i < len(b) && b[i] <= ' ' {
		i = space(b, i)
	}
	if i >= len(b) {
		return -1, 1
	}
	switch b[i] {
	case ',':
		if i++; i < len(b) && b[i] <= ' ' {
			i = space(b, i)
		}
		return i, 0
	case closing:
		return i + 1, 1
	}
	return -1, 1
}

// skipArray passes over what follows an opening bracket.
func (t *text) skipArray(i, depth int) int {
	b := t.b
	if i = space(b, i); i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		var end int
		if i = t.skip(i, depth); i < 0 {
			return -1
		}
		if i, end = next(b, i, ']'); end != 0 {
			return i
		}
	}
}

func skipWord(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// skipString passes over what follows an opening quote, and the closing one.
func (t *text) skipString(i int) int {
	for i < len(t.b) {
		block := i &^ 63
		if block != t.block {
			t.mark(block)
		}
		m := t.marks >> (i & 63)
		if m == 0 {
			i = block + 64
			continue
		}
		if i += bits.TrailingZeros64(m); i >= len(t.b) {
			return -1
		}
		switch t.b[i] {
		case '"':
			return i + 1
		case '\\':
			t.escapes = true
			if i = skipEscape(t.b, i+1); i < 0 {
				return -1
			}
		default:
			return -1
		}
	}
	return -1
}

// skipEscape passes over what follows a backslash.
func skipEscape(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		if len(b)-i < 5 {
			return -1
		}
		for _, c := range b[i+1 : i+5] {
			if !isHex(c) {
				return -1
			}
		}
		return i + 5
	}
	return -1
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = skipDigits(b, i); i < 0 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

func skipDigits(b []byte, i int) int {
	start := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
