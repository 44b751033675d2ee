package module

import (
	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/resource"
)

// validateModule is for whoever checks log files by their digests, often from
// another account: a role that may read the trail's keys and files, and
// change nothing.
func validateModule() *Module {
	name := required("role_name", roleNames())
	name.Default = cty.StringVal("cloudtrail-validate-logs")
	return &Module{
		Name: "cloudtrail-validate-logs-role",
		Inputs: []Input{
			required("assume_role_arn", principalARN()),
			required("s3_bucket_arn", bucketARNs()),
			name,
			optionalText("s3_bucket_key_prefix", keyPrefix()),
			optionalText("kms_key_arn", kmsKey()),
			optionalText("permissions_boundary", boundaryARN()),
			tagsInput(),
		},
		Outputs: []string{"role_arn"},
		build:   buildValidate,
		outputs: func(in Values, acc Account) map[string]string {
			return map[string]string{"role_arn": "arn:" + acc.Partition + ":iam::" + acc.ID + ":role/" + in.text("role_name")}
		},
	}
}

// buildValidate makes what modules/cloudtrail/cloudtrail-validate-logs-role/main.tf
// makes. What it allows is what `aws cloudtrail validate-logs` asks for.
func buildValidate(in Values, acc Account) []resource.Resource {
	name, bucket := in.text("role_name"), in.text("s3_bucket_arn")
	files := bucket + "/"
	if p := in.text("s3_bucket_key_prefix"); p != "" {
		files += p + "/"
	}
	statements := []statement{
		{Sid: "ReadTrailsAndKeys", Effect: "Allow", Action: []string{"cloudtrail:DescribeTrails", "cloudtrail:ListPublicKeys"}, Resource: []string{"*"}},
		{Sid: "ListLogFiles", Effect: "Allow", Action: []string{"s3:GetBucketLocation", "s3:ListBucket"}, Resource: []string{bucket}},
		{Sid: "ReadLogFiles", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{files + "*"}},
	}
	if key := in.text("kms_key_arn"); key != "" {
		statements = append(statements, statement{Sid: "DecryptLogFiles", Effect: "Allow", Action: []string{"kms:Decrypt"}, Resource: []string{key}})
	}
	const role = "aws_iam_role.this"
	return []resource.Resource{
		{Address: role, Spec: &resource.Role{
			Name: name, ARN: "arn:" + acc.Partition + ":iam::" + acc.ID + ":role/" + name, Boundary: in.text("permissions_boundary"),
			Tags: in.tags(acc, "cloudtrail-validate-logs-role"),
			Trust: policyOf(statement{
				Effect: "Allow", Principal: map[string]string{"AWS": in.text("assume_role_arn")}, Action: []string{"sts:AssumeRole"},
			}),
		}},
		{Address: "aws_iam_role_policy.this", Part: role, Needs: []string{role}, Spec: &resource.RolePolicy{
			Name: "cloudtrail-validate-logs", Role: name, Policy: policyOf(statements...),
		}},
	}
}
