package logquery

import (
	"slices"
	"time"
)

// Type is the type of a column of the events table.
type Type uint8

// The types of columns.
const (
	// TextColumn holds the text of a string, number, true or false
	// (Value.Text); NULL of anything else.
	TextColumn Type = iota
	// BoolColumn holds true or false if the text is "true" or "false", else NULL.
	BoolColumn
	// TimeColumn holds the time, in UTC, that ParseTime reads from the text.
	TimeColumn
	// JSONColumn holds the bytes of a member, also of one that is null; NULL if
	// the record has none. They are passed through Strict.
	JSONColumn
)

// SQL returns DuckDB's name of the type.
func (t Type) SQL() string {
	return [...]string{"VARCHAR", "BOOLEAN", "TIMESTAMP", "JSON"}[t]
}

// Column is a column of the events table: one row a record.
type Column struct {
	// Name is the column's name, in snake case.
	Name string
	// Path is where records have the value; empty for the columns that the table
	// adds: rest, layout, record, source_file and day.
	Path string
	Type Type
	// About says in a few words what the column holds.
	About string
}

// The columns that the table adds to those of records.
const (
	// RestColumn is a JSON object of each member that no other column gives back:
	// members without a column, and those whose value is not of their column's
	// type (a TextColumn gives back strings, a BoolColumn true and false, a
	// TimeColumn strings such as 2026-01-02T03:04:05Z). NULL if there is none.
	RestColumn = "rest"
	// LayoutColumn tells the order of a record's members.
	LayoutColumn = "layout"
	// RecordColumn has the whole record if it cannot be put together again byte
	// for byte from the other columns; else NULL.
	RecordColumn = "record"
	// SourceColumn is the key or path of the log file.
	SourceColumn = "source_file"
	// DayColumn is the partition: the UTC day of event_time, a DATE.
	DayColumn = "day"
)

// columns are in the order of the table.
var columns = []Column{
	{"event_time", "eventTime", TimeColumn, "when the call was answered, UTC"},
	{"event_version", "eventVersion", TextColumn, "version of the record's format"},
	{"event_source", "eventSource", TextColumn, "the service, such as s3.amazonaws.com"},
	{"event_name", "eventName", TextColumn, "the operation"},
	{"aws_region", "awsRegion", TextColumn, "region of the call"},
	{"source_ip_address", "sourceIPAddress", TextColumn, "the caller's address, or a service's name"},
	{"user_agent", "userAgent", TextColumn, "what the client called itself"},
	{"error_code", "errorCode", TextColumn, "why the call failed; NULL if it did not"},
	{"error_message", "errorMessage", TextColumn, "the error in words"},
	{"request_id", "requestID", TextColumn, "id the caller got with the answer"},
	{"event_id", "eventID", TextColumn, "unique id of the record"},
	{"event_type", "eventType", TextColumn, "AwsApiCall, AwsServiceEvent, AwsConsoleSignIn, ..."},
	{"event_category", "eventCategory", TextColumn, "Management, Data, NetworkActivity or Insight"},
	{"recipient_account_id", "recipientAccountId", TextColumn, "account that got the record"},
	{"shared_event_id", "sharedEventID", TextColumn, "joins the copies several accounts got of one call"},
	{"vpc_endpoint_id", "vpcEndpointId", TextColumn, "VPC endpoint the call came through"},
	{"vpc_endpoint_account_id", "vpcEndpointAccountId", TextColumn, "account of that endpoint"},
	{"api_version", "apiVersion", TextColumn, "version of the service's API"},
	{"session_credential_from_console", "sessionCredentialFromConsole", TextColumn, "\"true\" if the credentials came from the console"},
	{"read_only", "readOnly", BoolColumn, "whether the operation changes nothing"},
	{"management_event", "managementEvent", BoolColumn, "whether it is a management event"},
	{"user_type", "userIdentity.type", TextColumn, "IAMUser, AssumedRole, Root, AWSService, ..."},
	{"user_principal_id", "userIdentity.principalId", TextColumn, "unique id of the caller; of a role with the session's name"},
	{"user_arn", "userIdentity.arn", TextColumn, "ARN of the caller"},
	{"user_account_id", "userIdentity.accountId", TextColumn, "account of the caller"},
	{"user_name", "userIdentity.userName", TextColumn, "name of an IAM user"},
	{"user_access_key_id", "userIdentity.accessKeyId", TextColumn, "key that signed the call"},
	{"user_invoked_by", "userIdentity.invokedBy", TextColumn, "service that called for the user"},
	{"session_issuer_type", "userIdentity.sessionContext.sessionIssuer.type", TextColumn, "who issued a session: Role, ..."},
	{"session_issuer_principal_id", "userIdentity.sessionContext.sessionIssuer.principalId", TextColumn, "unique id of the role"},
	{"session_issuer_arn", "userIdentity.sessionContext.sessionIssuer.arn", TextColumn, "ARN of the role"},
	{"session_issuer_account_id", "userIdentity.sessionContext.sessionIssuer.accountId", TextColumn, "account of the role"},
	{"session_issuer_user_name", "userIdentity.sessionContext.sessionIssuer.userName", TextColumn, "name of the role"},
	{"session_mfa", "userIdentity.sessionContext.attributes.mfaAuthenticated", BoolColumn, "whether the session used MFA"},
	{"user_identity", "userIdentity", JSONColumn, "who called, whole"},
	{"request_parameters", "requestParameters", JSONColumn, "the call's input"},
	{"response_elements", "responseElements", JSONColumn, "what a call that changes something answered"},
	{"additional_event_data", "additionalEventData", JSONColumn, "further data of the service"},
	{"resources", "resources", JSONColumn, "list of the resources touched"},
	{"service_event_details", "serviceEventDetails", JSONColumn, "data of a service's own event"},
	{"tls_details", "tlsDetails", JSONColumn, "TLS version, cipher suite and host"},
	{"insight_details", "insightDetails", JSONColumn, "data of an Insights event"},
	{"edge_device_details", "edgeDeviceDetails", JSONColumn, "data of an edge device"},
	{"event_context", "eventContext", JSONColumn, "tags of the caller and the resource"},
	{"addendum", "addendum", JSONColumn, "why a record was late or changed"},
	{RestColumn, "", JSONColumn, "members that no other column gives back"},
	{LayoutColumn, "", TextColumn, "order of the record's members"},
	{RecordColumn, "", TextColumn, "the record, if the other columns do not give it back byte for byte"},
	{SourceColumn, "", TextColumn, "log file the record is from"},
}

// Columns returns the columns of the events table in order. The partition
// column, day, is not among them.
func Columns() []Column { return slices.Clone(columns) }

// ParseTime reads the time of a record, such as 2026-01-02T03:04:05Z. Fractions
// of a second, of which microseconds count, and offsets are read too.
func ParseTime(text []byte) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	return t.UTC().Truncate(time.Microsecond), err == nil
}
