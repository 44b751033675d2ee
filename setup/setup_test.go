package setup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/setup"
	"cairn/setup/setuptest"
)

// clients are for making things behind setup's back.
type clients struct {
	s3     *s3.Client
	logs   *cloudwatchlogs.Client
	trails *cloudtrail.Client
}

func onMoto(t *testing.T) clients {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL", setuptest.Moto(t))
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	return clients{
		s3:     s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		logs:   cloudwatchlogs.NewFromConfig(cfg),
		trails: cloudtrail.NewFromConfig(cfg),
	}
}

func connect(t *testing.T, dir string) *setup.Account {
	t.Helper()
	files, err := setup.Read(setup.Source{Dir: dir, Variables: []setup.Variable{{Assign: "account_id=" + setuptest.Account}}})
	if err != nil {
		t.Fatal(err)
	}
	account, err := files.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func plan(t *testing.T, a *setup.Account, want setup.Count) *setup.Plan {
	t.Helper()
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Count() != want {
		var b strings.Builder
		_ = p.WriteText(&b, false)
		t.Fatalf("planned %+v, want %+v:\n%s", p.Count(), want, b.String())
	}
	return p
}

func apply(t *testing.T, a *setup.Account, p *setup.Plan) {
	t.Helper()
	start := time.Now()
	done, err := a.Apply(t.Context(), p, func(e setup.Event) { t.Log(e.Address, e.Text) })
	if err != nil {
		t.Fatal(err)
	}
	if done != p.Count() {
		t.Errorf("did %+v of %+v", done, p.Count())
	}
	t.Logf("applied in %s", time.Since(start))
}

// TestOwnBucket takes the first example through its life: created, unchanged,
// changed by others, repaired, destroyed.
func TestOwnBucket(t *testing.T) {
	aws1 := onMoto(t)
	a := connect(t, "../examples/own-bucket")
	apply(t, a, plan(t, a, setup.Count{Add: 9}))
	plan(t, a, setup.Count{})

	status, err := aws1.trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("digitalmarketplaces-account-cloudtrail")})
	if err != nil || !aws.ToBool(status.IsLogging) {
		t.Errorf("the trail does not log: %v", err)
	}

	group := "digitalmarketplaces-account-cloudtrail-cloudtrail-log-group"
	if _, err := aws1.logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &group, RetentionInDays: aws.Int32(7)}); err != nil {
		t.Fatal(err)
	}
	if _, err := aws1.trails.StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: aws.String("digitalmarketplaces-account-cloudtrail")}); err != nil {
		t.Fatal(err)
	}
	if _, err := aws1.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String("digitalmarketplaces-account-cloudtrail-bucket")}); err != nil {
		t.Fatal(err)
	}
	apply(t, a, plan(t, a, setup.Count{Add: 1, Change: 2}))
	plan(t, a, setup.Count{})

	gone, err := a.PlanDestroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, gone)
	plan(t, a, setup.Count{Add: 9})
}

// TestFullBucket refuses to remove log files, and removes them when told so.
func TestFullBucket(t *testing.T) {
	aws1 := onMoto(t)
	dir := t.TempDir()
	file := `
provider "aws" { region = "eu-west-1" }
module "bucket" {
  source         = "./cloudtrail-bucket"
  s3_bucket_name = "full-bucket"
  FORCE
}
variable "account_id" {}
`
	write(t, dir, strings.Replace(file, "FORCE", "", 1))
	a := connect(t, dir)
	apply(t, a, plan(t, a, setup.Count{Add: 5}))
	bucket := aws.String("full-bucket")
	// The bucket is TLS only, and moto speaks plain http.
	if _, err := aws1.s3.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := aws1.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("log"), Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.PlanDestroy(t.Context()); err == nil || !strings.Contains(err.Error(), "force_destroy = true") {
		t.Fatalf("destroying a full bucket: %v", err)
	}
	write(t, dir, strings.Replace(file, "FORCE", "force_destroy = true", 1))
	a = connect(t, dir)
	gone, err := a.PlanDestroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, gone)
	plan(t, a, setup.Count{Add: 5})
}

// TestEveryInput sets what the examples leave alone, then changes it.
func TestEveryInput(t *testing.T) {
	onMoto(t)
	dir := t.TempDir()
	file := `
provider "aws" {
  region = "eu-west-1"
  default_tags { tags = { owner = "audit" } }
}
variable "account_id" {}
module "bucket" {
  source           = "./cloudtrail-bucket"
  s3_bucket_name   = "every-input"
  object_lock_mode = "GOVERNANCE"
  object_lock_days = 1
  expiration_days  = 400
  transition_days  = 30
  tags             = { env = "ENV" }
}
module "cloudwatch" {
  source            = "./cloudtrail-cloudwatch"
  trail_name        = "every-input"
  retention_in_days = DAYS
  tags              = { env = "ENV" }
}
module "trail" {
  source                     = "./cloudtrail"
  trail_name                 = "every-input"
  s3_bucket_name             = module.bucket.s3_bucket_name
  cloud_watch_logs_role_arn  = module.cloudwatch.cloud_watch_logs_role_arn
  cloud_watch_logs_group_arn = module.cloudwatch.cloud_watch_logs_group_arn
  enable_logging             = false
  event_selectors            = [{ read_write_type = "WriteOnly", data_resources = [{ type = "AWS::S3::Object", values = ["arn:aws:s3:::every-input/"] }] }]
  insight_types              = ["ApiCallRateInsight"]
  tags                       = { env = "ENV" }
}
`
	write(t, dir, strings.NewReplacer("ENV", "dev", "DAYS", "0").Replace(file))
	a := connect(t, dir)
	apply(t, a, plan(t, a, setup.Count{Add: 11}))
	plan(t, a, setup.Count{})
	write(t, dir, strings.NewReplacer("ENV", "prod", "DAYS", "30").Replace(file))
	a = connect(t, dir)
	apply(t, a, plan(t, a, setup.Count{Change: 4}))
	plan(t, a, setup.Count{})
}

// TestNoBucket points a trail at a bucket that is not there, then makes it.
func TestNoBucket(t *testing.T) {
	aws1 := onMoto(t)
	a := connect(t, "../examples/someone-elses-bucket")
	p := plan(t, a, setup.Count{Add: 1})
	if _, err := a.Apply(t.Context(), p, nil); err == nil || !strings.Contains(err.Error(), "gds-audit-cloudtrails") {
		t.Fatalf("a trail to no bucket: %v", err)
	}
	_, err := aws1.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("gds-audit-cloudtrails"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	plan(t, a, setup.Count{})
}

func TestForbiddenAccount(t *testing.T) {
	onMoto(t)
	dir := t.TempDir()
	write(t, dir, `
provider "aws" {
  region              = "eu-west-1"
  allowed_account_ids = ["999999999999"]
}
module "trail" {
  source      = "./cloudtrail"
  trail_name  = "trail"
  bucket_name = "bucket"
}
`)
	files, err := setup.Read(setup.Source{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "allowed_account_ids") {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestForeign finds resources under the files' names that the modules did not
// make: they are refused, left alone by destroy, and taken over when told so.
func TestForeign(t *testing.T) {
	aws1 := onMoto(t)
	dir := t.TempDir()
	write(t, dir, `
provider "aws" { region = "eu-west-1" }
module "bucket" {
  source         = "./cloudtrail-bucket"
  s3_bucket_name = "somebodys-bucket"
}
module "cloudwatch" {
  source     = "./cloudtrail-cloudwatch"
  trail_name = "somebodys"
}
`)
	bucket, group := aws.String("somebodys-bucket"), aws.String("somebodys-cloudtrail-log-group")
	config := &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}
	if _, err := aws1.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: config}); err != nil {
		t.Fatal(err)
	}
	if _, err := aws1.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group, Tags: map[string]string{"team": "other"}}); err != nil {
		t.Fatal(err)
	}
	a := open(t, setup.Source{Dir: dir})
	_, err := a.Plan(t.Context())
	for _, want := range []string{
		`module.bucket.aws_s3_bucket.this: aws_s3_bucket "somebodys-bucket" is there already and was not made by this module (it has no tag cairn:module = cloudtrail-bucket)`,
		`module.cloudwatch.aws_cloudwatch_log_group.this: aws_cloudwatch_log_group "somebodys-cloudtrail-log-group" is there already`,
		"--adopt",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("plan: %v\nwant: %s", err, want)
		}
	}
	gone, err := a.PlanDestroy(t.Context())
	if err != nil || !gone.Empty() {
		t.Errorf("destroy would remove %+v of somebody else (%v)", gone.Count(), err)
	}
	var b strings.Builder
	if err := gone.WriteText(&b, false); err != nil || !strings.Contains(b.String(), `Left alone: module.bucket.aws_s3_bucket.this, aws_s3_bucket "somebodys-bucket": it was not made by this module`) {
		t.Errorf("destroy says: %s", b.String())
	}

	// Adopted, it is changed as the files say, keeps nothing of its old tags,
	// and is the modules' from then on.
	a = open(t, setup.Source{Dir: dir, Adopt: true})
	p, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, p)
	plan(t, open(t, setup.Source{Dir: dir}), setup.Count{})
}
