package engine

import (
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/loginsights"
)

// needed are the IAM actions an operation asks for, where they are not its own
// name. Source: "Actions, resources, and condition keys for AWS services" in
// the Service Authorization Reference.
var needed = map[string][]string{
	"s3:ListBuckets": {"s3:ListAllMyBuckets"},
	"s3:HeadBucket":  {"s3:ListBucket"}, "s3:ListObjects": {"s3:ListBucket"}, "s3:ListObjectsV2": {"s3:ListBucket"},
	"s3:ListObjectVersions": {"s3:ListBucketVersions"}, "s3:ListMultipartUploads": {"s3:ListBucketMultipartUploads"},
	"s3:GetObjectLockConfiguration": {"s3:GetBucketObjectLockConfiguration"}, "s3:PutObjectLockConfiguration": {"s3:PutBucketObjectLockConfiguration"},
	"s3:GetPublicAccessBlock": {"s3:GetBucketPublicAccessBlock"}, "s3:PutPublicAccessBlock": {"s3:PutBucketPublicAccessBlock"},
	"s3:DeletePublicAccessBlock": {"s3:PutBucketPublicAccessBlock"},
	"s3:GetBucketEncryption":     {"s3:GetEncryptionConfiguration"}, "s3:PutBucketEncryption": {"s3:PutEncryptionConfiguration"},
	"s3:DeleteBucketEncryption":          {"s3:PutEncryptionConfiguration"},
	"s3:GetBucketLifecycleConfiguration": {"s3:GetLifecycleConfiguration"}, "s3:PutBucketLifecycleConfiguration": {"s3:PutLifecycleConfiguration"},
	"s3:DeleteBucketLifecycle": {"s3:PutLifecycleConfiguration"}, "s3:DeleteBucketTagging": {"s3:PutBucketTagging"},
	"s3:DeleteBucketOwnershipControls": {"s3:PutBucketOwnershipControls"}, "s3:DeleteBucketCors": {"s3:PutBucketCORS"},
	"s3:GetBucketNotificationConfiguration": {"s3:GetBucketNotification"}, "s3:PutBucketNotificationConfiguration": {"s3:PutBucketNotification"},
	"s3:GetBucketAccelerateConfiguration": {"s3:GetAccelerateConfiguration"}, "s3:PutBucketAccelerateConfiguration": {"s3:PutAccelerateConfiguration"},
	"s3:GetBucketReplication": {"s3:GetReplicationConfiguration"}, "s3:DeleteBucketReplication": {"s3:PutReplicationConfiguration"},
	"s3:HeadObject": {"s3:GetObject"}, "s3:GetObjectAttributes": {"s3:GetObject", "s3:GetObjectAttributes"},
	"s3:CopyObject": {"s3:PutObject", "s3:GetObject"}, "s3:UploadPartCopy": {"s3:PutObject", "s3:GetObject"},
	"s3:CreateMultipartUpload": {"s3:PutObject"}, "s3:UploadPart": {"s3:PutObject"}, "s3:CompleteMultipartUpload": {"s3:PutObject"},
	"s3:ListParts": {"s3:ListMultipartUploadParts"}, "s3:DeleteObjects": {"s3:DeleteObject"},
	"s3:GetObject@version": {"s3:GetObjectVersion"}, "s3:HeadObject@version": {"s3:GetObjectVersion"},
	"s3:DeleteObject@version": {"s3:DeleteObjectVersion"}, "s3:GetObjectAcl@version": {"s3:GetObjectVersionAcl"},
	"s3:PutObjectAcl@version": {"s3:PutObjectVersionAcl"}, "s3:GetObjectTagging@version": {"s3:GetObjectVersionTagging"},
	"s3:PutObjectTagging@version": {"s3:PutObjectVersionTagging"}, "s3:DeleteObjectTagging@version": {"s3:DeleteObjectVersionTagging"},
	"s3:GetObjectAttributes@version": {"s3:GetObjectVersion", "s3:GetObjectVersionAttributes"},
}

// atVersion marks an operation on one version of an object, which has actions
// of its own.
const atVersion = "@version"

// actionsOf returns the IAM actions an operation asks for.
func actionsOf(service, op string) []string {
	if list, ok := needed[service+":"+op]; ok {
		return list
	}
	return []string{service + ":" + op}
}

// identityDocument is a policy that any identity may have.
const identityDocument = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"support:*","Resource":"*"}]}`

// givenMembers are the values of inputs' members by name, and by
// operation and name where they differ.
var givenMembers = map[string]any{
	"UserName": "target", "RoleName": "target", "PolicyName": "p", "PolicyArn": "arn:aws:iam::" + account + ":policy/everything",
	"PolicyDocument": identityDocument, "AssumeRolePolicyDocument": identityDocument, "Description": "d",
	"GetPolicyVersion.VersionId": "v1", "DeletePolicyVersion.VersionId": "v1", "SetDefaultPolicyVersion.VersionId": "v1",
	"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess", "AccessKeyId": "AKIAQQQQQQQQQQQQQQQQ", "UpdateAccessKey.Status": "Active",
	"AccountAlias": "an-alias", "SetAsDefault": true, "SerialNumber": "arn:aws:iam::" + account + ":mfa/target",
	"VirtualMFADeviceName": "target", "AuthenticationCode1": "123456", "AuthenticationCode2": "654321",
	"OpenIDConnectProviderArn": "arn:aws:iam::" + account + ":oidc-provider/id.example.com", "Url": "https://id.example.com",
	"ClientID": "app", "ThumbprintList": []string{strings.Repeat("a", 40)},
	"RoleArn": "arn:aws:iam::" + account + ":role/target", "RoleSessionName": "aa",
	"Name": "t1", "TrailName": "t1", "S3BucketName": "plain", "ResourceId": "arn:aws:cloudtrail:eu-west-1:" + account + ":trail/t1",
	"ResourceIdList": []string{"arn:aws:cloudtrail:eu-west-1:" + account + ":trail/t1"}, "InsightSelectors": []trailtypes.InsightSelector{},
	"TagsList": []trailtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},

	"InsightSource": "arn:aws:cloudtrail:eu-west-1:" + account + ":trail/t1", "DataType": trailtypes.ListInsightsDataTypeInsightsEvents,

	"LogGroupName": "g", "LogStreamName": "s", "FilterName": "f", "FilterPattern": "x", "RetentionInDays": int32(1),
	"LogEvents": []logstypes.InputLogEvent{{Message: aws.String("m"), Timestamp: aws.Int64(time.Now().UnixMilli())}},
	"MetricTransformations": []logstypes.MetricTransformation{{
		MetricName: aws.String("m"), MetricNamespace: aws.String("n"), MetricValue: aws.String("1"),
	}},
	"QueryString": "fields @message", "StartQuery.StartTime": int64(1), "StartQuery.EndTime": int64(2), "QueryId": "q-1",
	"LogRecordPointer": loginsights.Pointer(&loginsights.Event{Group: &loginsights.Log{Account: account, Region: "eu-west-1", Name: "g"}}),
	"LogEventMessages": []string{"m"}, "DeletionProtectionEnabled": true,
	"ResourceArn": "arn:aws:logs:eu-west-1:" + account + ":log-group:g",

	"ImageId": "ami-12345678", "MinCount": int32(1), "MaxCount": int32(1), "InstanceIds": []string{"i-12345678"}, "Resources": []string{"i-12345678"},

	"Bucket": "plain", "Key": "k", "CopySource": "plain/k", "UploadId": "00000000-0000-4000-8000-000000000000", "PartNumber": int32(1),
	"Policy": `{"Version":"2012-10-17","Statement":[]}`, "Body": io.Reader(strings.NewReader("")),
	"TagKeys": []string{"a"}, "UntagLogGroup.Tags": []string{"a"}, "LogGroupIdentifier": "g",
	"Suffix": "index.html", "Payer": "Requester",
	"Delete": &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: aws.String("k")}}},
	"Tags": map[reflect.Type]any{
		reflect.TypeFor[map[string]string](): map[string]string{"a": "b"},
		reflect.TypeFor[[]iamtypes.Tag]():    []iamtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		reflect.TypeFor[[]ec2types.Tag]():    []ec2types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	},
}

// leftOut are members an input goes without: they would make it another kind of
// request, or ask for further actions.
var leftOut = map[string]bool{
	"CreateUser.Tags": true, "CreateRole.Tags": true, "CreatePolicy.Tags": true, "CreateLogGroup.Tags": true,
	"CreateUser.PermissionsBoundary": true, "CreateRole.PermissionsBoundary": true, "CreateOpenIDConnectProvider.Tags": true,
	"CreateVirtualMFADevice.Tags": true, "AssumeRole.Policy": true, "AssumeRole.Tags": true, "AssumeRole.SerialNumber": true,
	"CreateTrail.TagsList": true, "PutBucketWebsite.RedirectAllRequestsTo": true, "PutBucketLogging.LoggingEnabled": true,
	"GetLogEvents.LogGroupIdentifier": true, "FilterLogEvents.LogGroupIdentifier": true, "DescribeLogStreams.LogGroupIdentifier": true,
	"StartQuery.ResourceArn": true, "StartQuery.LogGroupIdentifier": true,
	"GetSessionToken.SerialNumber": true, "GetSessionToken.TokenCode": true, "AssumeRole.TokenCode": true, "GetFederationToken.Tags": true, "GetFederationToken.Policy": true,
}

// fill sets the members of an operation's input that have a value above. Inputs
// of S3 get empty documents where the SDK wants one.
func fill(op string, in reflect.Value, documents bool) {
	s := in.Elem()
	for i := range s.NumField() {
		f, name := s.Field(i), s.Type().Field(i).Name
		if !f.CanSet() || leftOut[op+"."+name] || f.Type().Kind() == reflect.Struct {
			continue
		}
		v, ok := givenMembers[op+"."+name]
		if !ok {
			v, ok = givenMembers[name]
		}
		if ok && set(f, v) {
			continue
		}
		if !documents {
			continue
		}
		switch {
		case f.Kind() == reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct && f.Type() != reflect.TypeFor[*time.Time]():
			f.Set(reflect.New(f.Type().Elem()))
			fill(op, f, documents)
		}
	}
}

// set sets a member to a value or a pointer to one, if it is of the type.
func set(f reflect.Value, v any) bool {
	if byType, ok := v.(map[reflect.Type]any); ok {
		if v, ok = byType[f.Type()]; !ok {
			return false
		}
	}
	value := reflect.ValueOf(v)
	switch t := f.Type(); {
	case value.Type().AssignableTo(t):
		f.Set(value)
	case t.Kind() == reflect.Pointer && value.Type() == t.Elem():
		p := reflect.New(t.Elem())
		p.Elem().Set(value)
		f.Set(p)
	case value.Kind() == reflect.String && t.Kind() == reflect.String:
		f.SetString(value.String())
	default:
		return false
	}
	return true
}
