package value

// generalFunctions are the functions on fields of any kind.
var generalFunctions = []Function{
	{Name: "isPresent", Least: 1, Most: 1, Call: func(args []Value) Value {
		return OfBool(args[0].Kind != Missing)
	}},
	{Name: "coalesce", Least: 1, Most: -1, Call: func(args []Value) Value {
		for i := range args {
			if args[i].Kind != Missing {
				return args[i]
			}
		}
		return Value{}
	}},
}
