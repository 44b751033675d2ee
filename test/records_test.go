//go:build e2e

package test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/test/kit"
)

// TestRecords drives every service with genuine clients, as every kind of
// caller, and looks at the records in the delivered log files: by the rules of
// CloudTrail's documents, and beside genuine records where there are any.
func TestRecords(t *testing.T) {
	p := newPlay(t)
	records := p.recorded(keeper, p.act()...)
	t.Run("rules", func(t *testing.T) {
		ids := map[string]bool{}
		for _, r := range records {
			checkRecord(t, r)
			if id := r.At("eventID"); ids[id] {
				t.Errorf("the eventID %s stands twice in the log files", id)
			}
			ids[r.At("eventID")] = true
		}
		checkShapes(t, records)
		checkSecrets(t, records)
	})
	t.Run("genuine", func(t *testing.T) { compareAll(t, p, records) })
}

// memberOrder is the order of a record's members (spec 2.1), identityOrder that
// of userIdentity's (spec 2.3).
var (
	memberOrder = strings.Fields(`eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent
		errorCode errorMessage requestParameters responseElements additionalEventData requestID eventID readOnly resources eventType
		apiVersion managementEvent recipientAccountId sharedEventID eventCategory tlsDetails sessionCredentialFromConsole`)
	identityOrder = strings.Fields(`type principalId arn accountId accessKeyId userName sessionContext invokedBy`)
)

// memberKinds are the JSON types of members; those every record has are marked
// with a star.
var memberKinds = map[string]string{
	"eventVersion": "string*", "userIdentity": "object*", "eventTime": "string*", "eventSource": "string*", "eventName": "string*",
	"awsRegion": "string*", "sourceIPAddress": "string*", "userAgent": "string*", "errorCode": "string", "errorMessage": "string",
	"requestParameters": "object null*", "responseElements": "object null*", "additionalEventData": "object", "requestID": "string*",
	"eventID": "string*", "readOnly": "boolean*", "resources": "array", "eventType": "string*", "apiVersion": "string",
	"managementEvent": "boolean*", "recipientAccountId": "string*", "sharedEventID": "string", "eventCategory": "string*", "tlsDetails": "object",
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	s3IDForm = regexp.MustCompile(`^[A-Z0-9]{16}$`)
	// memberForms are the forms of values.
	memberForms = map[string]*regexp.Regexp{
		"eventVersion": regexp.MustCompile(`^1\.(0[89]|1[01])$`), "eventTime": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`),
		"eventSource": regexp.MustCompile(`^[a-z0-9]+\.amazonaws\.com$`), "eventID": uuidForm, "sharedEventID": uuidForm,
		"eventType": regexp.MustCompile(`^AwsApiCall$`), "recipientAccountId": regexp.MustCompile(`^` + account + `$`),
		"awsRegion": regexp.MustCompile(`^(eu-west-1|us-east-1)$`),
	}
)

// checkRecord checks the rules every record keeps (spec 2.1 to 2.3).
func checkRecord(t *testing.T, r kit.JSON) {
	t.Helper()
	name := kind(r)
	if !inOrder(r.Names, memberOrder) {
		t.Errorf("%s: members are %v", name, r.Names)
	}
	for member, kinds := range memberKinds {
		v, ok := r.Get(member)
		if !ok && strings.HasSuffix(kinds, "*") {
			t.Errorf("%s: no %s", name, member)
		}
		if ok && !slices.Contains(strings.Fields(strings.TrimSuffix(kinds, "*")), v.Kind) {
			t.Errorf("%s: %s is %s", name, member, v.Kind)
		}
		if form := memberForms[member]; ok && form != nil && !form.MatchString(v.Text) {
			t.Errorf("%s: %s is %q", name, member, v.Text)
		}
	}
	if at, err := time.Parse(time.RFC3339, r.At("eventTime")); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("%s: eventTime is %s", name, r.At("eventTime"))
	}
	s3 := r.At("eventSource") == "s3.amazonaws.com"
	if form := map[bool]*regexp.Regexp{true: s3IDForm, false: uuidForm}[s3]; !form.MatchString(r.At("requestID")) {
		t.Errorf("%s: requestID is %q", name, r.At("requestID"))
	}
	data := r.At("managementEvent") == "false"
	if want := map[bool]string{true: "Data", false: "Management"}[data]; r.At("eventCategory") != want {
		t.Errorf("%s: managementEvent is %v, eventCategory %s", name, !data, r.At("eventCategory"))
	}
	if _, ok := r.Get("apiVersion"); ok != (r.At("eventSource") == "logs.amazonaws.com") {
		t.Errorf("%s: apiVersion is there: %v", name, ok)
	}
	response, _ := r.Get("responseElements")
	if assume := r.At("eventName") == "AssumeRole"; r.At("readOnly") == "true" && !assume && response.Kind != "null" {
		t.Errorf("%s: reads, and has responseElements", name)
	}
	if _, failed := r.Get("errorCode"); failed && response.Kind != "null" {
		t.Errorf("%s: failed, and has responseElements", name)
	}
	checkCaller(t, name, r, s3)
}

// inOrder reports whether names are some of order, in that order.
func inOrder(names, order []string) bool {
	at := -1
	for _, n := range names {
		i := slices.Index(order, n)
		if i <= at {
			return false
		}
		at = i
	}
	return true
}

// checkCaller checks who is said to have called, and from where.
func checkCaller(t *testing.T, name string, r kit.JSON, s3 bool) {
	t.Helper()
	u, _ := r.Get("userIdentity")
	if !inOrder(u.Names, identityOrder) {
		t.Errorf("%s: userIdentity has %v", name, u.Names)
	}
	session, issuer := " sessionContext", "type principalId arn accountId userName"
	want := map[string]string{
		"Root":        "type principalId arn accountId accessKeyId",
		"IAMUser":     "type principalId arn accountId accessKeyId userName",
		"AssumedRole": "type principalId arn accountId accessKeyId" + session,
		"AWSAccount":  "type principalId accountId",
		"AWSService":  "type invokedBy",
	}[u.At("type")]
	service := u.At("invokedBy")
	if u.At("type") == "AssumedRole" && service != "" {
		want = "type principalId arn accountId" + session + " invokedBy"
	}
	if got := strings.Join(u.Names, " "); got != want {
		t.Errorf("%s: %s is told by %s", name, u.At("type"), got)
	}
	if u.At("type") == "AssumedRole" {
		from, _ := u.Get("sessionContext", "sessionIssuer")
		attributes, _ := u.Get("sessionContext", "attributes")
		if strings.Join(from.Names, " ") != issuer || strings.Join(attributes.Names, " ") != "creationDate mfaAuthenticated" ||
			attributes.Kids[1].Kind != "string" {
			t.Errorf("%s: sessionIssuer has %v, attributes %v", name, from.Names, attributes.Names)
		}
	}
	_, connected := r.Get("tlsDetails", "clientProvidedHostHeader")
	if connected != (service == "") {
		t.Errorf("%s: called for service %q with tlsDetails: %v", name, service, connected)
	}
	agent, from := r.At("userAgent"), r.At("sourceIPAddress")
	switch {
	case service != "":
		if agent != service || from != service {
			t.Errorf("%s: %s calls from %s as %s", name, service, from, agent)
		}
	case s3 != (strings.HasPrefix(agent, "[") && strings.HasSuffix(agent, "]")):
		t.Errorf("%s: userAgent is %s", name, agent)
	case from != "127.0.0.1":
		t.Errorf("%s: sourceIPAddress is %s", name, from)
	}
	_, shared := r.Get("sharedEventID")
	if others := u.At("type") == "AWSService" || u.At("accountId") == stranger; shared != others {
		t.Errorf("%s: caller of type %s, sharedEventID there: %v", name, u.At("type"), shared)
	}
}

// examples are records as CloudTrail's documents have them (spec 1.4, 2.5 to
// 2.9): the members of an object in order, or the value at a path. where finds
// the record; "*" stands for any text.
var examples = []struct{ kind, where, is, at, want string }{
	{"s3 PutObject", "requestParameters.key", "cli/pebble", "requestParameters", "bucketName Host x-amz-server-side-encryption key"},
	{"s3 PutObject", "requestParameters.key", "cli/pebble", "additionalEventData", "SignatureVersion bytesTransferredIn SSEApplied AuthenticationMethod x-amz-id-2 bytesTransferredOut"},
	{"s3 PutObject", "requestParameters.key", "cli/pebble", "additionalEventData.SSEApplied", "SSE_S3"},
	{"s3 PutObject", "requestParameters.key", "cli/pebble", "additionalEventData.bytesTransferredIn", "6"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "requestParameters", "bucketName Host key"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "additionalEventData.SSEApplied", "Default_SSE_S3"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "responseElements", "x-amz-server-side-encryption"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "resources[0]", "type ARN"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "resources[0].type", "AWS::S3::Object"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "resources[0].ARN", "arn:aws:s3:::acts-objects/open/stone"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "resources[1]", "accountId type ARN"},
	{"s3 PutObject", "requestParameters.key", "open/stone", "managementEvent", "false"},
	{"s3 DeleteObject", "requestParameters.key", "in/the/way", "responseElements", ""},
	{"s3 GetObject", "userIdentity.accountId", "anonymous", "userIdentity.principalId", ""},
	{"s3 GetObject", "userIdentity.accountId", "anonymous", "additionalEventData", "bytesTransferredIn SSEApplied x-amz-id-2 bytesTransferredOut"},
	{"s3 GetObject AccessDenied", "userIdentity.accountId", "anonymous", "userIdentity.type", "AWSAccount"},
	{"s3 GetObject", "userIdentity.accountId", stranger, "recipientAccountId", account},
	{"s3 GetObject", "additionalEventData.AuthenticationMethod", "QueryString", "requestParameters", "X-Amz-Date bucketName X-Amz-Algorithm X-Amz-SignedHeaders Host X-Amz-Expires key"},
	{"s3 ListObjects", "requestParameters.prefix", "open/", "resources[0].ARNPrefix", "arn:aws:s3:::acts-objects/"},
	{"s3 CreateBucket", "requestParameters.bucketName", "acts-bucket", "resources", ""},
	{"s3 PutObject by a service", "requestParameters.bucketName", keeper, "requestParameters", "bucketName Host x-amz-acl x-amz-server-side-encryption key"},
	{"s3 PutObject by a service", "requestParameters.bucketName", keeper, "requestParameters.x-amz-acl", "bucket-owner-full-control"},
	{"s3 PutObject by a service", "requestParameters.bucketName", keeper, "requestParameters.Host", keeper + ".s3.eu-west-1.amazonaws.com"},
	{"s3 PutObject by a service", "requestParameters.bucketName", keeper, "additionalEventData.SSEApplied", "SSE_S3"},
	{"s3 GetBucketAcl by a service", "requestParameters.bucketName", "second-trail", "requestParameters", "bucketName Host acl"},
	{"iam CreateRole", "requestParameters.roleName", "worker", "requestParameters", "path roleName assumeRolePolicyDocument maxSessionDuration tags"},
	{"iam CreateRole", "requestParameters.roleName", "worker", "requestParameters.assumeRolePolicyDocument", trustRoot},
	{"iam CreateRole", "requestParameters.roleName", "worker", "responseElements.role", "path roleName roleId arn createDate assumeRolePolicyDocument tags"},
	{"iam CreateRole", "requestParameters.roleName", "worker", "responseElements.role.assumeRolePolicyDocument", "%7B%22Version%22*%7D"},
	{"iam CreateRole", "requestParameters.roleName", "worker", "responseElements.role.createDate", "??? *, 20?? *:??:?? [AP]M"},
	{"iam CreateRole", "requestParameters.roleName", "worker", "awsRegion", "us-east-1"},
	{"iam CreateAccessKey", "requestParameters.userName", "bob", "responseElements.accessKey", "userName accessKeyId status createDate"},
	{"iam ListUsers", "eventName", "ListUsers", "requestParameters", ""},
	{"sts AssumeRole", "requestParameters.roleSessionName", "act-one", "requestParameters", "roleArn roleSessionName durationSeconds"},
	{"sts AssumeRole", "requestParameters.roleSessionName", "act-one", "responseElements", "credentials assumedRoleUser"},
	{"sts AssumeRole", "requestParameters.roleSessionName", "act-one", "responseElements.credentials", "accessKeyId sessionToken expiration"},
	{"sts AssumeRole", "requestParameters.roleSessionName", "act-one", "responseElements.credentials.expiration", "??? *, 20??, *:??:?? [AP]M"},
	{"sts AssumeRole", "requestParameters.roleSessionName", "act-one", "resources[0].type", "AWS::IAM::Role"},
	{"sts AssumeRole", "requestParameters.roleSessionName", "act-one", "additionalEventData.RequestDetails.endpointType", "regional"},
	{"sts AssumeRole AccessDenied", "eventName", "AssumeRole", "requestParameters", ""},
	{"ec2 RunInstances", "userIdentity.type", "Root", "responseElements", "requestId reservationId ownerId groupSet instancesSet"},
	{"ec2 RunInstances", "userIdentity.type", "Root", "requestParameters.tagSpecificationSet", "items"},
	{"ec2 RunInstances", "userIdentity.type", "AssumedRole", "requestParameters.userData", "<sensitiveDataRemoved>"},
	{"ec2 RunInstances Client.UnauthorizedOperation", "userIdentity.userName", "weak", "responseElements", ""},
	{"ec2 CreateTags", "userIdentity.userName", "ann", "responseElements", "requestId _return"},
	{"ec2 CreateTags", "userIdentity.userName", "ann", "responseElements._return", "true"},
	{"cloudtrail CreateTrail", "requestParameters.name", "second", "requestParameters", "name s3BucketName includeGlobalServiceEvents tagsList"},
	{"cloudtrail CreateTrail", "requestParameters.name", "second", "responseElements", "name s3BucketName includeGlobalServiceEvents isMultiRegionTrail trailARN logFileValidationEnabled isOrganizationTrail recursiveLogging"},
	{"cloudtrail StopLogging", "requestParameters.name", "second", "responseElements", ""},
	{"cloudtrail PutEventSelectors", "requestParameters.trailName", "second", "requestParameters", "trailName eventSelectors"},
	{"cloudtrail PutEventSelectors", "requestParameters.trailName", "second", "requestParameters.eventSelectors[0]", "readWriteType includeManagementEvents dataResources excludeManagementEventSources"},
	{"cloudtrail PutEventSelectors", "requestParameters.trailName", "second", "responseElements", "trailARN eventSelectors"},
	{"cloudtrail StopLogging AccessDenied", "userIdentity.userName", "weak", "requestParameters.name", "keeper"},
	{"logs CreateLogGroup", "requestParameters.logGroupName", "/acts/one", "apiVersion", "20140328"},
	{"logs DeleteLogGroup AccessDenied", "userIdentity.userName", "weak", "errorMessage", "User: * is not authorized to perform: logs:DeleteLogGroup on resource: *"},
}

// checkShapes finds a record for each example and compares it.
func checkShapes(t *testing.T, records []kit.JSON) {
	for _, row := range examples {
		i := slices.IndexFunc(records, func(r kit.JSON) bool {
			found, _ := look(r, row.where)
			return kind(r) == row.kind && found.Text == row.is
		})
		if i < 0 {
			t.Errorf("no record %s with %s %s", row.kind, row.where, row.is)
			continue
		}
		v, _ := look(records[i], row.at)
		got := v.Text
		if v.Kind == "object" {
			got = strings.Join(v.Names, " ")
		}
		// path.Match takes a slash for a boundary, which it is not here.
		flat := strings.NewReplacer("/", "|")
		if ok, _ := path.Match(flat.Replace(row.want), flat.Replace(got)); !ok && got != row.want {
			t.Errorf("%s with %s %s: %s is %s, want %s", row.kind, row.where, row.is, row.at, got, row.want)
		}
	}
}

// look follows a path such as "resources[0].ARN".
func look(r kit.JSON, at string) (v kit.JSON, ok bool) {
	v, ok = r, true
	for step := range strings.SplitSeq(at, ".") {
		name, index, isList := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		if v, ok = v.Get(name); !ok {
			return v, false
		}
		if isList {
			i := int(index[0] - '0')
			if i >= len(v.Kids) {
				return kit.JSON{}, false
			}
			v = v.Kids[i]
		}
	}
	return v, ok
}

// checkSecrets looks for what no record may hold (spec 2.4).
func checkSecrets(t *testing.T, records []kit.JSON) {
	for _, r := range records {
		r.Walk("", func(at string, v kit.JSON) {
			for _, name := range v.Names {
				if strings.EqualFold(name, "secretAccessKey") || strings.HasPrefix(name, "x-amz-meta-") ||
					strings.EqualFold(name, "X-Amz-Signature") || strings.EqualFold(name, "X-Amz-Security-Token") {
					t.Errorf("%s: %s has %s", kind(r), at, name)
				}
			}
			if strings.Contains(v.Text, secretData) {
				t.Errorf("%s: %s tells the user data", kind(r), at)
			}
		})
	}
}
