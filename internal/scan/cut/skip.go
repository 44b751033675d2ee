package cut

import "math/bits"

// maxDepth bounds how deep a record's objects and lists may be nested;
// CloudTrail's nest less than twenty deep.
const maxDepth = 512

// outcome is how reading a value of a buffer ended.
type outcome uint8

const (
	done outcome = iota // the value is whole
	more                // it goes on after the buffer
	deep                // it nests deeper than maxDepth
	bad                 // it is not JSON
)

// block are 64 bytes of JSON as bit masks, lowest bit first.
type block struct {
	quotes   uint64 // that begin or end a string
	brackets uint64 // of objects and lists, outside of strings
}

// blocks reads a buffer in steps of 64 bytes. It must begin outside of strings.
type blocks struct {
	escaped  uint64 // 1 if the last block's last byte escapes the next one
	inString uint64 // all ones if the last block ended inside a string
}

// next reads a block. Beyond the buffer's end it sees what is no JSON token.
func (s *blocks) next(b []byte) block {
	var tail [64]byte
	if len(b) < 64 {
		copy(tail[:], b)
		b = tail[:]
	}
	quotes, slashes, brackets := classify((*[64]byte)(b))
	if slashes|s.escaped != 0 {
		quotes &^= s.escapes(slashes)
	}
	// Each bit of in is the parity of the quotes up to it: set from an opening
	// quote to the byte before the closing one.
	in := quotes
	in ^= in << 1
	in ^= in << 2
	in ^= in << 4
	in ^= in << 8
	in ^= in << 16
	in ^= in << 32
	in ^= s.inString
	s.inString = uint64(int64(in) >> 63)
	return block{quotes: quotes, brackets: brackets &^ in}
}

// escapes returns the bytes that a backslash before them escapes: those after
// an odd number of backslashes. It takes runs of them apart by subtracting, as
// simdjson does (Langdale, Lemire: Parsing Gigabytes of JSON per Second).
func (s *blocks) escapes(slashes uint64) uint64 {
	const odd = 0xAAAAAAAAAAAAAAAA
	start := slashes &^ s.escaped
	code := ((start<<1 | odd) - start) ^ odd
	escaped := code ^ (slashes | s.escaped)
	s.escaped = (code & slashes) >> 63
	return escaped
}

// container returns the end of the object or list that begins at b[0]. It
// checks that brackets are balanced outside of strings, not more.
func container(b []byte) (end int, how outcome) {
	var s blocks
	depth := 0
	for at := 0; at < len(b); at += 64 {
		for m := s.next(b[at:]).brackets; m != 0; m &= m - 1 {
			i := at + bits.TrailingZeros64(m)
			switch b[i] {
			case '{', '[':
				if depth++; depth > maxDepth {
					return i, deep
				}
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1, done
				}
			default:
				return i, bad
			}
		}
	}
	return len(b), more
}

// token returns the end of the value that begins at b[0]. A number, true, false
// or null ends where something else begins; that has to be in the buffer.
func token(b []byte) (end int, how outcome) {
	switch b[0] {
	case '{', '[':
		return container(b)
	case '"':
		return text(b)
	}
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
		case i == 0:
			return 0, bad
		default:
			return i, done
		}
	}
	return len(b), more
}

// text returns the end of the string that begins at b[0].
func text(b []byte) (end int, how outcome) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, done
		}
	}
	return len(b), more
}
