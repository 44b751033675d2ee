//go:build e2e

package test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/google/go-cmp/cmp"

	"cairn/test/kit"
)

// motoFiles are the modules moto can carry for Terraform. Its trail cannot be
// started by ARN, as the provider does; cairn starts it by name.
const motoFiles = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "eu-west-1"
}

variable "who" { type = string }

module "bucket" {
  source         = "../../modules/cloudtrail/cloudtrail-bucket"
  s3_bucket_name = "${var.who}-inputs-moto"
  tags           = { team = "audit" }
}

module "group" {
  source            = "../../modules/cloudtrail/cloudtrail-cloudwatch"
  trail_name        = "moto"
  retention_in_days = 365
}
`

const motoTrail = `
module "trail" {
  source                     = "../../modules/cloudtrail/cloudtrail"
  trail_name                 = "moto"
  s3_bucket_name             = module.bucket.s3_bucket_name
  cloud_watch_logs_role_arn  = module.group.cloud_watch_logs_role_arn
  cloud_watch_logs_group_arn = module.group.cloud_watch_logs_group_arn
}
`

// TestSameOnMoto sets the same files up with Terraform and with cairn on two
// clouds that are not ours, and wants them to be alike.
func TestSameOnMoto(t *testing.T) {
	t.Parallel()
	terraform, plugins := kit.Tool(t, "terraform"), kit.PluginDir(t)
	root := kit.CopyExamples(t)
	dir := filepath.Join(root, "examples", "moto")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "main.tf")
	writeFile(t, file, motoFiles)
	first, second := motoSide(t, "tf", dir), motoSide(t, "cn", dir)

	first.client.Must(t, terraform, "init", "-input=false", "-no-color", "-plugin-dir="+plugins)
	var both sync.WaitGroup
	both.Go(func() { first.run(t, terraform, "apply", "-input=false", "-auto-approve", "-no-color") })
	both.Go(func() { second.run(t, kit.Binary(t), "apply", "--auto-approve", dir) })
	both.Wait()
	if d := cmp.Diff(first.look(t), second.look(t)); d != "" {
		t.Errorf("the accounts differ (-terraform +cairn):\n%s", d)
	}
	first.wantNoChange(t, kit.Binary(t), "plan", "--no-color", "--detailed-exitcode", dir)
	second.wantNoChange(t, kit.Binary(t), "plan", "--no-color", "--detailed-exitcode", dir)

	writeFile(t, file, motoFiles+motoTrail)
	second.run(t, kit.Binary(t), "apply", "--auto-approve", dir)
	second.wantNoChange(t, kit.Binary(t), "plan", "--no-color", "--detailed-exitcode", dir)
	status, err := cloudtrail.NewFromConfig(second.config).GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("moto")})
	if err != nil || !aws.ToBool(status.IsLogging) {
		t.Errorf("the trail on moto says %+v, %v", status, err)
	}
	second.run(t, kit.Binary(t), "destroy", "--auto-approve", dir)
	for name := range second.look(t) {
		if strings.Contains(name, "moto") {
			t.Errorf("after destroy there still is %s", name)
		}
	}
}

// motoSide starts a moto_server of its own and returns the account it has.
func motoSide(t *testing.T, who, dir string) side {
	t.Helper()
	url := kit.StartMoto(t)
	return side{
		who: who, account: "123456789012",
		config: aws.Config{Region: kit.Region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")},
		client: kit.Client{Dir: dir, Env: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_ENDPOINT_URL=" + url, "AWS_REGION=" + kit.Region,
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
			"TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_VAR_who=" + who,
		}},
	}
}
