package logquery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The functions below evaluate JSON patterns the slow and obvious way: decode
// the message into maps and look there. The fast scanner must agree.

func slowMatch(p *Pattern, message []byte) bool {
	j, ok := p.m.(*jsonPattern)
	if !ok {
		panic("not a JSON pattern")
	}
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	var doc map[string]any
	if d.Decode(&doc) != nil || doc == nil {
		return false
	}
	if _, err := d.Token(); err != io.EOF {
		return false
	}
	return slowEval(j.cond, j.selectors, doc)
}

func slowEval(e expr, sel []selector, doc any) bool {
	anyOf := func(field int, ok func(v any) bool) bool {
		return slices.ContainsFunc(slowFind(doc, sel[field].steps), ok)
	}
	switch e := e.(type) {
	case or:
		for _, x := range e {
			if slowEval(x, sel, doc) {
				return true
			}
		}
		return false
	case and:
		for _, x := range e {
			if !slowEval(x, sel, doc) {
				return false
			}
		}
		return true
	case *equal:
		return anyOf(e.field, func(v any) bool {
			text, ok := slowText(v)
			if !ok {
				return false
			}
			return slowEqual(e, v, text) != e.negate
		})
	case *order:
		return anyOf(e.field, func(v any) bool {
			n, ok := v.(json.Number)
			f, err := n.Float64()
			return ok && err == nil && e.holds(f)
		})
	case *is:
		return anyOf(e.field, func(v any) bool {
			switch e.kind {
			case jsonNull:
				return v == nil
			case jsonTrue:
				return v == true
			default:
				return v == false
			}
		})
	case *notExists:
		return len(slowFind(doc, sel[e.field].steps)) == 0
	}
	panic(fmt.Sprintf("unknown condition %T", e))
}

func slowEqual(e *equal, v any, text string) bool {
	if e.regex != nil {
		return e.regex.MatchString(text)
	}
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

func slowText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func slowFind(v any, steps []step) []any {
	if len(steps) == 0 {
		return []any{v}
	}
	var next []any
	st := steps[0]
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if !st.array && (st.wildcard || st.key == k) {
				next = append(next, x)
			}
		}
	case []any:
		for i, x := range v {
			if st.array && (st.wildcard || st.index == i) {
				next = append(next, x)
			}
		}
	}
	var out []any
	for _, x := range next {
		out = append(out, slowFind(x, steps[1:])...)
	}
	return out
}

// ambiguous reports whether decoding into maps loses something of the message:
// a repeated member, or more depth than the scanner takes.
func ambiguous(message []byte) bool {
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	var walk func(depth int) bool
	walk = func(depth int) bool {
		t, err := d.Token()
		if err != nil || depth > maxDepth {
			return true
		}
		seen := map[any]bool{}
		delim, ok := t.(json.Delim)
		for ok && d.More() {
			if delim == '{' {
				k, err := d.Token()
				if err != nil || seen[k] {
					return true
				}
				seen[k] = true
			}
			if walk(depth + 1) {
				return true
			}
		}
		if ok {
			_, err = d.Token()
		}
		return err != nil
	}
	return walk(0)
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
	for _, c := range cis {
		f.Add(c.pattern)
	}
	for _, s := range []string{``, `a -b ?c "d"`, `%a|b%`, `[a, ..., b=4*||b>1]`, `{ $.a[*].['b.c'] IS NULL }`, `{ $.*!=%x% }`} {
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
			if _, ok := p.m.(*jsonPattern); ok && got != slowMatch(p, []byte(m)) {
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
		_, ok := scan(m, &node{}, nil)
		valid := json.Valid(m) && bytes.HasPrefix(bytes.TrimLeft(m, " \t\r\n"), []byte("{"))
		if ok && !valid {
			t.Fatalf("%q taken for a JSON object", m)
		}
		if !valid || ambiguous(m) {
			return
		}
		if !ok {
			t.Fatalf("JSON object %q refused", m)
		}
		for _, p := range patterns {
			if got, want := p.Match(m), slowMatch(p, m); got != want {
				t.Errorf("%s on %q = %v, slow evaluation says %v", p, m, got, want)
			}
		}
	})
}
