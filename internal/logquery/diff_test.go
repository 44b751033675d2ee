package logquery

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/jsonwalk/walktest"
)

// The functions below evaluate JSON patterns the slow and obvious way: decode
// the message into maps and look there. The fast scanner must agree.

func slowMatch(p *Pattern, message []byte) bool {
	doc, ok := walktest.Decode(message)
	return ok && slowEval(p.expr, doc)
}

func slowEval(e Expr, doc any) bool {
	switch e := e.(type) {
	case some:
		for _, x := range e {
			if slowEval(x, doc) {
				return true
			}
		}
		return false
	case all:
		for _, x := range e {
			if !slowEval(x, doc) {
				return false
			}
		}
		return true
	case field:
		values := walktest.Find(doc, e.path)
		if e.test == NotExists() {
			return len(values) == 0
		}
		return slices.ContainsFunc(values, func(v any) bool { return slowHolds(e.test, v) })
	}
	panic(fmt.Sprintf("unknown condition %T", e))
}

func slowHolds(t Test, v any) bool {
	text, isText := walktest.Text(v)
	switch t := t.(type) {
	case *equal:
		return isText && slowEqual(t, v, text) != t.negate
	case *like:
		return isText && t.regex.MatchString(text) != t.negate
	case order:
		n, ok := v.(json.Number)
		f, err := n.Float64()
		return ok && err == nil && map[string]bool{"<": f < t.number, "<=": f <= t.number, ">": f > t.number, ">=": f >= t.number}[t.op]
	case is:
		switch t.kind {
		case jsonwalk.Null:
			return v == nil
		case jsonwalk.True:
			return v == true
		default:
			return v == false
		}
	}
	panic(fmt.Sprintf("unknown test %T", t))
}

func slowEqual(e *equal, v any, text string) bool {
	if n, ok := v.(json.Number); ok && e.isNumber {
		if f, err := n.Float64(); err == nil {
			return f == e.number
		}
	}
	parts := make([]string, len(e.text.parts))
	for i, p := range e.text.parts {
		parts[i] = regexp.QuoteMeta(string(p))
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`).MatchString(text)
}

func TestAgainstSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := []string{"a", "b", "a.b", "c-d", "é"}
	var gen func(depth int) any
	gen = func(depth int) any {
		n := r.IntN(9)
		if depth > 3 {
			n = r.IntN(7)
		}
		switch n {
		case 0:
			return nil
		case 1, 2:
			return r.IntN(3) == 0
		case 3:
			return r.IntN(5)
		case 4:
			return float64(r.IntN(50)) / 8
		case 5:
			return []string{"", "x", "xy\n", "4", "a*b", `q"u\`, "é\u2028"}[r.IntN(7)]
		case 6:
			return strings.Repeat("ab", r.IntN(4))
		case 7:
			l := make([]any, r.IntN(4))
			for i := range l {
				l[i] = gen(depth + 1)
			}
			return l
		}
		m := map[string]any{}
		for range r.IntN(5) {
			m[keys[r.IntN(len(keys))]] = gen(depth + 1)
		}
		return m
	}
	var cond func(depth int) string
	cond = func(depth int) string {
		if n := r.IntN(4); depth < 3 && n < 2 {
			return "(" + cond(depth+1) + []string{")&&(", " ) || ( "}[n] + cond(depth+1) + ")"
		}
		var s strings.Builder
		s.WriteString("$")
		for range 1 + r.IntN(3) {
			s.WriteString([]string{".a", ".b", ".['a.b']", ".c-d", "['é']", "[0]", "[1]"}[r.IntN(7)])
		}
		if r.IntN(30) == 0 {
			s.WriteString([]string{".*", "[*]"}[r.IntN(2)])
		}
		return s.String() + []string{
			"=x", " = *b*", ` != "ab"`, " = 4", "!=4", " = %^.b%", " > 2", "<=3.5", " IS NULL", " IS TRUE", " IS FALSE", " NOT EXISTS",
			` = "*"`, ` != "q\"u\\"`, "= -0", "=true",
		}[r.IntN(16)]
	}
	matches := 0
	for range 20000 {
		source := "{" + cond(0) + "}"
		p, err := Parse(source)
		if err != nil {
			if strings.Contains(err.Error(), "at most") {
				continue
			}
			t.Fatalf("Parse(%s): %v", source, err)
		}
		m, err := json.Marshal(map[string]any{"a": gen(0), "b": gen(0), "c-d": gen(0), "é": gen(0)})
		if err != nil {
			t.Fatal(err)
		}
		want := slowMatch(p, m)
		if got := p.Match(m); got != want {
			t.Fatalf("%s on %s = %v, slow evaluation says %v", source, m, got, want)
		}
		if want {
			matches++
		}
	}
	if matches < 1000 {
		t.Errorf("only %d of 20000 random cases matched: the test proves little", matches)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{``, `{($.eventName=A)||($.b != "x*") && ($.c NOT EXISTS)}`, `a -b ?c "d"`, `%a|b%`, `[a, ..., b=4*||b>1]`, `{ $.a[*].['b.c'] IS NULL }`, `{ $.*!=%x% }`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := Parse(pattern)
		if err != nil {
			if se, ok := errors.AsType[*SyntaxError](err); !ok || se.Column < 1 || se.Text == "" {
				t.Errorf("Parse(%q): %v", pattern, err)
			}
			return
		}
		for _, m := range []string{``, `a b`, `{"a":[{"b.c":null}]}`} {
			got := p.Match([]byte(m))
			if strings.HasPrefix(strings.TrimLeft(pattern, " \t\r\n"), "{") && got != slowMatch(p, []byte(m)) {
				t.Errorf("%q on %q = %v", pattern, m, got)
			}
			p.Extract([]byte(m))
		}
	})
}

func FuzzMatch(f *testing.F) {
	for _, m := range []string{
		`{}`, `{"a":1}`, `[1]`, `{"a":{"b":["x",1e5,-0.1,null,true,{"c":"\u00e9\ud83d\ude00"}]}}`, `{"a":"\x"}`, `{"a":01}`, `{"a" : [ ] }`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(m))
	}
	var patterns []*Pattern
	for _, s := range []string{
		`{ $.a NOT EXISTS }`, `{ $.a = "*" }`, `{ $.a.b[*] != x }`, `{ $.* IS NULL || $.a > 0 }`, `{ $.a.b[5].c = "*é*" }`, `{ $.a.b[0] = x && $.a.b[3] IS NULL }`,
	} {
		p, err := Parse(s)
		if err != nil {
			f.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		for _, p := range patterns {
			if got, want := p.Match(m), slowMatch(p, m); got != want {
				t.Errorf("%s on %q = %v, slow evaluation says %v", p, m, got, want)
			}
		}
	})
}
