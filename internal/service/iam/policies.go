package iam

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/iam/paging"
)

func (s *Service) addPolicies(a *call.API) {
	create := call.New("CreatePolicy", s.createPolicy)
	create.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		p, err := s.makePolicy(c, c.Input.(*iam.CreatePolicyInput))
		if err != nil {
			return nil, err
		}
		return withTags([]call.Check{{Resource: p.ARN(), Context: requestTags(p.Tags)}}, "policy", p.Tags), nil
	}
	a.Add(create)
	a.Add(policyOp(s, "GetPolicy", func(in *iam.GetPolicyInput) *string { return in.PolicyArn }, s.getPolicy))
	a.Add(policyOp(s, "DeletePolicy", func(in *iam.DeletePolicyInput) *string { return in.PolicyArn }, s.deletePolicy))
	a.Add(policyOp(s, "ListEntitiesForPolicy", func(in *iam.ListEntitiesForPolicyInput) *string { return in.PolicyArn }, s.listEntities))
	list := call.New("ListPolicies", s.listPolicies)
	list.ReadOnly = true
	list.Authorize = listing("policy")
	a.Add(list)
}

// policyOp makes an operation on one managed policy.
func policyOp[In, Out any](s *Service, op string, policyARN func(*In) *string,
	run func(ctx context.Context, g *call.Granted, policyARN string, in *In) (*Out, error), keys ...func(*In) policy.Context,
) *call.Operation {
	check := func(c *call.Call, p *string) error {
		if err := checkPolicyARN(p); err != nil {
			return err
		}
		if !readOnly(op) && account(*p) == "aws" {
			return outside()
		}
		return s.ownPolicy(c, *p)
	}
	tags := func(policyARN string) []identity.Tag {
		if p, ok := s.store.Policy(policyARN); ok {
			return p.Tags
		}
		return nil
	}
	return resourceOp(op, policyARN, check, tags, run, keys...)
}

// resourceOp makes an operation on what an ARN names: check looks at the ARN, tags
// are those of what is there, keys add condition keys.
func resourceOp[In, Out any](op string, resource func(*In) *string, check func(*call.Call, *string) error, tags func(string) []identity.Tag,
	run func(ctx context.Context, g *call.Granted, resource string, in *In) (*Out, error), keys ...func(*In) policy.Context,
) *call.Operation {
	o := call.New(op, func(ctx context.Context, g *call.Granted, in *In) (*Out, error) {
		return run(ctx, g, *resource(in), in)
	})
	o.ReadOnly = readOnly(op)
	o.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*In)
		of := resource(in)
		if err := check(c, of); err != nil {
			return nil, err
		}
		k := call.Check{Resource: *of, Context: policy.Context{}}
		identity.DescribeTags(k.Context, tags(*of))
		for _, more := range keys {
			maps.Copy(k.Context, more(in))
		}
		return []call.Check{k}, nil
	}
	return o
}

func checkPolicyARN(policyARN *string) error {
	if err := required("policyArn", policyARN); err != nil {
		return err
	}
	a, err := arn.Parse(*policyARN)
	if err != nil || a.Service != "iam" || a.Partition != arn.Partition || a.Region != "" || !strings.HasPrefix(a.Resource, "policy/") {
		return invalid("ARN %s is not valid.", *policyARN)
	}
	return nil
}

// account returns the account of an ARN that was checked.
func account(policyARN string) string {
	a, _ := arn.Parse(policyARN)
	return a.Account
}

func outside() *awserr.Error {
	return awserr.New(http.StatusForbidden, "AccessDenied", "Policy is outside your own account.")
}

// ownPolicy refuses managed policies of other accounts; AWS's own may be used by
// all. An empty ARN means that none is named.
func (s *Service) ownPolicy(c *call.Call, policyARN string) error {
	if policyARN == "" {
		return nil
	}
	if err := checkPolicyARN(&policyARN); err != nil {
		return err
	}
	if a := account(policyARN); a != c.Account() && a != "aws" {
		return outside()
	}
	return nil
}

func noPolicy(policyARN string) *awserr.Error {
	return notFound("Policy %s was not found.", policyARN)
}

func (s *Service) makePolicy(c *call.Call, in *iam.CreatePolicyInput) (p identity.ManagedPolicy, err error) {
	if err = checkName("policyName", in.PolicyName, maxPolicyName); err != nil {
		return p, err
	}
	p.Account, p.Name = c.Account(), *in.PolicyName
	if p.Path, err = checkPath(in.Path); err != nil {
		return p, err
	}
	if p.Description, err = checkDescription(in.Description); err != nil {
		return p, err
	}
	p.Tags, err = checkTags(in.Tags)
	return p, err
}

func checkManaged(document *string) error {
	if err := checkIdentityPolicy("policyDocument", document); err != nil {
		return err
	}
	if policy.Size(*document) > maxManagedSize {
		return limit("Cannot exceed quota for PolicySize: %d", maxManagedSize)
	}
	return nil
}

func (s *Service) createPolicy(ctx context.Context, g *call.Granted, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	p, err := s.makePolicy(g.Call, in)
	if err != nil {
		return nil, err
	}
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	made, err := s.store.CreatePolicy(ctx, p, *in.PolicyDocument, at(g))
	if err != nil {
		return nil, taken(err, exists("A policy called %s already exists. Duplicate names are not allowed.", p.Name))
	}
	out := policyBrief(made, identity.Use{})
	out.Tags = tagsOut(made.Tags)
	return &iam.CreatePolicyOutput{Policy: out}, nil
}

func (s *Service) getPolicy(_ context.Context, g *call.Granted, policyARN string, _ *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	p, ok := s.store.Policy(policyARN)
	if !ok {
		return nil, noPolicy(policyARN)
	}
	return &iam.GetPolicyOutput{Policy: policyFull(p, s.store.PolicyUse(g.Account())[policyARN])}, nil
}

func (s *Service) deletePolicy(ctx context.Context, _ *call.Granted, policyARN string, _ *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	err := s.store.DeletePolicy(ctx, policyARN, func(p *identity.ManagedPolicy) error {
		if len(p.Versions) > 1 {
			return conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		return nil
	})
	return done[iam.DeletePolicyOutput](absent(err, noPolicy(policyARN)))
}

func (s *Service) listPolicies(_ context.Context, g *call.Granted, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	var all []*identity.ManagedPolicy
	switch in.Scope {
	case "", types.PolicyScopeTypeAll:
		all = append(s.store.Policies(g.Account()), s.store.AWSPolicies()...)
	case types.PolicyScopeTypeLocal:
		all = s.store.Policies(g.Account())
	case types.PolicyScopeTypeAws:
		all = s.store.AWSPolicies()
	default:
		return nil, badEnum("scope", string(in.Scope), "All, AWS, Local")
	}
	use := s.store.PolicyUse(g.Account())
	used, err := usedAs(in.PolicyUsageFilter)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p *identity.ManagedPolicy) bool {
		n := use[p.ARN()]
		return (in.OnlyAttached && n.Attached == 0) || !used(n)
	})
	all = underPath(all, in.PathPrefix, func(p *identity.ManagedPolicy) string { return p.Path })
	all = sortedBy(all, (*identity.ManagedPolicy).ARN)
	part, more, next, err := paging.Page(all, in.MaxItems, in.Marker, (*identity.ManagedPolicy).ARN)
	if err != nil {
		return nil, err
	}
	return &iam.ListPoliciesOutput{
		Policies:    each(part, func(p *identity.ManagedPolicy) types.Policy { return *policyBrief(p, use[p.ARN()]) }),
		IsTruncated: more, Marker: next,
	}, nil
}

// usedAs returns the test a PolicyUsageFilter stands for.
func usedAs(filter types.PolicyUsageType) (func(identity.Use) bool, error) {
	switch filter {
	case "":
		return func(identity.Use) bool { return true }, nil
	case types.PolicyUsageTypePermissionsPolicy:
		return func(n identity.Use) bool { return n.Attached > 0 }, nil
	case types.PolicyUsageTypePermissionsBoundary:
		return func(n identity.Use) bool { return n.Boundary > 0 }, nil
	}
	return nil, badEnum("policyUsageFilter", string(filter), "PermissionsPolicy, PermissionsBoundary")
}

func badEnum(member, value, allowed string) *awserr.Error {
	return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", value, member, allowed)
}

// using is a user or role that uses a policy; key orders users before roles.
type using struct {
	key  string
	user *types.PolicyUser
	role *types.PolicyRole
}

func (s *Service) listEntities(_ context.Context, g *call.Granted, policyARN string, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	if _, ok := s.store.Policy(policyARN); !ok {
		return nil, noPolicy(policyARN)
	}
	if in.EntityFilter != "" && !slices.Contains(in.EntityFilter.Values(), in.EntityFilter) {
		return nil, badEnum("entityFilter", string(in.EntityFilter), "User, Role, Group, LocalManagedPolicy, AWSManagedPolicy")
	}
	if _, err := usedAs(in.PolicyUsageFilter); err != nil {
		return nil, err
	}
	uses := func(e *identity.Entity) bool {
		attached := slices.Contains(e.Attached, policyARN) && in.PolicyUsageFilter != types.PolicyUsageTypePermissionsBoundary
		bounds := e.Boundary == policyARN && in.PolicyUsageFilter != types.PolicyUsageTypePermissionsPolicy
		return (attached || bounds) && strings.HasPrefix(e.Path, aws.ToString(in.PathPrefix))
	}
	var all []using
	if in.EntityFilter == "" || in.EntityFilter == types.EntityTypeUser {
		for _, u := range s.store.Users(g.Account()) {
			if uses(&u.Entity) {
				all = append(all, using{key: "1" + strings.ToLower(u.Name), user: &types.PolicyUser{UserId: &u.ID, UserName: &u.Name}})
			}
		}
	}
	if in.EntityFilter == "" || in.EntityFilter == types.EntityTypeRole {
		for _, r := range s.store.Roles(g.Account()) {
			if uses(&r.Entity) {
				all = append(all, using{key: "2" + strings.ToLower(r.Name), role: &types.PolicyRole{RoleId: &r.ID, RoleName: &r.Name}})
			}
		}
	}
	part, more, next, err := paging.Page(all, in.MaxItems, in.Marker, func(u using) string { return u.key })
	if err != nil {
		return nil, err
	}
	out := &iam.ListEntitiesForPolicyOutput{
		PolicyGroups: []types.PolicyGroup{}, PolicyUsers: []types.PolicyUser{}, PolicyRoles: []types.PolicyRole{},
		IsTruncated: more, Marker: next,
	}
	for _, u := range part {
		if u.user != nil {
			out.PolicyUsers = append(out.PolicyUsers, *u.user)
		} else {
			out.PolicyRoles = append(out.PolicyRoles, *u.role)
		}
	}
	return out, nil
}
