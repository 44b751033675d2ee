package module

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"cairn/setup/internal/resource"
)

// TestSameAsTerraform compares each module with its Terraform configuration:
// the same inputs with the same types and defaults, the same outputs.
func TestSameAsTerraform(t *testing.T) {
	for _, m := range All() {
		t.Run(m.Name, func(t *testing.T) {
			type input struct{ Type, Default string }
			want, got := map[string]input{}, map[string]input{}
			for _, b := range blocks(t, m.Name, "variables.tf") {
				typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(b.Body.Attributes["type"].Expr)
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				in := input{Type: typ.WithoutOptionalAttributesDeep().FriendlyName(), Default: "required"}
				if a := b.Body.Attributes["default"]; a != nil {
					v, diags := a.Expr.Value(nil)
					if diags.HasErrors() {
						t.Fatal(diags)
					}
					if defaults != nil {
						v = defaults.Apply(v)
					}
					if v, err := convert.Convert(v, typ); err == nil {
						in.Default = v.GoString()
					}
				}
				want[b.Labels[0]] = in
			}
			for _, i := range m.Inputs {
				in := input{Type: i.Type.WithoutOptionalAttributesDeep().FriendlyName(), Default: "required"}
				if !i.Required() {
					in.Default = i.Default.GoString()
				}
				got[i.Name] = in
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("inputs (-terraform +here):\n%s", d)
			}
			var outputs []string
			for _, b := range blocks(t, m.Name, "outputs.tf") {
				outputs = append(outputs, b.Labels[0])
			}
			if d := cmp.Diff(outputs, m.Outputs); d != "" && !slices.Equal(slices.Sorted(slices.Values(outputs)), slices.Sorted(slices.Values(m.Outputs))) {
				t.Errorf("outputs (-terraform +here):\n%s", d)
			}
		})
	}
}

// TestSameResources checks that the resources a module can make are those of
// its Terraform configuration.
func TestSameResources(t *testing.T) {
	everything := map[string]Values{
		"cloudtrail-bucket": {
			"s3_bucket_name": cty.StringVal("b-1"), "object_lock_mode": cty.StringVal("GOVERNANCE"), "object_lock_days": cty.NumberIntVal(1),
			"expiration_days": cty.NumberIntVal(9), "transition_days": cty.NumberIntVal(3), "access_log_bucket": cty.StringVal("logs"),
		},
		"cloudtrail-cloudwatch": {"trail_name": cty.StringVal("t-1")},
		"cloudtrail":            {"trail_name": cty.StringVal("t-1"), "bucket_name": cty.StringVal("b-1")},
		"cloudtrail-validate-logs-role": {
			"assume_role_arn": cty.StringVal("arn:aws:iam::222222222222:root"), "s3_bucket_arn": cty.StringVal("arn:aws:s3:::b-1"),
		},
	}
	for _, m := range All() {
		want := map[string]bool{}
		for _, b := range blocks(t, m.Name, "main.tf") {
			if b.Type == "resource" {
				address := b.Labels[0] + "." + b.Labels[1]
				if b.Body.Attributes["count"] != nil {
					address += "[0]"
				}
				want["module.x."+address] = true
			}
		}
		got := map[string]bool{}
		in := filled(m, everything[m.Name])
		if p := m.Check(in); len(p) > 0 {
			t.Fatalf("%s: %v", m.Name, p)
		}
		for _, r := range m.Build("x", in, testAccount()) {
			got[r.Address] = true
			for _, n := range append(slices.Clone(r.Needs), r.Part) {
				if n != "" && !got[n] {
					t.Errorf("%s needs %s, which does not come before it", r.Address, n)
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: resources (-terraform +here):\n%s", m.Name, d)
		}
	}
}

func TestNames(t *testing.T) {
	for _, tt := range []struct {
		rules []rule
		name  string
		ok    bool
	}{
		{trailName(), "digitalmarketplace-gds-audit-cloudtrail", true},
		{trailName(), "a.b_c-d", true},
		{trailName(), "my--trail", false},
		{trailName(), "my-_trail", false},
		{trailName(), "ab", false},
		{trailName(), "trail-", false},
		{trailName(), "192.168.0.1", false},
		{trailName(), strings.Repeat("a", 129), false},
		{bucketName(), "gds-audit-cloudtrails", true},
		{bucketName(), "Bucket", false},
		{bucketName(), "a..b", false},
		{bucketName(), "10.0.0.1", false},
		{bucketName(), "xn--a", false},
		{bucketName(), "a-s3alias", false},
		{bucketName(), "under_score", false},
		{keyPrefix(), "123456789012", true},
		{keyPrefix(), "/a", false},
		{keyPrefix(), strings.Repeat("a", 201), false},
		{groupARNs(), "arn:aws:logs:eu-west-1:123456789012:log-group:g", true},
		{groupARNs(), "arn:aws:logs:eu-west-1:123456789012:log-group:g:*", true},
		{groupARNs(), "arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s", false},
		{topicName(), "topic", true},
		{topicName(), "arn:aws:sns:eu-west-1:123456789012:topic", true},
		{topicName(), "my topic", false},
		{principalARN(), "arn:aws:iam::123456789012:root", true},
		{principalARN(), "123456789012", false},
	} {
		if err := textCheck(tt.rules)(cty.StringVal(tt.name)); (err == nil) != tt.ok {
			t.Errorf("%q: got %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

func TestRetention(t *testing.T) {
	for days, want := range map[int64]string{731: "", 0: "", 730: "545 or 731", 2: "1 or 3", 4000: "3653 or 0 (for ever)", -1: "0 (for ever) or 1"} {
		err := checkRetention(cty.NumberIntVal(days))
		switch {
		case want == "" && err != nil:
			t.Errorf("%d: %v", days, err)
		case want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)):
			t.Errorf("%d: got %v, want it to end with %q", days, err, want)
		}
	}
}

func TestRoleName(t *testing.T) {
	m := cloudWatchModule()
	short := roleName(filled(m, Values{"trail_name": cty.StringVal("main-trail")}))
	if short != "main-trail-cloudwatch-logs" {
		t.Errorf("short: %s", short)
	}
	a := roleName(filled(m, Values{"trail_name": cty.StringVal(strings.Repeat("a", 60))}))
	b := roleName(filled(m, Values{"trail_name": cty.StringVal(strings.Repeat("a", 61))}))
	if len(a) != 64 || len(b) != 64 || a == b {
		t.Errorf("long names: %s and %s", a, b)
	}
}

func TestBucketPolicyScope(t *testing.T) {
	in := filled(bucketModule(), Values{
		"s3_bucket_name": cty.StringVal("b-1"), "s3_bucket_key_prefix": cty.StringVal("p"),
		"account_ids":     cty.ListVal([]cty.Value{cty.StringVal("111111111111"), cty.StringVal("222222222222")}),
		"trail_arns":      cty.ListVal([]cty.Value{cty.StringVal("arn:aws:cloudtrail:eu-west-1:111111111111:trail/t")}),
		"organization_id": cty.StringVal("o-abcdefghij"),
	})
	got := bucketPolicy(in, testAccount())
	want := resource.Policy(`{"Version":"2012-10-17","Statement":[
{"Sid":"DenyInsecureTransport","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":["arn:aws:s3:::b-1/*","arn:aws:s3:::b-1"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
{"Sid":"AWSCloudTrailAclCheck20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::b-1","Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111111111111:trail/t"}}},
{"Sid":"AWSCloudTrailWrite20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":["arn:aws:s3:::b-1/p/AWSLogs/111111111111/*","arn:aws:s3:::b-1/p/AWSLogs/222222222222/*"],"Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111111111111:trail/t"}}},
{"Sid":"AWSCloudTrailOrganizationWrite20150319","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::b-1/p/AWSLogs/o-abcdefghij/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111111111111:trail/t"}}}]}`)
	if !got.Same(want) {
		t.Errorf("policy:\n%s", got.Pretty())
	}
}

func TestCheckTogether(t *testing.T) {
	trail := func(more Values) Values {
		v := Values{"trail_name": cty.StringVal("trail"), "bucket_name": cty.StringVal("bucket")}
		maps.Copy(v, more)
		return filled(trailModule(), v)
	}
	unknown := cty.UnknownVal(cty.String)
	for _, tt := range []struct {
		what string
		in   Values
		want string
	}{
		{"fine", trail(nil), ""},
		{"both buckets", trail(Values{"s3_bucket_name": cty.StringVal("bucket")}), "bucket_name and s3_bucket_name mean the same: give one of them"},
		{"no bucket", trail(Values{"bucket_name": cty.StringVal("")}), "the bucket is missing: give s3_bucket_name or bucket_name"},
		{"unknown bucket", trail(Values{"bucket_name": cty.StringVal(""), "s3_bucket_name": unknown}), ""},
		{"role alone", trail(Values{"cloud_watch_logs_role_arn": unknown}), "cloud_watch_logs_group_arn is missing: it goes together with cloud_watch_logs_role_arn"},
		{"both", trail(Values{"cloud_watch_logs_role_arn": unknown, "cloud_watch_logs_group_arn": unknown}), ""},
		{"no global events", trail(Values{"include_global_service_events": cty.False}), "a multi-region trail must include global service events"},
	} {
		got := ""
		if p := trailModule().Check(tt.in); len(p) > 0 {
			got = p[0].Text
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, got, tt.want)
		}
	}
}

func testAccount() Account {
	return Account{ID: "123456789012", Partition: "aws", Region: "eu-west-1"}
}

func filled(m *Module, given Values) Values {
	v := Values{}
	for _, in := range m.Inputs {
		v[in.Name] = in.Default
		if x, ok := given[in.Name]; ok {
			v[in.Name] = x
		}
	}
	return v
}

func blocks(t *testing.T, module, file string) []*hclsyntax.Block {
	t.Helper()
	path := filepath.Join("..", "..", "..", "modules", "cloudtrail", module, file)
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return f.Body.(*hclsyntax.Body).Blocks
}
