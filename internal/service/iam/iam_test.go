package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/call"
	"cairn/internal/identity"
	service "cairn/internal/service/iam"
	"cairn/internal/service/servicetest"
)

const (
	trustCloudTrail = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	readBucket      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/a b+c*"}]}`
	adminARN        = "arn:aws:iam::aws:policy/AdministratorAccess"
)

const account = servicetest.Account

var s = aws.String

func start(t *testing.T) *servicetest.Engine {
	t.Helper()
	return servicetest.Start(t, func(e *servicetest.Engine) *call.API { return service.New(e.Users).API() })
}

func createRole(e *servicetest.Engine, name string) *iam.CreateRoleOutput {
	e.T.Helper()
	return servicetest.OK[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{RoleName: s(name), AssumeRolePolicyDocument: s(trustCloudTrail)})
}

func TestRoleLife(t *testing.T) {
	e := start(t)
	made := servicetest.OK[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{
		RoleName: s("trail"), Path: s("/audit/"), AssumeRolePolicyDocument: s(trustCloudTrail), Description: s("d"),
		MaxSessionDuration: aws.Int32(7200), Tags: []types.Tag{{Key: s("k"), Value: s("v")}},
	}).Role
	if *made.Arn != "arn:aws:iam::111122223333:role/audit/trail" || !strings.HasPrefix(*made.RoleId, "AROA") || !made.CreateDate.Equal(e.Now) {
		t.Errorf("%+v", made)
	}
	rec := e.Last()
	if rec["awsRegion"] != "us-east-1" || rec["eventVersion"] != "1.11" || rec["readOnly"] != false {
		t.Errorf("record %v", rec)
	}
	wantParams := map[string]any{
		"roleName": "trail", "path": "/audit/", "assumeRolePolicyDocument": trustCloudTrail, "description": "d",
		"maxSessionDuration": 7200.0, "tags": []any{map[string]any{"key": "k", "value": "v"}},
	}
	if d := cmp.Diff(any(wantParams), rec["requestParameters"]); d != "" {
		t.Error(d)
	}
	role := rec["responseElements"].(map[string]any)["role"].(map[string]any)
	if role["createDate"] != "Nov 23, 2026 12:00:05 PM" || !strings.HasPrefix(role["assumeRolePolicyDocument"].(string), "%7B%22Version%22") {
		t.Errorf("recorded role %v", role)
	}

	got := servicetest.OK[iam.GetRoleOutput](e, "GetRole", &iam.GetRoleInput{RoleName: s("trail")}).Role
	if text, err := url.PathUnescape(*got.AssumeRolePolicyDocument); err != nil || text != trustCloudTrail {
		t.Errorf("trust policy %q", *got.AssumeRolePolicyDocument)
	}
	if *got.MaxSessionDuration != 7200 || *got.Description != "d" || len(got.Tags) != 1 {
		t.Errorf("%+v", got)
	}
	servicetest.OK[iam.UpdateRoleOutput](e, "UpdateRole", &iam.UpdateRoleInput{RoleName: s("trail")})
	servicetest.OK[iam.UpdateAssumeRolePolicyOutput](e, "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: s("trail"), PolicyDocument: s(trustCloudTrail)})
	if e.Last()["responseElements"] != nil {
		t.Error("UpdateAssumeRolePolicy records a response")
	}
	got = servicetest.OK[iam.UpdateRoleDescriptionOutput](e, "UpdateRoleDescription", &iam.UpdateRoleDescriptionInput{RoleName: s("trail"), Description: s("")}).Role
	if *got.MaxSessionDuration != 3600 || got.Description != nil {
		t.Errorf("%+v", got)
	}
	if l := servicetest.OK[iam.ListRolesOutput](e, "ListRoles", &iam.ListRolesInput{PathPrefix: s("/audit/")}); len(l.Roles) != 1 || l.Roles[0].Tags != nil {
		t.Errorf("%+v", l)
	}
	if l := servicetest.OK[iam.ListInstanceProfilesForRoleOutput](e, "ListInstanceProfilesForRole", &iam.ListInstanceProfilesForRoleInput{RoleName: s("trail")}); len(l.InstanceProfiles) != 0 {
		t.Errorf("%+v", l)
	}
	servicetest.OK[iam.DeleteRoleOutput](e, "DeleteRole", &iam.DeleteRoleInput{RoleName: s("trail")})
	e.Fails("GetRole", &iam.GetRoleInput{RoleName: s("trail")}, "NoSuchEntity", "The role with name trail cannot be found.")
	if e.Last()["errorCode"] != "NoSuchEntityException" {
		t.Errorf("recorded code %v", e.Last()["errorCode"])
	}
}

func TestRoleRefusals(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	e.Fails("CreateRole", &iam.CreateRoleInput{RoleName: s("R"), AssumeRolePolicyDocument: s(trustCloudTrail)}, "EntityAlreadyExists", "Role with name R already exists.")
	e.Fails("CreateRole", &iam.CreateRoleInput{AssumeRolePolicyDocument: s(trustCloudTrail)}, "ValidationError",
		"1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null")
	e.Fails("CreateRole", &iam.CreateRoleInput{RoleName: s("a/b"), AssumeRolePolicyDocument: s(trustCloudTrail)}, "ValidationError",
		"The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	for name, in := range map[string]*iam.CreateRoleInput{
		"ValidationError":         {RoleName: s("x"), AssumeRolePolicyDocument: s(trustCloudTrail), Path: s("no")},
		"MalformedPolicyDocument": {RoleName: s("x"), AssumeRolePolicyDocument: s(readBucket)},
		"InvalidInput": {
			RoleName: s("x"), AssumeRolePolicyDocument: s(trustCloudTrail),
			Tags: []types.Tag{{Key: s("a"), Value: s("")}, {Key: s("A"), Value: s("")}},
		},
		"NoSuchEntity": {RoleName: s("x"), AssumeRolePolicyDocument: s(trustCloudTrail), PermissionsBoundary: s("arn:aws:iam::111122223333:policy/none")},
		"AccessDenied": {RoleName: s("x"), AssumeRolePolicyDocument: s(trustCloudTrail), PermissionsBoundary: s("arn:aws:iam::444455556666:policy/theirs")},
	} {
		e.Fails("CreateRole", in, name, "")
	}
	for _, seconds := range []int32{3599, 43201} {
		e.Fails("UpdateRole", &iam.UpdateRoleInput{RoleName: s("r"), MaxSessionDuration: &seconds}, "ValidationError", "")
	}
	strange := strings.Replace(trustCloudTrail, `"Service":"cloudtrail.amazonaws.com"`, `"AWS":"arn:aws:iam::111122223333:user/nobody"`, 1)
	e.Fails("UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: s("r"), PolicyDocument: &strange}, "MalformedPolicyDocument",
		`Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/nobody"`)
	elsewhere := strings.Replace(strange, account, "999988887777", 1)
	servicetest.OK[iam.UpdateAssumeRolePolicyOutput](e, "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: s("r"), PolicyDocument: &elsewhere})
}

func TestInlineAndAttached(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	role := s("r")
	servicetest.OK[iam.PutRolePolicyOutput](e, "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("p"), PolicyDocument: s(readBucket)})
	servicetest.OK[iam.PutRolePolicyOutput](e, "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("p"), PolicyDocument: s(readBucket)})
	got := servicetest.OK[iam.GetRolePolicyOutput](e, "GetRolePolicy", &iam.GetRolePolicyInput{RoleName: role, PolicyName: s("p")})
	if text, err := url.PathUnescape(*got.PolicyDocument); err != nil || text != readBucket || strings.Contains(*got.PolicyDocument, "+") {
		t.Errorf("document %s", *got.PolicyDocument)
	}
	if l := servicetest.OK[iam.ListRolePoliciesOutput](e, "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: role}); len(l.PolicyNames) != 1 {
		t.Errorf("%+v", l)
	}
	e.Fails("DeleteRole", &iam.DeleteRoleInput{RoleName: role}, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	big := strings.Replace(readBucket, "a b+c*", strings.Repeat("x", 10240), 1)
	e.Fails("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("big"), PolicyDocument: &big}, "LimitExceeded",
		"Maximum policy size of 10240 bytes exceeded for role r")
	e.Fails("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("q"), PolicyDocument: s(trustCloudTrail)}, "MalformedPolicyDocument", "")
	e.Fails("GetRolePolicy", &iam.GetRolePolicyInput{RoleName: role, PolicyName: s("q")}, "NoSuchEntity", "The role policy with name q cannot be found.")
	servicetest.OK[iam.DeleteRolePolicyOutput](e, "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: s("p")})

	servicetest.OK[iam.AttachRolePolicyOutput](e, "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: s(adminARN)})
	l := servicetest.OK[iam.ListAttachedRolePoliciesOutput](e, "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: role})
	if d := cmp.Diff("AdministratorAccess", *l.AttachedPolicies[0].PolicyName); d != "" {
		t.Error(d)
	}
	e.Fails("DeleteRole", &iam.DeleteRoleInput{RoleName: role}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	e.Fails("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: s("arn:aws:iam::aws:policy/Nope")}, "NoSuchEntity",
		"Policy arn:aws:iam::aws:policy/Nope does not exist or is not attachable.")
	e.Fails("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: s("nonsense")}, "InvalidInput", "ARN nonsense is not valid.")
	e.Fails("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: s("none"), PolicyArn: s(adminARN)}, "NoSuchEntity", "The role with name none cannot be found.")
	servicetest.OK[iam.DetachRolePolicyOutput](e, "DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: s(adminARN)})
	e.Fails("DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: s(adminARN)}, "NoSuchEntity", "")

	servicetest.OK[iam.PutRolePermissionsBoundaryOutput](e, "PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: s(adminARN)})
	if r := servicetest.OK[iam.GetRoleOutput](e, "GetRole", &iam.GetRoleInput{RoleName: role}).Role; *r.PermissionsBoundary.PermissionsBoundaryArn != adminARN {
		t.Errorf("%+v", r.PermissionsBoundary)
	}
	servicetest.OK[iam.DeleteRolePermissionsBoundaryOutput](e, "DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: role})
	e.Fails("DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: role}, "NoSuchEntity", "")
}

func TestAttachQuota(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	for i := range 11 {
		p := servicetest.OK[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s(fmt.Sprintf("p%d", i)), PolicyDocument: s(readBucket)}).Policy
		in := &iam.AttachRolePolicyInput{RoleName: s("r"), PolicyArn: p.Arn}
		if i == 10 {
			e.Fails("AttachRolePolicy", in, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
		} else {
			servicetest.OK[iam.AttachRolePolicyOutput](e, "AttachRolePolicy", in)
		}
	}
}

func TestManagedPolicy(t *testing.T) {
	e := start(t)
	p := servicetest.OK[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("Own"), PolicyDocument: s(readBucket), Description: s("d")}).Policy
	if *p.DefaultVersionId != "v1" || *p.AttachmentCount != 0 || !strings.HasPrefix(*p.PolicyId, "ANPA") {
		t.Errorf("%+v", p)
	}
	e.Fails("CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("own"), PolicyDocument: s(readBucket)}, "EntityAlreadyExists", "A policy called own already exists. Duplicate names are not allowed.")
	for range 4 {
		servicetest.OK[iam.CreatePolicyVersionOutput](e, "CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: p.Arn, PolicyDocument: s(readBucket), SetAsDefault: true})
	}
	e.Fails("CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: p.Arn, PolicyDocument: s(readBucket)}, "LimitExceeded", "")
	servicetest.OK[iam.SetDefaultPolicyVersionOutput](e, "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v2")})
	e.Fails("DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v2")}, "DeleteConflict", "Cannot delete the default version of a policy.")
	e.Fails("GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v9")}, "NoSuchEntity", "")
	e.Fails("GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("9")}, "ValidationError", "")
	if v := servicetest.OK[iam.GetPolicyVersionOutput](e, "GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v2")}).PolicyVersion; !v.IsDefaultVersion || v.Document == nil {
		t.Errorf("%+v", v)
	}
	first := servicetest.OK[iam.ListPolicyVersionsOutput](e, "ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyArn: p.Arn, MaxItems: aws.Int32(3)})
	second := servicetest.OK[iam.ListPolicyVersionsOutput](e, "ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyArn: p.Arn, Marker: first.Marker})
	if len(first.Versions) != 3 || *first.Versions[0].VersionId != "v5" || len(second.Versions) != 2 || *second.Versions[1].VersionId != "v1" || second.IsTruncated {
		t.Errorf("%+v %+v", first, second)
	}
	e.Fails("DeletePolicy", &iam.DeletePolicyInput{PolicyArn: p.Arn}, "DeleteConflict", "")
	for _, v := range []string{"v1", "v3", "v4", "v5"} {
		servicetest.OK[iam.DeletePolicyVersionOutput](e, "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: p.Arn, VersionId: &v})
	}

	createRole(e, "r")
	servicetest.OK[iam.AttachRolePolicyOutput](e, "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: s("r"), PolicyArn: p.Arn})
	e.Fails("DeletePolicy", &iam.DeletePolicyInput{PolicyArn: p.Arn}, "DeleteConflict", "Cannot delete a policy attached to entities.")
	users := servicetest.OK[iam.ListEntitiesForPolicyOutput](e, "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyArn: p.Arn})
	if len(users.PolicyRoles) != 1 || len(users.PolicyUsers) != 0 {
		t.Errorf("%+v", users)
	}
	if l := servicetest.OK[iam.ListPoliciesOutput](e, "ListPolicies", &iam.ListPoliciesInput{OnlyAttached: true}); len(l.Policies) != 1 || *l.Policies[0].AttachmentCount != 1 {
		t.Errorf("%+v", l)
	}
	if l := servicetest.OK[iam.ListPoliciesOutput](e, "ListPolicies", &iam.ListPoliciesInput{}); len(l.Policies) != 11 {
		t.Errorf("%d policies, want ten of AWS and ours", len(l.Policies))
	}
	servicetest.OK[iam.DetachRolePolicyOutput](e, "DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: s("r"), PolicyArn: p.Arn})
	servicetest.OK[iam.DeletePolicyOutput](e, "DeletePolicy", &iam.DeletePolicyInput{PolicyArn: p.Arn})
	e.Fails("GetPolicy", &iam.GetPolicyInput{PolicyArn: p.Arn}, "NoSuchEntity", "Policy "+*p.Arn+" was not found.")
	e.Fails("DeletePolicy", &iam.DeletePolicyInput{PolicyArn: s(adminARN)}, "AccessDenied", "")
	servicetest.OK[iam.GetPolicyOutput](e, "GetPolicy", &iam.GetPolicyInput{PolicyArn: s(adminARN)})
}

func TestUserAndKeys(t *testing.T) {
	e := start(t)
	if u := servicetest.OK[iam.GetUserOutput](e, "GetUser", &iam.GetUserInput{}).User; *u.Arn != "arn:aws:iam::111122223333:root" || u.UserName != nil {
		t.Errorf("%+v", u)
	}
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("alice")})
	e.Fails("CreateUser", &iam.CreateUserInput{UserName: s("Alice")}, "EntityAlreadyExists", "User with name Alice already exists.")
	key := servicetest.OK[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")}).AccessKey
	for _, r := range e.Records {
		if strings.Contains(string(r.JSON), *key.SecretAccessKey) {
			t.Fatalf("a record holds the secret: %s", r.JSON)
		}
	}
	recorded := e.Last()["responseElements"].(map[string]any)["accessKey"].(map[string]any)
	if d := cmp.Diff(map[string]any{"userName": "alice", "accessKeyId": *key.AccessKeyId, "status": "Active", "createDate": "Nov 23, 2026 12:00:05 PM"}, recorded); d != "" {
		t.Error(d)
	}
	servicetest.OK[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")})
	e.Fails("CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")}, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	servicetest.OK[iam.UpdateAccessKeyOutput](e, "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: s("alice"), AccessKeyId: key.AccessKeyId, Status: types.StatusTypeInactive})
	l := servicetest.OK[iam.ListAccessKeysOutput](e, "ListAccessKeys", &iam.ListAccessKeysInput{UserName: s("alice")}).AccessKeyMetadata
	if len(l) != 2 {
		t.Errorf("%d keys", len(l))
	}
	e.Fails("DeleteUser", &iam.DeleteUserInput{UserName: s("alice")}, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
	e.Fails("DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: s("alice"), AccessKeyId: s("AKIA0000000000000000")}, "NoSuchEntity",
		"The Access Key with id AKIA0000000000000000 cannot be found.")
	e.Fails("DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: s("bob"), AccessKeyId: key.AccessKeyId}, "NoSuchEntity", "The user with name bob cannot be found.")
	for _, k := range l {
		servicetest.OK[iam.DeleteAccessKeyOutput](e, "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: s("alice"), AccessKeyId: k.AccessKeyId})
	}
	servicetest.OK[iam.UpdateUserOutput](e, "UpdateUser", &iam.UpdateUserInput{UserName: s("alice"), NewUserName: s("bob"), NewPath: s("/x/")})
	if u := servicetest.OK[iam.GetUserOutput](e, "GetUser", &iam.GetUserInput{UserName: s("bob")}).User; *u.Arn != "arn:aws:iam::111122223333:user/x/bob" {
		t.Errorf("%+v", u)
	}
	servicetest.OK[iam.DeleteUserOutput](e, "DeleteUser", &iam.DeleteUserInput{UserName: s("bob")})
	e.Fails("DeleteUser", &iam.DeleteUserInput{UserName: s("bob")}, "NoSuchEntity", "The user with name bob cannot be found.")
	if keys := servicetest.OK[iam.ListAccessKeysOutput](e, "ListAccessKeys", &iam.ListAccessKeysInput{}).AccessKeyMetadata; len(keys) != 1 || keys[0].UserName != nil {
		t.Errorf("root's keys: %+v", keys)
	}
}

// A user who may only look after himself, below a path.
func TestAuthorization(t *testing.T) {
	e := start(t)
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("alice"), Path: s("/team/")})
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("bob")})
	servicetest.OK[iam.PutUserPolicyOutput](e, "PutUserPolicy", &iam.PutUserPolicyInput{UserName: s("alice"), PolicyName: s("self"), PolicyDocument: s(`{
		"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:GetUser","iam:UpdateUser","iam:ListUserPolicies"],"Resource":"arn:aws:iam::111122223333:user/team/*"},
		{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}}},
		{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + adminARN + `"}}}]}`)})
	key := servicetest.OK[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")}).AccessKey
	e.As(identity.Credentials{AccessKeyID: *key.AccessKeyId})

	if u := servicetest.OK[iam.GetUserOutput](e, "GetUser", &iam.GetUserInput{}).User; *u.UserName != "alice" {
		t.Errorf("%+v", u)
	}
	e.Fails("GetUser", &iam.GetUserInput{UserName: s("bob")}, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/team/alice is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user/bob because no identity-based policy allows the iam:GetUser action")
	e.Fails("GetUser", &iam.GetUserInput{UserName: s("nobody")}, "AccessDenied", "")
	e.Fails("ListUsers", &iam.ListUsersInput{}, "AccessDenied", "")
	e.Fails("CreateAccessKey", &iam.CreateAccessKeyInput{}, "AccessDenied", "")
	e.Fails("UpdateUser", &iam.UpdateUserInput{UserName: s("alice"), NewPath: s("/")}, "AccessDenied", "")
	e.Fails("AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: s("alice"), PolicyArn: s(adminARN)}, "AccessDenied", "")
	servicetest.OK[iam.AttachUserPolicyOutput](e, "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: s("alice"), PolicyArn: s("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
	e.Fails("CreateRole", &iam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trustCloudTrail)}, "AccessDenied", "")
	servicetest.OK[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trustCloudTrail), PermissionsBoundary: s(adminARN)})
	if e.Last()["userIdentity"].(map[string]any)["userName"] != "alice" {
		t.Errorf("%v", e.Last())
	}
	// The attached policy counts from the next time alice is resolved.
	e.As(identity.Credentials{AccessKeyID: *key.AccessKeyId})
	servicetest.OK[iam.ListUsersOutput](e, "ListUsers", &iam.ListUsersInput{})
	servicetest.OK[iam.ListRolesOutput](e, "ListRoles", &iam.ListRolesInput{})
	servicetest.OK[iam.ListPoliciesOutput](e, "ListPolicies", &iam.ListPoliciesInput{})
}

func TestTags(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	role := s("r")
	servicetest.OK[iam.TagRoleOutput](e, "TagRole", &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: s("a"), Value: s("1")}, {Key: s("b"), Value: s("")}}})
	servicetest.OK[iam.TagRoleOutput](e, "TagRole", &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: s("A"), Value: s("2")}}})
	l := servicetest.OK[iam.ListRoleTagsOutput](e, "ListRoleTags", &iam.ListRoleTagsInput{RoleName: role})
	if len(l.Tags) != 2 || *l.Tags[0].Key != "A" || *l.Tags[0].Value != "2" {
		t.Errorf("%+v", l.Tags)
	}
	servicetest.OK[iam.UntagRoleOutput](e, "UntagRole", &iam.UntagRoleInput{RoleName: role, TagKeys: []string{"a", "none"}})
	e.Fails("TagRole", &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: s("aws:x"), Value: s("")}}}, "InvalidInput", "")
	var many []types.Tag
	for i := range 50 {
		many = append(many, types.Tag{Key: s(fmt.Sprint(i)), Value: s("")})
	}
	e.Fails("TagRole", &iam.TagRoleInput{RoleName: role, Tags: many}, "LimitExceeded", "")
	p := servicetest.OK[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(readBucket)}).Policy
	servicetest.OK[iam.TagPolicyOutput](e, "TagPolicy", &iam.TagPolicyInput{PolicyArn: p.Arn, Tags: many})
	servicetest.OK[iam.UntagPolicyOutput](e, "UntagPolicy", &iam.UntagPolicyInput{PolicyArn: p.Arn, TagKeys: []string{"0"}})
	if l := servicetest.OK[iam.ListPolicyTagsOutput](e, "ListPolicyTags", &iam.ListPolicyTagsInput{PolicyArn: p.Arn}); len(l.Tags) != 49 {
		t.Errorf("%d tags", len(l.Tags))
	}
	servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("u"), Tags: many[:1]})
	servicetest.OK[iam.TagUserOutput](e, "TagUser", &iam.TagUserInput{UserName: s("u"), Tags: many[1:2]})
	servicetest.OK[iam.UntagUserOutput](e, "UntagUser", &iam.UntagUserInput{UserName: s("u"), TagKeys: []string{"0"}})
	if l := servicetest.OK[iam.ListUserTagsOutput](e, "ListUserTags", &iam.ListUserTagsInput{UserName: s("u")}); len(l.Tags) != 1 {
		t.Errorf("%+v", l)
	}
}

func TestPaging(t *testing.T) {
	e := start(t)
	for i := range 7 {
		servicetest.OK[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s(fmt.Sprintf("u%d", i))})
	}
	var names []string
	in := &iam.ListUsersInput{MaxItems: aws.Int32(3)}
	for {
		out := servicetest.OK[iam.ListUsersOutput](e, "ListUsers", in)
		for _, u := range out.Users {
			names = append(names, *u.UserName)
		}
		if !out.IsTruncated {
			break
		}
		in.Marker = out.Marker
	}
	if d := cmp.Diff([]string{"u0", "u1", "u2", "u3", "u4", "u5", "u6"}, names); d != "" {
		t.Error(d)
	}
	e.Fails("ListUsers", &iam.ListUsersInput{Marker: s("!")}, "ValidationError", "Invalid Marker.")
	e.Fails("ListUsers", &iam.ListUsersInput{MaxItems: aws.Int32(0)}, "ValidationError", "")
}

func TestAccount(t *testing.T) {
	e := start(t)
	e.Fails("CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: s("-x-")}, "ValidationError", "")
	servicetest.OK[iam.CreateAccountAliasOutput](e, "CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: s("my-account")})
	if l := servicetest.OK[iam.ListAccountAliasesOutput](e, "ListAccountAliases", &iam.ListAccountAliasesInput{}); len(l.AccountAliases) != 1 {
		t.Errorf("%+v", l)
	}
	if m := servicetest.OK[iam.GetAccountSummaryOutput](e, "GetAccountSummary", &iam.GetAccountSummaryInput{}).SummaryMap; m["AccountAccessKeysPresent"] != 1 || m["Users"] != 0 {
		t.Errorf("%v", m)
	}
	servicetest.OK[iam.DeleteAccountAliasOutput](e, "DeleteAccountAlias", &iam.DeleteAccountAliasInput{AccountAlias: s("my-account")})
	e.Fails("DeleteAccountAlias", &iam.DeleteAccountAliasInput{AccountAlias: s("my-account")}, "NoSuchEntity", "")
}

// Every operation's answer must be one the codec can write.
func TestAnswersEncode(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	out := servicetest.OK[iam.GetRoleOutput](e, "GetRole", &iam.GetRoleInput{RoleName: s("r")})
	reply, err := e.API.Codec.Encode("GetRole", "id", out)
	if err != nil || !strings.Contains(string(reply.Body), "<RoleName>r</RoleName>") {
		t.Errorf("%s %v", reply.Body, err)
	}
	in := &iam.CreateRoleInput{}
	if err := e.API.Codec.Decode([]byte("Action=CreateRole&Version=2010-05-08&RoleName=x&Tags.member.1.Key=k&Tags.member.1.Value=v"), in); err != nil || *in.Tags[0].Key != "k" {
		t.Errorf("%+v %v", in, err)
	}
}
