package value

import (
	"strings"
)

// Function is a function of expressions.
type Function struct {
	Name string
	// Least and Most are the numbers of arguments; Most is -1 for any.
	Least, Most int
	// Call computes the value. args are valid during the call only.
	Call func(args []Value) Value
	// Check says what is wrong with an argument that is written in the query, by
	// its index; nil if nothing can be.
	Check func(i int, v Value) string
}

// Functions returns all functions by their name in lower case, except those that
// need more than their arguments: bin, datefloor, dateceil and now.
func Functions() map[string]*Function {
	all := map[string]*Function{}
	for _, family := range [][]Function{generalFunctions, textFunctions, numberFunctions, timeFunctions, ipFunctions, jsonFunctions} {
		for i := range family {
			all[strings.ToLower(family[i].Name)] = &family[i]
		}
	}
	return all
}

// onTexts makes a function whose value is missing if an argument is.
func onTexts(f func(args []string) Value) func([]Value) Value {
	return func(args []Value) Value {
		list := make([]string, len(args))
		for i := range args {
			if args[i].Kind == Missing {
				return Value{}
			}
			list[i] = args[i].Text()
		}
		return f(list)
	}
}

// onNumbers makes a function whose value is missing if an argument is, or is no
// number.
func onNumbers(f func(args []float64) float64) func([]Value) Value {
	return func(args []Value) Value {
		list := make([]float64, len(args))
		for i := range args {
			var ok bool
			if list[i], ok = args[i].Number(); !ok {
				return Value{}
			}
		}
		return OfNumber(f(list))
	}
}
