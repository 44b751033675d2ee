package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/wire"
)

func TestDecodeJSON(t *testing.T) {
	for name, row := range map[string]struct {
		codec *wire.Codec
		body  string
		in    any
		want  any
	}{
		"empty body": {cloudTrailCodec(), "", &cloudtrail.DescribeTrailsInput{}, &cloudtrail.DescribeTrailsInput{}},
		"null is absent": {
			cloudTrailCodec(), ` { "Name" : null, "S3BucketName":"b" } `,
			&cloudtrail.CreateTrailInput{}, &cloudtrail.CreateTrailInput{S3BucketName: aws.String("b")},
		},
		"lower case of DescribeTrails": {
			cloudTrailCodec(), `{"trailNameList":["a"],"includeShadowTrails":false}`, &cloudtrail.DescribeTrailsInput{},
			&cloudtrail.DescribeTrailsInput{TrailNameList: []string{"a"}, IncludeShadowTrails: aws.Bool(false)},
		},
		"epoch seconds": {
			cloudTrailCodec(), `{"StartTime":1.4E9,"EndTime":1400000000.123}`, &cloudtrail.LookupEventsInput{},
			&cloudtrail.LookupEventsInput{
				StartTime: aws.Time(time.Unix(1400000000, 0).UTC()), EndTime: aws.Time(time.UnixMilli(1400000000123).UTC()),
			},
		},
		"escapes and maps": {
			logsCodec(), `{"logGroupName":"a\u00e9\"\\\/","tags":{"k":"v","":"\ud83d\ude00"}}`, &cloudwatchlogs.CreateLogGroupInput{},
			&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("aé\"\\/"), Tags: map[string]string{"k": "v", "": "😀"}},
		},
	} {
		if err := row.codec.Decode([]byte(row.body), row.in); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(row.want, row.in, sdkFields); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	const serialization = "SerializationException"
	for body, want := range map[string]struct{ code, text string }{
		`{"TrailName":"a"`:                            {serialization, "the JSON ends where ',' should follow"},
		`{"TrailName":"a"} x`:                         {serialization, "where the end should stand"},
		`{"TrailName":"a",}`:                          {serialization, `where '"' should stand`},
		`{"TrailName" "a"}`:                           {serialization, "where ':' should stand"},
		`["TrailName"]`:                               {serialization, "a list can not be converted to an object"},
		`{"TrailName":1}`:                             {serialization, "The value of TrailName cannot be read: a number can not be converted to a string"},
		`{"TrailName":"a","TrailName":"b"}`:           {serialization, "there twice"},
		`{"trailName":"a"}`:                           {serialization, "The parameter trailName is not recognized by PutEventSelectorsInput; did you mean TrailName?"},
		`{"Trailname2":"a"}`:                          {serialization, "did you mean TrailName?"},
		`{"Colour":"a"}`:                              {serialization, "The parameter Colour is not recognized by PutEventSelectorsInput"},
		`{"EventSelectors":{}}`:                       {serialization, "an object can not be converted to a list"},
		`{"EventSelectors":[null]}`:                   {serialization, "null can not be an element of a list"},
		`{"EventSelectors":[{"ReadWriteType":true}]}`: {serialization, "The value of EventSelectors.1.ReadWriteType cannot be read: a boolean"},
		"{\"TrailName\":\"\x01\"}":                    {serialization, "control character"},
		"{\"TrailName\":\"\xff\"}":                    {serialization, "not UTF-8"},
		`{"TrailName":"\q"}`:                          {serialization, "broken escape"},
		`{"TrailName":"\`:                             {serialization, "ends inside a string"},
		`{"EventSelectors":[{"ReadWriteType":"Some"}]}`: {"ValidationException", "1 validation error detected: Value 'Some' at " +
			"'eventSelectors.1.member.readWriteType' failed to satisfy constraint: Member must satisfy enum value set: [ReadOnly, WriteOnly, All]"},
	} {
		refused(t, cloudTrailCodec(), body, &cloudtrail.PutEventSelectorsInput{}, want.code, want.text)
	}
	for body, text := range map[string]string{
		`{"MaxResults":1.5}`:         "1.5 is not a whole number",
		`{"MaxResults":2147483648}`:  "not a whole number of 32 bits",
		`{"MaxResults":-}`:           "where a number should stand",
		`{"MaxResults":01}`:          "where ',' should stand",
		`{"MaxResults":"1"}`:         "a string can not be converted to a number",
		`{"StartTime":1e300}`:        "is not a time in seconds since 1970",
		`{"StartTime":"2020-01-01"}`: "a string can not be converted to a number",
		`{"LookupAttributes":[` + strings.Repeat("{},", 100_001) + `{}]}`: "more than 100000 elements",
	} {
		refused(t, cloudTrailCodec(), body, &cloudtrail.LookupEventsInput{}, serialization, text)
	}
	// A Logs enum is refused with the service's own code.
	refused(t, logsCodec(), `{"logGroupClass":"GOLD"}`, &cloudwatchlogs.CreateLogGroupInput{},
		"InvalidParameterException", "Value 'GOLD' at 'logGroupClass'")
	refused(t, logsCodec(), `{"integrationName":"a","resourceConfig":{}}`, &cloudwatchlogs.PutIntegrationInput{},
		serialization, "does not support members of this kind")
	refused(t, cloudTrailCodec(), strings.Repeat(" ", 8<<20+1), &cloudtrail.LookupEventsInput{}, "RequestEntityTooLargeException", "the limit is")
}

// refused checks that a body is refused, and as what.
func refused(t *testing.T, c *wire.Codec, body string, in any, code, text string) {
	t.Helper()
	err := c.Decode([]byte(body), in)
	var e *awserr.Error
	switch {
	case !errors.As(err, &e):
		t.Errorf("%.80q: got %v, want %s", body, err, code)
	case e.Code != code || !strings.Contains(e.Message, text):
		t.Errorf("%.80q: got %v, want %s: ...%s...", body, err, code, text)
	case e.Status/100 != 4:
		t.Errorf("%.80q: status %d", body, e.Status)
	}
}

// deep is a type no AWS service has: nested without end.
type deep struct{ D []deep }

func TestDecodeDepth(t *testing.T) {
	json := strings.Repeat(`{"D":[`, 40) + strings.Repeat(`]}`, 40)
	refused(t, &wire.Codec{Protocol: wire.JSON10}, json, &deep{}, "SerializationException", "deeper than 64")
	form := strings.Repeat("D.member.1.", 40) + "D="
	refused(t, &wire.Codec{Protocol: wire.Query}, form, &deep{}, "ValidationError", "deeper than 64")
}

func TestDecodeForm(t *testing.T) {
	var form strings.Builder
	form.WriteString("Action=CreateRole&Version=2010-05-08&RoleName=r&MaxSessionDuration=7200&AssumeRolePolicyDocument=%7B%7D+")
	for i := 11; i >= 1; i-- { // any order will do
		fmt.Fprintf(&form, "&Tags.member.%d.Value=v%d&Tags.member.%d.Key=k", i, i, i)
	}
	got := &iam.CreateRoleInput{}
	if err := iamCodec().Decode([]byte(form.String()), got); err != nil {
		t.Fatal(err)
	}
	if *got.RoleName != "r" || *got.MaxSessionDuration != 7200 || *got.AssumeRolePolicyDocument != "{} " || len(got.Tags) != 11 ||
		*got.Tags[10].Value != "v11" || *got.Tags[1].Value != "v2" {
		t.Errorf("decoded %+v", got)
	}
	presigned := "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"
	if err := stsCodec().Decode([]byte(presigned), &sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
	empty := &iam.CreateRoleInput{}
	if err := iamCodec().Decode([]byte("Tags="), empty); err != nil || empty.Tags == nil || len(empty.Tags) != 0 {
		t.Errorf("Tags= decoded to %v, %v", empty.Tags, err)
	}
}

func TestDecodeFormRefuses(t *testing.T) {
	for body, text := range map[string]string{
		"Rolename=a":                              "The parameter Rolename is not recognized by CreateRoleInput; did you mean RoleName?",
		"RoleName=a&RoleName=b":                   "there twice",
		"RoleName.x=a":                            "RoleName.x is not recognized",
		"RoleName=%zz":                            "broken escape",
		"%zz=a":                                   "broken escape",
		"MaxSessionDuration=x":                    "not a whole number",
		"Tags.1.Key=a":                            "should go on with .member.1",
		"Tags.member.2.Key=a":                     "index 2 is there without index 1",
		"Tags.member.0.Key=a":                     `"0" is not an index`,
		"Tags.member.01.Key=a":                    `"01" is not an index`,
		"Tags.member.10001.Key=a":                 "is not an index from 1 to 10000",
		"Tags.member.99999999999999999999.Key=a":  "is not an index",
		"Tags.member.1.Colour=a":                  "Tags.member.1.Colour is not recognized by Tag",
		"Tags.member.1.Key=a&Tags.member.3.Key=a": "index 3 is there without index 2",
	} {
		refused(t, iamCodec(), body, &iam.CreateRoleInput{}, "ValidationError", text)
	}
	refused(t, iamCodec(), "Scope=Own", &iam.ListPoliciesInput{}, "ValidationError",
		"Value 'Own' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]")
	refused(t, iamCodec(), "OnlyAttached=True", &iam.ListPoliciesInput{}, "ValidationError", "neither true nor false")
	refused(t, ec2Codec(), "ImageID=a", &ec2.RunInstancesInput{}, "UnknownParameter", "did you mean ImageId?")
	refused(t, ec2Codec(), "InstanceType=m0.big", &ec2.RunInstancesInput{}, "InvalidParameterValue", "Invalid value 'm0.big' for InstanceType.")
	refused(t, ec2Codec(), "MinCount=x", &ec2.RunInstancesInput{}, "InvalidParameterValue", "MinCount")
	refused(t, ec2Codec(), "InstanceMarketOptions.SpotOptions.ValidUntil=now", &ec2.RunInstancesInput{}, "InvalidParameterValue", "not a time")
}

// attributes has a map, which no operation of IAM or STS takes but awsQuery has.
type attributes struct{ Attributes map[string]string }

func TestDecodeFormMap(t *testing.T) {
	c, got := &wire.Codec{Protocol: wire.Query}, &attributes{}
	if err := c.Decode([]byte("Attributes.entry.2.key=b&Attributes.entry.2.value=2&Attributes.entry.1.value=1&Attributes.entry.1.key=a"), got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, got.Attributes); diff != "" {
		t.Error(diff)
	}
	for body, text := range map[string]string{
		"Attributes.entry.1.key=a": "one key and one value",
		"Attributes.entry.1.key=a&Attributes.entry.1.value=1&Attributes.entry.2.key=a&Attributes.entry.2.value=1": "there twice",
		"Attributes.a=1": "should go on with .entry.1",
		"Attributes.entry.1.key.x=a&Attributes.entry.1.value=1": "one key and one value",
	} {
		refused(t, c, body, &attributes{}, "ValidationError", text)
	}
}

func TestReplies(t *testing.T) {
	empty := &iam.DeleteRoleOutput{}
	for name, row := range map[string]struct {
		codec *wire.Codec
		op    string
		out   any
		typ   string
		want  string
	}{
		"json": {
			cloudTrailCodec(), "DescribeTrails",
			&cloudtrail.DescribeTrailsOutput{TrailList: []cttypes.Trail{{Name: aws.String("a\n"), IsMultiRegionTrail: aws.Bool(false)}}},
			"application/x-amz-json-1.1", `{"trailList":[{"IsMultiRegionTrail":false,"Name":"a\n"}]}`,
		},
		"json lists": {
			cloudTrailCodec(), "PutEventSelectors", &cloudtrail.PutEventSelectorsOutput{EventSelectors: []cttypes.EventSelector{}},
			"application/x-amz-json-1.1", `{"EventSelectors":[]}`,
		},
		"json time": {
			cloudTrailCodec(), "GetTrailStatus", &cloudtrail.GetTrailStatusOutput{LatestDeliveryTime: aws.Time(time.UnixMilli(1400000000120))},
			"application/x-amz-json-1.1", `{"LatestDeliveryTime":1400000000.12}`,
		},
		"json nothing": {&wire.Codec{Protocol: wire.JSON10}, "StopLogging", nil, "application/x-amz-json-1.0", `{}`},
		"query": {
			stsCodec(), "GetCallerIdentity", &sts.GetCallerIdentityOutput{Account: aws.String("1"), Arn: aws.String("<&>"), UserId: aws.String("u")},
			"text/xml;charset=UTF-8", `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
				`<Account>1</Account><Arn>&lt;&amp;&gt;</Arn><UserId>u</UserId></GetCallerIdentityResult>` +
				`<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
		},
		"query without result": {
			iamCodec(), "DeleteRole", empty, "text/xml;charset=UTF-8",
			`<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DeleteRoleResponse>`,
		},
		"ec2 without members": {
			ec2Codec(), "CreateTags", (*ec2.CreateTagsOutput)(nil), "text/xml;charset=UTF-8", `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
				`<CreateTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id</requestId><return>true</return></CreateTagsResponse>`,
		},
	} {
		r, err := row.codec.Encode(row.op, "id", row.out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(r.Body) != row.want || r.Status != http.StatusOK {
			t.Errorf("%s: %d\n got %s\nwant %s", name, r.Status, r.Body, row.want)
		}
		if r.Header.Get("Content-Type") != row.typ || r.Header.Get("x-amzn-RequestId") != "id" {
			t.Errorf("%s: headers %v", name, r.Header)
		}
	}
	if _, err := stsCodec().Encode("X", "id", "no struct"); err == nil {
		t.Error("a string was encoded as an output")
	}
	if _, err := (&wire.Codec{Protocol: wire.RESTXML}).Encode("X", "id", nil); err == nil {
		t.Error("S3's codec encoded a body")
	}
}

func TestErrorReplies(t *testing.T) {
	e := awserr.New(http.StatusServiceUnavailable, "SlowDown", "say \"please\" & <wait>")
	e.Detail = map[string]string{"More": "x", "Also": "y"}
	for _, row := range []struct {
		codec *wire.Codec
		want  string
	}{
		{cloudTrailCodec(), `{"__type":"SlowDown","Message":"say \"please\" & <wait>","Also":"y","More":"x"}`},
		{logsCodec(), `{"__type":"SlowDown","message":"say \"please\" & <wait>","Also":"y","More":"x"}`},
		{stsCodec(), `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type><Code>SlowDown</Code>` +
			`<Message>say &quot;please&quot; &amp; &lt;wait&gt;</Message><Also>y</Also><More>x</More></Error><RequestId>id</RequestId></ErrorResponse>`},
		{ec2Codec(), `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Response><Errors><Error><Code>SlowDown</Code>` +
			`<Message>say &quot;please&quot; &amp; &lt;wait&gt;</Message><Also>y</Also><More>x</More></Error></Errors><RequestID>id</RequestID></Response>`},
	} {
		r := row.codec.EncodeError(e, "id")
		if string(r.Body) != row.want || r.Status != http.StatusServiceUnavailable {
			t.Errorf("%d\n got %s\nwant %s", r.Status, r.Body, row.want)
		}
		if r.Header.Get("x-amzn-RequestId") != "id" {
			t.Errorf("headers %v", r.Header)
		}
		if json := bytes.HasPrefix(r.Body, []byte("{")); json != (r.Header.Get("x-amzn-ErrorType") == "SlowDown") {
			t.Errorf("error type header %v", r.Header)
		}
	}
}

func TestMissing(t *testing.T) {
	for want, c := range map[string]*wire.Codec{
		"MissingParameter: The request must contain the parameter ImageId":                                                                ec2Codec(),
		"ValidationError: 1 validation error detected: Value null at 'imageId' failed to satisfy constraint: Member must not be null":     iamCodec(),
		"ValidationException: 1 validation error detected: Value null at 'imageId' failed to satisfy constraint: Member must not be null": cloudTrailCodec(),
	} {
		if got := c.Missing("ImageId").Error(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestConcurrent makes the layouts of one codec from many goroutines at once.
func TestConcurrent(t *testing.T) {
	c := ec2Codec()
	done := make(chan error)
	for range 8 {
		go func() {
			err := c.Decode([]byte("ImageId=a&TagSpecification.1.Tag.1.Key=k"), &ec2.RunInstancesInput{})
			if err == nil {
				_, err = c.Encode("DescribeInstances", "id", &ec2.DescribeInstancesOutput{})
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
