package identity

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// awsAccount stands for the account id in ARNs of AWS managed policies.
const awsAccount = "aws"

// awsSpec describes an AWS managed policy as the engine knows it.
type awsSpec struct {
	name, description string
	actions           []string
	// passTo is the service roles may be passed to; empty for none but what
	// actions say.
	passTo string
}

// awsSpecs are the AWS managed policies the engine knows. Names and purpose are
// AWS's; the documents are the engine's own and cover the engine's services
// only (CloudTrail, S3, CloudWatch Logs, IAM, STS, EC2):
//
//   - ReadOnlyAccess: everything that describes, gets, lists or looks up.
//     It reads objects, log events and trails, and never a secret key, because
//     no operation answers one.
//   - AWSCloudTrail_FullAccess: all of CloudTrail, and what setting up a trail
//     needs elsewhere: making its bucket, its log group, and passing its role, to
//     CloudTrail only.
//   - The others: all, or the reading part, of their one service.
//
// Source: "AWS managed policies" in the AWS Managed Policy Reference.
func awsSpecs() []awsSpec {
	trailRead := []string{"cloudtrail:Get*", "cloudtrail:Describe*", "cloudtrail:List*", "cloudtrail:LookupEvents"}
	logsRead := []string{
		"logs:Describe*", "logs:Get*", "logs:List*", "logs:FilterLogEvents", "logs:StartQuery",
		"logs:StopQuery", "logs:TestMetricFilter", "logs:StartLiveTail", "logs:StopLiveTail",
	}
	iamRead := []string{"iam:Get*", "iam:List*"}
	s3Read := []string{"s3:Get*", "s3:List*"}
	readOnly := append([]string{"ec2:Describe*", "ec2:Get*", "sts:Get*"}, trailRead...)
	readOnly = append(append(append(readOnly, logsRead...), iamRead...), s3Read...)
	return []awsSpec{
		{"AdministratorAccess", "Provides full access to the engine's services and resources.", []string{"*"}, ""},
		{"ReadOnlyAccess", "Provides read-only access to the engine's services and resources.", readOnly, ""},
		{"AWSCloudTrail_FullAccess", "Provides full access to CloudTrail, and to what setting up a trail needs.", []string{
			"cloudtrail:*", "s3:CreateBucket", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:ListAllMyBuckets",
			"s3:GetBucketLocation", "s3:GetBucketPolicy", "logs:CreateLogGroup", "logs:DescribeLogGroups",
			"iam:ListRoles", "iam:GetRolePolicy", "iam:GetUser",
		}, "cloudtrail.amazonaws.com"},
		{"AWSCloudTrail_ReadOnlyAccess", "Provides read-only access to CloudTrail.", trailRead, ""},
		{"AmazonS3FullAccess", "Provides full access to all buckets.", []string{"s3:*"}, ""},
		{"AmazonS3ReadOnlyAccess", "Provides read-only access to all buckets.", append(s3Read, "s3:Describe*"), ""},
		{"CloudWatchLogsFullAccess", "Provides full access to CloudWatch Logs.", []string{"logs:*"}, ""},
		{"CloudWatchLogsReadOnlyAccess", "Provides read-only access to CloudWatch Logs.", logsRead, ""},
		{"IAMFullAccess", "Provides full access to IAM.", []string{"iam:*"}, ""},
		{"IAMReadOnlyAccess", "Provides read-only access to IAM.", iamRead, ""},
	}
}

// awsPolicies makes the AWS managed policies, by ARN.
func awsPolicies() map[string]*ManagedPolicy {
	// AWS's own dates are not ours to copy; this is the day these texts were made.
	made := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	all := map[string]*ManagedPolicy{}
	for i, spec := range awsSpecs() {
		p := &ManagedPolicy{
			Account: awsAccount, Name: spec.name, Path: "/", ID: prefixPolicy + "CAIRNAWSMANAGED2" + string(rune('A'+i)),
			Description: spec.description, Created: made,
		}
		actions, err := json.Marshal(spec.actions)
		if err != nil {
			panic(err) // a list of plain strings always encodes
		}
		statements := `{"Effect":"Allow","Action":` + string(actions) + `,"Resource":"*"}`
		if spec.passTo != "" {
			statements += `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"` + spec.passTo + `"}}}`
		}
		p.AddVersion(`{"Version":"2012-10-17","Statement":[`+statements+`]}`, true, made)
		all[p.ARN()] = p
	}
	return all
}

// AWSPolicies returns the AWS managed policies the engine knows, sorted by name.
func (s *Store) AWSPolicies() []*ManagedPolicy {
	return slices.SortedFunc(maps.Values(s.managed), func(a, b *ManagedPolicy) int { return strings.Compare(a.Name, b.Name) })
}
