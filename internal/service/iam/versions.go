package iam

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/iam/paging"
)

func (s *Service) addVersions(a *call.API) {
	a.Add(policyOp(s, "CreatePolicyVersion", func(in *iam.CreatePolicyVersionInput) *string { return in.PolicyArn }, s.createVersion))
	a.Add(policyOp(s, "GetPolicyVersion", func(in *iam.GetPolicyVersionInput) *string { return in.PolicyArn }, s.getVersion))
	a.Add(policyOp(s, "ListPolicyVersions", func(in *iam.ListPolicyVersionsInput) *string { return in.PolicyArn }, s.listVersions))
	a.Add(policyOp(s, "DeletePolicyVersion", func(in *iam.DeletePolicyVersionInput) *string { return in.PolicyArn }, s.deleteVersion))
	a.Add(policyOp(s, "SetDefaultPolicyVersion", func(in *iam.SetDefaultPolicyVersionInput) *string { return in.PolicyArn }, s.setDefaultVersion))
}

var versionForm = regexp.MustCompile(`^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$`)

func checkVersion(id *string) error {
	if err := required("versionId", id); err != nil {
		return err
	}
	if !versionForm.MatchString(*id) {
		return validation("1 validation error detected: Value '%s' at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", *id)
	}
	return nil
}

func noVersion(policyARN, id string) *awserr.Error {
	return notFound("Policy %s version %s does not exist or is not attachable.", policyARN, id)
}

// versionBrief is a version as listings show it: without its document.
func versionBrief(p *identity.ManagedPolicy, v *identity.PolicyVersion) types.PolicyVersion {
	return types.PolicyVersion{VersionId: &v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: &v.Created}
}

func (s *Service) createVersion(ctx context.Context, g *call.Granted, policyARN string, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	var out types.PolicyVersion
	err := s.store.UpdatePolicy(ctx, policyARN, func(p *identity.ManagedPolicy) error {
		if len(p.Versions) >= maxVersions {
			return limit("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		v := p.AddVersion(*in.PolicyDocument, in.SetAsDefault, at(g))
		out = versionBrief(p, &v)
		return nil
	})
	if err != nil {
		return nil, absent(err, noPolicy(policyARN))
	}
	return &iam.CreatePolicyVersionOutput{PolicyVersion: &out}, nil
}

func (s *Service) getVersion(_ context.Context, _ *call.Granted, policyARN string, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	if err := checkVersion(in.VersionId); err != nil {
		return nil, err
	}
	p, ok := s.store.Policy(policyARN)
	if !ok {
		return nil, noPolicy(policyARN)
	}
	v, ok := p.Version(*in.VersionId)
	if !ok {
		return nil, noVersion(policyARN, *in.VersionId)
	}
	out := versionBrief(p, v)
	out.Document = escaped(v.Document)
	return &iam.GetPolicyVersionOutput{PolicyVersion: &out}, nil
}

// listVersions answers the newest version first. Its marker is the last
// version's number subtracted from the newest one's, which sorts that way.
func (s *Service) listVersions(_ context.Context, _ *call.Granted, policyARN string, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	p, ok := s.store.Policy(policyARN)
	if !ok {
		return nil, noPolicy(policyARN)
	}
	newest := slices.Clone(p.Versions)
	slices.Reverse(newest)
	position := func(v identity.PolicyVersion) string {
		return string(rune('a' + slices.IndexFunc(newest, func(w identity.PolicyVersion) bool { return w.ID == v.ID })))
	}
	part, more, next, err := paging.Page(newest, in.MaxItems, in.Marker, position)
	if err != nil {
		return nil, err
	}
	return &iam.ListPolicyVersionsOutput{
		Versions:    each(part, func(v identity.PolicyVersion) types.PolicyVersion { return versionBrief(p, &v) }),
		IsTruncated: more, Marker: next,
	}, nil
}

func (s *Service) deleteVersion(ctx context.Context, _ *call.Granted, policyARN string, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	if err := checkVersion(in.VersionId); err != nil {
		return nil, err
	}
	err := s.store.UpdatePolicy(ctx, policyARN, func(p *identity.ManagedPolicy) error {
		if _, ok := p.Version(*in.VersionId); !ok {
			return noVersion(policyARN, *in.VersionId)
		}
		if p.Default == *in.VersionId {
			return conflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(v identity.PolicyVersion) bool { return v.ID == *in.VersionId })
		return nil
	})
	return done[iam.DeletePolicyVersionOutput](absent(err, noPolicy(policyARN)))
}

func (s *Service) setDefaultVersion(ctx context.Context, g *call.Granted, policyARN string, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	if err := checkVersion(in.VersionId); err != nil {
		return nil, err
	}
	err := s.store.UpdatePolicy(ctx, policyARN, func(p *identity.ManagedPolicy) error {
		if _, ok := p.Version(*in.VersionId); !ok {
			return noVersion(policyARN, *in.VersionId)
		}
		p.Default, p.Updated = *in.VersionId, at(g).UTC().Truncate(time.Second)
		return nil
	})
	return done[iam.SetDefaultPolicyVersionOutput](absent(err, noPolicy(policyARN)))
}
