package hclfile

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"cairn/setup/internal/module"
)

// refusedValues are values each input refuses, written as in a file. Inputs
// that are true or false have nothing to refuse.
var refusedValues = map[string]map[string][]string{
	"cloudtrail-bucket": {
		"s3_bucket_name":       {`"Bucket"`, `"ab"`, `"a..b"`, `"10.0.0.1"`, `"xn--abc"`, `"abc-s3alias"`, `""`},
		"account_ids":          {`["1"]`, `["111122223333", "x", "y"]`},
		"s3_bucket_key_prefix": {`"/a"`, `"a/"`, long("p", 201)},
		"trail_arns":           {`["arn:aws:s3:::b"]`},
		"organization_id":      {`"r-abcdefghij"`},
		"kms_key_arn":          {`"alias/mine"`, `"arn:aws:kms:eu-west-1:1:key/x"`},
		"object_lock_mode":     {`"governance"`},
		"object_lock_days":     {`-1`, `1.5`, `36501`},
		"expiration_days":      {`-1`, `0.5`, `2147483648`},
		"transition_days":      {`-7`, `2147483648`},
		"access_log_bucket":    {`"Logs"`, `"logs--ol-s3"`},
		"tags":                 refusedTags,
	},
	"cloudtrail-cloudwatch": {
		"trail_name":           {`"my--trail"`, `"ab"`, `"10.0.0.1"`, `"-trail"`, long("t", 129)},
		"retention_in_days":    {`730`, `-1`, `2`, `4000`, `1.5`},
		"log_group_name":       {`"a group"`, long("g", 513)},
		"role_name":            {`"a role"`, long("r", 65)},
		"kms_key_arn":          {`"key"`},
		"permissions_boundary": {`"arn:aws:iam::111122223333:role/x"`},
		"tags":                 refusedTags,
	},
	"cloudtrail": {
		"trail_name":                 {`"my trail"`, `"trail_"`},
		"s3_bucket_name":             {`"B"`, `"sthree-x"`},
		"bucket_name":                {`"arn:aws:s3:::bucket"`, `"b.mrap"`},
		"s3_bucket_key_prefix":       {`"a/"`},
		"cloud_watch_logs_role_arn":  {`"role"`, `"arn:aws:iam::111122223333:user/x"`},
		"cloud_watch_logs_group_arn": {`"group"`, `"arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:s"`},
		"kms_key_arn":                {`"foo"`},
		"sns_topic_name":             {`"my topic"`},
		"event_selectors": {
			`[{ read_write_type = "Everything" }, { read_write_type = "All" }, { read_write_type = "None" }]`,
			`[{}, {}, {}, {}, {}, {}]`,
		},
		"advanced_event_selectors": {`[{ field_selectors = [{ field = "readOnly", equals = ["true"] }] }]`, `[{ field_selectors = [] }]`},
		"insight_types":            {`["Rate", "ApiCallRateInsight"]`},
		"tags":                     refusedTags,
	},
	"cloudtrail-validate-logs-role": {
		"assume_role_arn":      {`"111122223333"`, `"*"`},
		"s3_bucket_arn":        {`"bucket"`, `"arn:aws:s3:::bucket/*"`},
		"role_name":            {`""`, `"a role"`},
		"s3_bucket_key_prefix": {`"/p"`},
		"kms_key_arn":          {`"key"`},
		"permissions_boundary": {`"policy"`},
		"tags":                 refusedTags,
	},
}

var refusedTags = []string{`{ "aws:x" = "1", "AWS:y" = "2", fine = "3" }`, `{ "cairn:module" = "mine" }`, `{ a = ` + long("v", 257) + ` }`, `{ for n in range(50) : "k${n}" => "v" }`}

func long(s string, n int) string { return `"` + strings.Repeat(s, n) + `"` }

// TestSameRefusals refuses every input's bad values with the validation
// blocks of the Terraform module and with the module here: in the same words.
func TestSameRefusals(t *testing.T) {
	for _, m := range module.All() {
		f := moduleFolder(t, m.Name, "variables.tf")
		for _, input := range m.Inputs {
			bad := refusedValues[m.Name][input.Name]
			v := f.variables[input.Name]
			if input.Type == cty.Bool {
				continue
			}
			if len(bad) == 0 || len(v.checks) == 0 {
				t.Errorf("%s: the input %s refuses nothing, or has no test of what it refuses", m.Name, input.Name)
			}
			if !input.Required() {
				checkBoth(t, m.Name, v, input, input.Default, true)
			}
			for _, text := range bad {
				expr, diags := hclsyntax.ParseExpression([]byte(text), "value", hcl.InitialPos)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				value, diags := expr.Value(&hcl.EvalContext{Functions: functions()})
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				checkBoth(t, m.Name, v, input, value, false)
			}
		}
	}
}

func checkBoth(t *testing.T, name string, v *variable, input module.Input, given cty.Value, fine bool) {
	t.Helper()
	value, err := v.convert(given)
	if err != nil {
		t.Fatalf("%s.%s: %v", name, input.Name, err)
	}
	var p Problems
	v.validate(value, "", &hcl.EvalContext{Functions: functions()}, &p)
	terraform := ""
	if len(p) > 0 {
		_, terraform, _ = strings.Cut(p[0].Text, " is refused: ")
	}
	here := ""
	value, err = convert.Convert(given, input.Type)
	if err != nil {
		t.Fatalf("%s.%s: %v", name, input.Name, err)
	}
	if err := input.Check(value); err != nil {
		here = err.Error()
	}
	if here != terraform || fine != (here == "") {
		t.Errorf("%s.%s = %.60s\nterraform: %s\nhere:      %s", name, input.Name, given.GoString(), terraform, here)
	}
}

// TestSamePreconditions compares what the modules refuse about inputs that do
// not go together.
func TestSamePreconditions(t *testing.T) {
	text := func(s string) cty.Value { return cty.StringVal(s) }
	group := text("arn:aws:logs:eu-west-1:111122223333:log-group:g")
	role := text("arn:aws:iam::111122223333:role/r")
	selector := func(m map[string]cty.Value) cty.Value { return cty.ListVal([]cty.Value{cty.ObjectVal(m)}) }
	trail := func(more module.Values) module.Values {
		in := module.Values{"trail_name": text("trail"), "bucket_name": text("bucket")}
		maps.Copy(in, more)
		return in
	}
	bucket := func(more module.Values) module.Values {
		in := module.Values{"s3_bucket_name": text("bucket")}
		maps.Copy(in, more)
		return in
	}
	none := cty.ListValEmpty(cty.String)
	for _, tt := range []struct {
		module string
		in     module.Values
		fine   bool
	}{
		{"cloudtrail", trail(nil), true},
		{"cloudtrail", trail(module.Values{"s3_bucket_name": text("bucket")}), false},
		{"cloudtrail", trail(module.Values{"bucket_name": text("")}), false},
		{"cloudtrail", trail(module.Values{"cloud_watch_logs_role_arn": role}), false},
		{"cloudtrail", trail(module.Values{"cloud_watch_logs_group_arn": group}), false},
		{"cloudtrail", trail(module.Values{"cloud_watch_logs_group_arn": group, "cloud_watch_logs_role_arn": role}), true},
		{"cloudtrail", trail(module.Values{"include_global_service_events": cty.False}), false},
		{"cloudtrail", trail(module.Values{"include_global_service_events": cty.False, "is_multi_region_trail": cty.False}), true},
		{"cloudtrail", trail(module.Values{
			"event_selectors": selector(map[string]cty.Value{
				"read_write_type": text("All"), "include_management_events": cty.True, "exclude_management_event_sources": none,
				"data_resources": cty.ListValEmpty(cty.Object(map[string]cty.Type{"type": cty.String, "values": cty.List(cty.String)})),
			}),
			"advanced_event_selectors": selector(map[string]cty.Value{"name": text(""), "field_selectors": selector(map[string]cty.Value{
				"field": text("eventCategory"), "equals": cty.ListVal([]cty.Value{text("Data")}), "not_equals": none,
				"starts_with": none, "not_starts_with": none, "ends_with": none, "not_ends_with": none,
			})}),
		}), false},
		{"cloudtrail-bucket", bucket(nil), true},
		{"cloudtrail-bucket", bucket(module.Values{"object_lock_days": cty.NumberIntVal(1)}), false},
		{"cloudtrail-bucket", bucket(module.Values{"object_lock_mode": text("GOVERNANCE")}), false},
		{"cloudtrail-bucket", bucket(module.Values{"object_lock_mode": text("GOVERNANCE"), "object_lock_days": cty.NumberIntVal(1), "versioning": cty.False}), false},
		{"cloudtrail-bucket", bucket(module.Values{"transition_days": cty.NumberIntVal(9), "expiration_days": cty.NumberIntVal(9)}), false},
		{"cloudtrail-bucket", bucket(module.Values{"transition_days": cty.NumberIntVal(8), "expiration_days": cty.NumberIntVal(9)}), true},
	} {
		m := moduleNamed(t, tt.module)
		all := map[string]cty.Value{}
		for _, i := range m.Inputs {
			if all[i.Name] = i.Default; tt.in[i.Name] != cty.NilVal {
				all[i.Name] = tt.in[i.Name]
			}
		}
		var here []string
		for _, p := range m.Check(all) {
			here = append(here, p.Text)
		}
		terraform := preconditions(t, m.Name, all)
		if !slices.Equal(here, terraform) || tt.fine != (len(here) == 0) {
			t.Errorf("%s %v\nterraform: %q\nhere:      %q", m.Name, tt.in, terraform, here)
		}
	}
}

// preconditions returns what a module's preconditions say about its inputs.
func preconditions(t *testing.T, name string, inputs map[string]cty.Value) []string {
	t.Helper()
	ctx := &hcl.EvalContext{Functions: functions(), Variables: map[string]cty.Value{"var": cty.ObjectVal(inputs)}}
	var texts []string
	for _, b := range moduleBody(t, name, "main.tf").Blocks {
		for _, life := range b.Body.Blocks {
			for _, pre := range life.Body.Blocks {
				if pre.Type != "precondition" {
					continue
				}
				cond, diags := pre.Body.Attributes["condition"].Expr.Value(ctx)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				if cond.True() {
					continue
				}
				text, diags := pre.Body.Attributes["error_message"].Expr.Value(ctx)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				texts = append(texts, text.AsString())
			}
		}
	}
	return texts
}

func moduleNamed(t *testing.T, name string) *module.Module {
	t.Helper()
	for _, m := range module.All() {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("there is no module %s", name)
	return nil
}

func modulePath(name, file string) string {
	return filepath.Join("..", "..", "..", "modules", "cloudtrail", name, file)
}

func moduleFolder(t *testing.T, name, file string) *Folder {
	t.Helper()
	src, err := os.ReadFile(modulePath(name, file))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(file, src)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func moduleBody(t *testing.T, name, file string) *hclsyntax.Body {
	t.Helper()
	src, err := os.ReadFile(modulePath(name, file))
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return f.Body.(*hclsyntax.Body)
}
