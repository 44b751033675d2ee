package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/iam/paging"
)

// addEntityPolicies adds what users and roles have alike: inline policies,
// attached policies and a permissions boundary.
func (s *Service) addEntityPolicies(a *call.API) {
	s.addUserPolicies(a)
	s.addRolePolicies(a)
}

func (s *Service) addUserPolicies(a *call.API) {
	a.Add(entityOp(s, "user", "PutUserPolicy", func(in *iam.PutUserPolicyInput) *string { return in.UserName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.PutUserPolicyInput) (*iam.PutUserPolicyOutput, error) {
			return done[iam.PutUserPolicyOutput](s.putInline(ctx, h, in.PolicyName, in.PolicyDocument))
		}))
	a.Add(entityOp(s, "user", "GetUserPolicy", func(in *iam.GetUserPolicyInput) *string { return in.UserName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.GetUserPolicyInput) (*iam.GetUserPolicyOutput, error) {
			p, err := s.getInline(h, in.PolicyName)
			if err != nil {
				return nil, err
			}
			return &iam.GetUserPolicyOutput{UserName: &h.name, PolicyName: &p.Name, PolicyDocument: escaped(p.Document)}, nil
		}))
	a.Add(entityOp(s, "user", "ListUserPolicies", func(in *iam.ListUserPoliciesInput) *string { return in.UserName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.ListUserPoliciesInput) (*iam.ListUserPoliciesOutput, error) {
			names, more, next, err := s.listInline(h, in.MaxItems, in.Marker)
			return &iam.ListUserPoliciesOutput{PolicyNames: names, IsTruncated: more, Marker: next}, err
		}))
	a.Add(entityOp(s, "user", "DeleteUserPolicy", func(in *iam.DeleteUserPolicyInput) *string { return in.UserName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.DeleteUserPolicyInput) (*iam.DeleteUserPolicyOutput, error) {
			return done[iam.DeleteUserPolicyOutput](s.deleteInline(ctx, h, in.PolicyName))
		}))
	a.Add(entityOp(s, "user", "AttachUserPolicy", func(in *iam.AttachUserPolicyInput) *string { return in.UserName },
		func(ctx context.Context, g *call.Granted, h holder, in *iam.AttachUserPolicyInput) (*iam.AttachUserPolicyOutput, error) {
			return done[iam.AttachUserPolicyOutput](s.attach(ctx, g, h, in.PolicyArn))
		}, func(in *iam.AttachUserPolicyInput) policy.Context { return policyKey(in.PolicyArn) }))
	a.Add(entityOp(s, "user", "DetachUserPolicy", func(in *iam.DetachUserPolicyInput) *string { return in.UserName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.DetachUserPolicyInput) (*iam.DetachUserPolicyOutput, error) {
			return done[iam.DetachUserPolicyOutput](s.detach(ctx, h, in.PolicyArn))
		}, func(in *iam.DetachUserPolicyInput) policy.Context { return policyKey(in.PolicyArn) }))
	a.Add(entityOp(s, "user", "ListAttachedUserPolicies", func(in *iam.ListAttachedUserPoliciesInput) *string { return in.UserName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.ListAttachedUserPoliciesInput) (*iam.ListAttachedUserPoliciesOutput, error) {
			list, more, next, err := s.listAttached(h, in.PathPrefix, in.MaxItems, in.Marker)
			return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: list, IsTruncated: more, Marker: next}, err
		}))
	a.Add(entityOp(s, "user", "PutUserPermissionsBoundary", func(in *iam.PutUserPermissionsBoundaryInput) *string { return in.UserName },
		func(ctx context.Context, g *call.Granted, h holder, in *iam.PutUserPermissionsBoundaryInput) (*iam.PutUserPermissionsBoundaryOutput, error) {
			return done[iam.PutUserPermissionsBoundaryOutput](s.setBoundary(ctx, g, h, in.PermissionsBoundary))
		}, func(in *iam.PutUserPermissionsBoundaryInput) policy.Context {
			return boundaryKey(in.PermissionsBoundary)
		}))
	a.Add(entityOp(s, "user", "DeleteUserPermissionsBoundary", func(in *iam.DeleteUserPermissionsBoundaryInput) *string { return in.UserName },
		func(ctx context.Context, _ *call.Granted, h holder, _ *iam.DeleteUserPermissionsBoundaryInput) (*iam.DeleteUserPermissionsBoundaryOutput, error) {
			return done[iam.DeleteUserPermissionsBoundaryOutput](s.dropBoundary(ctx, h))
		}))
}

func (s *Service) addRolePolicies(a *call.API) {
	a.Add(entityOp(s, "role", "PutRolePolicy", func(in *iam.PutRolePolicyInput) *string { return in.RoleName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
			return done[iam.PutRolePolicyOutput](s.putInline(ctx, h, in.PolicyName, in.PolicyDocument))
		}))
	a.Add(entityOp(s, "role", "GetRolePolicy", func(in *iam.GetRolePolicyInput) *string { return in.RoleName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
			p, err := s.getInline(h, in.PolicyName)
			if err != nil {
				return nil, err
			}
			return &iam.GetRolePolicyOutput{RoleName: &h.name, PolicyName: &p.Name, PolicyDocument: escaped(p.Document)}, nil
		}))
	a.Add(entityOp(s, "role", "ListRolePolicies", func(in *iam.ListRolePoliciesInput) *string { return in.RoleName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
			names, more, next, err := s.listInline(h, in.MaxItems, in.Marker)
			return &iam.ListRolePoliciesOutput{PolicyNames: names, IsTruncated: more, Marker: next}, err
		}))
	a.Add(entityOp(s, "role", "DeleteRolePolicy", func(in *iam.DeleteRolePolicyInput) *string { return in.RoleName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
			return done[iam.DeleteRolePolicyOutput](s.deleteInline(ctx, h, in.PolicyName))
		}))
	a.Add(entityOp(s, "role", "AttachRolePolicy", func(in *iam.AttachRolePolicyInput) *string { return in.RoleName },
		func(ctx context.Context, g *call.Granted, h holder, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
			return done[iam.AttachRolePolicyOutput](s.attach(ctx, g, h, in.PolicyArn))
		}, func(in *iam.AttachRolePolicyInput) policy.Context { return policyKey(in.PolicyArn) }))
	a.Add(entityOp(s, "role", "DetachRolePolicy", func(in *iam.DetachRolePolicyInput) *string { return in.RoleName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
			return done[iam.DetachRolePolicyOutput](s.detach(ctx, h, in.PolicyArn))
		}, func(in *iam.DetachRolePolicyInput) policy.Context { return policyKey(in.PolicyArn) }))
	a.Add(entityOp(s, "role", "ListAttachedRolePolicies", func(in *iam.ListAttachedRolePoliciesInput) *string { return in.RoleName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
			list, more, next, err := s.listAttached(h, in.PathPrefix, in.MaxItems, in.Marker)
			return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: list, IsTruncated: more, Marker: next}, err
		}))
	a.Add(entityOp(s, "role", "PutRolePermissionsBoundary", func(in *iam.PutRolePermissionsBoundaryInput) *string { return in.RoleName },
		func(ctx context.Context, g *call.Granted, h holder, in *iam.PutRolePermissionsBoundaryInput) (*iam.PutRolePermissionsBoundaryOutput, error) {
			return done[iam.PutRolePermissionsBoundaryOutput](s.setBoundary(ctx, g, h, in.PermissionsBoundary))
		}, func(in *iam.PutRolePermissionsBoundaryInput) policy.Context {
			return boundaryKey(in.PermissionsBoundary)
		}))
	a.Add(entityOp(s, "role", "DeleteRolePermissionsBoundary", func(in *iam.DeleteRolePermissionsBoundaryInput) *string { return in.RoleName },
		func(ctx context.Context, _ *call.Granted, h holder, _ *iam.DeleteRolePermissionsBoundaryInput) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
			return done[iam.DeleteRolePermissionsBoundaryOutput](s.dropBoundary(ctx, h))
		}))
}

// policyKey is the condition key of operations that attach or detach a policy.
func policyKey(policyARN *string) policy.Context {
	return policy.Context{"iam:policyarn": {aws.ToString(policyARN)}}
}

// boundaryKey is the condition key of operations that set a boundary: the one
// that is to be.
func boundaryKey(policyARN *string) policy.Context {
	return policy.Context{"iam:permissionsboundary": {aws.ToString(policyARN)}}
}

func noInline(h holder, name string) *awserr.Error {
	return notFound("The %s policy with name %s cannot be found.", h.kind, name)
}

func (s *Service) putInline(ctx context.Context, h holder, name, document *string) error {
	if err := checkName("policyName", name, maxPolicyName); err != nil {
		return err
	}
	if err := checkIdentityPolicy("policyDocument", document); err != nil {
		return err
	}
	return s.change(ctx, h, func(e *identity.Entity) error {
		p := identity.InlinePolicy{Name: *name, Document: *document}
		if i := slices.IndexFunc(e.Inline, func(p identity.InlinePolicy) bool { return p.Name == *name }); i >= 0 {
			e.Inline[i] = p
		} else {
			e.Inline = append(e.Inline, p)
		}
		size := 0
		for _, p := range e.Inline {
			size += policy.Size(p.Document)
		}
		if size > maxInline[h.kind] {
			return limit("Maximum policy size of %d bytes exceeded for %s %s", maxInline[h.kind], h.kind, h.name)
		}
		return nil
	})
}

func (s *Service) getInline(h holder, name *string) (*identity.InlinePolicy, error) {
	if err := checkName("policyName", name, maxPolicyName); err != nil {
		return nil, err
	}
	e, _, err := s.entity(h)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(e.Inline, func(p identity.InlinePolicy) bool { return p.Name == *name })
	if i < 0 {
		return nil, noInline(h, *name)
	}
	return &e.Inline[i], nil
}

func (s *Service) listInline(h holder, size *int32, marker *string) ([]string, bool, *string, error) {
	e, _, err := s.entity(h)
	if err != nil {
		return nil, false, nil, err
	}
	names := each(e.Inline, func(p identity.InlinePolicy) string { return p.Name })
	slices.Sort(names)
	return paging.Page(names, size, marker, func(n string) string { return n })
}

func (s *Service) deleteInline(ctx context.Context, h holder, name *string) error {
	if err := checkName("policyName", name, maxPolicyName); err != nil {
		return err
	}
	return s.change(ctx, h, func(e *identity.Entity) error {
		i := slices.IndexFunc(e.Inline, func(p identity.InlinePolicy) bool { return p.Name == *name })
		if i < 0 {
			return noInline(h, *name)
		}
		e.Inline = slices.Delete(e.Inline, i, i+1)
		return nil
	})
}

// attach attaches a managed policy; attaching it again changes nothing.
func (s *Service) attach(ctx context.Context, g *call.Granted, h holder, policyARN *string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	if err := s.ownPolicy(g.Call, *policyARN); err != nil {
		return err
	}
	if _, _, err := s.entity(h); err != nil {
		return err
	}
	err := s.store.Attaching(*policyARN, func() error {
		return s.change(ctx, h, func(e *identity.Entity) error {
			if slices.Contains(e.Attached, *policyARN) {
				return nil
			}
			if len(e.Attached) >= maxAttached {
				return limit("Cannot exceed quota for PoliciesPer%s: %d", strings.ToUpper(h.kind[:1])+h.kind[1:], maxAttached)
			}
			e.Attached = append(e.Attached, *policyARN)
			return nil
		})
	})
	return absent(err, notFound("Policy %s does not exist or is not attachable.", *policyARN))
}

func (s *Service) detach(ctx context.Context, h holder, policyARN *string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	return s.change(ctx, h, func(e *identity.Entity) error {
		i := slices.Index(e.Attached, *policyARN)
		if i < 0 {
			return notFound("Policy %s was not found.", *policyARN)
		}
		e.Attached = slices.Delete(e.Attached, i, i+1)
		return nil
	})
}

func (s *Service) listAttached(h holder, prefix *string, size *int32, marker *string) ([]types.AttachedPolicy, bool, *string, error) {
	e, _, err := s.entity(h)
	if err != nil {
		return nil, false, nil, err
	}
	arns := underPath(e.Attached, prefix, func(a string) string { return a[strings.IndexByte(a, '/') : strings.LastIndexByte(a, '/')+1] })
	arns = sortedBy(arns, func(a string) string { return a })
	part, more, next, err := paging.Page(arns, size, marker, func(a string) string { return a })
	return each(part, func(a string) types.AttachedPolicy {
		return types.AttachedPolicy{PolicyArn: &a, PolicyName: aws.String(a[strings.LastIndexByte(a, '/')+1:])}
	}), more, next, err
}

func (s *Service) setBoundary(ctx context.Context, g *call.Granted, h holder, policyARN *string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	if err := s.ownPolicy(g.Call, *policyARN); err != nil {
		return err
	}
	if _, _, err := s.entity(h); err != nil {
		return err
	}
	return s.bounded(*policyARN, func() error {
		return s.change(ctx, h, func(e *identity.Entity) error {
			e.Boundary = *policyARN
			return nil
		})
	})
}

func (s *Service) dropBoundary(ctx context.Context, h holder) error {
	return s.change(ctx, h, func(e *identity.Entity) error {
		if e.Boundary == "" {
			return notFound("The %s with name %s does not have a permissions boundary.", h.kind, h.name)
		}
		e.Boundary = ""
		return nil
	})
}
