package value

import (
	"cmp"
	"strings"
	"unicode/utf8"
)

// Natural compares two values in the ascending order of sort, as the guide
// describes it: all that is no number comes first, in natural order of its text;
// then numbers by value.
func Natural(a, b *Value) int {
	x, xok := a.Number()
	y, yok := b.Number()
	switch {
	case xok && yok:
		return cmp.Or(cmp.Compare(x, y), strings.Compare(a.Str, b.Str))
	case xok:
		return 1
	case yok:
		return -1
	}
	return naturalText(a.Text(), b.Text())
}

// naturalText compares texts chunk by chunk: digits by length and then value,
// the rest by Unicode values.
func naturalText(a, b string) int {
	for a != "" && b != "" {
		if isDigit(a[0]) && isDigit(b[0]) {
			x, y := digits(a), digits(b)
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[len(x):], b[len(y):]
			continue
		}
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		if x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[n:], b[m:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) string {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return s[:n]
}

// SortKey returns a value as Natural compares it, its number read already.
func SortKey(v Value) Value {
	if f, ok := v.Number(); ok {
		return Value{Kind: Number, Num: f, Str: v.Str}
	}
	if v.Kind != Missing {
		return OfText(v.Text())
	}
	return v
}

// InOrder compares two sort keys. What has no value comes last in either
// direction; the guide does not say.
func InOrder(a, b *Value, descending bool) int {
	switch {
	case a.Kind == Missing || b.Kind == Missing:
		return cmp.Compare(absent(a), absent(b))
	case descending:
		a, b = b, a
	}
	return Natural(a, b)
}

func absent(v *Value) int {
	if v.Kind == Missing {
		return 1
	}
	return 0
}
