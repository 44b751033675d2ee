package wire_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"cairn/internal/wire"
)

// recorded checks the record of one value; want "" means nil.
func recorded(t *testing.T, c *wire.Codec, v any, want string) {
	t.Helper()
	got, err := c.Record(v)
	if err != nil || string(got) != want || want == "" && got != nil {
		t.Errorf("%T: %v\n got %s\nwant %s", v, err, got, want)
	}
}

var (
	launched = aws.Time(time.Date(2025, 10, 2, 9, 1, 10, 0, time.UTC))
	evening  = aws.Time(time.Date(2023, 7, 10, 12, 9, 47, 0, time.FixedZone("", 0)))
)

// TestRecordIAM has the shapes of spec 2.9 (b) and of genuine records.
func TestRecordIAM(t *testing.T) {
	c := iamCodec()
	tags := []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
	recorded(t, c, &iam.CreateRoleInput{
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17"}`), RoleName: aws.String("r"), Path: aws.String("/"),
		MaxSessionDuration: aws.Int32(3600), Tags: tags,
	}, `{"path":"/","roleName":"r","assumeRolePolicyDocument":"{\"Version\":\"2012-10-17\"}","maxSessionDuration":3600,"tags":[{"key":"k","value":"v"}]}`)
	recorded(t, c, &iam.CreateRoleOutput{Role: &iamtypes.Role{
		Arn: aws.String("arn:aws:iam::111122223333:role/r"), CreateDate: evening, Path: aws.String("/"), RoleId: aws.String("AROA1"),
		RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String("%7B%7D"), MaxSessionDuration: aws.Int32(3600), Tags: tags,
	}}, `{"role":{"path":"/","roleName":"r","roleId":"AROA1","arn":"arn:aws:iam::111122223333:role/r",`+
		`"createDate":"Jul 10, 2023 12:09:47 PM","assumeRolePolicyDocument":"%7B%7D","tags":[{"key":"k","value":"v"}]}}`)
	recorded(t, c, &iam.CreateAccessKeyOutput{AccessKey: &iamtypes.AccessKey{
		AccessKeyId: aws.String("AKIA1"), SecretAccessKey: aws.String("hush"), Status: iamtypes.StatusTypeActive,
		UserName: aws.String("u"), CreateDate: evening,
	}}, `{"accessKey":{"userName":"u","accessKeyId":"AKIA1","status":"Active","createDate":"Jul 10, 2023 12:09:47 PM"}}`)
	recorded(t, c, &iam.CreateLoginProfileInput{UserName: aws.String("u"), Password: aws.String("hush")},
		`{"userName":"u","passwordResetRequired":false}`)
	recorded(t, c, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("x.amazonaws.com")}, `{"aWSServiceName":"x.amazonaws.com"}`)
	recorded(t, c, &iam.CreateInstanceProfileOutput{InstanceProfile: &iamtypes.InstanceProfile{
		Path: aws.String("/"), InstanceProfileName: aws.String("p"), Roles: []iamtypes.Role{},
	}}, `{"instanceProfile":{"path":"/","instanceProfileName":"p","roles":[]}}`)
	recorded(t, c, &iam.ListPoliciesInput{}, "")
	recorded(t, c, &iam.DeleteRoleOutput{}, "")
	recorded(t, c, nil, "")
	recorded(t, c, (*iam.GetUserInput)(nil), "")
}

// TestRecordSTS has the shapes of spec 2.9 (c).
func TestRecordSTS(t *testing.T) {
	c := stsCodec()
	recorded(t, c, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:role"), RoleSessionName: aws.String("s"), DurationSeconds: aws.Int32(900), TokenCode: aws.String("123456"),
	}, `{"roleArn":"arn:role","roleSessionName":"s","durationSeconds":900}`)
	recorded(t, c, &sts.AssumeRoleOutput{
		Credentials: &ststypes.Credentials{
			AccessKeyId: aws.String("ASIA1"), SecretAccessKey: aws.String("hush"), SessionToken: aws.String("IQ"), Expiration: evening,
		},
		AssumedRoleUser:  &ststypes.AssumedRoleUser{AssumedRoleId: aws.String("AROA1:s"), Arn: aws.String("arn:user")},
		PackedPolicySize: aws.Int32(91),
	}, `{"credentials":{"accessKeyId":"ASIA1","sessionToken":"IQ","expiration":"Jul 10, 2023, 12:09:47 PM"},`+
		`"assumedRoleUser":{"assumedRoleId":"AROA1:s","arn":"arn:user"},"packedPolicySize":91}`)
	recorded(t, c, &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String("arn:role"), WebIdentityToken: aws.String("hush")}, `{"roleArn":"arn:role"}`)
	recorded(t, c, &sts.GetCallerIdentityInput{}, "")
}

// TestRecordCloudTrail has the shapes of spec 2.8.
func TestRecordCloudTrail(t *testing.T) {
	c := cloudTrailCodec()
	recorded(t, c, &cloudtrail.CreateTrailInput{
		Name: aws.String("t"), S3BucketName: aws.String("b"), IncludeGlobalServiceEvents: aws.Bool(true),
		TagsList: []cttypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}, RecursiveLogging: aws.Bool(false),
	}, `{"name":"t","s3BucketName":"b","includeGlobalServiceEvents":true,"tagsList":[{"key":"k","value":"v"}],"recursiveLogging":false}`)
	recorded(t, c, &cloudtrail.CreateTrailOutput{
		Name: aws.String("t"), S3BucketName: aws.String("b"), IncludeGlobalServiceEvents: aws.Bool(true), IsMultiRegionTrail: aws.Bool(false),
		TrailARN: aws.String("arn:t"), LogFileValidationEnabled: aws.Bool(false), IsOrganizationTrail: aws.Bool(false), RecursiveLogging: aws.Bool(true),
	}, `{"name":"t","s3BucketName":"b","includeGlobalServiceEvents":true,"isMultiRegionTrail":false,"trailARN":"arn:t",`+
		`"logFileValidationEnabled":false,"isOrganizationTrail":false,"recursiveLogging":true}`)
	selectors := []cttypes.EventSelector{{
		ReadWriteType: cttypes.ReadWriteTypeReadOnly, IncludeManagementEvents: aws.Bool(false), ExcludeManagementEventSources: []string{},
		DataResources: []cttypes.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{}}},
	}}
	const list = `"eventSelectors":[{"readWriteType":"ReadOnly","includeManagementEvents":false,` +
		`"dataResources":[{"type":"AWS::S3::Object","values":[]}],"excludeManagementEventSources":[]}]}`
	recorded(t, c, &cloudtrail.PutEventSelectorsInput{TrailName: aws.String("t"), EventSelectors: selectors}, `{"trailName":"t",`+list)
	recorded(t, c, &cloudtrail.PutEventSelectorsOutput{TrailARN: aws.String("arn:t"), EventSelectors: selectors}, `{"trailARN":"arn:t",`+list)
	recorded(t, c, &cloudtrail.LookupEventsInput{StartTime: evening, MaxResults: aws.Int32(5)},
		`{"startTime":"2023-07-10T12:09:47Z","maxResults":5}`)
	recorded(t, c, &cloudtrail.DescribeTrailsInput{TrailNameList: []string{}, IncludeShadowTrails: aws.Bool(true)},
		`{"trailNameList":[],"includeShadowTrails":true}`)
}

func TestRecordLogs(t *testing.T) {
	c := logsCodec()
	recorded(t, c, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g"), Tags: map[string]string{"b": "2", "a": "1"}},
		`{"logGroupName":"g","tags":{"a":"1","b":"2"}}`)
	recorded(t, c, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: []logtypes.InputLogEvent{{Message: aws.String("private")}},
	}, `{"logGroupName":"g","logStreamName":"s"}`)
	recorded(t, c, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("g")}, `{"logGroupName":"g"}`)
}

// TestRecordEC2Request has the request of spec 2.9 (d) and those of genuine
// records of the other operations.
func TestRecordEC2Request(t *testing.T) {
	c := ec2Codec()
	recorded(t, c, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-1"), MinCount: aws.Int32(1), MaxCount: aws.Int32(2), InstanceType: "t3.micro", ClientToken: aws.String("c"),
		EbsOptimized: aws.Bool(false), HibernationOptions: &ec2types.HibernationOptionsRequest{Configured: aws.Bool(false)},
		NetworkInterfaces: []ec2types.InstanceNetworkInterfaceSpecification{{
			NetworkInterfaceId: aws.String("eni-1"), DeviceIndex: aws.Int32(0), DeleteOnTermination: aws.Bool(false),
		}},
		TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: "instance", Tags: []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}},
		}},
	}, `{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1,"maxCount":2}]},"instanceType":"t3.micro","blockDeviceMapping":{},`+
		`"monitoring":{"enabled":false},"disableApiTermination":false,"disableApiStop":false,"clientToken":"c",`+
		`"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-1","deviceIndex":0,"deleteOnTermination":false}]},"ebsOptimized":false,`+
		`"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"web"}]}]},"hibernationOptions":{"configured":false}}`)
	recorded(t, c, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-1"), KeyName: aws.String("k"), UserData: aws.String("hush"), SecurityGroupIds: []string{"sg-1", "sg-2"},
		SecurityGroups: []string{"default"}, Monitoring: &ec2types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)},
	}, `{"instancesSet":{"items":[{"imageId":"ami-1","keyName":"k"}]},`+
		`"groupSet":{"items":[{"groupId":"sg-1"},{"groupId":"sg-2"},{"groupName":"default"}]},"userData":"<sensitiveDataRemoved>",`+
		`"blockDeviceMapping":{},"monitoring":{"enabled":true},"disableApiTermination":false,"disableApiStop":false}`)
	recorded(t, c, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(1000), Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{"vpc-1", "vpc-2"}}},
	}, `{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-1"},{"value":"vpc-2"}]}}]}}`)
	recorded(t, c, &ec2.TerminateInstancesInput{InstanceIds: []string{"i-1"}}, `{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`)
	recorded(t, c, &ec2.CreateTagsInput{Resources: []string{"ami-1"}, Tags: []ec2types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}},
		`{"resourcesSet":{"items":[{"resourceId":"ami-1"}]},"tagSet":{"items":[{"key":"k","value":"v"}]}}`)
}

// TestRecordEC2Response has the response of spec 2.9 (d), without the members
// the SDK's types do not have.
func TestRecordEC2Response(t *testing.T) {
	c := ec2Codec()
	group := []ec2types.GroupIdentifier{{GroupId: aws.String("sg-1")}}
	recorded(t, c, &ec2.RunInstancesOutput{
		ReservationId: aws.String("r-1"), OwnerId: aws.String("111122223333"), Groups: []ec2types.GroupIdentifier{},
		Instances: []ec2types.Instance{{
			InstanceId: aws.String("i-1"), ImageId: aws.String("ami-1"), CurrentInstanceBootMode: "legacy-bios",
			State: &ec2types.InstanceState{Code: aws.Int32(0), Name: "pending"}, PrivateDnsName: aws.String("ip-10-0-1-10.internal"),
			AmiLaunchIndex: aws.Int32(0), ProductCodes: []ec2types.ProductCode{}, InstanceType: "t3.micro", LaunchTime: launched,
			// Empty elements of the answer that records do not hold.
			StateTransitionReason: aws.String(""),
			Placement:             &ec2types.Placement{Tenancy: "default", AvailabilityZone: aws.String("eu-west-1a"), GroupName: aws.String("")},
			Monitoring:            &ec2types.Monitoring{State: "disabled"}, SubnetId: aws.String("subnet-1"), VpcId: aws.String("vpc-1"),
			PrivateIpAddress: aws.String("10.0.1.10"), StateReason: &ec2types.StateReason{Code: aws.String("pending"), Message: aws.String("pending")},
			Architecture: "x86_64", RootDeviceType: "ebs", RootDeviceName: aws.String("/dev/xvda"),
			BlockDeviceMappings: []ec2types.InstanceBlockDeviceMapping{}, VirtualizationType: "hvm", Hypervisor: "xen",
			Tags: []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}}, ClientToken: aws.String("c"), SecurityGroups: group,
			SourceDestCheck: aws.Bool(true), EbsOptimized: aws.Bool(false), EnaSupport: aws.Bool(true),
			NetworkInterfaces: []ec2types.InstanceNetworkInterface{{
				NetworkInterfaceId: aws.String("eni-1"), SubnetId: aws.String("subnet-1"), VpcId: aws.String("vpc-1"), Status: "in-use",
				Groups: group, InterfaceType: aws.String("interface"), Ipv6Addresses: []ec2types.InstanceIpv6Address{},
				Attachment: &ec2types.InstanceNetworkInterfaceAttachment{
					AttachmentId: aws.String("eni-attach-1"), DeviceIndex: aws.Int32(0), NetworkCardIndex: aws.Int32(0), Status: "attaching",
					AttachTime: launched, DeleteOnTermination: aws.Bool(false),
				},
				PrivateIpAddresses: []ec2types.InstancePrivateIpAddress{{PrivateIpAddress: aws.String("10.0.1.10"), Primary: aws.Bool(true)}},
			}},
			CpuOptions:         &ec2types.CpuOptions{CoreCount: aws.Int32(1), ThreadsPerCore: aws.Int32(2)},
			HibernationOptions: &ec2types.HibernationOptions{Configured: aws.Bool(false)},
			EnclaveOptions:     &ec2types.EnclaveOptions{Enabled: aws.Bool(false)},
			MetadataOptions: &ec2types.InstanceMetadataOptionsResponse{
				State: "pending", HttpTokens: "optional", HttpPutResponseHopLimit: aws.Int32(1), HttpEndpoint: "enabled", HttpProtocolIpv6: "disabled",
				InstanceMetadataTags: "disabled",
			},
			MaintenanceOptions: &ec2types.InstanceMaintenanceOptions{AutoRecovery: "default"},
			PrivateDnsNameOptions: &ec2types.PrivateDnsNameOptionsResponse{
				HostnameType: "ip-name", EnableResourceNameDnsARecord: aws.Bool(false), EnableResourceNameDnsAAAARecord: aws.Bool(false),
			},
		}},
	}, `{"reservationId":"r-1","ownerId":"111122223333","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-1","imageId":"ami-1",`+
		`"currentInstanceBootMode":"legacy-bios","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-0-1-10.internal",`+
		`"amiLaunchIndex":0,"productCodes":{},"instanceType":"t3.micro","launchTime":1759395670000,"placement":{"availabilityZone":"eu-west-1a",`+
		`"tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"subnet-1","vpcId":"vpc-1","privateIpAddress":"10.0.1.10",`+
		`"stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda",`+
		`"blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","tagSet":{"items":[{"key":"Name","value":"web"}]},`+
		`"clientToken":"c","groupSet":{"items":[{"groupId":"sg-1"}]},"sourceDestCheck":true,"networkInterfaceSet":{"items":[`+
		`{"networkInterfaceId":"eni-1","subnetId":"subnet-1","vpcId":"vpc-1","status":"in-use","interfaceType":"interface",`+
		`"groupSet":{"items":[{"groupId":"sg-1"}]},"attachment":{"attachmentId":"eni-attach-1","deviceIndex":0,"networkCardIndex":0,`+
		`"status":"attaching","attachTime":1759395670000,"deleteOnTermination":false},`+
		`"privateIpAddressesSet":{"item":[{"privateIpAddress":"10.0.1.10","primary":true}]},"ipv6AddressesSet":{}}]},"ebsOptimized":false,`+
		`"enaSupport":true,"cpuOptions":{"coreCount":1,"threadsPerCore":2},"hibernationOptions":{"configured":false},"enclaveOptions":{"enabled":false},`+
		`"metadataOptions":{"state":"pending","httpTokens":"optional","httpPutResponseHopLimit":1,"httpEndpoint":"enabled",`+
		`"httpProtocolIpv6":"disabled","instanceMetadataTags":"disabled"},"maintenanceOptions":{"autoRecovery":"default"},`+
		`"privateDnsNameOptions":{"hostnameType":"ip-name","enableResourceNameDnsARecord":false,"enableResourceNameDnsAAAARecord":false}}]}}`)
	recorded(t, c, &ec2.TerminateInstancesOutput{TerminatingInstances: []ec2types.InstanceStateChange{{
		CurrentState:  &ec2types.InstanceState{Code: aws.Int32(32), Name: "shutting-down"},
		PreviousState: &ec2types.InstanceState{Code: aws.Int32(16), Name: "running"}, InstanceId: aws.String("i-1"),
	}}}, `{"instancesSet":{"items":[{"instanceId":"i-1","currentState":{"code":32,"name":"shutting-down"},"previousState":{"code":16,"name":"running"}}]}}`)
}
