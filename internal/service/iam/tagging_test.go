package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/identity"
	"cairn/internal/service/servicetest"
)

// TestTagsNeedLeave asks for the permission to tag where something is made with
// tags: policies often hang on them.
func TestTagsNeedLeave(t *testing.T) {
	e := start(t)
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("maker")})
	servicetest.OK[iam.PutUserPolicyOutput](e, "PutUserPolicy", &iam.PutUserPolicyInput{UserName: s("maker"), PolicyName: s("make"), PolicyDocument: s(`{
		"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"iam:Create*","Resource":"*"},
		{"Effect":"Allow","Action":"iam:Tag*","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"own"}}}]}`)})
	key := servicetest.OK[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("maker")}).AccessKey
	e.As(identity.Credentials{AccessKeyID: *key.AccessKeyId})

	own, others := []types.Tag{{Key: s("team"), Value: s("own")}}, []types.Tag{{Key: s("team"), Value: s("admins")}}
	e.Fails("CreateUser", &iam.CreateUserInput{UserName: s("u"), Tags: others}, "AccessDenied", "")
	e.Fails("CreateRole", &iam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trustCloudTrail), Tags: others}, "AccessDenied", "")
	e.Fails("CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(readBucket), Tags: others}, "AccessDenied", "")
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("plain")})
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("u"), Tags: own})
	servicetest.OK[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trustCloudTrail), Tags: own})
	servicetest.OK[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(readBucket), Tags: own})
}
