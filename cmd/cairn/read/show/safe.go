// Package show writes records and counts for people and programs: aligned
// tables, CSV, JSON and bars.
//
// What records hold was chosen by whoever made the calls, attackers included.
// Nothing of it may move the cursor, set a terminal's title or colour, reorder
// a line, or become a formula in a spreadsheet: see [Text], [JSON] and [Cell].
package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns s with everything escaped that is not visible on a terminal or
// changes what is: control characters, bidirectional and other format
// characters, unassigned ones, and bytes that are not UTF-8. A backslash stays
// as it is.
func Text(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		clean = s[i] >= ' ' && s[i] < 0x7f
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// JSON appends JSON text to dst on one line, with what [Text] would escape
// escaped the way JSON does, so that it means the same.
func JSON(dst, text []byte) []byte {
	inside := false
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '\\' && inside && len(text) > 1 && text[1] >= ' ' && text[1] < 0x7f:
			dst = append(dst, text[:2]...)
			n = 2
		case r == '"':
			inside = !inside
			dst = append(dst, '"')
		case !inside && (r == '\n' || r == '\r' || r == '\t'):
			// White space between values; a line break would end the record.
		case r == utf8.RuneError && n == 1:
			dst = append(dst, `\ufffd`...)
		case unicode.IsPrint(r):
			dst = append(dst, text[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
		text = text[n:]
	}
	return dst
}

// Cell returns s as a cell of a CSV file: as [Text], and with an apostrophe
// before what a spreadsheet would take for a formula. Numbers stay numbers.
func Cell(s string) string {
	s = Text(s)
	trimmed := strings.TrimLeft(s, " ")
	if r, _ := utf8.DecodeRuneInString(trimmed); strings.ContainsRune("=+-@|%＝＋－＠", r) && !number(trimmed) {
		return "'" + s
	}
	return s
}

// number reports whether s is a plain number, such as -1.5.
func number(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	digits := func(s string) bool {
		return s != "" && strings.Trim(s, "0123456789") == ""
	}
	return digits(whole) && (!point || digits(fraction))
}

// wide are the characters that take two columns of a terminal.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1},
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1},
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff01, Hi: 0xff60, Stride: 1},
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

// Width is how many columns of a terminal a text takes that Text returned.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// Fit shortens a text to a width by leaving out its middle: both ends of names
// and ARNs tell something.
func Fit(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	head, tail := (width-1)/2, width-1-(width-1)/2
	runes := []rune(s)
	i, j := 0, len(runes)
	for n := 0; i < j; i++ {
		if n += runeWidth(runes[i]); n > head {
			break
		}
	}
	for n := 0; j > i; j-- {
		if n += runeWidth(runes[j-1]); n > tail {
			break
		}
	}
	return string(runes[:i]) + "…" + string(runes[j:])
}
