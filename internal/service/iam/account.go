package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cairn/internal/call"
	"cairn/internal/service/iam/paging"
)

func (s *Service) addAccount(a *call.API) {
	a.Add(call.New("CreateAccountAlias", s.createAlias))
	a.Add(call.New("DeleteAccountAlias", s.deleteAlias))
	list := call.New("ListAccountAliases", s.listAliases)
	list.ReadOnly = true
	a.Add(list)
	summary := call.New("GetAccountSummary", s.getSummary)
	summary.ReadOnly = true
	a.Add(summary)
}

// checkAlias checks an alias: 3 to 63 lower-case letters, digits and single
// hyphens inside.
func checkAlias(alias *string) error {
	if err := required("accountAlias", alias); err != nil {
		return err
	}
	if err := atMost("accountAlias", *alias, 63); err != nil {
		return err
	}
	if len(*alias) < 3 {
		return validation("1 validation error detected: Value '%s' at 'accountAlias' failed to satisfy constraint: Member must have length greater than or equal to 3", *alias)
	}
	if !aliasForm.MatchString(*alias) {
		return validation("1 validation error detected: Value '%s' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?$", *alias)
	}
	return nil
}

func (s *Service) createAlias(ctx context.Context, g *call.Granted, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	if err := checkAlias(in.AccountAlias); err != nil {
		return nil, err
	}
	err := s.store.SetAlias(ctx, g.Account(), *in.AccountAlias)
	return done[iam.CreateAccountAliasOutput](taken(err, exists("The account alias %s already exists.", *in.AccountAlias)))
}

func (s *Service) deleteAlias(ctx context.Context, g *call.Granted, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	if err := checkAlias(in.AccountAlias); err != nil {
		return nil, err
	}
	err := s.store.DeleteAlias(ctx, g.Account(), *in.AccountAlias)
	return done[iam.DeleteAccountAliasOutput](absent(err, notFound("The account alias %s cannot be found.", *in.AccountAlias)))
}

func (s *Service) listAliases(_ context.Context, g *call.Granted, in *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	var all []string
	if a, ok := s.store.Account(g.Account()); ok && a.Alias != "" {
		all = []string{a.Alias}
	}
	part, more, next, err := paging.Page(all, in.MaxItems, in.Marker, func(a string) string { return a })
	return &iam.ListAccountAliasesOutput{AccountAliases: part, IsTruncated: more, Marker: next}, err
}

// getSummary counts what there is. What cannot exist here (groups, MFA of the root
// user, instance profiles) counts as none.
func (s *Service) getSummary(_ context.Context, g *call.Granted, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	versions := 0
	devices, inUse := s.store.MFADevices(g.Account(), ""), int32(0)
	for _, d := range devices {
		if d.User != "" {
			inUse++
		}
	}
	policies := s.store.Policies(g.Account())
	for _, p := range policies {
		versions += len(p.Versions)
	}
	m := map[string]int32{
		"Users": int32(len(s.store.Users(g.Account()))), "Roles": int32(len(s.store.Roles(g.Account()))),
		"Policies": int32(len(policies)), "PolicyVersionsInUse": int32(versions),
		"Groups": 0, "MFADevices": int32(len(devices)), "MFADevicesInUse": inUse, "AccountMFAEnabled": 0, "InstanceProfiles": 0,
		"ServerCertificates": 0, "Providers": int32(len(s.store.OIDCProviders(g.Account()))), "AccountAccessKeysPresent": 0,
		"AccessKeysPerUserQuota": maxKeys, "AttachedPoliciesPerRoleQuota": maxAttached, "AttachedPoliciesPerUserQuota": maxAttached,
		"VersionsPerPolicyQuota": maxVersions, "PolicySizeQuota": maxManagedSize,
		"AssumeRolePolicySizeQuota": maxTrustSize, "UserPolicySizeQuota": int32(maxInline["user"]), "RolePolicySizeQuota": int32(maxInline["role"]),
	}
	if a, ok := s.store.Account(g.Account()); ok {
		for _, k := range a.Root {
			if k.Active {
				m["AccountAccessKeysPresent"] = 1
			}
		}
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: m}, nil
}
