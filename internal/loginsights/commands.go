package loginsights

import (
	"maps"
	"slices"
	"strings"

	"cairn/internal/loginsights/syntax"
)

// command is one command of a query.
type command interface {
	// compile adds the command to the plan.
	compile(c *compiler) error
}

// parsers reads the commands by name; the name itself is read already.
var parsers = map[string]func(p *syntax.Parser) (command, error){
	"fields":  readFields,
	"display": readDisplay,
	"filter":  readFilter,
	"stats":   readStats,
	"sort":    readSort,
	"limit":   readLimit,
	"head":    readLimit, // the former name of limit
	"parse":   readParse,
	"dedup":   readDedup,
}

// unsupported are commands of the service that this package does not have.
var unsupported = []string{
	"addtotals", "anomaly", "diff", "expand", "filterindex", "join", "lookup", "pattern", "relevantfields", "search",
	"source", "tail", "unmask", "unnest",
}

// commands reads the whole query.
func readCommands(p *syntax.Parser) ([]command, error) {
	var list []command
	for {
		one, err := readCommand(p)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
		if p.Tok.Kind == syntax.End {
			return list, nil
		}
		if !p.Take("|") {
			return nil, p.Expected("| and another command, or the end of the query")
		}
	}
}

func readCommand(p *syntax.Parser) (command, error) {
	known := slices.Sorted(maps.Keys(parsers))
	all := "a command (" + strings.Join(known, ", ") + ")"
	if p.Tok.Kind != syntax.Word || p.Tok.Quoted {
		return nil, p.Expected(all)
	}
	name := strings.ToLower(p.Tok.Text)
	read := parsers[name]
	if read == nil {
		if slices.Contains(unsupported, name) {
			all = "another command: " + name + " is not supported by this engine, which has " + strings.Join(known, ", ")
		}
		if hint := syntax.Nearest(name, known); hint != "" {
			all += "; " + hint
		}
		return nil, p.Expected(all)
	}
	p.Next()
	return read(p)
}
