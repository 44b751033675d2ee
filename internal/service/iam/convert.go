package iam

import (
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/identity"
)

// escaped is a policy text as replies carry it: URL-encoded as RFC 3986 says.
func escaped(text string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(text), "+", "%20"))
}

// userBrief is a user as listings show it; userFull adds tags and boundary.
func userBrief(u *identity.User) *types.User {
	return &types.User{
		Path: &u.Path, UserName: &u.Name, UserId: &u.ID, Arn: aws.String(u.ARN()), CreateDate: &u.Created,
	}
}

func userFull(u *identity.User) *types.User {
	out := userBrief(u)
	out.Tags, out.PermissionsBoundary = tagsOut(u.Tags), boundaryOut(u.Boundary)
	return out
}

// roleBrief is a role as listings show it; roleFull adds tags and boundary.
func (s *Service) roleBrief(r *identity.Role) *types.Role {
	out := &types.Role{
		Path: &r.Path, RoleName: &r.Name, RoleId: &r.ID, Arn: aws.String(r.ARN()), CreateDate: &r.Created,
		AssumeRolePolicyDocument: escaped(s.store.ShowPrincipals(r.Trust)), MaxSessionDuration: &r.MaxSession,
	}
	if r.Description != "" {
		out.Description = &r.Description
	}
	return out
}

func (s *Service) roleFull(r *identity.Role) *types.Role {
	out := s.roleBrief(r)
	out.Tags, out.PermissionsBoundary = tagsOut(r.Tags), boundaryOut(r.Boundary)
	// When the role was last used is not kept: it would need a write per call.
	out.RoleLastUsed = &types.RoleLastUsed{}
	return out
}

// policyBrief is a managed policy as listings show it.
func policyBrief(p *identity.ManagedPolicy, use identity.Use) *types.Policy {
	return &types.Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: aws.String(p.ARN()), Path: &p.Path, DefaultVersionId: &p.Default,
		AttachmentCount: &use.Attached, PermissionsBoundaryUsageCount: &use.Boundary, IsAttachable: true,
		CreateDate: &p.Created, UpdateDate: &p.Updated,
	}
}

// policyFull adds what only GetPolicy shows.
func policyFull(p *identity.ManagedPolicy, use identity.Use) *types.Policy {
	out := policyBrief(p, use)
	out.Tags = tagsOut(p.Tags)
	if p.Description != "" {
		out.Description = &p.Description
	}
	return out
}

func tagsOut(tags []identity.Tag) []types.Tag {
	out := make([]types.Tag, len(tags))
	for i := range tags {
		out[i] = types.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	if len(out) == 0 {
		return nil // an entity without tags has no Tags member
	}
	return out
}

func boundaryOut(policyARN string) *types.AttachedPermissionsBoundary {
	if policyARN == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn: &policyARN, PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
	}
}

// each converts every element of a list.
func each[A, B any](all []A, convert func(A) B) []B {
	out := make([]B, len(all))
	for i, a := range all {
		out[i] = convert(a)
	}
	return out
}
