package wire_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/wire"
)

// FuzzDecodeJSON: any body is either refused with an AWS error or decodes to
// something whose encoding decodes to the same again.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `null`, `{"EventSelectors":[{"ReadWriteType":"All","DataResources":[{"Values":["a"]}]}]}`,
		`{"TrailName":"\ud800\"","LookupAttributes":[],"StartTime":1e9}`, `{"logGroupName":"a","tags":{"k":"v"}}`, `{"a":[[[[`, `{"trailNameList":[null]}`,
	} {
		f.Add([]byte(s))
	}
	trail, logs := cloudTrailCodec(), logsCodec()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, in := range []any{
			&cloudtrail.PutEventSelectorsInput{}, &cloudtrail.LookupEventsInput{}, &cloudtrail.DescribeTrailsInput{}, &cloudtrail.CreateTrailInput{},
		} {
			fuzzJSON(t, trail, body, in)
		}
		for _, in := range []any{&cloudwatchlogs.CreateLogGroupInput{}, &cloudwatchlogs.PutTransformerInput{}} {
			fuzzJSON(t, logs, body, in)
		}
	})
}

func fuzzJSON(t *testing.T, c *wire.Codec, body []byte, in any) {
	t.Helper()
	if !fuzzDecode(t, c, body, in) {
		return
	}
	r, err := c.Encode("Op", "id", in)
	if err != nil {
		t.Fatalf("%T does not encode: %v", in, err)
	}
	again := reflect.New(reflect.TypeOf(in).Elem()).Interface()
	if err := c.Decode(r.Body, again); err != nil {
		t.Fatalf("%T: our own encoding is refused: %v\n%s", in, err, r.Body)
	}
	if diff := cmp.Diff(in, again, sdkFields); diff != "" {
		t.Errorf("%T changed on the way:\n%s", in, diff)
	}
}

// fuzzDecode decodes and records; what was refused may be recorded too.
func fuzzDecode(t *testing.T, c *wire.Codec, body []byte, in any) bool {
	t.Helper()
	err := c.Decode(body, in)
	var e *awserr.Error
	if err != nil && (!errors.As(err, &e) || e.Status/100 != 4 || e.Code == "" || e.Message == "") {
		t.Errorf("%T: refused with %v", in, err)
	}
	rec, rerr := c.Record(in)
	if rerr != nil {
		t.Errorf("%T: no record: %v", in, rerr)
	}
	if rec != nil {
		checkObject(t, rec)
	}
	return err == nil
}

// FuzzDecodeForm: any form is either refused with an AWS error or can be
// recorded.
func FuzzDecodeForm(f *testing.F) {
	for _, s := range []string{
		``, `Action=CreateRole&Version=2010-05-08&RoleName=r&Tags.member.1.Key=a&Tags.member.1.Value=b`, `Tags=`, `Tags.member.=`, `.=.`, `a.b.c=&`,
		`ImageId=ami-1&TagSpecification.1.Tag.1.Key=k&NetworkInterface.1.SecurityGroupId.1=sg&Placement=`, `PolicyArns.member.1.arn=a`,
		`InstanceId.1=i-1&InstanceId.2=i-2&Filter.1.Name=n&Filter.1.Value.1=v`, `%=`, `RoleName=%FF&RoleName.x=%00`,
	} {
		f.Add([]byte(s))
	}
	i, s, e := iamCodec(), stsCodec(), ec2Codec()
	f.Fuzz(func(t *testing.T, body []byte) {
		fuzzDecode(t, i, body, &iam.CreateRoleInput{})
		fuzzDecode(t, i, body, &iam.SimulatePrincipalPolicyInput{})
		fuzzDecode(t, s, body, &sts.AssumeRoleInput{})
		fuzzDecode(t, e, body, &ec2.RunInstancesInput{})
		fuzzDecode(t, e, body, &ec2.DescribeInstancesInput{})
		fuzzDecode(t, &wire.Codec{Protocol: wire.Query}, body, &attributes{})
	})
}

func BenchmarkGetCallerIdentity(b *testing.B) {
	c := stsCodec()
	form := []byte("Action=GetCallerIdentity&Version=2011-06-15")
	out := &sts.GetCallerIdentityOutput{
		Account: aws.String("111122223333"), Arn: aws.String("arn:aws:iam::111122223333:user/ann"), UserId: aws.String("AIDAEXAMPLE"),
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Decode(form, &sts.GetCallerIdentityInput{}); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Encode("GetCallerIdentity", "id", out); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Record(out); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRunInstances(b *testing.B) {
	c := ec2Codec()
	form := []byte("Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=1&InstanceType=t3.micro&SecurityGroupId.1=sg-1" +
		"&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web")
	b.ReportAllocs()
	for b.Loop() {
		in := &ec2.RunInstancesInput{}
		if err := c.Decode(form, in); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Record(in); err != nil {
			b.Fatal(err)
		}
	}
}
