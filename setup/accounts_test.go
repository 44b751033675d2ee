package setup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cairn/setup"
)

// severalAccounts sets up the bucket in one account and trails of two accounts
// and two regions to it: by the default credentials, by an assumed role, and
// by a profile.
const severalAccounts = `
provider "aws" { region = "eu-west-1" }
provider "aws" {
  alias  = "audit"
  region = "eu-west-1"
  assume_role {
    role_arn     = "arn:aws:iam::444455556666:role/setup"
    session_name = "several-accounts"
    duration     = "15m"
  }
}
provider "aws" {
  alias               = "audit-us"
  region              = "us-east-1"
  profile             = "444455556666"
  allowed_account_ids = ["444455556666"]
}
module "bucket" {
  source         = "./cloudtrail-bucket"
  providers      = { aws = aws.audit }
  s3_bucket_name = "audit-of-all"
  force_destroy  = true
  account_ids    = ["111122223333", "444455556666"]
}
module "own" {
  source               = "./cloudtrail"
  providers            = { aws = aws }
  trail_name           = "to-audit"
  s3_bucket_name       = module.bucket.s3_bucket_name
  s3_bucket_key_prefix = "own"
}
module "theirs" {
  source         = "./cloudtrail"
  providers      = { aws = aws.audit }
  trail_name     = "to-audit"
  s3_bucket_name = module.bucket.s3_bucket_name
}
module "us" {
  source                        = "./cloudtrail"
  providers                     = { aws = aws.audit-us }
  trail_name                    = "to-audit-us"
  is_multi_region_trail         = false
  s3_bucket_name                = module.bucket.s3_bucket_name
}
output "arns" { value = [module.own.trail_arn, module.theirs.trail_arn, module.us.trail_arn] }
`

// severalAccountsInGo says what severalAccounts says.
func severalAccountsInGo() setup.Description {
	bucket := &setup.Bucket{
		Label: "bucket", Provider: "audit", S3BucketName: "audit-of-all", ForceDestroy: true, AccountIDs: []setup.Text{"111122223333", "444455556666"},
	}
	name := bucket.Outputs().S3BucketName
	own := &setup.Trail{Label: "own", TrailName: "to-audit", S3BucketName: name, S3BucketKeyPrefix: "own"}
	theirs := &setup.Trail{Label: "theirs", Provider: "audit", TrailName: "to-audit", S3BucketName: name}
	us := &setup.Trail{Label: "us", Provider: "audit-us", TrailName: "to-audit-us", S3BucketName: name, IsMultiRegionTrail: new(false)}
	return setup.Description{
		Provider: setup.Provider{Region: "eu-west-1"},
		Aliases: map[string]setup.Provider{
			"audit": {Region: "eu-west-1", AssumeRole: &setup.AssumeRole{
				RoleARN: "arn:aws:iam::444455556666:role/setup", SessionName: "several-accounts", Duration: 15 * time.Minute,
			}},
			"audit-us": {Region: "us-east-1", Profile: "444455556666", AllowedAccountIDs: []string{"444455556666"}},
		},
		Modules: []setup.Module{bucket, own, theirs, us},
	}
}

func TestSeveralAccounts(t *testing.T) {
	onEngine(t, "111122223333", "444455556666")
	src := setup.Source{Dir: folder(t, severalAccounts)}

	files, err := setup.Read(src)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := files.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "main.tf:3:1: assume role arn:aws:iam::444455556666:role/setup: AccessDenied") {
		t.Fatalf("connect without the role: %v", err)
	}
	makeRole(t, "444455556666", "setup")
	becomeUser(t, "111122223333", "setup") // AWS lets no root user assume a role

	a := open(t, src)
	want := "account 444455556666 in eu-west-1 and account 111122223333 in eu-west-1 and account 444455556666 in us-east-1"
	if a.String() != want {
		t.Errorf("accounts: %s", a)
	}
	apply(t, a, plan(t, a, setup.Count{Add: 8}))
	p := plan(t, open(t, src), setup.Count{})
	var b strings.Builder
	if err := p.WriteOutputs(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, arn := range []string{
		"arn:aws:cloudtrail:eu-west-1:111122223333:trail/to-audit", "arn:aws:cloudtrail:eu-west-1:444455556666:trail/to-audit",
		"arn:aws:cloudtrail:us-east-1:444455556666:trail/to-audit-us",
	} {
		if !strings.Contains(b.String(), arn) {
			t.Errorf("no %s in %s", arn, b.String())
		}
	}
	gone, err := a.PlanDestroy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	apply(t, a, gone)
	plan(t, a, setup.Count{Add: 8})

	made := describe(t, severalAccountsInGo())
	if made.String() != want {
		t.Errorf("accounts from Go values: %s", made)
	}
	apply(t, made, plan(t, made, setup.Count{Add: 8}))
	plan(t, open(t, src), setup.Count{})
}

const mayAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// iamOf is IAM as an account's root user.
func iamOf(t *testing.T, account string) *iam.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"), config.WithSharedConfigProfile(account))
	if err != nil {
		t.Fatal(err)
	}
	return iam.NewFromConfig(cfg)
}

// becomeUser makes a user that may do everything, and uses its keys from then
// on.
func becomeUser(t *testing.T, account, name string) {
	t.Helper()
	c := iamOf(t, account)
	if _, err := c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("all"), PolicyDocument: aws.String(mayAll)}); err != nil {
		t.Fatal(err)
	}
	out, err := c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", aws.ToString(out.AccessKey.AccessKeyId))
	t.Setenv("AWS_SECRET_ACCESS_KEY", aws.ToString(out.AccessKey.SecretAccessKey))
}

// makeRole makes a role that account 111122223333 may assume and that may do
// everything.
func makeRole(t *testing.T, account, name string) {
	t.Helper()
	c := iamOf(t, account)
	_, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("all"), PolicyDocument: aws.String(mayAll)})
	if err != nil {
		t.Fatal(err)
	}
}
