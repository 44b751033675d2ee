package value

import "strings"

// jsonFunctions are the functions on JSON. The members of a value with a name
// are reached by dots: fields jsonParse(x) as j | fields j.name.
var jsonFunctions = []Function{
	{Name: "jsonParse", Least: 1, Most: 1, Call: func(args []Value) Value {
		if args[0].Kind == Structure {
			return args[0]
		}
		s := strings.TrimSpace(args[0].Text())
		v, ok := scanValue(s)
		if !ok || v.Kind != Structure {
			return Value{} // the guide: the result is a map or a list
		}
		return v
	}},
	{Name: "jsonStringify", Least: 1, Most: 1, Call: func(args []Value) Value {
		if args[0].Kind == Missing {
			return Value{}
		}
		return OfText(args[0].Text())
	}},
}
