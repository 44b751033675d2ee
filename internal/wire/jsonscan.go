package wire

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) token by token. It is strict: no trailing
// commas, no comments, no invalid UTF-8.
type scanner struct {
	b []byte
	i int
	// elements counts list elements and map entries read so far.
	elements int
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// take skips white space and consumes c, if it comes next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// want consumes c or fails.
func (s *scanner) want(c byte) error {
	if !s.take(c) {
		return s.unexpected("'" + string(c) + "'")
	}
	return nil
}

// unexpected says what stands where something else should.
func (s *scanner) unexpected(wanted string) error {
	c := s.peek()
	if s.i >= len(s.b) {
		return malformedf("the JSON ends where %s should follow", wanted)
	}
	return malformedf("the JSON has %q at byte %d where %s should stand", c, s.i, wanted)
}

// word consumes true, false or null.
func (s *scanner) word(w string) bool {
	s.peek()
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		return false
	}
	s.i += len(w)
	return true
}

// rawString consumes a string and returns it without quotes, and whether it
// holds escapes.
func (s *scanner) rawString() (raw []byte, escaped bool, err error) {
	if err := s.want('"'); err != nil {
		return nil, false, err
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			raw = s.b[start:s.i]
			s.i++
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			s.i += 2
		case c < 0x20:
			return nil, false, malformedf("the JSON has a control character inside a string at byte %d", s.i)
		default:
			s.i++
		}
	}
	return nil, false, malformedf("the JSON ends inside a string")
}

// str consumes a string.
func (s *scanner) str() (string, error) {
	raw, escaped, err := s.rawString()
	if err != nil {
		return "", err
	}
	if !utf8.Valid(raw) {
		return "", malformedf("the JSON holds text that is not UTF-8")
	}
	if !escaped {
		return string(raw), nil
	}
	var out string
	if err := json.Unmarshal(s.b[s.i-len(raw)-2:s.i], &out); err != nil {
		return "", malformedf("the JSON has a broken escape in a string that ends at byte %d", s.i)
	}
	return out, nil
}

// number consumes a number and returns its text; whole is true if it has
// neither fraction nor exponent.
func (s *scanner) number() (token string, whole bool, err error) {
	s.peek()
	start := s.i
	s.accept("-")
	if s.accept("0") == 0 && s.digits() == 0 {
		s.i = start
		return "", false, s.unexpected("a number")
	}
	whole = true
	if s.accept(".") == 1 {
		whole = false
		if s.digits() == 0 {
			return "", false, s.unexpected("a digit")
		}
	}
	if s.accept("eE") == 1 {
		whole = false
		s.accept("+-")
		if s.digits() == 0 {
			return "", false, s.unexpected("a digit")
		}
	}
	return string(s.b[start:s.i]), whole, nil
}

// accept consumes one byte out of set and returns how many it consumed.
func (s *scanner) accept(set string) int {
	if s.i < len(s.b) && bytes.IndexByte([]byte(set), s.b[s.i]) >= 0 {
		s.i++
		return 1
	}
	return 0
}

func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}

// found names the kind of value that comes next, for messages.
func (s *scanner) found() string {
	switch c := s.peek(); {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == 't' || c == 'f':
		return "a boolean"
	case c == 'n':
		return "null"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	}
	return "no JSON value"
}
