package value

import (
	"math"
	"slices"
)

// numberFunctions are the numeric functions.
var numberFunctions = []Function{
	{Name: "abs", Least: 1, Most: 1, Call: onNumbers(func(args []float64) float64 { return math.Abs(args[0]) })},
	{Name: "ceil", Least: 1, Most: 1, Call: onNumbers(func(args []float64) float64 { return math.Ceil(args[0]) })},
	{Name: "floor", Least: 1, Most: 1, Call: onNumbers(func(args []float64) float64 { return math.Floor(args[0]) })},
	{Name: "greatest", Least: 1, Most: -1, Call: onNumbers(slices.Max[[]float64])},
	{Name: "least", Least: 1, Most: -1, Call: onNumbers(slices.Min[[]float64])},
	{Name: "log", Least: 1, Most: 1, Call: onNumbers(func(args []float64) float64 { return math.Log(args[0]) })},
	{Name: "sqrt", Least: 1, Most: 1, Call: onNumbers(func(args []float64) float64 { return math.Sqrt(args[0]) })},
}
