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

	"cairn/internal/identity"
)

const (
	trustCloudTrail = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	readBucket      = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/a b+c*"}]}`
	adminARN        = "arn:aws:iam::aws:policy/AdministratorAccess"
)

var s = aws.String

func createRole(e *engine, name string) *iam.CreateRoleOutput {
	e.t.Helper()
	return ok[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{RoleName: s(name), AssumeRolePolicyDocument: s(trustCloudTrail)})
}

func TestRoleLife(t *testing.T) {
	e := start(t)
	made := ok[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{
		RoleName: s("trail"), Path: s("/audit/"), AssumeRolePolicyDocument: s(trustCloudTrail), Description: s("d"),
		MaxSessionDuration: aws.Int32(7200), Tags: []types.Tag{{Key: s("k"), Value: s("v")}},
	}).Role
	if *made.Arn != "arn:aws:iam::111122223333:role/audit/trail" || !strings.HasPrefix(*made.RoleId, "AROA") || !made.CreateDate.Equal(now) {
		t.Errorf("%+v", made)
	}
	rec := e.last()
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

	got := ok[iam.GetRoleOutput](e, "GetRole", &iam.GetRoleInput{RoleName: s("trail")}).Role
	if text, err := url.PathUnescape(*got.AssumeRolePolicyDocument); err != nil || text != trustCloudTrail {
		t.Errorf("trust policy %q", *got.AssumeRolePolicyDocument)
	}
	if *got.MaxSessionDuration != 7200 || *got.Description != "d" || len(got.Tags) != 1 {
		t.Errorf("%+v", got)
	}
	ok[iam.UpdateRoleOutput](e, "UpdateRole", &iam.UpdateRoleInput{RoleName: s("trail")})
	ok[iam.UpdateAssumeRolePolicyOutput](e, "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: s("trail"), PolicyDocument: s(trustCloudTrail)})
	if e.last()["responseElements"] != nil {
		t.Error("UpdateAssumeRolePolicy records a response")
	}
	got = ok[iam.UpdateRoleDescriptionOutput](e, "UpdateRoleDescription", &iam.UpdateRoleDescriptionInput{RoleName: s("trail"), Description: s("")}).Role
	if *got.MaxSessionDuration != 3600 || got.Description != nil {
		t.Errorf("%+v", got)
	}
	if l := ok[iam.ListRolesOutput](e, "ListRoles", &iam.ListRolesInput{PathPrefix: s("/audit/")}); len(l.Roles) != 1 || l.Roles[0].Tags != nil {
		t.Errorf("%+v", l)
	}
	if l := ok[iam.ListInstanceProfilesForRoleOutput](e, "ListInstanceProfilesForRole", &iam.ListInstanceProfilesForRoleInput{RoleName: s("trail")}); len(l.InstanceProfiles) != 0 {
		t.Errorf("%+v", l)
	}
	ok[iam.DeleteRoleOutput](e, "DeleteRole", &iam.DeleteRoleInput{RoleName: s("trail")})
	e.fails("GetRole", &iam.GetRoleInput{RoleName: s("trail")}, "NoSuchEntity", "The role with name trail cannot be found.")
	if e.last()["errorCode"] != "NoSuchEntityException" {
		t.Errorf("recorded code %v", e.last()["errorCode"])
	}
}

func TestRoleRefusals(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	e.fails("CreateRole", &iam.CreateRoleInput{RoleName: s("R"), AssumeRolePolicyDocument: s(trustCloudTrail)}, "EntityAlreadyExists", "Role with name R already exists.")
	e.fails("CreateRole", &iam.CreateRoleInput{AssumeRolePolicyDocument: s(trustCloudTrail)}, "ValidationError",
		"1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null")
	e.fails("CreateRole", &iam.CreateRoleInput{RoleName: s("a/b"), AssumeRolePolicyDocument: s(trustCloudTrail)}, "ValidationError",
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
		e.fails("CreateRole", in, name, "")
	}
	for _, seconds := range []int32{3599, 43201} {
		e.fails("UpdateRole", &iam.UpdateRoleInput{RoleName: s("r"), MaxSessionDuration: &seconds}, "ValidationError", "")
	}
	strange := strings.Replace(trustCloudTrail, `"Service":"cloudtrail.amazonaws.com"`, `"AWS":"arn:aws:iam::111122223333:user/nobody"`, 1)
	e.fails("UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: s("r"), PolicyDocument: &strange}, "MalformedPolicyDocument",
		`Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/nobody"`)
	elsewhere := strings.Replace(strange, account, "999988887777", 1)
	ok[iam.UpdateAssumeRolePolicyOutput](e, "UpdateAssumeRolePolicy", &iam.UpdateAssumeRolePolicyInput{RoleName: s("r"), PolicyDocument: &elsewhere})
}

func TestInlineAndAttached(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	role := s("r")
	ok[iam.PutRolePolicyOutput](e, "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("p"), PolicyDocument: s(readBucket)})
	ok[iam.PutRolePolicyOutput](e, "PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("p"), PolicyDocument: s(readBucket)})
	got := ok[iam.GetRolePolicyOutput](e, "GetRolePolicy", &iam.GetRolePolicyInput{RoleName: role, PolicyName: s("p")})
	if text, err := url.PathUnescape(*got.PolicyDocument); err != nil || text != readBucket || strings.Contains(*got.PolicyDocument, "+") {
		t.Errorf("document %s", *got.PolicyDocument)
	}
	if l := ok[iam.ListRolePoliciesOutput](e, "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: role}); len(l.PolicyNames) != 1 {
		t.Errorf("%+v", l)
	}
	e.fails("DeleteRole", &iam.DeleteRoleInput{RoleName: role}, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	big := strings.Replace(readBucket, "a b+c*", strings.Repeat("x", 10240), 1)
	e.fails("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("big"), PolicyDocument: &big}, "LimitExceeded",
		"Maximum policy size of 10240 bytes exceeded for role r")
	e.fails("PutRolePolicy", &iam.PutRolePolicyInput{RoleName: role, PolicyName: s("q"), PolicyDocument: s(trustCloudTrail)}, "MalformedPolicyDocument", "")
	e.fails("GetRolePolicy", &iam.GetRolePolicyInput{RoleName: role, PolicyName: s("q")}, "NoSuchEntity", "The role policy with name q cannot be found.")
	ok[iam.DeleteRolePolicyOutput](e, "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: s("p")})

	ok[iam.AttachRolePolicyOutput](e, "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: s(adminARN)})
	l := ok[iam.ListAttachedRolePoliciesOutput](e, "ListAttachedRolePolicies", &iam.ListAttachedRolePoliciesInput{RoleName: role})
	if d := cmp.Diff("AdministratorAccess", *l.AttachedPolicies[0].PolicyName); d != "" {
		t.Error(d)
	}
	e.fails("DeleteRole", &iam.DeleteRoleInput{RoleName: role}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	e.fails("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: s("arn:aws:iam::aws:policy/Nope")}, "NoSuchEntity",
		"Policy arn:aws:iam::aws:policy/Nope does not exist or is not attachable.")
	e.fails("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: role, PolicyArn: s("nonsense")}, "InvalidInput", "ARN nonsense is not valid.")
	e.fails("AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: s("none"), PolicyArn: s(adminARN)}, "NoSuchEntity", "The role with name none cannot be found.")
	ok[iam.DetachRolePolicyOutput](e, "DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: s(adminARN)})
	e.fails("DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: s(adminARN)}, "NoSuchEntity", "")

	ok[iam.PutRolePermissionsBoundaryOutput](e, "PutRolePermissionsBoundary", &iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: s(adminARN)})
	if r := ok[iam.GetRoleOutput](e, "GetRole", &iam.GetRoleInput{RoleName: role}).Role; *r.PermissionsBoundary.PermissionsBoundaryArn != adminARN {
		t.Errorf("%+v", r.PermissionsBoundary)
	}
	ok[iam.DeleteRolePermissionsBoundaryOutput](e, "DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: role})
	e.fails("DeleteRolePermissionsBoundary", &iam.DeleteRolePermissionsBoundaryInput{RoleName: role}, "NoSuchEntity", "")
}

func TestAttachQuota(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	for i := range 11 {
		p := ok[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s(fmt.Sprintf("p%d", i)), PolicyDocument: s(readBucket)}).Policy
		in := &iam.AttachRolePolicyInput{RoleName: s("r"), PolicyArn: p.Arn}
		if i == 10 {
			e.fails("AttachRolePolicy", in, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
		} else {
			ok[iam.AttachRolePolicyOutput](e, "AttachRolePolicy", in)
		}
	}
}

func TestManagedPolicy(t *testing.T) {
	e := start(t)
	p := ok[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("Own"), PolicyDocument: s(readBucket), Description: s("d")}).Policy
	if *p.DefaultVersionId != "v1" || *p.AttachmentCount != 0 || !strings.HasPrefix(*p.PolicyId, "ANPA") {
		t.Errorf("%+v", p)
	}
	e.fails("CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("own"), PolicyDocument: s(readBucket)}, "EntityAlreadyExists", "A policy called own already exists. Duplicate names are not allowed.")
	for range 4 {
		ok[iam.CreatePolicyVersionOutput](e, "CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: p.Arn, PolicyDocument: s(readBucket), SetAsDefault: true})
	}
	e.fails("CreatePolicyVersion", &iam.CreatePolicyVersionInput{PolicyArn: p.Arn, PolicyDocument: s(readBucket)}, "LimitExceeded", "")
	ok[iam.SetDefaultPolicyVersionOutput](e, "SetDefaultPolicyVersion", &iam.SetDefaultPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v2")})
	e.fails("DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v2")}, "DeleteConflict", "Cannot delete the default version of a policy.")
	e.fails("GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v9")}, "NoSuchEntity", "")
	e.fails("GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("9")}, "ValidationError", "")
	if v := ok[iam.GetPolicyVersionOutput](e, "GetPolicyVersion", &iam.GetPolicyVersionInput{PolicyArn: p.Arn, VersionId: s("v2")}).PolicyVersion; !v.IsDefaultVersion || v.Document == nil {
		t.Errorf("%+v", v)
	}
	first := ok[iam.ListPolicyVersionsOutput](e, "ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyArn: p.Arn, MaxItems: aws.Int32(3)})
	second := ok[iam.ListPolicyVersionsOutput](e, "ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyArn: p.Arn, Marker: first.Marker})
	if len(first.Versions) != 3 || *first.Versions[0].VersionId != "v5" || len(second.Versions) != 2 || *second.Versions[1].VersionId != "v1" || second.IsTruncated {
		t.Errorf("%+v %+v", first, second)
	}
	e.fails("DeletePolicy", &iam.DeletePolicyInput{PolicyArn: p.Arn}, "DeleteConflict", "")
	for _, v := range []string{"v1", "v3", "v4", "v5"} {
		ok[iam.DeletePolicyVersionOutput](e, "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: p.Arn, VersionId: &v})
	}

	createRole(e, "r")
	ok[iam.AttachRolePolicyOutput](e, "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: s("r"), PolicyArn: p.Arn})
	e.fails("DeletePolicy", &iam.DeletePolicyInput{PolicyArn: p.Arn}, "DeleteConflict", "Cannot delete a policy attached to entities.")
	users := ok[iam.ListEntitiesForPolicyOutput](e, "ListEntitiesForPolicy", &iam.ListEntitiesForPolicyInput{PolicyArn: p.Arn})
	if len(users.PolicyRoles) != 1 || len(users.PolicyUsers) != 0 {
		t.Errorf("%+v", users)
	}
	if l := ok[iam.ListPoliciesOutput](e, "ListPolicies", &iam.ListPoliciesInput{OnlyAttached: true}); len(l.Policies) != 1 || *l.Policies[0].AttachmentCount != 1 {
		t.Errorf("%+v", l)
	}
	if l := ok[iam.ListPoliciesOutput](e, "ListPolicies", &iam.ListPoliciesInput{}); len(l.Policies) != 11 {
		t.Errorf("%d policies, want ten of AWS and ours", len(l.Policies))
	}
	ok[iam.DetachRolePolicyOutput](e, "DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: s("r"), PolicyArn: p.Arn})
	ok[iam.DeletePolicyOutput](e, "DeletePolicy", &iam.DeletePolicyInput{PolicyArn: p.Arn})
	e.fails("GetPolicy", &iam.GetPolicyInput{PolicyArn: p.Arn}, "NoSuchEntity", "Policy "+*p.Arn+" was not found.")
	e.fails("DeletePolicy", &iam.DeletePolicyInput{PolicyArn: s(adminARN)}, "AccessDenied", "")
	ok[iam.GetPolicyOutput](e, "GetPolicy", &iam.GetPolicyInput{PolicyArn: s(adminARN)})
}

func TestUserAndKeys(t *testing.T) {
	e := start(t)
	if u := ok[iam.GetUserOutput](e, "GetUser", &iam.GetUserInput{}).User; *u.Arn != "arn:aws:iam::111122223333:root" || u.UserName != nil {
		t.Errorf("%+v", u)
	}
	ok[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("alice")})
	e.fails("CreateUser", &iam.CreateUserInput{UserName: s("Alice")}, "EntityAlreadyExists", "User with name Alice already exists.")
	key := ok[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")}).AccessKey
	for _, r := range e.records {
		if strings.Contains(string(r.JSON), *key.SecretAccessKey) {
			t.Fatalf("a record holds the secret: %s", r.JSON)
		}
	}
	recorded := e.last()["responseElements"].(map[string]any)["accessKey"].(map[string]any)
	if d := cmp.Diff(map[string]any{"userName": "alice", "accessKeyId": *key.AccessKeyId, "status": "Active", "createDate": "Nov 23, 2026 12:00:05 PM"}, recorded); d != "" {
		t.Error(d)
	}
	ok[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")})
	e.fails("CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")}, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	ok[iam.UpdateAccessKeyOutput](e, "UpdateAccessKey", &iam.UpdateAccessKeyInput{UserName: s("alice"), AccessKeyId: key.AccessKeyId, Status: types.StatusTypeInactive})
	l := ok[iam.ListAccessKeysOutput](e, "ListAccessKeys", &iam.ListAccessKeysInput{UserName: s("alice")}).AccessKeyMetadata
	if len(l) != 2 {
		t.Errorf("%d keys", len(l))
	}
	e.fails("DeleteUser", &iam.DeleteUserInput{UserName: s("alice")}, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
	e.fails("DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: s("alice"), AccessKeyId: s("AKIA0000000000000000")}, "NoSuchEntity",
		"The Access Key with id AKIA0000000000000000 cannot be found.")
	e.fails("DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: s("bob"), AccessKeyId: key.AccessKeyId}, "NoSuchEntity", "The user with name bob cannot be found.")
	for _, k := range l {
		ok[iam.DeleteAccessKeyOutput](e, "DeleteAccessKey", &iam.DeleteAccessKeyInput{UserName: s("alice"), AccessKeyId: k.AccessKeyId})
	}
	ok[iam.UpdateUserOutput](e, "UpdateUser", &iam.UpdateUserInput{UserName: s("alice"), NewUserName: s("bob"), NewPath: s("/x/")})
	if u := ok[iam.GetUserOutput](e, "GetUser", &iam.GetUserInput{UserName: s("bob")}).User; *u.Arn != "arn:aws:iam::111122223333:user/x/bob" {
		t.Errorf("%+v", u)
	}
	ok[iam.DeleteUserOutput](e, "DeleteUser", &iam.DeleteUserInput{UserName: s("bob")})
	e.fails("DeleteUser", &iam.DeleteUserInput{UserName: s("bob")}, "NoSuchEntity", "The user with name bob cannot be found.")
	if keys := ok[iam.ListAccessKeysOutput](e, "ListAccessKeys", &iam.ListAccessKeysInput{}).AccessKeyMetadata; len(keys) != 1 || keys[0].UserName != nil {
		t.Errorf("root's keys: %+v", keys)
	}
}

// A user who may only look after himself, below a path.
func TestAuthorization(t *testing.T) {
	e := start(t)
	ok[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("alice"), Path: s("/team/")})
	ok[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("bob")})
	ok[iam.PutUserPolicyOutput](e, "PutUserPolicy", &iam.PutUserPolicyInput{UserName: s("alice"), PolicyName: s("self"), PolicyDocument: s(`{
		"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:GetUser","iam:UpdateUser","iam:ListUserPolicies"],"Resource":"arn:aws:iam::111122223333:user/team/*"},
		{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}}},
		{"Effect":"Allow","Action":"iam:CreateRole","Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"` + adminARN + `"}}}]}`)})
	key := ok[iam.CreateAccessKeyOutput](e, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: s("alice")}).AccessKey
	e.as(identity.Credentials{AccessKeyID: *key.AccessKeyId})

	if u := ok[iam.GetUserOutput](e, "GetUser", &iam.GetUserInput{}).User; *u.UserName != "alice" {
		t.Errorf("%+v", u)
	}
	e.fails("GetUser", &iam.GetUserInput{UserName: s("bob")}, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/team/alice is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user/bob because no identity-based policy allows the iam:GetUser action")
	e.fails("GetUser", &iam.GetUserInput{UserName: s("nobody")}, "AccessDenied", "")
	e.fails("ListUsers", &iam.ListUsersInput{}, "AccessDenied", "")
	e.fails("CreateAccessKey", &iam.CreateAccessKeyInput{}, "AccessDenied", "")
	e.fails("UpdateUser", &iam.UpdateUserInput{UserName: s("alice"), NewPath: s("/")}, "AccessDenied", "")
	e.fails("AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: s("alice"), PolicyArn: s(adminARN)}, "AccessDenied", "")
	ok[iam.AttachUserPolicyOutput](e, "AttachUserPolicy", &iam.AttachUserPolicyInput{UserName: s("alice"), PolicyArn: s("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
	e.fails("CreateRole", &iam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trustCloudTrail)}, "AccessDenied", "")
	ok[iam.CreateRoleOutput](e, "CreateRole", &iam.CreateRoleInput{RoleName: s("r"), AssumeRolePolicyDocument: s(trustCloudTrail), PermissionsBoundary: s(adminARN)})
	if e.last()["userIdentity"].(map[string]any)["userName"] != "alice" {
		t.Errorf("%v", e.last())
	}
	// The attached policy counts from the next time alice is resolved.
	e.as(identity.Credentials{AccessKeyID: *key.AccessKeyId})
	ok[iam.ListUsersOutput](e, "ListUsers", &iam.ListUsersInput{})
	ok[iam.ListRolesOutput](e, "ListRoles", &iam.ListRolesInput{})
	ok[iam.ListPoliciesOutput](e, "ListPolicies", &iam.ListPoliciesInput{})
}

func TestTags(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	role := s("r")
	ok[iam.TagRoleOutput](e, "TagRole", &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: s("a"), Value: s("1")}, {Key: s("b"), Value: s("")}}})
	ok[iam.TagRoleOutput](e, "TagRole", &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: s("A"), Value: s("2")}}})
	l := ok[iam.ListRoleTagsOutput](e, "ListRoleTags", &iam.ListRoleTagsInput{RoleName: role})
	if len(l.Tags) != 2 || *l.Tags[0].Key != "A" || *l.Tags[0].Value != "2" {
		t.Errorf("%+v", l.Tags)
	}
	ok[iam.UntagRoleOutput](e, "UntagRole", &iam.UntagRoleInput{RoleName: role, TagKeys: []string{"a", "none"}})
	e.fails("TagRole", &iam.TagRoleInput{RoleName: role, Tags: []types.Tag{{Key: s("aws:x"), Value: s("")}}}, "InvalidInput", "")
	var many []types.Tag
	for i := range 50 {
		many = append(many, types.Tag{Key: s(fmt.Sprint(i)), Value: s("")})
	}
	e.fails("TagRole", &iam.TagRoleInput{RoleName: role, Tags: many}, "LimitExceeded", "")
	p := ok[iam.CreatePolicyOutput](e, "CreatePolicy", &iam.CreatePolicyInput{PolicyName: s("p"), PolicyDocument: s(readBucket)}).Policy
	ok[iam.TagPolicyOutput](e, "TagPolicy", &iam.TagPolicyInput{PolicyArn: p.Arn, Tags: many})
	ok[iam.UntagPolicyOutput](e, "UntagPolicy", &iam.UntagPolicyInput{PolicyArn: p.Arn, TagKeys: []string{"0"}})
	if l := ok[iam.ListPolicyTagsOutput](e, "ListPolicyTags", &iam.ListPolicyTagsInput{PolicyArn: p.Arn}); len(l.Tags) != 49 {
		t.Errorf("%d tags", len(l.Tags))
	}
	ok[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s("u"), Tags: many[:1]})
	ok[iam.TagUserOutput](e, "TagUser", &iam.TagUserInput{UserName: s("u"), Tags: many[1:2]})
	ok[iam.UntagUserOutput](e, "UntagUser", &iam.UntagUserInput{UserName: s("u"), TagKeys: []string{"0"}})
	if l := ok[iam.ListUserTagsOutput](e, "ListUserTags", &iam.ListUserTagsInput{UserName: s("u")}); len(l.Tags) != 1 {
		t.Errorf("%+v", l)
	}
}

func TestPaging(t *testing.T) {
	e := start(t)
	for i := range 7 {
		ok[iam.CreateUserOutput](e, "CreateUser", &iam.CreateUserInput{UserName: s(fmt.Sprintf("u%d", i))})
	}
	var names []string
	in := &iam.ListUsersInput{MaxItems: aws.Int32(3)}
	for {
		out := ok[iam.ListUsersOutput](e, "ListUsers", in)
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
	e.fails("ListUsers", &iam.ListUsersInput{Marker: s("!")}, "ValidationError", "Invalid Marker.")
	e.fails("ListUsers", &iam.ListUsersInput{MaxItems: aws.Int32(0)}, "ValidationError", "")
}

func TestAccount(t *testing.T) {
	e := start(t)
	e.fails("CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: s("-x-")}, "ValidationError", "")
	ok[iam.CreateAccountAliasOutput](e, "CreateAccountAlias", &iam.CreateAccountAliasInput{AccountAlias: s("my-account")})
	if l := ok[iam.ListAccountAliasesOutput](e, "ListAccountAliases", &iam.ListAccountAliasesInput{}); len(l.AccountAliases) != 1 {
		t.Errorf("%+v", l)
	}
	if m := ok[iam.GetAccountSummaryOutput](e, "GetAccountSummary", &iam.GetAccountSummaryInput{}).SummaryMap; m["AccountAccessKeysPresent"] != 1 || m["Users"] != 0 {
		t.Errorf("%v", m)
	}
	ok[iam.DeleteAccountAliasOutput](e, "DeleteAccountAlias", &iam.DeleteAccountAliasInput{AccountAlias: s("my-account")})
	e.fails("DeleteAccountAlias", &iam.DeleteAccountAliasInput{AccountAlias: s("my-account")}, "NoSuchEntity", "")
}

// Every operation's answer must be one the codec can write.
func TestAnswersEncode(t *testing.T) {
	e := start(t)
	createRole(e, "r")
	out := ok[iam.GetRoleOutput](e, "GetRole", &iam.GetRoleInput{RoleName: s("r")})
	reply, err := e.api.Codec.Encode("GetRole", "id", out)
	if err != nil || !strings.Contains(string(reply.Body), "<RoleName>r</RoleName>") {
		t.Errorf("%s %v", reply.Body, err)
	}
	in := &iam.CreateRoleInput{}
	if err := e.api.Codec.Decode([]byte("Action=CreateRole&Version=2010-05-08&RoleName=x&Tags.member.1.Key=k&Tags.member.1.Value=v"), in); err != nil || *in.Tags[0].Key != "k" {
		t.Errorf("%+v %v", in, err)
	}
}
