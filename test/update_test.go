//go:build e2e

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cairn/test/kit"
)

// update is a change of one input, there and back.
type update struct {
	module, input string
	// from and to are values as written in a file; an empty one leaves the
	// input out.
	from, to string
	// with are further inputs of the module, present before and after.
	with string
	// both are inputs that change together with this one, written in the file
	// only while the value is to.
	both string
}

// updates has every input of every module that can change without a KMS key
// or an SNS topic, which the engine does not have. Names come last: a changed
// name makes new resources, and what had the old one stays.
func updates() []update {
	const (
		bucket, group, trail, validate = "cloudtrail-bucket", "cloudtrail-cloudwatch", "cloudtrail", "cloudtrail-validate-logs-role"
	)
	return []update{
		{module: bucket, input: "account_ids", to: `["111122223333", "444455556666"]`},
		{module: bucket, input: "s3_bucket_key_prefix", to: `"logs"`},
		{module: bucket, input: "trail_arns", to: `["arn:aws:cloudtrail:eu-west-1:111122223333:trail/t"]`},
		{module: bucket, input: "organization_id", to: `"o-abcdefghij"`},
		{module: bucket, input: "versioning", to: `false`},
		{module: bucket, input: "force_destroy", to: `false`},
		{module: bucket, input: "object_lock_mode", from: `"GOVERNANCE"`, to: `"COMPLIANCE"`, with: `object_lock_days = 1`},
		{module: bucket, input: "object_lock_days", from: `1`, to: `2`, with: `object_lock_mode = "GOVERNANCE"`},
		{module: bucket, input: "object_lock_mode", to: `"GOVERNANCE"`, both: `object_lock_days = 1`},
		{module: bucket, input: "expiration_days", to: `400`},
		{module: bucket, input: "expiration_days", from: `300`, to: `400`},
		{module: bucket, input: "transition_days", to: `30`},
		{module: bucket, input: "transition_days", from: `60`, to: `30`, with: `expiration_days = 400`},
		{module: bucket, input: "access_log_bucket", to: `"access-logs"`},
		{module: bucket, input: "tags", to: `{ team = "audit" }`},
		{module: bucket, input: "tags", from: `{ team = "audit", more = "1" }`, to: `{ team = "ops" }`},
		{module: group, input: "retention_in_days", to: `30`},
		{module: group, input: "retention_in_days", from: `30`, to: `0`},
		{module: group, input: "permissions_boundary", to: `"arn:aws:iam::111122223333:policy/bounds"`},
		{module: group, input: "tags", from: `{ a = "1", b = "2" }`, to: `{ b = "3", c = "4" }`},
		{module: trail, input: "s3_bucket_name", from: `module.b.s3_bucket_name`, to: `module.b2.s3_bucket_name`},
		{module: trail, input: "bucket_name", from: `module.b.s3_bucket_name`, to: `module.b2.s3_bucket_name`},
		{module: trail, input: "s3_bucket_key_prefix", to: `"logs"`},
		{module: trail, input: "cloud_watch_logs_role_arn", to: `module.g.cloud_watch_logs_role_arn`, both: `cloud_watch_logs_group_arn = module.g.cloud_watch_logs_group_arn`},
		{module: trail, input: "is_multi_region_trail", to: `false`},
		{module: trail, input: "include_global_service_events", to: `false`, with: `is_multi_region_trail = false`},
		{module: trail, input: "enable_log_file_validation", to: `false`},
		{module: trail, input: "enable_logging", to: `false`},
		{module: trail, input: "event_selectors", to: `[{ read_write_type = "WriteOnly" }]`},
		{module: trail, input: "event_selectors", from: `[{ read_write_type = "WriteOnly" }]`, to: `[{ data_resources = [{ type = "AWS::S3::Object", values = ["arn:aws:s3:::some-bucket/"] }] }]`},
		{module: trail, input: "event_selectors", to: `[{}]`},
		{module: trail, input: "advanced_event_selectors", to: `[{ name = "data", field_selectors = [{ field = "eventCategory", equals = ["Data"] }, { field = "resources.type", equals = ["AWS::S3::Object"] }] }]`},
		{module: trail, input: "tags", from: `{ a = "1" }`, to: `{ b = "2" }`},
		{module: validate, input: "assume_role_arn", from: `"arn:aws:iam::444455556666:root"`, to: `"arn:aws:iam::111122223333:root"`},
		{module: validate, input: "s3_bucket_arn", from: `module.b.s3_bucket_arn`, to: `module.b2.s3_bucket_arn`},
		{module: validate, input: "s3_bucket_key_prefix", to: `"logs"`},
		{module: validate, input: "permissions_boundary", to: `"arn:aws:iam::111122223333:policy/bounds"`},
		{module: validate, input: "tags", to: `{ a = "1" }`},
		{module: bucket, input: "s3_bucket_name", from: `"own-bucket-one"`, to: `"own-bucket-two"`},
		{module: group, input: "trail_name", from: `"trail-one"`, to: `"trail-two"`},
		{module: group, input: "log_group_name", to: `"another-group"`},
		{module: group, input: "role_name", to: `"another-role"`},
		{module: trail, input: "trail_name", from: `"trail-one"`, to: `"trail-two"`},
		{module: validate, input: "role_name", to: `"another-validate-role"`},
	}
}

// notOnTheEngine are inputs that need what the engine does not have: KMS, SNS,
// organizations, insights. Package setup changes them against moto.
var notOnTheEngine = []string{"kms_key_arn", "sns_topic_name", "is_organization_trail", "insight_types"}

// TestUpdates applies, changes one input, applies, and takes the change back,
// for every input: after each apply, plan must want nothing more.
func TestUpdates(t *testing.T) {
	t.Parallel()
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333", "--delivery-interval", "1h")
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, kit.Tool(t, "aws"), "iam", "create-policy", "--policy-name", "bounds", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	c.Must(t, kit.Tool(t, "aws"), "s3api", "create-bucket", "--bucket", "access-logs", "--create-bucket-configuration", "LocationConstraint="+kit.Region)
	covered := map[string]bool{}
	for i, u := range updates() {
		covered[u.module+"."+u.input] = true
		t.Run(fmt.Sprintf("%s.%s/%d", u.module, u.input, i), func(t *testing.T) {
			dir := t.TempDir()
			for _, to := range []bool{false, true, false} {
				writeFile(t, filepath.Join(dir, "main.tf"), u.file(to))
				out := c.Must(t, kit.Binary(t), "apply", "--auto-approve", dir)
				if out, code := c.Run(t, kit.Binary(t), "plan", "--detailed-exitcode", dir); code != 0 {
					t.Fatalf("after applying (changed: %v) plan ends with %d:\n%s", to, code, out)
				}
				if strings.Contains(out, "No changes.") && !u.silent(to) {
					t.Errorf("applying (changed: %v) changed nothing:\n%s", to, u.file(to))
				}
			}
			c.Must(t, kit.Binary(t), "destroy", "--auto-approve", dir)
			writeFile(t, filepath.Join(dir, "main.tf"), u.file(true))
			c.Must(t, kit.Binary(t), "destroy", "--auto-approve", dir)
		})
	}
	for _, m := range []string{"cloudtrail-bucket", "cloudtrail-cloudwatch", "cloudtrail", "cloudtrail-validate-logs-role"} {
		text, err := os.ReadFile(kit.Repository(t, "modules", "cloudtrail", m, "variables.tf"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			name, ok := strings.CutPrefix(line, `variable "`)
			name, _, _ = strings.Cut(name, `"`)
			if ok && !covered[m+"."+name] && !slices.Contains(notOnTheEngine, name) && name != "cloud_watch_logs_group_arn" {
				t.Errorf("no update of %s.%s is tested", m, name)
			}
		}
	}
}

// silent reports whether applying the value changes nothing on the account:
// force_destroy is not kept there, the default selector is none, and what had
// another name before is still there when that name comes back.
func (u update) silent(to bool) bool {
	names := []string{"cloudtrail-bucket.s3_bucket_name", "cloudtrail-cloudwatch.trail_name", "cloudtrail-cloudwatch.role_name", "cloudtrail.trail_name", "cloudtrail-validate-logs-role.role_name"}
	return u.input == "force_destroy" || u.to == `[{}]` || !to && slices.Contains(names, u.module+"."+u.input)
}

// file is a folder's main.tf with the module under test, and the modules it
// may refer to.
func (u update) file(to bool) string {
	value, more := u.from, ""
	if to {
		value, more = u.to, u.both
	}
	inputs := map[string]string{}
	switch u.module {
	case "cloudtrail-bucket":
		inputs["s3_bucket_name"], inputs["force_destroy"] = `"updated-bucket"`, `true`
	case "cloudtrail-cloudwatch":
		inputs["trail_name"] = `"updated-trail"`
	case "cloudtrail":
		inputs["trail_name"] = `"updated-trail"`
		if u.input != "s3_bucket_name" && u.input != "bucket_name" {
			inputs["s3_bucket_name"] = `module.b.s3_bucket_name`
		}
	default:
		inputs["assume_role_arn"], inputs["s3_bucket_arn"] = `"arn:aws:iam::444455556666:root"`, `module.b.s3_bucket_arn`
	}
	if value != "" {
		inputs[u.input] = value
	}
	var b strings.Builder
	b.WriteString(`provider "aws" { region = "eu-west-1" }` + "\n")
	if u.module == "cloudtrail" || u.module == "cloudtrail-validate-logs-role" {
		b.WriteString(`
module "b" {
  source         = "./cloudtrail-bucket"
  s3_bucket_name = "first-bucket"
  force_destroy  = true
}
module "b2" {
  source         = "./cloudtrail-bucket"
  s3_bucket_name = "second-bucket"
  force_destroy  = true
}
module "g" {
  source     = "./cloudtrail-cloudwatch"
  trail_name = "updated-trail"
}
`)
	}
	fmt.Fprintf(&b, "module \"m\" {\n  source = \"./%s\"\n", u.module)
	for name, v := range inputs {
		fmt.Fprintf(&b, "  %s = %s\n", name, v)
	}
	fmt.Fprintf(&b, "  %s\n  %s\n}\n", u.with, more)
	return b.String()
}
