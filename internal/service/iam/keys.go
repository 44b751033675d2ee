package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/iam/paging"
)

func (s *Service) addKeys(a *call.API) {
	// The codec's spelling keeps the secret out of the record (spec 2.4).
	a.Add(callerOp(s, "CreateAccessKey", func(in *iam.CreateAccessKeyInput) *string { return in.UserName }, s.createKey))
	a.Add(callerOp(s, "ListAccessKeys", func(in *iam.ListAccessKeysInput) *string { return in.UserName }, s.listKeys))
	a.Add(callerOp(s, "UpdateAccessKey", func(in *iam.UpdateAccessKeyInput) *string { return in.UserName }, s.updateKey))
	a.Add(callerOp(s, "DeleteAccessKey", func(in *iam.DeleteAccessKeyInput) *string { return in.UserName }, s.deleteKey))
}

// callerOp makes an operation on a user that is, without a name, the caller.
func callerOp[In, Out any](s *Service, op string, name func(*In) *string,
	run func(ctx context.Context, g *call.Granted, h holder, in *In) (*Out, error),
) *call.Operation {
	find := func(c *call.Call, in *In) (holder, error) {
		h := holder{kind: "user", account: c.Account()}
		n := name(in)
		switch {
		case n != nil:
			if err := checkName("userName", n, maxName["user"]); err != nil {
				return h, err
			}
			h.name = *n
		case c.Principal.Kind == identity.IAMUser:
			h.name = c.Principal.Name
		case c.Principal.Kind != identity.Root:
			return h, validation("Must specify userName when calling with non-User credentials")
		}
		return h, nil
	}
	ask := func(c *call.Call, h holder, _ *In) call.Check {
		if h.root() {
			return call.Check{Resource: c.Principal.ARN}
		}
		return s.check(h)
	}
	return holderOp(op, find, ask, run)
}

// userName is the name as replies carry it: the root user has none.
func (h holder) userName() *string {
	if h.root() {
		return nil
	}
	return aws.String(h.name)
}

func status(active bool) types.StatusType {
	if active {
		return types.StatusTypeActive
	}
	return types.StatusTypeInactive
}

func (s *Service) createKey(ctx context.Context, g *call.Granted, h holder, _ *iam.CreateAccessKeyInput) (*iam.CreateAccessKeyOutput, error) {
	key, cred, err := s.store.CreateAccessKey(ctx, h.account, h.name, at(g), func(keys []identity.AccessKey) error {
		if len(keys) >= maxKeys {
			return limit("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
		}
		return nil
	})
	if err != nil {
		return nil, absent(err, noSuch("user", h.name))
	}
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		UserName: h.userName(), AccessKeyId: &key.ID, Status: status(key.Active),
		SecretAccessKey: &cred.Secret, CreateDate: &key.Created,
	}}, nil
}

func (s *Service) listKeys(_ context.Context, _ *call.Granted, h holder, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	keys, err := s.store.AccessKeys(h.account, h.name)
	if err != nil {
		return nil, absent(err, noSuch("user", h.name))
	}
	sorted := sortedBy(keys, func(k identity.AccessKey) string { return k.ID })
	part, more, next, err := paging.Page(sorted, in.MaxItems, in.Marker, func(k identity.AccessKey) string { return k.ID })
	if err != nil {
		return nil, err
	}
	return &iam.ListAccessKeysOutput{
		AccessKeyMetadata: each(part, func(k identity.AccessKey) types.AccessKeyMetadata {
			return types.AccessKeyMetadata{UserName: h.userName(), AccessKeyId: &k.ID, Status: status(k.Active), CreateDate: &k.Created}
		}),
		IsTruncated: more, Marker: next,
	}, nil
}

func (s *Service) updateKey(ctx context.Context, _ *call.Granted, h holder, in *iam.UpdateAccessKeyInput) (*iam.UpdateAccessKeyOutput, error) {
	if err := checkKeyID(in.AccessKeyId); err != nil {
		return nil, err
	}
	if in.Status != types.StatusTypeActive && in.Status != types.StatusTypeInactive {
		return nil, validation("1 validation error detected: Value '%s' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]", in.Status)
	}
	err := s.store.SetAccessKeyActive(ctx, h.account, h.name, *in.AccessKeyId, in.Status == types.StatusTypeActive)
	return done[iam.UpdateAccessKeyOutput](s.noKey(err, h, *in.AccessKeyId))
}

func (s *Service) deleteKey(ctx context.Context, _ *call.Granted, h holder, in *iam.DeleteAccessKeyInput) (*iam.DeleteAccessKeyOutput, error) {
	if err := checkKeyID(in.AccessKeyId); err != nil {
		return nil, err
	}
	err := s.store.DeleteAccessKey(ctx, h.account, h.name, *in.AccessKeyId)
	return done[iam.DeleteAccessKeyOutput](s.noKey(err, h, *in.AccessKeyId))
}

func checkKeyID(id *string) error {
	if err := required("accessKeyId", id); err != nil {
		return err
	}
	if !keyIDForm.MatchString(*id) {
		return validation("1 validation error detected: Value '%s' at 'accessKeyId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w]+", *id)
	}
	return nil
}

// noKey says which is missing: the user or the key.
func (s *Service) noKey(err error, h holder, id string) error {
	if _, kerr := s.store.AccessKeys(h.account, h.name); kerr != nil {
		return absent(err, noSuch("user", h.name))
	}
	return absent(err, notFound("The Access Key with id %s cannot be found.", id))
}
