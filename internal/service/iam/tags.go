package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/iam/paging"
)

func (s *Service) addTags(a *call.API) {
	s.addUserTags(a)
	s.addRoleTags(a)
	s.addPolicyTags(a)
}

func (s *Service) addUserTags(a *call.API) {
	a.Add(entityOp(s, "user", "TagUser", func(in *iam.TagUserInput) *string { return in.UserName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
			return done[iam.TagUserOutput](s.tag(ctx, h, in.Tags))
		}, func(in *iam.TagUserInput) policy.Context { return tagKeys(in.Tags) }))
	a.Add(entityOp(s, "user", "UntagUser", func(in *iam.UntagUserInput) *string { return in.UserName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
			return done[iam.UntagUserOutput](s.untag(ctx, h, in.TagKeys))
		}, func(in *iam.UntagUserInput) policy.Context { return untagKeys(in.TagKeys) }))
	a.Add(entityOp(s, "user", "ListUserTags", func(in *iam.ListUserTagsInput) *string { return in.UserName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
			tags, more, next, err := s.entityTags(h, in.MaxItems, in.Marker)
			return &iam.ListUserTagsOutput{Tags: tags, IsTruncated: more, Marker: next}, err
		}))
}

func (s *Service) addRoleTags(a *call.API) {
	a.Add(entityOp(s, "role", "TagRole", func(in *iam.TagRoleInput) *string { return in.RoleName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
			return done[iam.TagRoleOutput](s.tag(ctx, h, in.Tags))
		}, func(in *iam.TagRoleInput) policy.Context { return tagKeys(in.Tags) }))
	a.Add(entityOp(s, "role", "UntagRole", func(in *iam.UntagRoleInput) *string { return in.RoleName },
		func(ctx context.Context, _ *call.Granted, h holder, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
			return done[iam.UntagRoleOutput](s.untag(ctx, h, in.TagKeys))
		}, func(in *iam.UntagRoleInput) policy.Context { return untagKeys(in.TagKeys) }))
	a.Add(entityOp(s, "role", "ListRoleTags", func(in *iam.ListRoleTagsInput) *string { return in.RoleName },
		func(_ context.Context, _ *call.Granted, h holder, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
			tags, more, next, err := s.entityTags(h, in.MaxItems, in.Marker)
			return &iam.ListRoleTagsOutput{Tags: tags, IsTruncated: more, Marker: next}, err
		}))
}

func (s *Service) addPolicyTags(a *call.API) {
	a.Add(policyOp(s, "TagPolicy", func(in *iam.TagPolicyInput) *string { return in.PolicyArn },
		func(ctx context.Context, _ *call.Granted, policyARN string, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
			add, err := checkTags(in.Tags)
			if err != nil {
				return nil, err
			}
			err = s.store.UpdatePolicy(ctx, policyARN, func(p *identity.ManagedPolicy) error { return setTags(&p.Tags, add) })
			return done[iam.TagPolicyOutput](absent(err, noPolicy(policyARN)))
		}, func(in *iam.TagPolicyInput) policy.Context { return tagKeys(in.Tags) }))
	a.Add(policyOp(s, "UntagPolicy", func(in *iam.UntagPolicyInput) *string { return in.PolicyArn },
		func(ctx context.Context, _ *call.Granted, policyARN string, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
			err := s.store.UpdatePolicy(ctx, policyARN, func(p *identity.ManagedPolicy) error {
				p.Tags = identity.DropTags(p.Tags, in.TagKeys)
				return nil
			})
			return done[iam.UntagPolicyOutput](absent(err, noPolicy(policyARN)))
		}, func(in *iam.UntagPolicyInput) policy.Context { return untagKeys(in.TagKeys) }))
	a.Add(policyOp(s, "ListPolicyTags", func(in *iam.ListPolicyTagsInput) *string { return in.PolicyArn },
		func(_ context.Context, _ *call.Granted, policyARN string, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
			p, ok := s.store.Policy(policyARN)
			if !ok {
				return nil, noPolicy(policyARN)
			}
			tags, more, next, err := tagPage(p.Tags, in.MaxItems, in.Marker)
			return &iam.ListPolicyTagsOutput{Tags: tags, IsTruncated: more, Marker: next}, err
		}))
}

// untagKeys are the condition keys of a request that takes tags away.
func untagKeys(keys []string) policy.Context { return policy.Context{"aws:tagkeys": keys} }

// tagKeys are the condition keys of a request that sets tags. Tags that do not
// pass the checks never get to be set.
func tagKeys(tags []types.Tag) policy.Context {
	checked, err := checkTags(tags)
	if err != nil {
		return nil
	}
	return requestTags(checked)
}

func (s *Service) tag(ctx context.Context, h holder, tags []types.Tag) error {
	add, err := checkTags(tags)
	if err != nil {
		return err
	}
	return s.change(ctx, h, func(e *identity.Entity) error { return setTags(&e.Tags, add) })
}

func (s *Service) untag(ctx context.Context, h holder, keys []string) error {
	return s.change(ctx, h, func(e *identity.Entity) error {
		e.Tags = identity.DropTags(e.Tags, keys)
		return nil
	})
}

// setTags adds tags as far as there is room for them.
func setTags(tags *[]identity.Tag, add []identity.Tag) error {
	*tags = identity.PutTags(*tags, add)
	return tagCount(len(*tags))
}

// entityTags is one page of the tags of a user or role.
func (s *Service) entityTags(h holder, size *int32, marker *string) ([]types.Tag, bool, *string, error) {
	e, _, err := s.entity(h)
	if err != nil {
		return nil, false, nil, err
	}
	return tagPage(e.Tags, size, marker)
}

// tagPage is one page of tags; a listing of no tags is an empty list.
func tagPage(tags []identity.Tag, size *int32, marker *string) ([]types.Tag, bool, *string, error) {
	sorted := sortedBy(tags, func(t identity.Tag) string { return t.Key })
	part, more, next, err := paging.Page(sorted, size, marker, func(t identity.Tag) string { return t.Key })
	return each(part, func(t identity.Tag) types.Tag { return types.Tag{Key: &t.Key, Value: &t.Value} }), more, next, err
}

// sortedBy returns a sorted copy.
func sortedBy[T any](all []T, key func(T) string) []T {
	return slices.SortedFunc(slices.Values(all), func(a, b T) int { return strings.Compare(key(a), key(b)) })
}
