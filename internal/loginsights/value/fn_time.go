package value

import "math"

// timeFunctions are the datetime functions that take values only.
var timeFunctions = []Function{
	{Name: "fromMillis", Least: 1, Most: 1, Call: func(args []Value) Value {
		f, ok := args[0].Number()
		if !ok || !isTime(f) {
			return Value{}
		}
		return OfInstant(math.Trunc(f))
	}},
	{Name: "toMillis", Least: 1, Most: 1, Call: func(args []Value) Value {
		if args[0].Kind != Instant {
			return Value{}
		}
		return OfNumber(args[0].Num)
	}},
}

// isTime reports whether milliseconds since 1970 denote a time of a year with
// four digits.
func isTime(millis float64) bool {
	const first, last = -62135596800000, 253402300799999 // the years 1 and 9999
	return millis >= first && millis <= last
}

// Rounded is datefloor and dateceil: a timestamp, or milliseconds, rounded.
func Rounded(v Value, round func(float64) float64) Value {
	f, ok := v.Number()
	if !ok || !isTime(f) {
		return Value{}
	}
	if f = round(f); !isTime(f) {
		return Value{}
	}
	return OfInstant(f)
}
