package setup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"cairn/setup"
	"cairn/setup/internal/module"
	"cairn/setup/setuptest"
)

// TestModuleFields holds the Go structs to the modules: a field for each
// input, able to say what is not its default, and a reference for each output.
func TestModuleFields(t *testing.T) {
	bucket, logs, trail, role := &setup.Bucket{}, &setup.CloudWatch{}, &setup.Trail{}, &setup.ValidateLogsRole{}
	for name, of := range map[string]struct{ inputs, outputs any }{
		"cloudtrail-bucket":             {bucket, bucket.Outputs()},
		"cloudtrail-cloudwatch":         {logs, logs.Outputs()},
		"cloudtrail":                    {trail, trail.Outputs()},
		"cloudtrail-validate-logs-role": {role, role.Outputs()},
	} {
		at := slices.IndexFunc(module.All(), func(m *module.Module) bool { return m.Name == name })
		m := module.All()[at]
		var want, got []string
		for _, in := range m.Inputs {
			want = append(want, in.Name+" "+fieldKind(in))
		}
		for field := range reflect.TypeOf(of.inputs).Elem().Fields() {
			if tag := field.Tag.Get("input"); tag != "" {
				got = append(got, tag+" "+field.Type.Kind().String())
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: inputs (-module +struct):\n%s", name, d)
		}
		want, got = m.Outputs, nil
		for field, value := range reflect.ValueOf(of.outputs).Fields() {
			out := field.Tag.Get("output")
			got = append(got, out)
			if ref := "${module." + name + "." + out + "}"; value.String() != ref {
				t.Errorf("%s: the output %s refers to %s", name, out, value.String())
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: outputs (-module +struct):\n%s", name, d)
		}
	}
}

// fieldKind is the kind of the Go field an input must have.
func fieldKind(in module.Input) string {
	switch {
	case in.Type == cty.Bool && in.Default.True(), in.Type == cty.Number && !in.Default.RawEquals(cty.Zero):
		return "ptr"
	case in.Type == cty.Bool:
		return "bool"
	case in.Type == cty.Number:
		return "int"
	case in.Type.IsMapType():
		return "map"
	case in.Type.IsListType():
		return "slice"
	}
	return "string"
}

// ownBucket is examples/own-bucket in Go.
func ownBucket() setup.Description {
	const name = "digitalmarketplaces-account-cloudtrail"
	bucket := &setup.Bucket{S3BucketName: name + "-bucket"}
	logs := &setup.CloudWatch{TrailName: name, RetentionInDays: new(731)}
	trail := &setup.Trail{
		TrailName: name, S3BucketName: bucket.Outputs().S3BucketName, S3BucketKeyPrefix: setuptest.Account,
		CloudWatchLogsRoleARN: logs.Outputs().CloudWatchLogsRoleARN, CloudWatchLogsGroupARN: logs.Outputs().CloudWatchLogsGroupARN,
	}
	return setup.Description{
		Provider: setup.Provider{Region: "eu-west-1"},
		Modules:  []setup.Module{trail, logs, bucket}, // in any order
		Outputs: map[string]setup.Text{
			"trail_arn": trail.Outputs().TrailARN, "s3_bucket_name": bucket.Outputs().S3BucketName, "log_group_name": logs.Outputs().LogGroupName,
		},
	}
}

// someoneElsesBucket is examples/someone-elses-bucket in Go.
func someoneElsesBucket() setup.Description {
	trail := &setup.Trail{TrailName: "digitalmarketplace-gds-audit-cloudtrail", BucketName: "gds-audit-cloudtrails", S3BucketKeyPrefix: setuptest.Account}
	return setup.Description{
		Provider: setup.Provider{Region: "eu-west-1"},
		Modules:  []setup.Module{trail},
		Outputs:  map[string]setup.Text{"trail_arn": trail.Outputs().TrailARN},
	}
}

const allInputs = `
provider "aws" {
  region = "eu-west-1"
  allowed_account_ids = ["123456789012"]
  default_tags { tags = { owner = "audit" } }
}
module "logs-here" {
  source                = "./cloudtrail-bucket"
  s3_bucket_name        = "all-inputs"
  account_ids           = ["123456789012", "111122223333"]
  s3_bucket_key_prefix  = "p"
  trail_arns            = ["arn:aws:cloudtrail:eu-west-1:123456789012:trail/all-inputs"]
  organization_id       = "o-0123456789"
  versioning            = true
  force_destroy         = true
  kms_key_arn           = "arn:aws:kms:eu-west-1:123456789012:key/1"
  object_lock_mode      = "GOVERNANCE"
  object_lock_days      = 3
  expiration_days       = 400
  transition_days       = 30
  access_log_bucket     = "access-logs"
  tags                  = { env = "dev", "a b" = "$x" }
}
module "cw" {
  source               = "./cloudtrail-cloudwatch"
  trail_name           = module.t.trail_name
  retention_in_days    = 0
  log_group_name       = "group"
  role_name            = "role"
  kms_key_arn          = "arn:aws:kms:eu-west-1:123456789012:key/1"
  permissions_boundary = "arn:aws:iam::123456789012:policy/b"
}
module "t" {
  source                        = "./cloudtrail"
  trail_name                    = "all-inputs"
  s3_bucket_name                = module.logs-here.s3_bucket_name
  is_multi_region_trail         = false
  include_global_service_events = false
  enable_log_file_validation    = false
  enable_logging                = false
  kms_key_arn                   = "arn:aws:kms:eu-west-1:123456789012:key/1"
  sns_topic_name                = "topic"
  advanced_event_selectors = [{ name = "n", field_selectors = [
    { field = "eventCategory", equals = ["Data"] },
    { field = "resources.type", equals = ["AWS::S3::Object"] },
    { field = "resources.ARN", not_starts_with = ["${module.logs-here.s3_bucket_arn}/"] },
  ] }]
  insight_types = ["ApiCallRateInsight"]
}
module "t2" {
  source      = "./cloudtrail"
  trail_name  = "${module.t.trail_name}-2"
  bucket_name = module.logs-here.s3_bucket_name
  event_selectors = [{
    read_write_type = "WriteOnly", include_management_events = false,
    data_resources = [{ type = "AWS::S3::Object", values = ["${module.logs-here.s3_bucket_arn}/", "arn:aws:s3:::x/"] }]
  }]
}
module "v" {
  source          = "./cloudtrail-validate-logs-role"
  assume_role_arn = "arn:aws:iam::444455556666:root"
  s3_bucket_arn   = module.logs-here.s3_bucket_arn
}
output "both" { value = "${module.t.trail_arn} ${module.v.role_arn}" }
`

// allInputsInGo says what allInputs says.
func allInputsInGo() setup.Description {
	const key = "arn:aws:kms:eu-west-1:123456789012:key/1"
	bucket := &setup.Bucket{
		Label: "logs-here", S3BucketName: "all-inputs", AccountIDs: []setup.Text{"123456789012", "111122223333"}, S3BucketKeyPrefix: "p",
		TrailARNs: []setup.Text{"arn:aws:cloudtrail:eu-west-1:123456789012:trail/all-inputs"}, OrganizationID: "o-0123456789",
		Versioning: new(true), ForceDestroy: true, KMSKeyARN: key, ObjectLockMode: "GOVERNANCE", ObjectLockDays: 3,
		ExpirationDays: 400, TransitionDays: 30, AccessLogBucket: "access-logs", Tags: map[string]setup.Text{"env": "dev", "a b": "$x"},
	}
	out := bucket.Outputs()
	trail := &setup.Trail{
		Label: "t", TrailName: "all-inputs", S3BucketName: out.S3BucketName, IsMultiRegionTrail: new(false), IncludeGlobalServiceEvents: new(false),
		EnableLogFileValidation: new(false), EnableLogging: new(false), KMSKeyARN: key, SNSTopicName: "topic",
		AdvancedEventSelectors: []setup.AdvancedEventSelector{{Name: "n", FieldSelectors: []setup.FieldSelector{
			{Field: "eventCategory", Equals: []setup.Text{"Data"}},
			{Field: "resources.type", Equals: []setup.Text{"AWS::S3::Object"}},
			{Field: "resources.ARN", NotStartsWith: []setup.Text{out.S3BucketARN + "/"}},
		}}},
		InsightTypes: []setup.Text{"ApiCallRateInsight"},
	}
	logs := &setup.CloudWatch{
		Label: "cw", TrailName: trail.Outputs().TrailName, RetentionInDays: new(0), LogGroupName: "group", RoleName: "role", KMSKeyARN: key,
		PermissionsBoundary: "arn:aws:iam::123456789012:policy/b",
	}
	second := &setup.Trail{
		Label: "t2", TrailName: trail.Outputs().TrailName + "-2", BucketName: out.S3BucketName,
		EventSelectors: []setup.EventSelector{{ReadWriteType: "WriteOnly", IncludeManagementEvents: new(false), DataResources: []setup.DataResource{
			{Type: "AWS::S3::Object", Values: []setup.Text{out.S3BucketARN + "/", "arn:aws:s3:::x/"}},
		}}},
	}
	role := &setup.ValidateLogsRole{Label: "v", AssumeRoleARN: "arn:aws:iam::444455556666:root", S3BucketARN: out.S3BucketARN}
	return setup.Description{
		Provider: setup.Provider{Region: "eu-west-1", AllowedAccountIDs: []string{"123456789012"}, DefaultTags: map[string]string{"owner": "audit"}},
		Modules:  []setup.Module{bucket, logs, trail, second, role},
		Outputs:  map[string]setup.Text{"both": trail.Outputs().TrailARN + " " + role.Outputs().RoleARN},
	}
}

// TestGoAsHCL plans from Go values and from files that say the same: on an
// empty account, on one set up as described, and to destroy it.
func TestGoAsHCL(t *testing.T) {
	onMoto(t)
	variables := []setup.Variable{{Assign: "account_id=" + setuptest.Account}}
	for _, tt := range []struct {
		name  string
		files setup.Source
		made  setup.Description
		apply bool
	}{
		{"own bucket", setup.Source{Dir: "../examples/own-bucket", Variables: variables}, ownBucket(), true},
		{"someone else's bucket", setup.Source{Dir: "../examples/someone-elses-bucket", Variables: variables}, someoneElsesBucket(), false},
		{"all inputs", setup.Source{Dir: folder(t, allInputs)}, allInputsInGo(), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files, made := open(t, tt.files), describe(t, tt.made)
			p := samePlans(t, files, made)
			if tt.apply {
				apply(t, made, p)
				plan(t, files, setup.Count{})
				samePlans(t, files, made)
			}
			gone, err := made.PlanDestroy(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			goneFiles, err := files.PlanDestroy(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(planJSON(t, goneFiles), planJSON(t, gone)); d != "" {
				t.Errorf("destroy plans (-files +go):\n%s", d)
			}
			if tt.apply {
				apply(t, made, gone)
				plan(t, files, p.Count())
			}
		})
	}
}

func describe(t *testing.T, d setup.Description) *setup.Account {
	t.Helper()
	files, err := setup.Describe(d)
	if err != nil {
		t.Fatal(err)
	}
	a, err := files.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// samePlans compares two plans and returns the second.
func samePlans(t *testing.T, files, made *setup.Account) *setup.Plan {
	t.Helper()
	want, err := files.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := made.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(planJSON(t, want), planJSON(t, got)); d != "" {
		t.Errorf("plans (-files +go):\n%s", d)
	}
	return got
}

// planJSON is a plan's JSON with the changes in the order of their addresses:
// those that do not need each other come as they were described.
func planJSON(t *testing.T, p *setup.Plan) string {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	changes, _ := all["resource_changes"].([]any)
	address := func(c any) string {
		m, _ := c.(map[string]any)
		s, _ := m["address"].(string)
		return s
	}
	slices.SortFunc(changes, func(a, b any) int { return strings.Compare(address(a), address(b)) })
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", " ")
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestGoRefusals compares what is said about wrong values with what is said
// about the same in a file, place aside.
func TestGoRefusals(t *testing.T) {
	trail := func(t setup.Trail) setup.Description { return setup.Description{Modules: []setup.Module{&t}} }
	bucket := func(b setup.Bucket) setup.Description { return setup.Description{Modules: []setup.Module{&b}} }
	for _, tt := range []struct {
		name, file string
		made       setup.Description
	}{
		{"no bucket", `module "cloudtrail" { source = "./cloudtrail", trail_name = "audit" }`, trail(setup.Trail{TrailName: "audit"})},
		{"names", `module "cloudtrail" { source = "./cloudtrail", trail_name = "a", bucket_name = "B" }`, trail(setup.Trail{TrailName: "a", BucketName: "B"})},
		{"no name", `module "cloudtrail" { source = "./cloudtrail", bucket_name = "bucket" }`, trail(setup.Trail{BucketName: "bucket"})},
		{"lock", `module "cloudtrail-bucket" { source = "./cloudtrail-bucket", s3_bucket_name = "bucket", object_lock_days = 1 }`, bucket(setup.Bucket{S3BucketName: "bucket", ObjectLockDays: 1})},
		{"days", `module "cloudtrail-bucket" { source = "./cloudtrail-bucket", s3_bucket_name = "bucket", expiration_days = -1 }`, bucket(setup.Bucket{S3BucketName: "bucket", ExpirationDays: -1})},
		{"no such output", `module "cloudtrail" { source = "./cloudtrail", trail_name = "audit", bucket_name = module.cloudtrail.trail_arm }`, trail(setup.Trail{TrailName: "audit", BucketName: "${module.cloudtrail.trail_arm}"})},
		{"itself", `module "cloudtrail" { source = "./cloudtrail", trail_name = "audit", bucket_name = module.cloudtrail.trail_name }`, trail(setup.Trail{TrailName: "audit", BucketName: "${module.cloudtrail.trail_name}"})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := setup.Read(setup.Source{Dir: folder(t, strings.NewReplacer(", ", "\n", "{ ", "{\n", " }", "\n}").Replace(tt.file))})
			want := problemTexts(t, err)
			_, err = setup.Describe(tt.made)
			if d := cmp.Diff(want, problemTexts(t, err)); d != "" || strings.Contains(err.Error(), ":0:") || strings.HasPrefix(err.Error(), ":") {
				t.Errorf("(-file +go):\n%s\n%v", d, err)
			}
		})
	}
}

func problemTexts(t *testing.T, err error) []string {
	t.Helper()
	problems, ok := errors.AsType[setup.Problems](err)
	if !ok {
		t.Fatalf("no problems, but %v", err)
	}
	var texts []string
	for _, p := range problems {
		texts = append(texts, p.Text)
	}
	slices.Sort(texts)
	return texts
}

// TestGoMistakes are those that only Go values can have.
func TestGoMistakes(t *testing.T) {
	trail := &setup.Trail{TrailName: "audit", BucketName: "bucket"}
	for _, tt := range []struct {
		made setup.Description
		want string
	}{
		{setup.Description{}, "the description holds no module"},
		{setup.Description{Modules: []setup.Module{trail, (*setup.Bucket)(nil)}}, "Modules[1] is nil"},
		{setup.Description{Modules: []setup.Module{trail, trail}}, `two modules are called "cloudtrail": give each a label of its own`},
		{setup.Description{Modules: []setup.Module{&setup.Trail{TrailName: "audit", BucketName: (&setup.Bucket{}).Outputs().S3BucketName}}}, "there is no module.cloudtrail-bucket in the description"},
		{setup.Description{Modules: []setup.Module{&setup.Trail{TrailName: "audit", BucketName: "${module.cloudtrail-bucket}"}}}, "is not a reference to an output of a module"},
		{setup.Description{Modules: []setup.Module{&setup.Trail{Provider: "us", TrailName: "audit", BucketName: "bucket"}}}, `there is no provider with the alias "us"`},
		{setup.Description{Modules: []setup.Module{trail}, Aliases: map[string]setup.Provider{"": {}}}, "has no alias"},
		{setup.Description{Modules: []setup.Module{&setup.Trail{Label: "a b", TrailName: "audit", BucketName: "bucket"}}}, "a module block has one name of letters"},
		{setup.Description{Modules: []setup.Module{trail}, Provider: setup.Provider{Region: "europe"}}, `"europe" is not a region`},
	} {
		if _, err := setup.Describe(tt.made); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v\nwant %s", err, tt.want)
		}
	}
}

// TestGoWithoutRegion asks for a region where there is no file to write it to.
func TestGoWithoutRegion(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	files, err := setup.Describe(setup.Description{Modules: []setup.Module{&setup.Trail{TrailName: "audit", BucketName: "bucket"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "names a region") {
		t.Errorf("got %v", err)
	}
}
