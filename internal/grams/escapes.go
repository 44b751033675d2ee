package grams

import "bytes"

// A needle for JSON has alternatives for messages that write characters as
// escapes though they need not (logquery.Predicate.Needles): \/, \u00, and that
// with one digit or two behind it. These are too short for grams, and every
// condition has several of them, so that a filter that errs about each would rule
// out little: it says exactly which it has, by a bit for each, but for the second
// digit, for which there are numbers as if they were grams.

// escapes are those of a page or of a needle: bit i for \u00 and the digit i.
type escapes uint32

const (
	slashEscape   escapes = 1 << 16 // \/
	unicodeEscape escapes = 1 << 17 // \u00
	// charEscape is the first of 256 numbers.
	charEscape = 0x5f51c000
)

// chooseEscapes returns the escapes that a text has, and appends the numbers of
// those of two digits.
func chooseEscapes(dst []uint32, text []byte) ([]uint32, escapes) {
	var has escapes
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return dst, has
		}
		text = text[i+1:]
		switch {
		case text[0] == '/':
			has |= slashEscape
		case bytes.HasPrefix(text, []byte("u00")):
			has |= unicodeEscape
			// Of a needle the last two digits may be missing.
			first, ok := digit(text[3:])
			if !ok {
				continue
			}
			has |= 1 << first
			if second, ok := digit(text[4:]); ok {
				dst = append(dst, charEscape+first<<4+second)
			}
		}
	}
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
