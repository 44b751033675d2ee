package hclfile

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/module"
)

// outputOf evaluates a description with one trail and one output.
func outputOf(text string) (cty.Value, error) {
	folder, err := Describe(Description{
		Providers: map[string]Provider{"": {Region: "eu-west-1"}},
		Calls:     []Call{{Label: "t", Module: "cloudtrail", Inputs: map[string]any{"trail_name": "audit", "bucket_name": "bucket"}}},
		Outputs:   map[string]string{"o": text},
	})
	if err != nil {
		return cty.NilVal, err
	}
	acc := module.Account{ID: "111122223333", Partition: "aws", Region: "eu-west-1"}
	wanted, err := folder.Evaluate(nil, none, map[string]module.Account{"aws": acc})
	if err != nil {
		return cty.NilVal, err
	}
	return wanted.Outputs[0].Value, nil
}

// TestText evaluates texts with references and what only looks like one.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"${module.t.trail_name}": "audit",
		"a ${module.t.trail_name}-${module.t.home_region}!": "a audit-eu-west-1!",
		`$${var.x} %{ if true } "\n" ${upper("a")}`:         `$${var.x} %{ if true } "\n" ${upper("a")}`,
	} {
		got, err := outputOf(text)
		if err != nil || got.AsString() != want {
			t.Errorf("%q: %#v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"${module.t}":            "not a reference",
		"${module.tt.trail_arn}": `there is no module.tt in the description; did you mean "t"?`,
		"${module.t.trail_arm}":  `has no output "trail_arm"; did you mean "trail_arn"?`,
	} {
		if _, err := outputOf(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzText holds texts without references to what they say.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "${", "${module.", "${module.t.trail_arn}", "$${a}", "%{", "a\x00\xff", "${module.t.trail_arn}${"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := outputOf(text)
		switch {
		case strings.Contains(text, "${module."):
			if err == nil && !got.IsKnown() {
				t.Errorf("%q is neither refused nor known", text)
			}
		case err != nil:
			t.Errorf("%q: %v", text, err)
		case !got.RawEquals(cty.StringVal(text)):
			t.Errorf("%q became %#v", text, got)
		}
	})
}
