package querytest

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cairn/internal/logquery"
	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/jsonwalk/walktest"
)

// Pattern makes a case of a JSON filter pattern. The slow way has a parser of
// its own, which knows what the CIS patterns and random ones use: = != < >= and
// NOT EXISTS, IS, quoted, bare and %regex% values, && || and parentheses.
func Pattern(pattern string) Case {
	p, err := logquery.Parse(pattern)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", pattern, err))
	}
	in := reader{tokens: token.FindAllString(strings.Trim(pattern, "{} "), -1)}
	slow := in.or()
	if len(in.tokens) > 0 {
		panic(fmt.Sprintf("%s: cannot read %q", pattern, in.tokens))
	}
	return Case{pattern, p.Expr(), func(m *Message) bool { return m.IsObject && slow(m.Object) }}
}

// randomPattern writes a pattern within the limits.
func randomPattern(r *rand.Rand) string {
	for {
		pattern := anyPattern(r)
		if _, err := logquery.Parse(pattern); err == nil || !strings.Contains(err.Error(), "at most") {
			return pattern
		}
	}
}

func anyPattern(r *rand.Rand) string {
	var condition func(depth int) string
	condition = func(depth int) string {
		if n := r.IntN(4); depth < 3 && n < 2 {
			return "(" + condition(depth+1) + []string{")&&(", " ) || ( "}[n] + condition(depth+1) + ")"
		}
		path := pick(r, paths)
		value := pick(r, words)
		quoted := `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "*", "").Replace(value) + `"`
		return "$." + path + pick(r, []string{
			" = " + quoted, "!=" + quoted, "=" + quoted[:len(quoted)-1] + `*"`, ` = "*` + quoted[1:],
			" = 400", "!=400", " = 4*", "!= 4*", " > 2", "<=3.5", "= %^A.*[edx]%", "!= %ab|c%",
			" IS NULL", " IS TRUE", " IS FALSE", " NOT EXISTS", "=true", "!= -0",
		})
	}
	return "{ " + condition(0) + " }"
}

var token = regexp.MustCompile(`\(|\)|&&|\|\||\$(?:\.?\['.*?'\]|\[[0-9*]+\]|\.[\w*-]+)+|!=|<=|>=|=|<|>|NOT EXISTS|IS \w+|"(?:\\.|[^"\\])*"|%[^%]*%|[\w.*+-]+(?: +[\w.*+-]+)*`)

type reader struct{ tokens []string }

type slowCond func(doc any) bool

func (in *reader) take(s string) bool {
	if len(in.tokens) == 0 || in.tokens[0] != s {
		return false
	}
	in.tokens = in.tokens[1:]
	return true
}

func (in *reader) next() string {
	s := in.tokens[0]
	in.tokens = in.tokens[1:]
	return s
}

func (in *reader) or() slowCond {
	a := in.and()
	for in.take("||") {
		x, y := a, in.and()
		a = func(doc any) bool { return x(doc) || y(doc) }
	}
	return a
}

func (in *reader) and() slowCond {
	a := in.primary()
	for in.take("&&") {
		x, y := a, in.primary()
		a = func(doc any) bool { return x(doc) && y(doc) }
	}
	return a
}

func (in *reader) primary() slowCond {
	if in.take("(") {
		c := in.or()
		in.take(")")
		return c
	}
	path, err := jsonwalk.Parse(in.next())
	if err != nil {
		panic(err)
	}
	op := in.next()
	if op == "NOT EXISTS" {
		return func(doc any) bool { return len(walktest.Find(doc, path)) == 0 }
	}
	var holds func(v any) bool
	switch op {
	case "IS NULL":
		holds = func(v any) bool { return v == nil }
	case "IS TRUE":
		holds = func(v any) bool { return v == true }
	case "IS FALSE":
		holds = func(v any) bool { return v == false }
	default:
		holds = comparison(op, in.next())
	}
	return func(doc any) bool { return slices.ContainsFunc(walktest.Find(doc, path), holds) }
}

// comparison returns the slow way to compare with a value as the pattern writes
// it.
func comparison(op, value string) func(v any) bool {
	number, err := strconv.ParseFloat(value, 64)
	isNumber := err == nil
	var matches func(string) bool
	switch value[0] {
	case '%':
		matches = regexp.MustCompile(strings.Trim(value, "%")).MatchString
	case '"':
		matches = slowGlob(strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(value[1 : len(value)-1]))
	default:
		matches = slowGlob(value)
	}
	equals := func(v any, text string) bool {
		if n, ok := slowNumber(v); ok && isNumber {
			return n == number
		}
		return matches(text)
	}
	return func(v any) bool {
		text, ok := walktest.Text(v)
		n, numeric := slowNumber(v)
		switch op {
		case "=":
			return ok && equals(v, text)
		case "!=":
			return ok && !equals(v, text)
		case "<=":
			return numeric && n <= number
		case ">":
			return numeric && n > number
		}
		panic("no operator " + op)
	}
}
