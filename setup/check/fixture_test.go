package check

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/setup"
)

const (
	accountID = "111122223333"
	trailARN  = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"
	groupARN  = "arn:aws:logs:eu-west-1:111122223333:log-group:audit-logs"
	roleARN   = "arn:aws:iam::111122223333:role/audit-role"
	tlsText   = `{"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	aclText   = `{"Sid":"Acl","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::logs","Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"}}}`
	writeText = `{"Sid":"Write","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/AWSLogs/111122223333/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"}}}`
	trustText = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	roleText  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:eu-west-1:111122223333:log-group:audit-logs:log-stream:111122223333_CloudTrail_*"}]}`
)

// saw wraps what was seen.
func saw[T any](v T) Look[T] { return Look[T]{Seen: v} }

// policyOf is a policy document with these statements.
func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// without takes a condition on the trail's ARN out of a statement.
func without(statement string) string {
	const source = `"aws:SourceArn":"` + trailARN + `"`
	statement = strings.Replace(statement, ","+source, "", 1)
	return strings.Replace(statement, `,"Condition":{"StringEquals":{`+source+`}}`, "", 1)
}

// perfect is an account in which there is nothing to find.
func perfect(t *testing.T) *Snapshot {
	t.Helper()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var filters []MetricFilter
	var alarmed []Alarm
	for name, pattern := range cisPatterns() {
		metric := Metric{"CIS", name}
		filters = append(filters, MetricFilter{Name: name, Pattern: pattern, Metrics: []Metric{metric}})
		alarmed = append(alarmed, Alarm{Name: name, Metrics: []Metric{metric}, Acts: true})
	}
	return &Snapshot{
		Account: accountID, Region: "eu-west-1", Time: now,
		Files: &Look[[]setup.Drift]{},
		Trails: []Trail{{
			Name: "audit", ARN: trailARN, HomeRegion: "eu-west-1", Bucket: "logs",
			KMSKey: "arn:aws:kms:eu-west-1:111122223333:key/1", SNSTopic: "arn:aws:sns:eu-west-1:111122223333:new-logs",
			LogGroupARN: groupARN + ":*", LogRoleARN: roleARN,
			MultiRegion: true, GlobalEvents: true, Validation: true, Insights: true,
			Status: saw(Status{
				Logging: true, Started: now.Add(-300 * time.Hour), Delivered: now.Add(-4 * time.Minute), GroupDelivered: now.Add(-3 * time.Minute),
			}),
			Selectors: saw(Selectors{Basic: []types.EventSelector{{
				ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(true),
				DataResources: []types.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}},
			}}}),
			Tags: saw(map[string]string{"team": "audit"}),
			BucketSeen: &Bucket{
				Name: "logs", Exists: saw(true), Policy: saw(policyOf(tlsText, aclText, writeText)),
				PublicAccess: saw(PublicAccess{true, true, true, true}),
				Encryption:   saw(Encryption{"aws:kms", "arn:aws:kms:eu-west-1:111122223333:key/1"}),
				Versioning:   saw(Versioning{"Enabled", true}), ObjectLock: saw(ObjectLock{"COMPLIANCE", "365 days"}),
				LogsTo: saw("access-logs"), Lifecycle: saw(Lifecycle{Rules: 1, ExpireDays: 2557, AbortsUploads: true}),
				Ownership: saw("BucketOwnerEnforced"), PublicGrants: saw([]string(nil)),
			},
			Group: &LogGroup{
				Name: "audit-logs", Region: "eu-west-1", Exists: saw(true), RetentionDays: 731, KMSKey: "arn:aws:kms:eu-west-1:111122223333:key/2",
				Filters: saw(filters), Alarms: saw(alarmed),
			},
			Role: &Role{
				ARN: roleARN, Name: "audit-role", Trust: saw(trustText), Policies: saw([]RolePolicy{{"logs", roleText}}), Boundary: saw(""),
			},
		}},
	}
}

// cisPatterns are the patterns of CIS AWS Foundations v4 (spec 6.5), those of
// the long lists made from the names.
func cisPatterns() map[string]string {
	patterns := map[string]string{
		"alarm-unauthorized-calls":  `{ ($.errorCode ="*UnauthorizedOperation") || ($.errorCode ="AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }`,
		"alarm-sign-in-without-mfa": `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }`,
		"alarm-root":                `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`,
		"alarm-cloudtrail":          `{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) }`,
		"alarm-sign-in-failures":    `{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }`,
	}
	for _, a := range alarms() {
		if patterns[a.id] != "" {
			continue
		}
		var names []string
		for _, s := range a.samples {
			names = append(names, "($.eventName="+s.name+")")
		}
		patterns[a.id] = "{($.eventSource=" + a.samples[0].members["eventSource"].(string) + ") && (" + strings.Join(names, "||") + ")}"
	}
	return patterns
}
