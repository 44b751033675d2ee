package jsonwalk

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Strict returns JSON that readers take which refuse text that is not UTF-8 and
// halves of surrogate pairs, such as DuckDB's: U+FFFD stands in place of each
// byte and each half, as in [Value.Text]. Nearly always that is raw itself.
func Strict(raw []byte) []byte {
	const mark = "\ufffd"
	if i := bytes.Index(raw, []byte(`\u`)); i < 0 && utf8.Valid(raw) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		switch {
		case raw[0] == '\\' && (len(raw) < 2 || raw[1] != 'u'):
			// What is escaped is the next character, a backslash perhaps.
			out, raw = append(out, raw[0]), raw[1:]
			if len(raw) > 0 && raw[0] == '\\' {
				out, raw = append(out, raw[0]), raw[1:]
			}
		case raw[0] == '\\':
			n := 6
			switch r := unit(raw); {
			case !utf16.IsSurrogate(r):
				n = 2
				out = append(out, raw[:n]...)
			case utf16.DecodeRune(r, unit(raw[min(n, len(raw)):])) != utf8.RuneError:
				n = 12
				out = append(out, raw[:n]...)
			default:
				out = append(out, mark...)
			}
			raw = raw[min(n, len(raw)):]
		default:
			r, n := utf8.DecodeRune(raw)
			if r == utf8.RuneError && n == 1 {
				out = append(out, mark...)
			} else {
				out = append(out, raw[:n]...)
			}
			raw = raw[n:]
		}
	}
	return out
}

// unit returns the code unit of an escape \uXXXX at the front of b, or -1.
func unit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
