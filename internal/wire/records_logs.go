package wire

// LogsNames holds the one member of CloudWatch Logs that does not begin with a
// lower-case letter.
var LogsNames = map[string]string{
	"DescribeDestinationsInput.DestinationNamePrefix": "DestinationNamePrefix",
}

// LogsRecords spells the records of CloudWatch Logs: wire names, members in the
// order of the API model. Times are numbers already. The log events themselves
// are not recorded: they are the customer's data.
var LogsRecords = Spelling{
	Omit: map[string]bool{
		"PutLogEventsInput.LogEvents":            true,
		"TestMetricFilterInput.LogEventMessages": true,
		"TestTransformerInput.LogEventMessages":  true,
	},
	Order: map[string][]string{
		"AssociateKmsKeyInput":          {"LogGroupName"},
		"CreateLogGroupInput":           {"LogGroupName", "KmsKeyId", "Tags", "LogGroupClass"},
		"DeleteMetricFilterInput":       {"LogGroupName"},
		"DeleteResourcePolicyInput":     {"PolicyName", "ResourceArn"},
		"DeleteSubscriptionFilterInput": {"LogGroupName"},
		"DescribeLogGroupsInput": {
			"AccountIdentifiers", "LogGroupNamePrefix", "LogGroupNamePattern", "NextToken", "Limit",
		},
		"DescribeLogStreamsInput": {
			"LogGroupName", "LogGroupIdentifier", "LogStreamNamePrefix", "OrderBy", "Descending", "NextToken",
		},
		"DescribeMetricFiltersInput":       {"LogGroupName", "FilterNamePrefix", "NextToken"},
		"DescribeQueriesInput":             {"LogGroupName", "Status"},
		"DescribeResourcePoliciesInput":    {"NextToken", "Limit", "ResourceArn"},
		"DescribeSubscriptionFiltersInput": {"LogGroupName", "FilterNamePrefix", "NextToken"},
		"Entity":                           {"KeyAttributes"},
		"FilterLogEventsInput": {
			"LogGroupName", "LogGroupIdentifier", "LogStreamNames", "LogStreamNamePrefix", "StartTime", "EndTime",
			"FilterPattern", "NextToken", "Limit",
		},
		"GetLogEventsInput":    {"LogGroupName", "LogGroupIdentifier", "LogStreamName", "StartTime", "EndTime", "NextToken"},
		"GetQueryResultsInput": {"QueryId", "NextToken"},
		"InputLogEvent":        {"Timestamp"},
		"PutLogEventsInput":    {"LogGroupName", "LogStreamName", "LogEvents", "SequenceToken"},
		"PutLogEventsOutput":   {"NextSequenceToken", "RejectedLogEventsInfo"},
		"PutMetricFilterInput": {
			"LogGroupName", "FilterName", "FilterPattern", "MetricTransformations", "ApplyOnTransformedLogs",
			"FieldSelectionCriteria",
		},
		"PutResourcePolicyInput": {"PolicyName", "PolicyDocument", "ResourceArn"},
		"PutSubscriptionFilterInput": {
			"LogGroupName", "FilterName", "FilterPattern", "DestinationArn", "RoleArn", "Distribution",
			"ApplyOnTransformedLogs", "FieldSelectionCriteria",
		},
		"RejectedLogEventsInfo": {"TooNewLogEventStartIndex", "TooOldLogEventEndIndex"},
		"ResourcePolicy":        {"PolicyName", "PolicyDocument"},
		"StartQueryInput":       {"QueryLanguage", "LogGroupName", "LogGroupNames", "LogGroupIdentifiers", "StartTime"},
	},
}
