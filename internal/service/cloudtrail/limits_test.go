package cloudtrail

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cairn/internal/awserr"
	"cairn/internal/delivery"
	"cairn/internal/state"
	"cairn/internal/trail"
)

type stateRow = state.Row[trail.Trail]

// parameter is a parameter of an operation, at its limit and past it. %s in a body
// stands for the value.
type parameter struct {
	op, name string
	body     string
	good     []string // taken
	bad      []string // refused
	code     string   // with this code
}

func quoted(s string) string { return `"` + s + `"` }

func letters(n int) string { return strings.Repeat("a", n) }

// tags returns n tags, the first with a key and value of given lengths.
func tags(n, key, value int) string {
	list := []string{fmt.Sprintf(`{"Key":%q,"Value":%q}`, letters(key), letters(value))}
	for i := range n - 1 {
		list = append(list, fmt.Sprintf(`{"Key":"k%d"}`, i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// repeated returns a list of n times the same.
func repeated(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

// basic returns selectors with a number of values over all.
func basic(selectors, values int) string {
	var list []string
	for i := range selectors {
		n := 0
		if i == 0 {
			n = values
		}
		list = append(list, `{"DataResources":[{"Type":"AWS::S3::Object","Values":`+repeated(n, `"arn:aws:s3:::b/"`)+`}]}`)
	}
	return "[" + strings.Join(list, ",") + "]"
}

// advanced returns an advanced selector with a name and values of given lengths, of
// which two more are always there.
func advanced(name, values, length int) string {
	value := quoted("arn:aws:s3:::b/" + letters(max(length-15, 0)))
	if length < 15 {
		value = quoted(letters(length))
	}
	return `[{"Name":` + quoted(letters(name)) + `,"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]},
		{"Field":"resources.ARN","StartsWith":` + repeated(values, value) + `}]}]`
}

// fields returns an advanced selector with these conditions.
func fields(conditions ...string) string {
	var list []string
	for _, c := range conditions {
		field, rest, _ := strings.Cut(c, " ")
		list = append(list, `{"Field":"`+field+`",`+rest+`}`)
	}
	return `[{"FieldSelectors":[` + strings.Join(list, ",") + `]}]`
}

const (
	auditName    = `"audit"`
	ofManagement = `eventCategory "Equals":["Management"]`
	data         = `eventCategory "Equals":["Data"]`
	objects      = `resources.type "Equals":["AWS::S3::Object"]`
)

// names are values for a parameter that names a trail that has to be there.
func name(op, name, body string) []parameter {
	return []parameter{
		{op, name, body, []string{auditName, quoted(auditARN)}, []string{`"ab"`, quoted(letters(129)), `"a b c"`, `"-abc"`, `"abc."`, `"a--b"`, `"1.2.3.4"`, `""`}, "InvalidTrailNameException"},
		{op, name, body, nil, []string{quoted(letters(3)), quoted(letters(128)), `"AUDIT"`, quoted(strings.Replace(auditARN, account, "999999999999", 1))}, "TrailNotFoundException"},
		{op, name, body, nil, []string{`"arn:aws:cloudtrail:eu-west-1"`, `"arn:aws:s3:::audit"`, quoted(strings.Replace(auditARN, "arn:aws:", "arn:other:", 1))}, "CloudTrailARNInvalidException"},
	}
}

// settings are the parameters that CreateTrail and UpdateTrail share.
func settings(op, rest string) []parameter {
	with := func(name string) string { return rest + `,"` + name + `":%s}` }
	export := func(name, other, value string) string {
		return rest + `,"` + other + `":"` + value + `","` + name + `":%s}`
	}
	log := func(n int) string {
		return quoted("arn:aws:logs:eu-west-1:111122223333:log-group:" + letters(n) + ":*")
	}
	return []parameter{
		{op, "S3KeyPrefix", with("S3KeyPrefix"), []string{`""`, `"p"`, quoted(letters(200)), quoted(strings.Repeat("é", 200))}, []string{quoted(letters(201)), `"/p"`, `"p/"`, `"a/AWSLogs/b"`, `"a\u0001b"`}, "InvalidS3PrefixException"},
		{op, "SnsTopicName", with("SnsTopicName"), []string{`""`}, []string{`"topic"`, quoted(letters(257))}, "InvalidSnsTopicNameException"},
		{op, "KmsKeyId", with("KmsKeyId"), []string{`""`}, []string{`"alias/key"`}, "InvalidKmsKeyIdException"},
		{op, "IncludeGlobalServiceEvents", with("IncludeGlobalServiceEvents"), []string{"true", "false", "null"}, []string{`"true"`, "1", "[]"}, "SerializationException"},
		{op, "IncludeGlobalServiceEvents", rest + `,"IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":%s}`, []string{"true"}, []string{"false"}, "InvalidParameterCombinationException"},
		{op, "IsMultiRegionTrail", with("IsMultiRegionTrail"), []string{"true", "false"}, []string{`"yes"`, "{}"}, "SerializationException"},
		{op, "EnableLogFileValidation", with("EnableLogFileValidation"), []string{"true", "false"}, []string{`""`, "0"}, "SerializationException"},
		{op, "IsOrganizationTrail", with("IsOrganizationTrail"), []string{"true", "false"}, []string{`"true"`}, "SerializationException"},
		{op, "RecursiveLogging", with("RecursiveLogging"), []string{"true", "false"}, []string{`"false"`, "0"}, "SerializationException"},
		{
			op, "CloudWatchLogsLogGroupArn", export("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", role),
			[]string{log(1), log(512)},
			[]string{log(0), log(513), log(3)[:len(log(3))-3] + `"`, `"group"`, quoted(strings.Replace(group, "audit", "a b", 1)), quoted(strings.Replace(group, account, "999999999999", 1))},
			"InvalidCloudWatchLogsLogGroupArnException",
		},
		{op, "CloudWatchLogsLogGroupArn", with("CloudWatchLogsLogGroupArn"), nil, []string{quoted(group)}, "InvalidCloudWatchLogsRoleArnException"},
		{
			op, "CloudWatchLogsRoleArn", export("CloudWatchLogsRoleArn", "CloudWatchLogsLogGroupArn", group),
			[]string{quoted(role)},
			[]string{`""`, `"role"`, `"arn:aws:iam::111122223333:role/"`, `"arn:aws:iam::111122223333:user/x"`, `"arn:aws:iam::999999999999:role/x"`},
			"InvalidCloudWatchLogsRoleArnException",
		},
	}
}

// parameters are all parameters of all operations.
func parameters() []parameter {
	const create = `{"Name":"other","S3BucketName":"bucket"`
	insights := `{"TrailName":"audit","InsightSelectors":%s}`
	put := `{"TrailName":"audit","EventSelectors":%s}`
	putAdvanced := `{"TrailName":"audit","AdvancedEventSelectors":%s}`
	lookup := func(name string) string { return `{"` + name + `":%s}` }
	const ofAudit = `"InsightSource":"` + auditARN + `",`
	source := func(members string) string { return `{` + members + `}` }
	resource := func(op string) []parameter {
		body := `{"ResourceId":%s,"TagsList":[{"Key":"a"}]}`
		return []parameter{
			{op, "ResourceId", body, []string{quoted(auditARN)}, []string{auditName, `""`, `"arn:aws:s3:::b"`}, "CloudTrailARNInvalidException"},
			{op, "ResourceId", body, nil, []string{quoted(auditARN + "x"), quoted(strings.Replace(auditARN, account, "999999999999", 1))}, "ResourceNotFoundException"},
		}
	}
	var arns []string
	for range 20 {
		arns = append(arns, quoted(auditARN))
	}
	list := append(slices.Concat(settings("CreateTrail", create), settings("UpdateTrail", `{"Name":"audit"`),
		name("UpdateTrail", "Name", `{"Name":%s}`), name("DeleteTrail", "Name", `{"Name":%s}`), name("StartLogging", "Name", `{"Name":%s}`),
		name("StopLogging", "Name", `{"Name":%s}`), name("GetTrail", "Name", `{"Name":%s}`), name("GetTrailStatus", "Name", `{"Name":%s}`),
		name("GetEventSelectors", "TrailName", `{"TrailName":%s}`), name("PutEventSelectors", "TrailName", `{"TrailName":%s,"EventSelectors":[{}]}`),
		name("PutInsightSelectors", "TrailName", `{"TrailName":%s,"InsightSelectors":[]}`), resource("AddTags"), resource("RemoveTags")),
		[]parameter{
			{"CreateTrail", "Name", `{"Name":%s,"S3BucketName":"bucket"}`, []string{`"abc"`, quoted(letters(128)), `"a.b-c_d"`}, []string{`"ab"`, quoted(letters(129)), `"a b"`, `"-abc"`, `"a._b"`, `"10.0.0.1"`, quoted(auditARN), `null`}, "InvalidTrailNameException"},
			{"CreateTrail", "Name", `{"Name":%s,"S3BucketName":"bucket"}`, nil, []string{auditName}, "TrailAlreadyExistsException"},
			{"CreateTrail", "S3BucketName", `{"Name":"other","S3BucketName":%s}`, []string{`"abc"`, quoted(letters(63))}, []string{`"ab"`, quoted(letters(64)), `"Bucket"`, `"a..b"`, `"a/b"`, `null`}, "InvalidS3BucketNameException"},
			{"UpdateTrail", "S3BucketName", `{"Name":"audit","S3BucketName":%s}`, []string{`"abc"`, quoted(letters(63))}, []string{`"ab"`, quoted(letters(64)), `""`}, "InvalidS3BucketNameException"},
			{"CreateTrail", "TagsList", create + `,"TagsList":%s}`, []string{tags(50, 128, 256), "[]"}, []string{tags(1, 129, 1), tags(1, 1, 257), tags(1, 0, 1), `[{"Key":"a"},{"Key":"a"}]`, `[{}]`}, "InvalidTagParameterException"},
			{"CreateTrail", "TagsList", create + `,"TagsList":%s}`, nil, []string{tags(51, 1, 1)}, "TagsLimitExceededException"},
			{"AddTags", "TagsList", `{"ResourceId":"` + auditARN + `","TagsList":%s}`, []string{tags(50, 128, 256), "[]"}, []string{tags(1, 129, 1), tags(1, 1, 257), tags(1, 0, 1)}, "InvalidTagParameterException"},
			{"AddTags", "TagsList", `{"ResourceId":"` + auditARN + `","TagsList":%s}`, nil, []string{tags(51, 1, 1), tags(201, 1, 1)}, "TagsLimitExceededException"},
			{"RemoveTags", "TagsList", `{"ResourceId":"` + auditARN + `","TagsList":%s}`, []string{tags(1, 1, 1), "[]"}, []string{`{}`, `[null]`, `"a"`}, "SerializationException"},
			{"ListTags", "ResourceIdList", `{"ResourceIdList":%s}`, []string{"[" + strings.Join(arns, ",") + "]"}, []string{"[" + strings.Join(append(arns, arns[0]), ",") + "]", "[]", "null"}, "InvalidParameterException"},
			{"ListTags", "ResourceIdList", `{"ResourceIdList":%s}`, nil, []string{`["audit"]`}, "CloudTrailARNInvalidException"},
			{"ListTags", "ResourceIdList", `{"ResourceIdList":%s}`, nil, []string{`["` + auditARN + `x"]`}, "ResourceNotFoundException"},
			{"ListTags", "NextToken", `{"ResourceIdList":["` + auditARN + `"],"NextToken":%s}`, []string{"null", `""`}, []string{`"x"`}, "InvalidTokenException"},
			{"ListTrails", "NextToken", lookup("NextToken"), []string{"null", `""`}, []string{`"x"`}, "InvalidParameterException"},
			{"DescribeTrails", "TrailNameList", lookup("trailNameList"), []string{"[]", `["audit","nothing"]`}, []string{`["a b c"]`, `[""]`}, "InvalidTrailNameException"},
			{"DescribeTrails", "TrailNameList", lookup("trailNameList"), nil, []string{`["arn:aws:s3:::b"]`}, "CloudTrailARNInvalidException"},
			{"DescribeTrails", "IncludeShadowTrails", lookup("includeShadowTrails"), []string{"true", "false"}, []string{`"x"`}, "SerializationException"},
			{"ListPublicKeys", "StartTime", lookup("StartTime"), []string{"0", "1772000000", "1772000000.5"}, []string{"4102444800"}, "InvalidTimeRangeException"},
			{"ListPublicKeys", "StartTime", lookup("StartTime"), nil, []string{`"x"`, "1e300", "true"}, "SerializationException"},
			{"ListPublicKeys", "EndTime", lookup("EndTime"), []string{"4102444800"}, []string{"0"}, "InvalidTimeRangeException"},
			{"ListPublicKeys", "NextToken", lookup("NextToken"), []string{`""`}, []string{`"x"`}, "InvalidTokenException"},
			{"PutEventSelectors", "EventSelectors", put, []string{basic(5, 250), `[{}]`, `[{"ReadWriteType":"WriteOnly","ExcludeManagementEventSources":["kms.amazonaws.com","rdsdata.amazonaws.com"]}]`}, []string{
				basic(6, 0), basic(1, 251), basic(2, 251), "[]", `[{"ExcludeManagementEventSources":["ec2.amazonaws.com"]}]`, `[{"IncludeManagementEvents":false}]`,
				`[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::*"]}]}]`, `[{"DataResources":[{"Type":"AWS::EC2::Instance","Values":[]}]}]`, `[{"DataResources":[{"Values":[]}]}]`,
				`[{"DataResources":[{"Type":"AWS::Lambda::Function","Values":["arn:aws:s3"]}]}]`,
			}, "InvalidEventSelectorsException"},
			{"PutEventSelectors", "EventSelectors", put, nil, []string{`[{"ReadWriteType":"Some"}]`}, "ValidationException"},
			{"PutEventSelectors", "EventSelectors", `{"TrailName":"audit","AdvancedEventSelectors":` + fields(ofManagement) + `,"EventSelectors":%s}`, nil, []string{`[{}]`}, "InvalidEventSelectorsException"},
			{"PutEventSelectors", "AdvancedEventSelectors", putAdvanced, []string{
				advanced(1000, 498, 2048), advanced(1, 1, 1), fields(ofManagement), fields(ofManagement, `eventSource "NotEquals":["kms.amazonaws.com"]`, `readOnly "Equals":["true"]`),
				fields(data, objects, `eventName "StartsWith":["Put"],"NotEquals":["PutObjectAcl"]`),
			}, []string{
				advanced(1001, 1, 20), advanced(1, 499, 20), advanced(1, 1, 2049), advanced(1, 1, 0), advanced(1, 0, 1), `[{}]`, fields(`readOnly "Equals":["true"]`),
				fields(ofManagement, ofManagement), fields(ofManagement, objects), fields(data), fields(data, `resources.type "Equals":["S3"]`), fields(data, `resources.type "NotEquals":["AWS::S3::Object"]`),
				fields(`eventCategory "Equals":["Management","Data"]`), fields(`eventCategory "Equals":["Insight"]`), fields(ofManagement, `readOnly "Equals":["maybe"]`), fields(ofManagement, `readOnly "NotEquals":["true"]`),
				fields(ofManagement, `eventSource "Equals":["kms.amazonaws.com"]`), fields(ofManagement, `eventSource "NotEquals":["s3.amazonaws.com"]`), fields(data, objects, `nonsense "Equals":["a"]`),
				fields(data, objects, `eventName "Equals":[]`),
			}, "InvalidEventSelectorsException"},
			{"GetInsightSelectors", "TrailName", `{"TrailName":%s}`, nil, []string{auditName}, "InsightNotEnabledException"},
			{"GetInsightSelectors", "TrailName", `{"TrailName":%s}`, nil, []string{`"nothing"`}, "TrailNotFoundException"},
			{"GetInsightSelectors", "EventDataStore", `{"EventDataStore":%s}`, nil, []string{`"store"`}, "UnsupportedOperationException"},
			{"PutInsightSelectors", "EventDataStore", `{"TrailName":"audit","InsightSelectors":[],"EventDataStore":%s}`, []string{`""`}, []string{`"store"`}, "UnsupportedOperationException"},
			{"PutInsightSelectors", "InsightsDestination", `{"TrailName":"audit","InsightSelectors":[],"InsightsDestination":%s}`, []string{`""`}, []string{`"store"`}, "UnsupportedOperationException"},
			{"PutInsightSelectors", "InsightSelectors", insights, []string{"[]", `[{"InsightType":"ApiErrorRateInsight"}]`, `[{"InsightType":"ApiErrorRateInsight","EventCategories":["Management"]}]`}, []string{`[{}]`, repeated(2, `{"InsightType":"ApiCallRateInsight"}`)}, "InvalidInsightSelectorsException"},
			{"PutInsightSelectors", "InsightSelectors", insights, nil, []string{`[{"InsightType":"Weather"}]`, `[{"InsightType":"ApiCallRateInsight","EventCategories":["Insight"]}]`}, "ValidationException"},
			{"ListInsightsData", "InsightSource", source(`"InsightSource":%s,"DataType":"InsightsEvents"`), []string{quoted(auditARN)}, []string{auditName, quoted(auditARN + "x"), `""`, "null", quoted(letters(257))}, "InvalidParameterException"},
			{"ListInsightsData", "DataType", source(ofAudit + `"DataType":%s`), []string{`"InsightsEvents"`}, []string{"null"}, "InvalidParameterException"},
			{"ListInsightsData", "DataType", source(ofAudit + `"DataType":%s`), nil, []string{`"Events"`}, "ValidationException"},
			{"ListInsightsData", "Dimensions", source(ofAudit + `"DataType":"InsightsEvents","Dimensions":%s`), []string{"{}", `{"EventId":"a"}`, `{"EventSource":` + quoted(letters(2000)) + `}`}, []string{
				`{"EventId":"a","EventName":"b"}`, `{"Username":"a"}`, `{"EventName":""}`, `{"EventName":` + quoted(letters(2001)) + `}`,
			}, "InvalidParameterException"},
			{"ListInsightsData", "StartTime", source(ofAudit + `"DataType":"InsightsEvents","StartTime":%s`), []string{"0", "1772000000"}, []string{"-1"}, "InvalidParameterException"},
			{"ListInsightsData", "EndTime", source(ofAudit + `"DataType":"InsightsEvents","StartTime":5,"EndTime":%s`), []string{"5"}, []string{"4"}, "InvalidParameterException"},
			{"ListInsightsData", "MaxResults", source(ofAudit + `"DataType":"InsightsEvents","MaxResults":%s`), []string{"1", "50"}, []string{"0", "51", "-1"}, "InvalidParameterException"},
			{"ListInsightsData", "NextToken", source(ofAudit + `"DataType":"InsightsEvents","NextToken":%s`), nil, []string{`""`, `"x"`, quoted(letters(1001))}, "InvalidParameterException"},
			{"LookupEvents", "MaxResults", lookup("MaxResults"), []string{"1", "50"}, []string{"0", "51", "-1"}, "InvalidMaxResultsException"},
			{"LookupEvents", "MaxResults", lookup("MaxResults"), nil, []string{"1.5", `"1"`, "4294967297"}, "SerializationException"},
			{"LookupEvents", "StartTime", lookup("StartTime"), []string{"0", "1772000000"}, []string{"-1"}, "InvalidTimeRangeException"},
			{"LookupEvents", "EndTime", `{"StartTime":1772000000,"EndTime":%s}`, []string{"1772000000"}, []string{"1771999999"}, "InvalidTimeRangeException"},
			{"LookupEvents", "EventCategory", lookup("EventCategory"), []string{`"insight"`}, []string{`"Insight"`, `"management"`}, "ValidationException"},
			{"LookupEvents", "LookupAttributes", `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":%s}]}`, []string{quoted(letters(1)), quoted(letters(2000))}, []string{`""`, quoted(letters(2001)), "null"}, "InvalidLookupAttributesException"},
			{"LookupEvents", "NextToken", lookup("NextToken"), nil, []string{`""`, `"x"`, quoted(letters(64)), quoted(letters(100_000))}, "InvalidNextTokenException"},
		}...)
	return list
}

// try makes a call and returns the code of its error; its parameters may be such
// that they cannot be decoded.
func (c *client) try(op, body string) string {
	c.Helper()
	if err := c.api.Codec.Decode([]byte(body), c.api.Operations[op].NewInput()); err != nil {
		e := awserr.From(err)
		if e.Status != 400 {
			c.Errorf("%s %.200s: status %d", op, body, e.Status)
		}
		return e.Code
	}
	if _, err := c.do(op, body); err != nil {
		e := awserr.From(err)
		if e.Status != 400 {
			c.Errorf("%s %.200s: status %d", op, body, e.Status)
		}
		return e.Code
	}
	return ""
}

// TestLimits holds every parameter of every operation to its limit: what is within
// is taken, what is past it is refused with AWS's code, leaves every trail as it
// was, and is recorded as a failed call.
func TestLimits(t *testing.T) {
	covered := map[string]bool{}
	var c *client
	fresh := func() {
		c = newClient(t)
		c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	}
	fresh()
	for _, p := range parameters() {
		covered[p.op+" "+p.name] = covered[p.op+" "+p.name] || len(p.bad) > 0
		for _, v := range p.bad {
			body := strings.Replace(p.body, "%s", v, 1)
			before, failed := c.svc.Trails.List(), len(c.failed)
			c.now = c.now.Add(lookupEvery) // within the rate
			if got := c.try(p.op, body); got != p.code {
				t.Errorf("%s %.300s: %q, want %s", p.op, body, got, p.code)
			}
			// A stored trail is never changed in place.
			if !slices.EqualFunc(before, c.svc.Trails.List(), func(a, b stateRow) bool { return a.Value == b.Value }) {
				t.Errorf("%s %.300s was refused and changed a trail", p.op, body)
			}
			decoded := c.api.Codec.Decode([]byte(body), c.api.Operations[p.op].NewInput()) == nil
			if decoded && (len(c.failed) != failed+1 || c.failed[failed] != p.op+" "+p.code) {
				t.Errorf("%s %.300s was recorded as %q", p.op, body, c.failed[failed:])
			}
		}
		for _, v := range p.good {
			body := strings.Replace(p.body, "%s", v, 1)
			c.now = c.now.Add(lookupEvery)
			if got := c.try(p.op, body); got != "" {
				t.Errorf("%s %.300s: %s", p.op, body, got)
			}
			if !c.api.Operations[p.op].ReadOnly {
				fresh()
			}
		}
	}
	for name, op := range c.api.Operations {
		in := reflect.TypeOf(op.NewInput()).Elem()
		for f := range in.Fields() {
			if f.IsExported() && !covered[name+" "+f.Name] {
				t.Errorf("no value past its limit is tried for %s of %s", f.Name, name)
			}
		}
	}
}

// TestTokensOfOthers: a page token is its caller's, and one operation's.
func TestTokensOfOthers(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.history.page.More = true
	got, err := c.do("LookupEvents", `{"MaxResults":1}`)
	var page struct{ NextToken string }
	if err != nil || json.Unmarshal([]byte(got), &page) != nil || page.NextToken == "" {
		t.Fatal(got, err)
	}
	body := `{"MaxResults":1,"NextToken":"` + page.NextToken + `"}`
	if got := c.try("LookupEvents", body); got != "" {
		t.Errorf("the caller's own token: %s", got)
	}
	for op, with := range map[string]string{"ListTrails": `{`, "ListTags": `{"ResourceIdList":["` + auditARN + `"],`, "ListPublicKeys": `{`} {
		if got := c.try(op, with+`"NextToken":"`+page.NextToken+`"}`); got == "" {
			t.Errorf("%s takes the token of LookupEvents", op)
		}
	}
	c.who = root(member)
	if got := c.try("LookupEvents", body); got != "InvalidNextTokenException" {
		t.Errorf("another account's token: %q", got)
	}
}

// TestMalformed: what is not the JSON of an input is refused before anything runs.
func TestMalformed(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	before := c.svc.Trails.List(delivery.TrailKey(account, region, "audit")...)
	for _, body := range []string{
		"", "null", "[]", `"Name"`, "{", `{"Name":"audit"`, `{"Name":"audit"}}`, `{"Name":"audit"}{}`, `{"Name":"audit","Name":"other"}`, `{"Name":1}`, `{"Name":["audit"]}`,
		`{"Name":"audit","Nonsense":1}`, `{"name":"audit"}`, "{\"Name\":\"au\x00dit\"}", "{\"Name\":\"\xff\"}", `{"Name":"audit",}`, `{'Name':'audit'}`, strings.Repeat(`{"Name":`, 1000),
	} {
		for _, op := range []string{"StopLogging", "UpdateTrail", "DeleteTrail"} {
			if got := c.try(op, body); got != "SerializationException" && got != "InvalidTrailNameException" {
				t.Errorf("%s %.100q: %q", op, body, got)
			}
		}
	}
	if !slices.EqualFunc(before, c.svc.Trails.List(delivery.TrailKey(account, region, "audit")...), func(a, b stateRow) bool { return a.Value == b.Value }) {
		t.Error("a malformed call changed the trail")
	}
}
