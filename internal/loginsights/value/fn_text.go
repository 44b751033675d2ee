package value

import (
	"strings"
	"unicode/utf8"
)

// maxText is the size in bytes of the longest text that concat and replace make;
// beyond it there is no value. Without it a short query could make texts that
// double with each field.
const maxText = 512 << 10

// textFunctions are the string functions. Lengths and places are in Unicode code
// points, as the guide says. isEmpty and isBlank are true of a missing field.
var textFunctions = []Function{
	{Name: "isEmpty", Least: 1, Most: 1, Call: func(args []Value) Value {
		return OfBool(args[0].Text() == "")
	}},
	{Name: "isBlank", Least: 1, Most: 1, Call: func(args []Value) Value {
		return OfBool(strings.TrimSpace(args[0].Text()) == "")
	}},
	{Name: "concat", Least: 1, Most: -1, Call: onTexts(func(args []string) Value {
		size := 0
		for _, a := range args {
			size += len(a)
		}
		if size > maxText {
			return Value{}
		}
		return OfText(strings.Join(args, ""))
	})},
	{Name: "ltrim", Least: 1, Most: 2, Call: trimmer(strings.TrimLeft)},
	{Name: "rtrim", Least: 1, Most: 2, Call: trimmer(strings.TrimRight)},
	{Name: "trim", Least: 1, Most: 2, Call: trimmer(strings.Trim)},
	{Name: "strlen", Least: 1, Most: 1, Call: onTexts(func(args []string) Value {
		return OfNumber(float64(utf8.RuneCountInString(args[0])))
	})},
	{Name: "toupper", Least: 1, Most: 1, Call: onTexts(func(args []string) Value {
		return OfText(strings.ToUpper(args[0]))
	})},
	{Name: "tolower", Least: 1, Most: 1, Call: onTexts(func(args []string) Value {
		return OfText(strings.ToLower(args[0]))
	})},
	{Name: "substr", Least: 2, Most: 3, Call: substr},
	{Name: "replace", Least: 3, Most: 3, Call: onTexts(func(args []string) Value {
		if n := strings.Count(args[0], args[1]); len(args[0])+n*len(args[2]) > maxText {
			return Value{}
		}
		return OfText(strings.ReplaceAll(args[0], args[1], args[2]))
	})},
	{Name: "strcontains", Least: 2, Most: 2, Call: onTexts(func(args []string) Value {
		if strings.Contains(args[0], args[1]) {
			return OfNumber(1)
		}
		return OfNumber(0)
	})},
}

// trimmer makes a function that removes white space, or the characters of a
// second argument.
func trimmer(trim func(s, cutset string) string) func([]Value) Value {
	return onTexts(func(args []string) Value {
		cutset := " \t\n\v\f\r\u0085\u00a0"
		if len(args) == 2 {
			cutset = args[1]
		}
		return OfText(trim(args[0], cutset))
	})
}

// substr is substr(text, from) or substr(text, from, length), from 0. What lies
// outside the text is left out.
func substr(args []Value) Value {
	from, ok := args[1].Number()
	if args[0].Kind == Missing || !ok {
		return Value{}
	}
	s := []rune(args[0].Text())
	start := int(min(max(from, 0), float64(len(s))))
	end := len(s)
	if len(args) == 3 {
		n, ok := args[2].Number()
		if !ok {
			return Value{}
		}
		end = start + int(min(max(n, 0), float64(len(s)-start)))
	}
	return OfText(string(s[start:end]))
}
