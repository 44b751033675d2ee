package history

import (
	"strings"

	"cairn/internal/arn"
)

// The types of what S3 keeps.
const (
	typeBucket = "AWS::S3::Bucket"
	typeObject = "AWS::S3::Object"
)

// membersOf says, for each service, which members of parameters and answers name
// a resource, and of which type.
var membersOf = map[string]map[string]string{
	"cloudtrail.amazonaws.com": {
		"name": "AWS::CloudTrail::Trail", "trailName": "AWS::CloudTrail::Trail", "s3BucketName": typeBucket,
	},
	"ec2.amazonaws.com": {
		"instanceId": "AWS::EC2::Instance", "imageId": "AWS::EC2::Ami", "vpcId": "AWS::EC2::VPC", "subnetId": "AWS::EC2::Subnet",
		"groupId": "AWS::EC2::SecurityGroup", "groupName": "AWS::EC2::SecurityGroup", "volumeId": "AWS::EC2::Volume",
		"snapshotId": "AWS::EC2::Snapshot", "keyName": "AWS::EC2::KeyPair", "networkInterfaceId": "AWS::EC2::NetworkInterface",
		"internetGatewayId": "AWS::EC2::InternetGateway", "routeTableId": "AWS::EC2::RouteTable",
	},
	"iam.amazonaws.com": {
		"userName": "AWS::IAM::User", "userId": "AWS::IAM::User", "roleName": "AWS::IAM::Role", "roleId": "AWS::IAM::Role",
		"groupName": "AWS::IAM::Group", "groupId": "AWS::IAM::Group", "policyName": "AWS::IAM::Policy", "policyId": "AWS::IAM::Policy",
		"accessKeyId": "AWS::IAM::AccessKey", "instanceProfileName": "AWS::IAM::InstanceProfile",
		"instanceProfileId": "AWS::IAM::InstanceProfile",
	},
	"kms.amazonaws.com": {"keyId": "AWS::KMS::Key"},
	"logs.amazonaws.com": {
		"logGroupName": "AWS::Logs::LogGroup", "logStreamName": "AWS::Logs::LogStream",
	},
	"s3.amazonaws.com": {"bucketName": typeBucket},
	"sts.amazonaws.com": {
		"accessKeyId": "AWS::IAM::AccessKey", "assumedRoleId": "AWS::STS::AssumedRole",
	},
}

// typesOfARNs says what type of resource an ARN names, by its service and the
// first part of its resource.
var typesOfARNs = map[string]map[string]string{
	"cloudtrail": {"trail": "AWS::CloudTrail::Trail"},
	"iam": {
		"user": "AWS::IAM::User", "role": "AWS::IAM::Role", "group": "AWS::IAM::Group", "policy": "AWS::IAM::Policy",
		"instance-profile": "AWS::IAM::InstanceProfile",
	},
	"kms":  {"key": "AWS::KMS::Key"},
	"logs": {"log-group": "AWS::Logs::LogGroup"},
	"sts":  {"assumed-role": "AWS::STS::AssumedRole"},
}

// typeOfARN returns the type of the resource an ARN names, or "".
func typeOfARN(text string) string {
	a, err := arn.Parse(text)
	if err != nil {
		return ""
	}
	if a.Service == "s3" {
		if strings.Contains(a.Resource, "/") {
			return typeObject
		}
		return typeBucket
	}
	kind := a.Resource
	if i := strings.IndexAny(kind, "/:"); i >= 0 {
		kind = kind[:i]
	}
	return typesOfARNs[a.Service][kind]
}

// signsOf returns texts of which every record that names a resource of a type has
// at least one: the type itself, a service whose members name such resources, or
// the beginning of such an ARN.
func signsOf(typ string) (signs [][]byte) {
	add := func(text string) { signs = append(signs, []byte(text)) }
	add(typ)
	for source, members := range membersOf {
		for _, t := range members {
			if t == typ {
				add(source)
				break
			}
		}
	}
	for service, kinds := range typesOfARNs {
		for _, t := range kinds {
			if t == typ {
				add("arn:" + arn.Partition + ":" + service + ":")
				break
			}
		}
	}
	if typ == typeBucket || typ == typeObject {
		add("arn:" + arn.Partition + ":s3:")
	}
	return signs
}
