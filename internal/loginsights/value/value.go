// Package value is what fields and expressions of a Logs Insights query have for
// one event: values of a few kinds, how they compare and calculate, the
// functions and aggregate functions on them, and how they are found in JSON
// messages. It is pure.
//
// Functions are in families (fn_*.go), aggregate functions in agg_*.go.
package value

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Kind is what sort of value it is.
type Kind uint8

// The kinds of value.
const (
	Missing    Kind = iota // the event does not have the field
	Text                   // Str
	Number                 // Num
	NumberText             // a number as an event wrote it: Str
	Boolean                // Num is 1 or 0
	Instant                // Num is milliseconds since 1970
	Structure              // an object or an array: Str is its JSON
)

// Value is what a field or an expression has for one event.
type Value struct {
	Kind Kind
	Num  float64
	Str  string
}

// OfText returns a text.
func OfText(s string) Value { return Value{Kind: Text, Str: s} }

// OfNumber returns a number; nothing for what is none (NaN, infinity).
func OfNumber(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{Kind: Number, Num: f}
}

// OfBool returns a boolean.
func OfBool(b bool) Value {
	if b {
		return Value{Kind: Boolean, Num: 1}
	}
	return Value{Kind: Boolean}
}

// OfInstant returns a time, in milliseconds since 1970.
func OfInstant(millis float64) Value { return Value{Kind: Instant, Num: millis} }

// Text returns the value as results show it.
func (v *Value) Text() string {
	switch v.Kind {
	case Text, NumberText, Structure:
		return v.Str
	case Number:
		return formatNumber(v.Num)
	case Boolean:
		return strconv.Itoa(int(v.Num))
	case Instant:
		return time.UnixMilli(int64(v.Num)).UTC().Format("2006-01-02 15:04:05.000")
	case Missing:
	}
	return ""
}

// formatNumber writes whole numbers without, others with at most four decimals,
// as the service does; what would be zero then is written with an exponent.
func formatNumber(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e21 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	if a := math.Abs(f); a < 0.00005 || a >= 1e21 {
		return strconv.FormatFloat(f, 'g', 5, 64)
	}
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(f, 'f', 4, 64), "0"), ".")
}

// Number returns the value as a number, if it is one or is the text of one.
func (v *Value) Number() (float64, bool) {
	switch v.Kind {
	case Number, Boolean, Instant:
		return v.Num, true
	case Text, NumberText:
		return ParseNumber(v.Str)
	case Missing, Structure:
	}
	return 0, false
}

// ParseNumber reads a decimal number, with an exponent or without.
func ParseNumber(s string) (float64, bool) {
	if s == "" || !isDigit(s[0]) && strings.IndexByte("+-.", s[0]) < 0 {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) && strings.IndexByte("+-.eE", s[i]) < 0 {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// Truth reports whether a condition is true: a missing value, zero, and every
// text but true and numbers other than zero are not.
func (v *Value) Truth() bool {
	switch v.Kind {
	case Number, Boolean, Instant:
		return v.Num != 0
	case Text, NumberText:
		f, ok := ParseNumber(v.Str)
		return ok && f != 0 || strings.EqualFold(v.Str, "true")
	case Missing, Structure:
	}
	return false
}

// numbers returns both values as numbers if they compare as such: if at least
// one is not a text, and both denote numbers.
func numbers(a, b *Value) (x, y float64, ok bool) {
	if a.Kind == Text && b.Kind == Text {
		return 0, 0, false
	}
	if x, ok = a.Number(); ok {
		y, ok = b.Number()
	}
	return x, y, ok
}

// Equal reports whether two values that are there are the same.
func Equal(a, b *Value) bool {
	if a.Kind == Text && b.Kind == Text {
		return a.Str == b.Str
	}
	if x, y, ok := numbers(a, b); ok {
		return x == y
	}
	if b.Kind == Boolean {
		a, b = b, a
	}
	if a.Kind == Boolean {
		return strings.EqualFold(b.Text(), strconv.FormatBool(a.Num != 0))
	}
	return a.Text() == b.Text()
}

// Compare returns the order of two values that are there, for < and >. A
// number and a text that is none have no order, except that an instant
// compares as it is shown: @timestamp >= "2026-01-02".
func Compare(a, b *Value) (order int, ok bool) {
	if x, y, ok := numbers(a, b); ok {
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	}
	plain := func(v *Value) bool { return v.Kind == Text || v.Kind == Instant || v.Kind == Structure }
	if !plain(a) || !plain(b) {
		return 0, false
	}
	return strings.Compare(a.Text(), b.Text()), true
}

// Arithmetic calculates; no result is a number that is none (division by zero).
func Arithmetic(op string, a, b *Value) Value {
	x, ok := a.Number()
	y, ok2 := b.Number()
	if !ok || !ok2 {
		return Value{}
	}
	switch op {
	case "+":
		return OfNumber(x + y)
	case "-":
		return OfNumber(x - y)
	case "*":
		return OfNumber(x * y)
	case "/":
		return OfNumber(x / y)
	case "%":
		return OfNumber(math.Mod(x, y))
	}
	return OfNumber(math.Pow(x, y))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
