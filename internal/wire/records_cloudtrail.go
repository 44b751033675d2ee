package wire

// CloudTrailNames holds the members of CloudTrail that begin with a lower-case
// letter (spec 4.1): all of DescribeTrails, and nothing else.
var CloudTrailNames = map[string]string{
	"DescribeTrailsInput.IncludeShadowTrails": "includeShadowTrails",
	"DescribeTrailsInput.TrailNameList":       "trailNameList",
	"DescribeTrailsOutput.TrailList":          "trailList",
}

// CloudTrailRecords spells the records CloudTrail makes of itself (spec 2.8):
// ISO times, members in the order of the API model.
var CloudTrailRecords = Spelling{
	Order: map[string][]string{
		"AdvancedEventSelector": {"Name"},
		"AdvancedFieldSelector": {"Field", "Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith"},
		"CreateTrailInput": {
			"Name", "S3BucketName", "S3KeyPrefix", "SnsTopicName", "IncludeGlobalServiceEvents",
			"IsMultiRegionTrail", "EnableLogFileValidation", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn",
			"KmsKeyId", "IsOrganizationTrail", "TagsList",
		},
		"CreateTrailOutput": {
			"Name", "S3BucketName", "S3KeyPrefix", "SnsTopicName", "SnsTopicARN", "IncludeGlobalServiceEvents",
			"IsMultiRegionTrail", "TrailARN", "LogFileValidationEnabled", "CloudWatchLogsLogGroupArn",
			"CloudWatchLogsRoleArn", "KmsKeyId",
		},
		"DescribeTrailsInput":       {"TrailNameList"},
		"EventSelector":             {"ReadWriteType", "IncludeManagementEvents"},
		"GetInsightSelectorsInput":  {"TrailName"},
		"InsightSelector":           {"InsightType"},
		"ListPublicKeysInput":       {"StartTime"},
		"LookupEventsInput":         {"LookupAttributes", "StartTime"},
		"PutEventSelectorsInput":    {"TrailName", "EventSelectors"},
		"PutEventSelectorsOutput":   {"TrailARN", "EventSelectors"},
		"PutInsightSelectorsInput":  {"TrailName"},
		"PutInsightSelectorsOutput": {"TrailARN", "InsightSelectors"},
		"UpdateTrailInput": {
			"Name", "S3BucketName", "S3KeyPrefix", "SnsTopicName", "IncludeGlobalServiceEvents",
			"IsMultiRegionTrail", "EnableLogFileValidation", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn",
			"KmsKeyId",
		},
		"UpdateTrailOutput": {
			"Name", "S3BucketName", "S3KeyPrefix", "SnsTopicName", "SnsTopicARN", "IncludeGlobalServiceEvents",
			"IsMultiRegionTrail", "TrailARN", "LogFileValidationEnabled", "CloudWatchLogsLogGroupArn",
			"CloudWatchLogsRoleArn", "KmsKeyId",
		},
	},
}
