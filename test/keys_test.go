//go:build e2e

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

const someKey = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// beyond are inputs the engine cannot honour, and what it says of them.
var beyond = []struct{ name, module, inputs, says string }{
	{"sealed", "cloudtrail-bucket", `s3_bucket_name = "sealed-by-key"
		kms_key_arn    = "` + someKey + `"`, "This engine has no KMS"},
	{"secret", "cloudtrail-cloudwatch", `trail_name  = "secret"
		kms_key_arn = "` + someKey + `"`, "Encryption with a KMS key is not supported by this engine"},
	{"keyed", "cloudtrail", `trail_name  = "keyed"
		bucket_name = "keys-own"
		kms_key_arn = "` + someKey + `"`, "this engine has no KMS yet"},
	{"loud", "cloudtrail", `trail_name     = "loud"
		bucket_name    = "keys-own"
		sns_topic_name = "loud"`, "this engine has no SNS yet"},
}

func writeModules(t *testing.T, dir string, blocks ...string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "main.tf"), "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n\nprovider \"aws\" {\n  region = \"eu-west-1\"\n}\n"+strings.Join(blocks, ""))
	return dir
}

func module(name, source, inputs string) string {
	return "\nmodule \"" + name + "\" {\n\t\tsource = \"../../modules/cloudtrail/" + source + "\"\n\t\t" + inputs + "\n}\n"
}

// TestKeysOnEngine: inputs the engine cannot honour are refused by it, and both
// tools show its words.
func TestKeysOnEngine(t *testing.T) {
	terraform, plugins := kit.Tool(t, "terraform"), kit.PluginDir(t)
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	root := kit.CopyExamples(t)
	p := s3.NewFromConfig(e.Config(t, ""), pathStyle)
	makeTrailBucket(t, p, "keys-own")
	var blocks []string
	for _, b := range beyond {
		block := module(b.name, b.module, b.inputs)
		blocks = append(blocks, block)
		dir := writeModules(t, filepath.Join(root, "examples", "cairn-"+b.name), block)
		c := kit.Client{Env: e.Environment(t, ""), Dir: dir}
		if out, errs, code := c.Both(t, kit.Binary(t), "apply", "--auto-approve", dir); code != 1 || !strings.Contains(errs, b.says) {
			t.Errorf("cairn apply of %s ended with %d, want 1 and %q:\n%s%s", b.name, code, b.says, out, errs)
		}
		c.Must(t, kit.Binary(t), "destroy", "--auto-approve", dir) // what was made before the refusal
	}
	c := kit.Client{Dir: writeModules(t, filepath.Join(root, "examples", "all"), blocks...), Env: append(e.Environment(t, ""), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")}
	c.Must(t, terraform, "init", "-input=false", "-no-color", "-plugin-dir="+plugins)
	out, errs, code := c.Both(t, terraform, "apply", "-input=false", "-auto-approve", "-no-color", "-parallelism=20")
	if code != 1 {
		t.Errorf("terraform apply ended with %d:\n%s%s", code, out, errs)
	}
	said := strings.Join(strings.Fields(strings.ReplaceAll(errs, "│", " ")), " ") // terraform breaks lines
	for _, b := range beyond {
		if !strings.Contains(said, b.says) {
			t.Errorf("terraform apply does not say %q of %s:\n%s", b.says, b.name, errs)
		}
	}
}

func makeTrailBucket(t *testing.T, c *s3.Client, name string) {
	t.Helper()
	p := &play{TB: t}
	p.bucket(c, name, trailPolicy(name))
}

// TestKeysOnMoto: what the engine has not, an AWS that is not ours has: keys
// and a topic arrive where they should, and the next plan wants nothing.
func TestKeysOnMoto(t *testing.T) {
	t.Parallel()
	awsCLI, url := kit.Tool(t, "aws"), kit.StartMoto(t)
	root := kit.CopyExamples(t)
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + root, "AWS_ENDPOINT_URL=" + url, "AWS_REGION=" + kit.Region, "AWS_DEFAULT_REGION=" + kit.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=", "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "PYENV_VERSION=" + os.Getenv("PYENV_VERSION"),
	}
	c := kit.Client{Env: env, Dir: root}
	key := strings.TrimSpace(c.Must(t, awsCLI, "kms", "create-key", "--query", "KeyMetadata.Arn", "--output", "text"))
	topic := strings.TrimSpace(c.Must(t, awsCLI, "sns", "create-topic", "--name", "told", "--query", "TopicArn", "--output", "text"))
	dir := writeModules(t, filepath.Join(root, "examples", "keys"),
		module("bucket", "cloudtrail-bucket", `s3_bucket_name = "keyed-trail"
		kms_key_arn    = "`+key+`"`),
		module("group", "cloudtrail-cloudwatch", `trail_name  = "keyed"
		kms_key_arn = "`+key+`"`),
		module("trail", "cloudtrail", `trail_name                 = "keyed"
		s3_bucket_name             = module.bucket.s3_bucket_name
		cloud_watch_logs_role_arn  = module.group.cloud_watch_logs_role_arn
		cloud_watch_logs_group_arn = module.group.cloud_watch_logs_group_arn
		kms_key_arn                = "`+key+`"
		sns_topic_name             = "told"
		insight_types              = ["ApiCallRateInsight", "ApiErrorRateInsight"]`))
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", dir)
	if out, code := c.Run(t, kit.Binary(t), "plan", "--no-color", "--detailed-exitcode", dir); code != 0 {
		t.Errorf("cairn wants changes after its own apply (exit code %d):\n%s", code, out)
	}

	config := aws.Config{Region: kit.Region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	encryption, err := s3.NewFromConfig(config, pathStyle).GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: aws.String("keyed-trail")})
	if err != nil {
		t.Fatal(err)
	}
	if by := encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault; by.SSEAlgorithm != "aws:kms" || aws.ToString(by.KMSMasterKeyID) != key {
		t.Errorf("the bucket is encrypted by %s with %s, want %s", by.SSEAlgorithm, aws.ToString(by.KMSMasterKeyID), key)
	}
	groups, err := cloudwatchlogs.NewFromConfig(config).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(groups.LogGroups) != 1 || aws.ToString(groups.LogGroups[0].KmsKeyId) != key {
		t.Errorf("log groups are %+v, want one encrypted with %s", groups.LogGroups, key)
	}
	trails, err := cloudtrail.NewFromConfig(config).DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(trails.TrailList) != 1 {
		t.Fatalf("trails are %+v", trails.TrailList)
	}
	trail := trails.TrailList[0]
	if aws.ToString(trail.KmsKeyId) != key || aws.ToString(trail.SnsTopicARN) != topic {
		t.Errorf("the trail has key %s and topic %s, want %s and %s", aws.ToString(trail.KmsKeyId), aws.ToString(trail.SnsTopicARN), key, topic)
	}
	insights, err := cloudtrail.NewFromConfig(config).GetInsightSelectors(t.Context(), &cloudtrail.GetInsightSelectorsInput{TrailName: trail.Name})
	if err != nil || len(insights.InsightSelectors) != 2 {
		t.Errorf("insight selectors are %+v, %v", insights, err)
	}
	c.Must(t, kit.Binary(t), "destroy", "--auto-approve", dir)
	if out, code := c.Run(t, kit.Binary(t), "plan", "--no-color", "--detailed-exitcode", dir); code != 2 || strings.Contains(out, "will be updated") {
		t.Errorf("after destroy a plan ends with %d:\n%s", code, out)
	}
}
