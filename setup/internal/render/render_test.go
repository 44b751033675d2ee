package render

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/hclfile"
	"cairn/setup/internal/resource"
)

var update = flag.Bool("update", false, "write the golden files")

func changes() []resource.Change {
	wanted := []resource.Resource{
		{Address: "module.b.aws_s3_bucket.this", Spec: &resource.Bucket{Bucket: "new-bucket", Tags: map[string]string{"team": "audit"}}},
		{Address: "module.c.aws_s3_bucket.this", Spec: &resource.Bucket{Bucket: "locked", ObjectLock: true}},
		{Address: "module.b.aws_s3_bucket_policy.this", Spec: &resource.BucketPolicy{Bucket: "b", Policy: `{"Statement":[{"Effect":"Deny","Action":["s3:*"]}]}`}},
		{Address: "module.w.aws_cloudwatch_log_group.this", Spec: &resource.LogGroup{Name: "group", RetentionDays: 731}},
		{Address: "module.w.aws_iam_role.this", Spec: &resource.Role{Name: "role"}},
		{Address: "module.t.aws_cloudtrail.this", Spec: &resource.Trail{
			Name: "trail", Prefix: "secret-prefix", InsightTypes: []string{"ApiCallRateInsight"},
			Selectors: []resource.EventSelector{{ReadWrite: "WriteOnly", Management: true}},
		}},
	}
	return resource.Diff(wanted, map[string]resource.Spec{
		"module.c.aws_s3_bucket.this":            &resource.Bucket{Bucket: "locked"},
		"module.b.aws_s3_bucket_policy.this":     &resource.BucketPolicy{Bucket: "b", Policy: `{"Statement":[{"Effect":"Allow","Action":"s3:*"}]}`},
		"module.w.aws_cloudwatch_log_group.this": &resource.LogGroup{Name: "group", RetentionDays: 365, KMSKey: "key"},
		"module.w.aws_iam_role.this":             &resource.Role{Name: "role"},
	})
}

func TestPlan(t *testing.T) {
	var b strings.Builder
	style := Style{Secrets: []string{"secret-prefix"}}
	if err := Plan(&b, changes(), false, style); err != nil {
		t.Fatal(err)
	}
	found := map[string]resource.Spec{"r": &resource.Role{Name: "role"}}
	if err := Plan(&b, resource.Removal([]resource.Resource{{Address: "module.w.aws_iam_role.r", Spec: &resource.Role{Name: "role"}}},
		map[string]resource.Spec{"module.w.aws_iam_role.r": found["r"]}), true, style); err != nil {
		t.Fatal(err)
	}
	for _, destroy := range []bool{false, true} {
		if err := Plan(&b, nil, destroy, style); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "testdata/plan.golden", b.String())
}

func TestColor(t *testing.T) {
	var plain, color strings.Builder
	if err := Plan(&plain, changes(), false, Style{}); err != nil {
		t.Fatal(err)
	}
	if err := Plan(&color, changes(), false, Style{Color: true}); err != nil {
		t.Fatal(err)
	}
	stripped := color.String()
	for _, code := range []string{green, yellow, red, bold, bold + ";" + red, "0"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+code+"m", "")
	}
	if d := cmp.Diff(plain.String(), stripped); d != "" || color.String() == plain.String() {
		t.Errorf("colours must only colour (-plain +stripped):\n%s", d)
	}
}

func TestJSON(t *testing.T) {
	outs := []hclfile.Output{{Name: "arn", Value: cty.StringVal("x")}, {Name: "secret", Value: cty.StringVal("y"), Sensitive: true}, {Name: "later", Value: cty.UnknownVal(cty.String)}}
	text, err := json.MarshalIndent(ToJSON(changes(), outs, Style{Secrets: []string{"secret-prefix"}}), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/plan.json", string(text)+"\n")
}

func TestOutputs(t *testing.T) {
	var b strings.Builder
	err := Outputs(&b, []hclfile.Output{
		{Name: "arn", Value: cty.StringVal("arn:x")},
		{Name: "later", Value: cty.UnknownVal(cty.String)},
		{Name: "list", Value: cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.True})},
		{Name: "none", Value: cty.NullVal(cty.String)},
		{Name: "secret", Value: cty.StringVal("y"), Sensitive: true},
	}, Style{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/outputs.golden", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; go test -update writes it):\n%s", path, d)
	}
}
