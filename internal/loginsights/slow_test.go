package loginsights_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slow is the obvious evaluation of conditions: it decodes the whole message
// with encoding/json. A condition is true, false, or nil for neither.
type slow struct {
	query string
	holds func(record map[string]any) any
}

// at returns the value at a dotted path as this test compares it, or nil.
func at(record map[string]any, path string) any {
	var v any = record
	for part := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func show(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "1"
		}
		return "0"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

var (
	slowPaths = []string{"eventName", "eventSource", "errorCode", "userIdentity.type", "userIdentity.userName", "tags.0.key", "tags.1.key", "readOnly", "n", "s.a/b"}
	slowTexts = []string{"RunInstances", "ec2.amazonaws.com", "Root", "ada", "x<y", "a/b", `q"q`, "é", "7", "true"}
)

// condition makes a random condition.
func condition(r *rand.Rand, depth int) slow {
	path, word := slowPaths[r.IntN(len(slowPaths))], slowTexts[r.IntN(len(slowTexts))]
	quoted := `"` + strings.ReplaceAll(word, `"`, `\"`) + `"`
	name := "`" + path + "`"
	if !strings.Contains(path, "/") {
		name = path
	}
	with := func(query string, f func(v any) any) slow {
		return slow{query, func(record map[string]any) any {
			v := at(record, path)
			if v == nil {
				return nil
			}
			return f(v)
		}}
	}
	same := func(v any) bool {
		if b, ok := v.(bool); ok {
			return strings.EqualFold(word, strconv.FormatBool(b)) || word == show(v)
		}
		return show(v) == word
	}
	if depth > 0 && r.IntN(2) == 0 {
		a, b := condition(r, depth-1), condition(r, depth-1)
		switch r.IntN(3) {
		case 0:
			return slow{"not (" + a.query + ")", func(m map[string]any) any {
				if v := a.holds(m); v != nil {
					return !v.(bool)
				}
				return nil
			}}
		case 1:
			return slow{"(" + a.query + " and " + b.query + ")", both(a, b, false)}
		}
		return slow{"(" + a.query + " or " + b.query + ")", both(a, b, true)}
	}
	switch r.IntN(7) {
	case 0:
		return with(name+" != "+quoted, func(v any) any { return !same(v) })
	case 1:
		return with(name+" like "+quoted, func(v any) any { return strings.Contains(show(v), word) })
	case 2:
		part := word[:min(2, len(word))]
		return with(name+" like /^"+strings.ReplaceAll(regexp.QuoteMeta(part), "/", `\/`)+"/", func(v any) any { return strings.HasPrefix(show(v), part) })
	case 3:
		return with(name+` in ["other", `+quoted+`]`, func(v any) any { return same(v) })
	case 4:
		return with("n > 3 and isPresent("+name+")", func(v any) any { return nil }).present(path)
	case 5:
		return slow{"isPresent(" + name + ")", func(m map[string]any) any { return at(m, path) != nil }}
	}
	return with(name+" = "+quoted, func(v any) any { return same(v) })
}

// present replaces the meaning by: n is more than 3, and there is the path.
func (s slow) present(path string) slow {
	s.holds = both(slow{"", func(m map[string]any) any {
		if n, ok := at(m, "n").(float64); ok {
			return n > 3
		}
		return nil
	}}, slow{"", func(m map[string]any) any { return at(m, path) != nil }}, false)
	s.query = "(" + s.query + ")"
	return s
}

func both(a, b slow, decides bool) func(map[string]any) any {
	return func(m map[string]any) any {
		x, y := a.holds(m), b.holds(m)
		switch {
		case x == decides || y == decides:
			return decides
		case x == nil || y == nil:
			return nil
		}
		return !decides
	}
}

// message makes a random record, written with or without JSON's escapes.
func message(r *rand.Rand) string {
	m := map[string]any{}
	pick := func() string { return slowTexts[r.IntN(len(slowTexts))] }
	for _, k := range []string{"eventName", "eventSource", "errorCode"} {
		if r.IntN(4) > 0 {
			m[k] = pick()
		}
	}
	switch r.IntN(4) {
	case 0:
		m["userIdentity"] = map[string]any{"type": pick(), "userName": nil}
	case 1:
		m["userIdentity"] = map[string]any{"userName": pick()}
		m["tags"] = []any{map[string]any{"key": pick()}, map[string]any{"key": pick()}}
	case 2:
		m["readOnly"], m["n"] = r.IntN(2) == 0, r.IntN(10)
	case 3:
		m["s"] = map[string]any{"a/b": pick()}
	}
	b, err := json.Marshal(m) // escapes < as \u003c
	if err != nil {
		panic(err)
	}
	if r.IntN(2) == 0 {
		return strings.ReplaceAll(string(b), "/", `\/`)
	}
	return string(b)
}

// TestAgainstSlow compares random conditions, and counts by random fields, with
// the obvious evaluation. Every event kept must also pass the prefilter.
func TestAgainstSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var messages []string
	for range 300 {
		messages = append(messages, message(r))
	}
	list := events(messages...)
	selective := 0
	for range 400 {
		cond, by := condition(r, 3), slowPaths[r.IntN(8)]
		counts := map[string]int{}
		for _, m := range messages {
			var record map[string]any
			if err := json.Unmarshal([]byte(m), &record); err != nil {
				t.Fatal(err)
			}
			if cond.holds(record) != true {
				continue
			}
			key := ""
			if v := at(record, by); v != nil {
				key = by + "=" + show(v) + " | "
			}
			counts[key]++
		}
		want := []string{}
		for _, k := range slices.Sorted(maps.Keys(counts)) {
			want = append(want, fmt.Sprintf("%sn=%d", k, counts[k]))
		}
		query := "filter " + cond.query + " | stats count(*) as n by " + by
		got := run(t, query, list)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", query, diff)
		}
		if len(want) > 0 && len(want) < 300 {
			selective++
		}
	}
	if selective < 100 {
		t.Errorf("only %d of the conditions told events apart", selective)
	}
}
