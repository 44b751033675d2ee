//go:build e2e

package test

import (
	"net/http"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trails "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	machines "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	people "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/test/kit"
)

// act makes every call that is compared and returns markers of the last records,
// by which the log files are known to be complete.
func (p *play) act() []string {
	p.actExport()
	p.actTrails()
	p.actMachines()
	p.actPeople()
	p.actLogs()
	p.actBuckets()
	p.actObjects()
	p.actCLI()
	who := do(p, sts.NewFromConfig(p.session).GetCallerIdentity, &sts.GetCallerIdentityInput{})
	last := do(p, iam.NewFromConfig(p.root).GetUser, &iam.GetUserInput{UserName: aws.String("ann")})
	return []string{
		requestID(who.ResultMetadata), requestID(last.ResultMetadata),
		"sts AssumeRole by a service", "logs CreateLogStream", "s3 PutObject by a service", // CloudTrail's own, later
	}
}

// actExport lets the trail export to a log group, which CloudTrail does in a
// role of the account.
func (p *play) actExport() {
	group, role := aws.String("/acts/export"), aws.String("exporter")
	do(p, cloudwatchlogs.NewFromConfig(p.root).CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group, Tags: map[string]string{"Team": "audit"}})
	c := iam.NewFromConfig(p.root)
	made := do(p, c.CreateRole, &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	do(p, c.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: aws.String(adminARN)})
	do(p, cloudtrail.NewFromConfig(p.root).UpdateTrail, &cloudtrail.UpdateTrailInput{
		Name: aws.String("keeper"), CloudWatchLogsRoleArn: made.Role.Arn,
		CloudWatchLogsLogGroupArn: aws.String("arn:aws:logs:" + kit.Region + ":" + account + ":log-group:" + *group + ":*"),
	})
}

func (p *play) actTrails() {
	const bucket = "second-trail"
	p.bucket(s3.NewFromConfig(p.root, pathStyle), bucket, trailPolicy(bucket))
	c := cloudtrail.NewFromConfig(p.user)
	name := aws.String("second")
	made := do(p, c.CreateTrail, &cloudtrail.CreateTrailInput{
		Name: name, S3BucketName: aws.String(bucket), IncludeGlobalServiceEvents: aws.Bool(true),
		TagsList: []trails.Tag{{Key: aws.String("Team"), Value: aws.String("audit")}},
	})
	do(p, c.PutEventSelectors, &cloudtrail.PutEventSelectorsInput{TrailName: name, EventSelectors: []trails.EventSelector{{
		ReadWriteType: trails.ReadWriteTypeReadOnly, IncludeManagementEvents: aws.Bool(false), ExcludeManagementEventSources: []string{},
		DataResources: []trails.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{}}, {Type: aws.String("AWS::Lambda::Function"), Values: []string{}}},
	}}})
	do(p, c.GetEventSelectors, &cloudtrail.GetEventSelectorsInput{TrailName: name})
	do(p, c.StartLogging, &cloudtrail.StartLoggingInput{Name: name})
	do(p, c.GetTrailStatus, &cloudtrail.GetTrailStatusInput{Name: name})
	do(p, c.LookupEvents, &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(1)})
	do(p, c.DescribeTrails, &cloudtrail.DescribeTrailsInput{TrailNameList: []string{*name}})
	do(p, c.ListTags, &cloudtrail.ListTagsInput{ResourceIdList: []string{*made.TrailARN}})
	do(p, c.StopLogging, &cloudtrail.StopLoggingInput{Name: name})
	do(p, cloudtrail.NewFromConfig(p.session).DeleteTrail, &cloudtrail.DeleteTrailInput{Name: name})
	const unknown = "TrailNotFoundException"
	fails(p, unknown, c.DeleteTrail, &cloudtrail.DeleteTrailInput{Name: name})
	fails(p, unknown, c.StartLogging, &cloudtrail.StartLoggingInput{Name: name})
	fails(p, unknown, c.StopLogging, &cloudtrail.StopLoggingInput{Name: name})
	fails(p, "AccessDeniedException", cloudtrail.NewFromConfig(p.weak).StopLogging, &cloudtrail.StopLoggingInput{Name: aws.String("keeper")})
}

// secretData is user data, which no record may hold.
const secretData = "c2VjcmV0LXNlY3JldA=="

func (p *play) actMachines() {
	c := ec2.NewFromConfig(p.user)
	run := &ec2.RunInstancesInput{
		ImageId: aws.String("ami-029eb80bc237bec6f"), InstanceType: machines.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		EbsOptimized: aws.Bool(false),
		TagSpecifications: []machines.TagSpecification{{
			ResourceType: machines.ResourceTypeInstance, Tags: []machines.Tag{{Key: aws.String("Name"), Value: aws.String("web")}},
		}},
	}
	first := do(p, c.RunInstances, run).Instances[0]
	id := *first.InstanceId
	do(p, ec2.NewFromConfig(p.root).RunInstances, run)
	plain := &ec2.RunInstancesInput{
		ImageId: run.ImageId, InstanceType: run.InstanceType, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: first.SubnetId,
	}
	fails(p, "UnauthorizedOperation", ec2.NewFromConfig(p.weak).RunInstances, plain)
	plain.UserData = aws.String(secretData)
	do(p, ec2.NewFromConfig(p.session).RunInstances, plain)
	profile := *run
	profile.IamInstanceProfile = &machines.IamInstanceProfileSpecification{Name: aws.String("no-such-profile")}
	fails(p, "InvalidParameterValue", c.RunInstances, &profile)
	do(p, c.DescribeInstances, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	do(p, c.DescribeInstances, &ec2.DescribeInstancesInput{})
	do(p, ec2.NewFromConfig(p.session).DescribeInstances, &ec2.DescribeInstancesInput{
		InstanceIds: []string{id}, Filters: []machines.Filter{{Name: aws.String("instance-state-name"), Values: []string{"running", "pending"}}},
	})
	do(p, c.CreateTags, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []machines.Tag{{Key: aws.String("Team"), Value: aws.String("true")}}})
	do(p, c.DescribeTags, &ec2.DescribeTagsInput{Filters: []machines.Filter{{Name: aws.String("resource-id"), Values: []string{id}}}})
	do(p, c.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
}

func (p *play) actPeople() {
	c := iam.NewFromConfig(p.user)
	user, role, inline := aws.String("bob"), aws.String("worker"), aws.String("inline-policy")
	document := aws.String(`{"Version":"2012-10-17","Statement":[{"Action":["ec2:Describe*"],"Effect":"Allow","Resource":"*"}]}`)
	do(p, c.CreateUser, &iam.CreateUserInput{UserName: user, Path: aws.String("/")})
	key := do(p, c.CreateAccessKey, &iam.CreateAccessKeyInput{UserName: user})
	do(p, c.ListAccessKeys, &iam.ListAccessKeysInput{UserName: user})
	do(p, c.ListMFADevices, &iam.ListMFADevicesInput{UserName: user})
	do(p, c.ListVirtualMFADevices, &iam.ListVirtualMFADevicesInput{AssignmentStatus: "Any"})
	do(p, c.DeleteAccessKey, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: key.AccessKey.AccessKeyId})
	do(p, c.AttachUserPolicy, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String(adminARN)})
	do(p, c.DetachUserPolicy, &iam.DetachUserPolicyInput{UserName: user, PolicyArn: aws.String(adminARN)})
	do(p, c.GetUser, &iam.GetUserInput{})
	do(p, c.GetUser, &iam.GetUserInput{UserName: user})
	do(p, c.ListUsers, &iam.ListUsersInput{})
	do(p, c.GetAccountSummary, &iam.GetAccountSummaryInput{})
	do(p, c.CreateRole, &iam.CreateRoleInput{
		RoleName: role, Path: aws.String("/"), AssumeRolePolicyDocument: aws.String(trustRoot), MaxSessionDuration: aws.Int32(3600),
		Tags: []people.Tag{{Key: aws.String("Team"), Value: aws.String("true")}},
	})
	do(p, c.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: role, PolicyName: inline, PolicyDocument: document})
	do(p, c.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: role, PolicyName: inline})
	do(p, c.ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: role})
	do(p, c.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: aws.String(adminARN)})
	do(p, c.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: role})
	do(p, c.ListInstanceProfilesForRole, &iam.ListInstanceProfilesForRoleInput{RoleName: role})
	do(p, c.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: role, PolicyDocument: aws.String(trustRoot)})
	do(p, c.GetRole, &iam.GetRoleInput{RoleName: role})
	fails(p, "NoSuchEntity", c.GetRole, &iam.GetRoleInput{RoleName: aws.String("nobody")})
	do(p, c.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: aws.String(adminARN)})
	do(p, c.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: inline})
	do(p, c.DeleteRole, &iam.DeleteRoleInput{RoleName: role})
	made := do(p, c.CreatePolicy, &iam.CreatePolicyInput{
		PolicyName: aws.String("look"), Path: aws.String("/"), PolicyDocument: document, Description: aws.String("look only"),
		Tags: []people.Tag{{Key: aws.String("Team"), Value: aws.String("true")}},
	}).Policy
	do(p, c.GetPolicy, &iam.GetPolicyInput{PolicyArn: made.Arn})
	do(p, c.GetPolicyVersion, &iam.GetPolicyVersionInput{PolicyArn: made.Arn, VersionId: made.DefaultVersionId})
	do(p, c.ListPolicyVersions, &iam.ListPolicyVersionsInput{PolicyArn: made.Arn})
	do(p, c.ListEntitiesForPolicy, &iam.ListEntitiesForPolicyInput{PolicyArn: made.Arn})
	do(p, c.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: made.Arn})
	do(p, c.DeleteUser, &iam.DeleteUserInput{UserName: user})
	fails(p, "AccessDenied", sts.NewFromConfig(p.weak).AssumeRole, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/gone"), RoleSessionName: aws.String("try")})
	do(p, sts.NewFromConfig(p.user).GetFederationToken, &sts.GetFederationTokenInput{Name: aws.String("guest"), Policy: document})
	for _, caller := range []aws.Config{p.root, p.user, p.session} {
		do(p, sts.NewFromConfig(caller).GetCallerIdentity, &sts.GetCallerIdentityInput{})
	}
}

func (p *play) actLogs() {
	c := cloudwatchlogs.NewFromConfig(p.user)
	group := aws.String("/acts/one")
	do(p, c.CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group, Tags: map[string]string{"Team": "audit"}})
	do(p, c.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: group})
	do(p, c.ListTagsLogGroup, &cloudwatchlogs.ListTagsLogGroupInput{LogGroupName: group})
	do(p, c.DeleteLogGroup, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: group})
	fails(p, "AccessDeniedException", cloudwatchlogs.NewFromConfig(p.weak).DeleteLogGroup, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: group})
}

func (p *play) actBuckets() {
	c := s3.NewFromConfig(p.user, pathStyle)
	b := aws.String("acts-bucket")
	do(p, c.CreateBucket, &s3.CreateBucketInput{
		Bucket: b, ACL: types.BucketCannedACLPrivate, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	})
	do(p, c.ListBuckets, &s3.ListBucketsInput{})
	fails(p, "NoSuchBucketPolicy", c.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: b})
	fails(p, "NoSuchBucketPolicy", c.GetBucketPolicyStatus, &s3.GetBucketPolicyStatusInput{Bucket: b})
	do(p, c.PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(trailPolicy(*b))})
	do(p, c.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: b})
	do(p, c.GetBucketPolicyStatus, &s3.GetBucketPolicyStatusInput{Bucket: b})
	do(p, c.DeleteBucketPolicy, &s3.DeleteBucketPolicyInput{Bucket: b})
	do(p, c.GetBucketAcl, &s3.GetBucketAclInput{Bucket: b})
	fails(p, "NoSuchCORSConfiguration", c.GetBucketCors, &s3.GetBucketCorsInput{Bucket: b})
	do(p, c.GetBucketEncryption, &s3.GetBucketEncryptionInput{Bucket: b})
	fails(p, "NoSuchLifecycleConfiguration", c.GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	do(p, c.PutBucketLifecycleConfiguration, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: aws.String("nuke"), Status: types.ExpirationStatusEnabled, Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)},
			Filter: &types.LifecycleRuleFilter{Prefix: aws.String("*")},
		}}},
	})
	do(p, c.DeleteBucketLifecycle, &s3.DeleteBucketLifecycleInput{Bucket: b})
	do(p, c.GetBucketLocation, &s3.GetBucketLocationInput{Bucket: b})
	do(p, c.GetBucketLogging, &s3.GetBucketLoggingInput{Bucket: b})
	fails(p, "ObjectLockConfigurationNotFoundError", c.GetObjectLockConfiguration, &s3.GetObjectLockConfigurationInput{Bucket: b})
	do(p, c.GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: b})
	do(p, c.DeletePublicAccessBlock, &s3.DeletePublicAccessBlockInput{Bucket: b})
	fails(p, "NoSuchPublicAccessBlockConfiguration", c.GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: b})
	fails(p, "ReplicationConfigurationNotFoundError", c.GetBucketReplication, &s3.GetBucketReplicationInput{Bucket: b})
	do(p, c.GetBucketRequestPayment, &s3.GetBucketRequestPaymentInput{Bucket: b})
	fails(p, "NoSuchTagSet", c.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: b})
	do(p, c.PutBucketTagging, &s3.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("Team"), Value: aws.String("true")}}}})
	do(p, c.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: b})
	do(p, c.GetBucketVersioning, &s3.GetBucketVersioningInput{Bucket: b})
	do(p, c.GetBucketAccelerateConfiguration, &s3.GetBucketAccelerateConfigurationInput{Bucket: b})
	fails(p, "NoSuchWebsiteConfiguration", c.GetBucketWebsite, &s3.GetBucketWebsiteInput{Bucket: b})
	do(p, c.PutObject, &s3.PutObjectInput{Bucket: b, Key: aws.String("in/the/way"), Body: strings.NewReader("x")})
	fails(p, "BucketNotEmpty", c.DeleteBucket, &s3.DeleteBucketInput{Bucket: b})
	do(p, c.DeleteObject, &s3.DeleteObjectInput{Bucket: b, Key: aws.String("in/the/way")})
	do(p, c.DeleteBucket, &s3.DeleteBucketInput{Bucket: b})
}

// actObjects makes data events: of the owner, of another account, and of nobody.
func (p *play) actObjects() {
	b, key := aws.String("acts-objects"), aws.String("open/stone")
	owner := s3.NewFromConfig(p.session, pathStyle)
	do(p, owner.CreateBucket, &s3.CreateBucketInput{
		Bucket: b, ACL: types.BucketCannedACLPrivate, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	})
	do(p, owner.DeletePublicAccessBlock, &s3.DeletePublicAccessBlockInput{Bucket: b})
	do(p, owner.PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: b, Policy: aws.String(`{"Version":"2012-10-17","Statement":[
	  {"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acts-objects/open/*"}]}`)})
	do(p, owner.PutObject, &s3.PutObjectInput{Bucket: b, Key: key, Body: strings.NewReader("stone"), Metadata: map[string]string{"secret": "meta"}})
	do(p, owner.GetObject, &s3.GetObjectInput{Bucket: b, Key: key}).Body.Close()
	do(p, owner.ListObjectsV2, &s3.ListObjectsV2Input{Bucket: b, Prefix: aws.String("open/")})
	do(p, s3.NewFromConfig(p.other, pathStyle).GetObject, &s3.GetObjectInput{Bucket: b, Key: key}).Body.Close()
	fails(p, "AccessDenied", s3.NewFromConfig(p.other, pathStyle).GetObject, &s3.GetObjectInput{Bucket: b, Key: aws.String("closed")})
	fails(p, "AccessDenied", s3.NewFromConfig(p.weak, pathStyle).DeleteObject, &s3.DeleteObjectInput{Bucket: b, Key: key})
	for _, path := range []string{*key, "closed"} { // nobody in particular
		resp, err := http.Get(p.e.Endpoint + "/" + *b + "/" + path)
		if err != nil {
			p.Fatal(err)
		}
		resp.Body.Close()
		if want := map[string]int{*key: http.StatusOK, "closed": http.StatusForbidden}[path]; resp.StatusCode != want {
			p.Errorf("an anonymous GET of %s answered %s", path, resp.Status)
		}
	}
	signed, err := s3.NewPresignClient(owner).PresignGetObject(p.Context(), &s3.GetObjectInput{Bucket: b, Key: key})
	if err != nil {
		p.Fatal(err)
	}
	resp, err := http.Get(signed.URL)
	if err != nil {
		p.Fatal(err)
	}
	resp.Body.Close()
}

// actCLI calls with the aws CLI, which signs, names itself and streams its own way.
func (p *play) actCLI() {
	cli := kit.Tool(p, "aws")
	c := kit.Client{Env: p.userEnv, Dir: p.TempDir()}
	writeFile(p, filepath.Join(c.Dir, "pebble"), "pebble")
	c.Must(p, cli, "s3", "cp", "--quiet", "--sse", "AES256", "pebble", "s3://acts-objects/cli/pebble")
	c.Must(p, cli, "s3", "cp", "--quiet", "s3://acts-objects/cli/pebble", "back")
	c.Must(p, cli, "iam", "get-user")
	c.Must(p, cli, "ec2", "describe-instances", "--max-items", "5")
}
