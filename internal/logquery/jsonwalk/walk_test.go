package jsonwalk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/jsonwalk/walktest"
)

// collector takes the values of each path.
type collector map[int][]jsonwalk.Value

func (c collector) Value(path int, v jsonwalk.Value) bool {
	c[path] = append(c[path], jsonwalk.Value{Kind: v.Kind, Raw: slices.Clone(v.Raw)})
	return true
}

func parse(tb testing.TB, texts ...string) (paths []jsonwalk.Path) {
	tb.Helper()
	for _, text := range texts {
		p, err := jsonwalk.Parse(text)
		if err != nil {
			tb.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// decoded is a value as encoding/json decodes it.
func decoded(v jsonwalk.Value) string {
	text, ok := v.Text()
	if !ok {
		return v.Kind.String()
	}
	return fmt.Sprintf("%s %s", v.Kind, text)
}

func slowly(v any) string {
	switch v := v.(type) {
	case walktest.Object:
		return jsonwalk.Object.String()
	case []any:
		return jsonwalk.Array.String()
	case nil:
		return "null"
	case string:
		return "string " + v
	case json.Number:
		return "number " + v.String()
	}
	return fmt.Sprintf("%v %v", v, v)
}

var walkPaths = []string{"a", "a.b", "a.*", "*.b", "*", "a[0]", "a[*]", "a[1].b", "a[*].b", "['a.b']", "b", "b.c.d", "é", "['\ufffd']"}

// compare walks over a message and compares with the slow way.
func compare(t *testing.T, message []byte) {
	t.Helper()
	paths := parse(t, walkPaths...)
	tree := jsonwalk.NewTree(paths)
	doc, isObject := walktest.Decode(message)
	walked, foundEarly := collector{}, collector{}
	if ok := tree.Walk(message, walked); ok != isObject {
		t.Fatalf("Walk of %q is %v, encoding/json says %v", message, ok, isObject)
	}
	if !isObject {
		return
	}
	tree.Find(message, foundEarly)
	for i, p := range paths {
		var want, got []string
		for _, v := range walktest.Find(doc, p) {
			want = append(want, slowly(v))
		}
		for _, v := range walked[i] {
			got = append(got, decoded(v))
		}
		if !slices.Equal(want, got) {
			t.Fatalf("%s of %q: %s", p, message, cmp.Diff(want, got))
		}
		if len(walked[i]) != len(foundEarly[i]) || len(want) > 0 && !bytes.Equal(walked[i][0].Raw, foundEarly[i][0].Raw) {
			t.Fatalf("Find of %s in %q differs from Walk: %s", p, message, cmp.Diff(walked[i], foundEarly[i]))
		}
	}
}

func TestWalk(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	list := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for _, m := range []string{
		``, ` `, `{`, `{}`, ` {} `, `{}x`, `[]`, `"a"`, `1`, `null`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1]`, `{"a":[1}`,
		`{"a":[1,]}`, `{"a":[,1]}`, `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":1e+5,"b":-0.0E-1}`, `{"a":tru}`, `{"a":nulll}`,
		`{"a":"\u00"}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", "{\"a\":\"\x1f\"}", `{"a":"`, `{"a":"\`, `{"a":"\u12`, `{"a" : [ 1 , { "b" : true } , null ] , "b":{}}`,
		`{"a":1,"a":{"b":2}}`, `{"a":{"b":1,"b":2,"c":3},"b":{"c":{"d":"x"}}}`, `{"a":{"x":1},"a":{"b":1}}`, `{"\u0061":{"\u0062":"\ud83d\ude00"}}`, `{"a.b":1,"a":{"b":2}}`,
		"{\"\xff\":1,\"a\":\"\xff\\ud800\"}", `{"é":"\u00e9"}`, `{"a":[[1],[{"b":2}]]}`, `{"a":[{"b":1},{"b":2},{"c":3}]}`,
		deep(jsonwalk.MaxDepth), deep(jsonwalk.MaxDepth + 1), list(jsonwalk.MaxDepth - 1), list(jsonwalk.MaxDepth),
		`{"b":` + deep(jsonwalk.MaxDepth-1) + `}`, `{"b":` + deep(jsonwalk.MaxDepth) + `}`, strings.Repeat(`{"z":[`, jsonwalk.MaxDepth),
		`{"a":"` + strings.Repeat("long ", 50) + `","b":"` + strings.Repeat(`\\`, 100) + `"}`,
	} {
		compare(t, []byte(m))
	}
}

// TestWalkRandom: strings of all lengths end at all places of a block.
func TestWalkRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var value func(depth int) any
	value = func(depth int) any {
		switch n := r.IntN(8); {
		case n == 0 && depth < 4:
			return []any{value(depth + 1), value(depth + 1)}
		case n < 3 && depth < 4:
			return map[string]any{"a": value(depth + 1), "b": value(depth + 1), strings.Repeat("k", r.IntN(70)): value(depth + 1)}
		case n == 3:
			return r.IntN(1000)
		}
		return strings.Repeat(string([]rune("xé\"\\\n/")[r.IntN(6)]), r.IntN(90))
	}
	for range 1000 {
		m, err := json.Marshal(map[string]any{"a": value(0), "b": value(0), "é": value(0)})
		if err != nil {
			t.Fatal(err)
		}
		compare(t, m)
		m[r.IntN(len(m))] = "\"\\{}[],:x\x01"[r.IntN(10)]
		compare(t, m)
		compare(t, m[:r.IntN(len(m))])
	}
}

func FuzzWalk(f *testing.F) {
	for _, m := range []string{`{"a":[{"b":"\u00e9\ud83d\ude00"}],"a":1}`, "{\"a\":\"\xff\"}", `{"a":{"b":-1.5e3},"\u0062":null}`, `{"a" : [ ] }`} {
		f.Add([]byte(m))
	}
	f.Fuzz(compare)
}

// TestStop: a visitor ends a walk; names that fill more than a word are told
// apart.
func TestStop(t *testing.T) {
	var texts []string
	message := "{"
	for i := range 100 {
		texts = append(texts, fmt.Sprintf("k%d", i))
		message += fmt.Sprintf(`"k%d":%d,"k%d":"again",`, i, i, i)
	}
	message += `"end":0}`
	tree := jsonwalk.NewTree(parse(t, texts...))
	got := collector{}
	if !tree.Walk([]byte(message), got) {
		t.Fatal("not an object")
	}
	for i := range 100 {
		if len(got[i]) != 1 || string(got[i][0].Raw) != fmt.Sprint(i) {
			t.Errorf("k%d has %v", i, got[i])
		}
	}
	n := 0
	if tree.Walk([]byte(message), stopper{&n}) || n != 3 {
		t.Errorf("the walk went on to value %d", n)
	}
}

type stopper struct{ n *int }

func (s stopper) Value(int, jsonwalk.Value) bool { *s.n++; return *s.n < 3 }

// TestFindEnds: what stands behind the last value is not looked at.
func TestFindEnds(t *testing.T) {
	tree := jsonwalk.NewTree(parse(t, "a.b", "c"))
	got := collector{}
	tree.Find([]byte(`{"a":{"x":1},"c":2,"d":nonsense`), got)
	if len(got) != 1 || string(got[1][0].Raw) != "2" {
		t.Errorf("found %v", got)
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		v    jsonwalk.Value
		text string
		ok   bool
	}{
		{jsonwalk.Value{}, "", false},
		{jsonwalk.Value{Kind: jsonwalk.Null, Raw: []byte("null")}, "", false},
		{jsonwalk.Value{Kind: jsonwalk.Array, Raw: []byte("[]")}, "", false},
		{jsonwalk.Value{Kind: jsonwalk.Number, Raw: []byte("1.50")}, "1.50", true},
		{jsonwalk.Value{Kind: jsonwalk.True, Raw: []byte("true")}, "true", true},
		{jsonwalk.Value{Kind: jsonwalk.String, Raw: []byte(`"a\/b"`)}, "a/b", true},
		{jsonwalk.Value{Kind: jsonwalk.String, Raw: []byte("\"\xff\xff\"")}, "\ufffd\ufffd", true},
		{jsonwalk.Value{Kind: jsonwalk.Plain, Raw: []byte("a\xff\xffb")}, "a\ufffd\ufffdb", true},
	} {
		text, ok := tt.v.Text()
		if string(text) != tt.text || ok != tt.ok {
			t.Errorf("text of %s %q is %q, %v", tt.v.Kind, tt.v.Raw, text, ok)
		}
	}
}
