package jsonwalk_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/logquery/jsonwalk"
)

func TestParse(t *testing.T) {
	key := func(k string) jsonwalk.Step { return jsonwalk.Step{Key: k} }
	for text, want := range map[string]jsonwalk.Path{
		"a":               {key("a")},
		"$.a":             {key("a")},
		"a.b-c.d e":       {key("a"), key("b-c"), key("d e")},
		"$['a.b'].c":      {key("a.b"), key("c")},
		"a.['b=c']":       {key("a"), key("b=c")},
		"a[0][12]":        {key("a"), {Array: true}, {Array: true, Index: 12}},
		"a[*].b":          {key("a"), {Array: true, Wildcard: true}, key("b")},
		"a.*":             {key("a"), {Wildcard: true}},
		"*.a":             {{Wildcard: true}, key("a")},
		"a['*']":          {key("a"), key("*")},
		"$x":              {key("$x")},
		"aws:SourceArn.0": {key("aws:SourceArn"), key("0")},
	} {
		got, err := jsonwalk.Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Parse(%q): %s", text, d)
		}
	}
	for text, why := range map[string]string{
		"": "member name", "$": "dot or a bracket", "$.": "member name", "a..b": "member name", "a.": "member name", "a]": "] or '", "a[": "no end", "a[-1]": "no index",
		"a['b": "no end", "a['']": "no end", "a['b']c": "dot or a bracket", "a[99999999999]": "no index", "a[*].b[*]": "more than one wildcard", "*.*": "more than one wildcard",
		strings.Repeat("a.", 64) + "a": "64 steps",
	} {
		if p, err := jsonwalk.Parse(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Parse(%q) = %v, %v, want an error with %q", text, p, err, why)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.b[0]['c.d'].*", "$['x']", "a[*]", "..", "a.['b']"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := jsonwalk.Parse(text)
		if err != nil {
			return
		}
		again, err := jsonwalk.Parse(p.String())
		if err != nil || cmp.Diff(p, again) != "" {
			t.Errorf("Parse(%q) = %s, which is read as %v, %v", text, p, again, err)
		}
		jsonwalk.NewTree([]jsonwalk.Path{p, p[:1]})
	})
}
