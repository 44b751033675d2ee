package grams

import "bytes"

// A needle for JSON has alternatives for messages that write characters as
// escapes though they need not (logquery.Predicate.Needles): \/, \u00, and that
// with one digit or two behind it. These are too short for grams, so that whether
// a page has them is kept as if they were: by a number of its own each.
const (
	slashEscape   = 0x5f51a5e2
	unicodeEscape = 0x5f51a5e1
	// digitEscape and charEscape are the first of 16 and of 256 numbers.
	digitEscape = 0x5f51b000
	charEscape  = 0x5f51c000
)

// chooseEscapes appends the numbers of the escapes that a text has.
func chooseEscapes(dst []uint32, text []byte) []uint32 {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return dst
		}
		text = text[i+1:]
		switch {
		case text[0] == '/':
			dst = append(dst, slashEscape)
		case bytes.HasPrefix(text, []byte("u00")):
			dst = chooseUnicode(append(dst, unicodeEscape), text[3:])
		}
	}
}

// chooseUnicode appends the numbers of an escape of which these are the last two
// digits; a needle may have fewer.
func chooseUnicode(dst []uint32, digits []byte) []uint32 {
	first, ok := digit(digits)
	if !ok {
		return dst
	}
	dst = append(dst, digitEscape+first)
	if second, ok := digit(digits[1:]); ok {
		dst = append(dst, charEscape+first<<4+second)
	}
	return dst
}

// digit returns the value of the hexadecimal digit that text begins with.
func digit(text []byte) (uint32, bool) {
	if len(text) == 0 {
		return 0, false
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9':
		return uint32(c - '0'), true
	case c >= 'a' && c <= 'f':
		return uint32(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return uint32(c-'A') + 10, true
	}
	return 0, false
}
