package module

import (
	"crypto/sha256"
	"encoding/hex"

	"cairn/setup/internal/resource"
)

func cloudWatchModule() *Module {
	return &Module{
		Name: "cloudtrail-cloudwatch",
		Inputs: []Input{
			required("trail_name", trailName()),
			optionalNumber("retention_in_days", 731, checkRetention),
			optionalText("log_group_name", groupNames()),
			optionalText("role_name", roleNames()),
			optionalText("kms_key_arn", kmsKey()),
			optionalText("permissions_boundary", boundaryARN()),
			tagsInput(),
		},
		Outputs: []string{"cloud_watch_logs_role_arn", "cloud_watch_logs_group_arn", "log_group_name", "role_name"},
		build:   buildCloudWatch,
		outputs: func(in Values, acc Account) map[string]string {
			return map[string]string{
				"cloud_watch_logs_role_arn":  roleARN(in, acc),
				"cloud_watch_logs_group_arn": groupARN(in, acc) + ":*",
				"log_group_name":             groupName(in),
				"role_name":                  roleName(in),
			}
		},
	}
}

func groupName(in Values) string {
	if n := in.text("log_group_name"); n != "" {
		return n
	}
	return in.text("trail_name") + "-cloudtrail-log-group"
}

// roleName derives a name from the trail's, so that two trails can live in
// one account. IAM allows 64 characters, a trail's name has up to 128: a long
// name keeps its beginning and gets a hash, so that two long names differ.
func roleName(in Values) string {
	if n := in.text("role_name"); n != "" {
		return n
	}
	const suffix = "-cloudwatch-logs"
	trail := in.text("trail_name")
	if len(trail)+len(suffix) > 64 {
		sum := sha256.Sum256([]byte(trail))
		trail = trail[:39] + "-" + hex.EncodeToString(sum[:])[:8]
	}
	return trail + suffix
}

func groupARN(in Values, acc Account) string {
	return "arn:" + acc.Partition + ":logs:" + acc.Region + ":" + acc.ID + ":log-group:" + groupName(in)
}

func roleARN(in Values, acc Account) string {
	return "arn:" + acc.Partition + ":iam::" + acc.ID + ":role/" + roleName(in)
}

// buildCloudWatch makes what modules/cloudtrail/cloudtrail-cloudwatch/main.tf
// makes.
func buildCloudWatch(in Values, acc Account) []resource.Resource {
	// A multi-region trail writes ACCOUNT_CloudTrail_REGION streams of all
	// regions into the one group of its home region.
	streams := []string{groupARN(in, acc) + ":log-stream:" + acc.ID + "_CloudTrail_*"}
	tags := in.tags(acc, "cloudtrail-cloudwatch")
	return []resource.Resource{
		{Address: "aws_cloudwatch_log_group.this", Spec: &resource.LogGroup{
			Name: groupName(in), ARN: groupARN(in, acc), RetentionDays: in.number("retention_in_days"),
			KMSKey: in.text("kms_key_arn"), Tags: tags,
		}},
		{Address: "aws_iam_role.this", Spec: &resource.Role{
			Name: roleName(in), ARN: roleARN(in, acc), Boundary: in.text("permissions_boundary"), Tags: tags,
			Trust: policyOf(statement{Effect: "Allow", Principal: cloudTrail(), Action: []string{"sts:AssumeRole"}}),
		}},
		{Address: "aws_iam_role_policy.this", Part: "aws_iam_role.this", Needs: []string{"aws_iam_role.this"}, Spec: &resource.RolePolicy{
			Name: "cloudtrail-cloudwatch-logs", Role: roleName(in),
			Policy: policyOf(
				statement{Sid: "AWSCloudTrailCreateLogStream20141101", Effect: "Allow", Action: []string{"logs:CreateLogStream"}, Resource: streams},
				statement{Sid: "AWSCloudTrailPutLogEvents20141101", Effect: "Allow", Action: []string{"logs:PutLogEvents"}, Resource: streams},
			),
		}},
	}
}
