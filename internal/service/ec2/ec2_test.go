package ec2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/call"
	"cairn/internal/identity"
	service "cairn/internal/service/ec2"
	"cairn/internal/service/servicetest"
)

const account = servicetest.Account

var s = aws.String

func start(t *testing.T) *servicetest.Engine {
	t.Helper()
	return servicetest.Start(t, func(e *servicetest.Engine) *call.API { return service.New(e.State).API() })
}

func launch(n int32) *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{
		ImageId: s("ami-029eb80bc237bec6f"), MinCount: &n, MaxCount: &n, InstanceType: types.InstanceTypeT3Micro,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: s("Name"), Value: s("web")}}}},
	}
}

// ids lists what DescribeInstances shows.
func ids(e *servicetest.Engine, in *ec2.DescribeInstancesInput) []string {
	e.T.Helper()
	var list []string
	for _, r := range servicetest.OK[ec2.DescribeInstancesOutput](e, "DescribeInstances", in).Reservations {
		for _, i := range r.Instances {
			list = append(list, *i.InstanceId)
		}
	}
	return list
}

func one(e *servicetest.Engine, id string) types.Instance {
	e.T.Helper()
	out := servicetest.OK[ec2.DescribeInstancesOutput](e, "DescribeInstances", &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	return out.Reservations[0].Instances[0]
}

func TestLife(t *testing.T) {
	e := start(t)
	out := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(2))
	in := out.Instances[0]
	if in.State.Name != types.InstanceStateNamePending || *in.PrivateIpAddress != "172.31.0.4" || *out.Instances[1].PrivateIpAddress != "172.31.0.5" ||
		*in.Placement.AvailabilityZone != "eu-west-1a" || len(*in.InstanceId) != 19 || *in.Tags[0].Value != "web" || *out.OwnerId != account {
		t.Errorf("%+v", in)
	}
	if !strings.Contains(*in.StateReason.Message, "no machine runs") {
		t.Errorf("%+v", in.StateReason)
	}
	id := *in.InstanceId
	e.Now = e.Now.Add(6 * time.Second)
	if got := one(e, id); got.State.Name != types.InstanceStateNameRunning || !strings.Contains(*got.StateReason.Message, "control plane only") {
		t.Errorf("%+v %+v", got.State, got.StateReason)
	}
	end := servicetest.OK[ec2.TerminateInstancesOutput](e, "TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{id, id}})
	if len(end.TerminatingInstances) != 1 {
		t.Fatalf("%+v", end)
	}
	change := end.TerminatingInstances[0]
	if change.PreviousState.Name != types.InstanceStateNameRunning || *change.CurrentState.Code != 32 {
		t.Errorf("%+v", change)
	}
	rec := e.Last()
	wantRecord := map[string]any{"requestId": "request", "instancesSet": map[string]any{"items": []any{map[string]any{
		"instanceId": id, "currentState": map[string]any{"code": 32.0, "name": "shutting-down"}, "previousState": map[string]any{"code": 16.0, "name": "running"},
	}}}}
	if d := cmp.Diff(any(wantRecord), rec["responseElements"]); d != "" {
		t.Error(d)
	}
	e.Now = e.Now.Add(time.Minute)
	if got := one(e, id); got.State.Name != types.InstanceStateNameTerminated || got.PrivateIpAddress != nil {
		t.Errorf("%+v", got)
	}
	again := servicetest.OK[ec2.TerminateInstancesOutput](e, "TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if again.TerminatingInstances[0].PreviousState.Name != types.InstanceStateNameTerminated {
		t.Errorf("%+v", again)
	}
	e.Now = e.Now.Add(time.Hour)
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{InstanceIds: []string{id}}, "InvalidInstanceID.NotFound", "The instance ID '"+id+"' does not exist")
	if l := ids(e, &ec2.DescribeInstancesInput{}); len(l) != 1 {
		t.Errorf("%v", l)
	}
}

func TestRecordOfLaunch(t *testing.T) {
	e := start(t)
	in := launch(1)
	in.UserData = s("c2VjcmV0IHdvcmRz") // "secret words"
	in.ClientToken = s("token")
	servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", in)
	text := string(e.Records[0].JSON)
	if strings.Contains(text, *in.UserData) || !strings.Contains(text, `"userData":"<sensitiveDataRemoved>"`) {
		t.Errorf("record %s", text)
	}
	rec := e.Last()
	request := rec["requestParameters"].(map[string]any)
	want := map[string]any{"items": []any{map[string]any{"imageId": "ami-029eb80bc237bec6f", "minCount": 1.0, "maxCount": 1.0}}}
	if d := cmp.Diff(any(want), request["instancesSet"]); d != "" {
		t.Error(d)
	}
	response := rec["responseElements"].(map[string]any)
	first := response["instancesSet"].(map[string]any)["items"].([]any)[0].(map[string]any)
	if first["launchTime"] != float64(e.Now.UnixMilli()) || response["requestId"] != "request" || rec["awsRegion"] != "eu-west-1" {
		t.Errorf("%v", response)
	}
}

func TestClientToken(t *testing.T) {
	e := start(t)
	in := launch(1)
	in.ClientToken = s("one")
	first := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", in)
	e.Now = e.Now.Add(time.Minute)
	second := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", in)
	if *first.ReservationId != *second.ReservationId || second.Instances[0].State.Name != types.InstanceStateNameRunning {
		t.Errorf("%s, then %s", *first.ReservationId, *second.ReservationId)
	}
	other := launch(2)
	other.ClientToken = s("one")
	e.Fails("RunInstances", other, "IdempotentParameterMismatch", "")
	if l := ids(e, &ec2.DescribeInstancesInput{}); len(l) != 1 {
		t.Errorf("%v", l)
	}
	// When the instances are gone, so is the token.
	servicetest.OK[ec2.TerminateInstancesOutput](e, "TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{*first.Instances[0].InstanceId}})
	e.Now = e.Now.Add(2 * time.Hour)
	servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1))
	third := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", in)
	if *third.ReservationId == *first.ReservationId {
		t.Error("the token outlived its instances")
	}
}

func TestRefusals(t *testing.T) {
	e := start(t)
	for want, changes := range map[string][]func(*ec2.RunInstancesInput){
		"MissingParameter": {
			func(in *ec2.RunInstancesInput) { in.MinCount = nil },
			func(in *ec2.RunInstancesInput) { in.MaxCount = nil },
			func(in *ec2.RunInstancesInput) { in.ImageId = nil },
		},
		"InvalidParameterValue": {
			func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(0) },
			func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(2) },
			func(in *ec2.RunInstancesInput) { in.InstanceType = "t9.huge" },
			func(in *ec2.RunInstancesInput) { in.ClientToken = s(strings.Repeat("x", 65)) },
			func(in *ec2.RunInstancesInput) {
				in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: s("p")}
			},
			func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: s("eu-west-1z")} },
			func(in *ec2.RunInstancesInput) {
				in.TagSpecifications[0].Tags = []types.Tag{{Key: s("aws:x"), Value: s("")}}
			},
		},
		"InvalidAMIID.Malformed":    {func(in *ec2.RunInstancesInput) { in.ImageId = s("ami-nope") }},
		"InvalidKeyPair.NotFound":   {func(in *ec2.RunInstancesInput) { in.KeyName = s("k") }},
		"InvalidSubnetID.NotFound":  {func(in *ec2.RunInstancesInput) { in.SubnetId = s("subnet-1") }},
		"InvalidGroup.NotFound":     {func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-1"} }},
		"InvalidUserData.Malformed": {func(in *ec2.RunInstancesInput) { in.UserData = s("!") }},
		"InstanceLimitExceeded": {func(in *ec2.RunInstancesInput) {
			in.MinCount, in.MaxCount = aws.Int32(501), aws.Int32(501)
		}},
		"UnsupportedOperation": {
			func(in *ec2.RunInstancesInput) { in.EbsOptimized = aws.Bool(true) },
			func(in *ec2.RunInstancesInput) {
				in.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
			},
			func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{Tenancy: types.TenancyHost} },
			func(in *ec2.RunInstancesInput) { in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{} },
			func(in *ec2.RunInstancesInput) { in.LaunchTemplate = &types.LaunchTemplateSpecification{} },
			func(in *ec2.RunInstancesInput) { in.BlockDeviceMappings = []types.BlockDeviceMapping{{}} },
			func(in *ec2.RunInstancesInput) { in.TagSpecifications[0].ResourceType = types.ResourceTypeVolume },
		},
	} {
		for _, change := range changes {
			in := launch(1)
			change(in)
			e.Fails("RunInstances", in, want, "")
		}
	}
	if code := e.Last()["errorCode"].(string); !strings.HasPrefix(code, "Client.") {
		t.Errorf("recorded code %s", code)
	}
	in := launch(1)
	in.DryRun = aws.Bool(true)
	e.Fails("RunInstances", in, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	e.Fails("TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{"x"}}, "InvalidInstanceID.Malformed", `Invalid id: "x"`)
	e.Fails("TerminateInstances", &ec2.TerminateInstancesInput{}, "MissingParameter", "")
	e.Fails("TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{"i-00000000", "i-11111111"}}, "InvalidInstanceID.NotFound",
		"The instance IDs 'i-00000000, i-11111111' do not exist")
	if l := ids(e, &ec2.DescribeInstancesInput{}); len(l) != 0 {
		t.Errorf("%v", l)
	}
}

func TestFiltersAndPages(t *testing.T) {
	e := start(t)
	a := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1)).Instances[0]
	in := launch(1)
	in.InstanceType, in.TagSpecifications = "", nil
	in.Placement = &types.Placement{AvailabilityZone: s("eu-west-1c")}
	b := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", in).Instances[0]
	if b.InstanceType != types.InstanceTypeM1Small || *b.PrivateIpAddress != "172.31.32.4" || *b.SubnetId == *a.SubnetId || *b.VpcId != *a.VpcId {
		t.Errorf("%+v", b)
	}
	for _, tt := range []struct {
		name, value string
		want        string
	}{
		{"instance-id", *a.InstanceId, *a.InstanceId},
		{"instance-state-name", "running", ""},
		{"tag:Name", "w?b", *a.InstanceId},
		{"tag-key", "Name", *a.InstanceId},
		{"instance-type", "m1.*", *b.InstanceId},
		{"availability-zone", "eu-west-1c", *b.InstanceId},
	} {
		got := ids(e, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: s(tt.name), Values: []string{"none", tt.value}}}})
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s=%s: %v", tt.name, tt.value, got)
		}
	}
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: s("hypervisor"), Values: []string{"xen"}}}},
		"InvalidParameterValue", "The filter 'hypervisor' is invalid")
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: s("tag-key")}}}, "InvalidParameterValue", "")

	for range 10 {
		servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1))
	}
	page := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)}
	seen := map[string]bool{}
	for n := 0; ; n++ {
		out := servicetest.OK[ec2.DescribeInstancesOutput](e, "DescribeInstances", page)
		for _, r := range out.Reservations {
			seen[*r.Instances[0].InstanceId] = true
		}
		if page.NextToken = out.NextToken; out.NextToken == nil {
			if n != 2 {
				t.Errorf("%d pages", n+1)
			}
			break
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d instances over all pages", len(seen))
	}
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue", "")
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{NextToken: s("?")}, "InvalidParameterValue", "")
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: []string{*a.InstanceId}}, "InvalidParameterCombination", "")
}

func TestTags(t *testing.T) {
	e := start(t)
	id := *servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1)).Instances[0].InstanceId
	tags := []types.Tag{{Key: s("Name"), Value: s("db")}, {Key: s("team"), Value: s("x")}}
	servicetest.OK[ec2.CreateTagsOutput](e, "CreateTags", &ec2.CreateTagsInput{Resources: []string{id}, Tags: tags})
	if d := cmp.Diff(any(map[string]any{"requestId": "request", "_return": true}), e.Last()["responseElements"]); d != "" {
		t.Error(d)
	}
	servicetest.OK[ec2.DeleteTagsOutput](e, "DeleteTags", &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: s("team"), Value: s("y")}}})
	out := servicetest.OK[ec2.DescribeTagsOutput](e, "DescribeTags", &ec2.DescribeTagsInput{})
	var got []string
	for _, d := range out.Tags {
		got = append(got, fmt.Sprintf("%s %s=%s", d.ResourceType, *d.Key, *d.Value))
	}
	if d := cmp.Diff([]string{"instance Name=db", "instance team=x"}, got); d != "" {
		t.Error(d)
	}
	servicetest.OK[ec2.DeleteTagsOutput](e, "DeleteTags", &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: s("team")}}})
	if n := len(servicetest.OK[ec2.DescribeTagsOutput](e, "DescribeTags", &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: s("key"), Values: []string{"N*"}}}}).Tags); n != 1 {
		t.Errorf("%d tags", n)
	}
	e.Fails("CreateTags", &ec2.CreateTagsInput{Resources: []string{"vol-1"}, Tags: tags}, "UnsupportedOperation", "")
	e.Fails("CreateTags", &ec2.CreateTagsInput{Resources: []string{id}}, "MissingParameter", "")
}

func TestAuthorization(t *testing.T) {
	e := start(t)
	id := *servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1)).Instances[0].InstanceId
	u := identity.User{Entity: identity.Entity{Account: account, Name: "alice", Path: "/", Inline: []identity.InlinePolicy{{Name: "p", Document: `{
		"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*","Condition":{"StringEqualsIfExists":{"ec2:InstanceType":"t3.micro"}}},
		{"Effect":"Allow","Action":"ec2:TerminateInstances","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"mine"}}}]}`}}}}
	if _, err := e.Users.CreateUser(t.Context(), u, e.Now); err != nil {
		t.Fatal(err)
	}
	_, key, err := e.Users.CreateAccessKey(t.Context(), account, "alice", e.Now, func([]identity.AccessKey) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	e.As(key)
	big := launch(1)
	big.InstanceType = types.InstanceTypeP2Xlarge
	e.Fails("RunInstances", big, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/alice "+
		"is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:111122223333:instance/* because no identity-based policy allows the ec2:RunInstances action")
	if e.Last()["errorCode"] != "Client.UnauthorizedOperation" {
		t.Errorf("%v", e.Last()["errorCode"])
	}
	e.Fails("RunInstances", launch(1), "UnauthorizedOperation", "") // it tags, which is not allowed
	plain := launch(1)
	plain.TagSpecifications = nil
	servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", plain)
	e.Fails("DescribeInstances", &ec2.DescribeInstancesInput{}, "UnauthorizedOperation", "")
	e.Fails("TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{id}}, "UnauthorizedOperation", "")
	e.Fails("TerminateInstances", &ec2.TerminateInstancesInput{InstanceIds: []string{"i-00000000"}}, "UnauthorizedOperation", "")
}

// Accounts and regions do not see each other's instances.
func TestIsolation(t *testing.T) {
	e := start(t)
	servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1))
	other, err := e.Users.CreateAccount(t.Context(), "444455556666", e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.As(other)
	if l := ids(e, &ec2.DescribeInstancesInput{}); len(l) != 0 {
		t.Errorf("another account sees %v", l)
	}
}

func TestAnswersEncode(t *testing.T) {
	e := start(t)
	run := servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", launch(1))
	reply, err := e.API.Codec.Encode("RunInstances", "id", run)
	if err != nil || !strings.Contains(string(reply.Body), "<instancesSet><item>") {
		t.Errorf("%s %v", reply.Body, err)
	}
}
