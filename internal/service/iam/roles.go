package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/iam/paging"
)

// Bounds of a role's MaxSessionDuration, in seconds.
const (
	minSession = 3600
	maxSession = 43200
)

func (s *Service) addRoles(a *call.API) {
	create := call.New("CreateRole", s.createRole)
	create.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*iam.CreateRoleInput)
		return s.creates(c, "role", newEntity{in.RoleName, in.Path, in.PermissionsBoundary, in.Tags})
	}
	a.Add(create)
	a.Add(entityOp(s, "role", "GetRole", func(in *iam.GetRoleInput) *string { return in.RoleName }, s.getRole))
	list := call.New("ListRoles", s.listRoles)
	list.ReadOnly = true
	list.Authorize = listing("role")
	a.Add(list)
	a.Add(entityOp(s, "role", "DeleteRole", func(in *iam.DeleteRoleInput) *string { return in.RoleName }, s.deleteRole))
	a.Add(entityOp(s, "role", "UpdateRole", func(in *iam.UpdateRoleInput) *string { return in.RoleName }, s.updateRole))
	a.Add(entityOp(s, "role", "UpdateRoleDescription",
		func(in *iam.UpdateRoleDescriptionInput) *string { return in.RoleName }, s.updateRoleDescription))
	a.Add(entityOp(s, "role", "UpdateAssumeRolePolicy",
		func(in *iam.UpdateAssumeRolePolicyInput) *string { return in.RoleName }, s.updateTrust))
	a.Add(entityOp(s, "role", "ListInstanceProfilesForRole",
		func(in *iam.ListInstanceProfilesForRoleInput) *string { return in.RoleName }, s.listInstanceProfiles))
}

// checkSession returns the longest session of a role, an hour if none is given.
func checkSession(seconds *int32) (int32, error) {
	switch {
	case seconds == nil:
		return minSession, nil
	case *seconds < minSession:
		return 0, validation("1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to %d", *seconds, minSession)
	case *seconds > maxSession:
		return 0, validation("1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than or equal to %d", *seconds, maxSession)
	}
	return *seconds, nil
}

func (s *Service) createRole(ctx context.Context, g *call.Granted, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	e, err := s.makeEntity(g.Call, "role", newEntity{in.RoleName, in.Path, in.PermissionsBoundary, in.Tags})
	if err != nil {
		return nil, err
	}
	r := identity.Role{Entity: e}
	if r.Description, err = checkDescription(in.Description); err != nil {
		return nil, err
	}
	if r.MaxSession, err = checkSession(in.MaxSessionDuration); err != nil {
		return nil, err
	}
	if err := s.checkTrust("assumeRolePolicyDocument", in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	if err := s.ownPolicy(g.Call, e.Boundary); err != nil {
		return nil, err
	}
	r.Trust = s.store.BindPrincipals(*in.AssumeRolePolicyDocument)
	var made *identity.Role
	err = s.bounded(e.Boundary, func() (err error) {
		made, err = s.store.CreateRole(ctx, r, at(g))
		return taken(err, exists("Role with name %s already exists.", e.Name))
	})
	if err != nil {
		return nil, err
	}
	out := s.roleFull(made)
	// AWS answers CreateRole without these (spec 2.9 b); GetRole has them.
	out.MaxSessionDuration, out.RoleLastUsed, out.PermissionsBoundary = nil, nil, nil
	return &iam.CreateRoleOutput{Role: out}, nil
}

func (s *Service) getRole(_ context.Context, _ *call.Granted, h holder, _ *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, ok := s.store.Role(h.account, h.name)
	if !ok {
		return nil, noSuch("role", h.name)
	}
	return &iam.GetRoleOutput{Role: s.roleFull(r)}, nil
}

func (s *Service) listRoles(_ context.Context, g *call.Granted, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	all := s.store.Roles(g.Account())
	all = underPath(all, in.PathPrefix, func(r *identity.Role) string { return r.Path })
	part, more, next, err := paging.Page(all, in.MaxItems, in.Marker, func(r *identity.Role) string { return strings.ToLower(r.Name) })
	if err != nil {
		return nil, err
	}
	return &iam.ListRolesOutput{
		Roles:       each(part, func(r *identity.Role) types.Role { return *s.roleBrief(r) }),
		IsTruncated: more, Marker: next,
	}, nil
}

func (s *Service) deleteRole(ctx context.Context, _ *call.Granted, h holder, _ *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	err := s.store.DeleteRole(ctx, h.account, h.name, func(r *identity.Role) error { return deletable(&r.Entity) })
	return done[iam.DeleteRoleOutput](absent(err, noSuch("role", h.name)))
}

func (s *Service) updateRole(ctx context.Context, _ *call.Granted, h holder, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	// Without a duration the default is set again, as the API reference says; a
	// description that is not given stays.
	seconds, err := checkSession(in.MaxSessionDuration)
	if err != nil {
		return nil, err
	}
	description, err := checkDescription(in.Description)
	if err != nil {
		return nil, err
	}
	err = s.store.UpdateRole(ctx, h.account, h.name, func(r *identity.Role) error {
		r.MaxSession = seconds
		if in.Description != nil {
			r.Description = description
		}
		return nil
	})
	return done[iam.UpdateRoleOutput](absent(err, noSuch("role", h.name)))
}

func (s *Service) updateRoleDescription(ctx context.Context, _ *call.Granted, h holder, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	if in.Description == nil {
		return nil, required("description", nil)
	}
	description, err := checkDescription(in.Description)
	if err != nil {
		return nil, err
	}
	err = s.store.UpdateRole(ctx, h.account, h.name, func(r *identity.Role) error {
		r.Description = description
		return nil
	})
	if err != nil {
		return nil, absent(err, noSuch("role", h.name))
	}
	r, ok := s.store.Role(h.account, h.name)
	if !ok {
		return nil, noSuch("role", h.name)
	}
	return &iam.UpdateRoleDescriptionOutput{Role: s.roleFull(r)}, nil
}

func (s *Service) updateTrust(ctx context.Context, _ *call.Granted, h holder, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	if err := s.checkTrust("policyDocument", in.PolicyDocument); err != nil {
		return nil, err
	}
	err := s.store.UpdateRole(ctx, h.account, h.name, func(r *identity.Role) error {
		r.Trust = s.store.BindPrincipals(*in.PolicyDocument)
		return nil
	})
	return done[iam.UpdateAssumeRolePolicyOutput](absent(err, noSuch("role", h.name)))
}

// listInstanceProfiles answers none: instance profiles cannot be made here.
func (s *Service) listInstanceProfiles(_ context.Context, _ *call.Granted, h holder, _ *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	if _, ok := s.store.Role(h.account, h.name); !ok {
		return nil, noSuch("role", h.name)
	}
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: []types.InstanceProfile{}}, nil
}
