package setup_test

import (
	"strings"
	"testing"

	"cairn/setup"
)

// TestUpdatesOnMoto changes the inputs that need what the engine does not
// have: plan must want nothing more after each apply.
func TestUpdatesOnMoto(t *testing.T) {
	onMoto(t)
	const file = `
provider "aws" { region = "eu-west-1" }
module "bucket" {
  source         = "./cloudtrail-bucket"
  s3_bucket_name = "bucket-with-key"
  force_destroy  = true
  BUCKET
}
module "cloudwatch" {
  source     = "./cloudtrail-cloudwatch"
  trail_name = "with-key"
  GROUP
}
module "trail" {
  source         = "./cloudtrail"
  trail_name     = "with-key"
  s3_bucket_name = module.bucket.s3_bucket_name
  TRAIL
}
`
	const key = `kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-00000000000`
	with := func(place, text string) string {
		others := map[string]string{"BUCKET": "", "GROUP": "", "TRAIL": ""}
		others[place] = text
		return strings.NewReplacer("BUCKET", others["BUCKET"], "GROUP", others["GROUP"], "TRAIL", others["TRAIL"]).Replace(file)
	}
	dir := t.TempDir()
	for _, tt := range []struct {
		name, place string
		// values are set one after the other. moto does not take back the
		// trail's, adds new insights to the old, and cannot change a group's key.
		values []string
	}{
		{"key of the bucket", "BUCKET", []string{"", key + `1"`, key + `2"`, ""}},
		{"key of the log group", "GROUP", []string{key + `1"`}},
		{"key of the trail", "TRAIL", []string{"", key + `1"`, key + `2"`}},
		{"topic", "TRAIL", []string{"", `sns_topic_name = "trails"`}},
		{"insights", "TRAIL", []string{"", `insight_types = ["ApiCallRateInsight"]`}},
		{"organization", "TRAIL", []string{"", `is_organization_trail = true`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, text := range tt.values {
				write(t, dir, with(tt.place, text))
				a := open(t, setup.Source{Dir: dir})
				p, err := a.Plan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if p.Empty() {
					t.Errorf("setting %q changes nothing", text)
				}
				apply(t, a, p)
				plan(t, open(t, setup.Source{Dir: dir}), setup.Count{})
			}
			a := open(t, setup.Source{Dir: dir})
			p, err := a.PlanDestroy(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			apply(t, a, p)
		})
	}
}
