package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/iam/paging"
)

func (s *Service) addUsers(a *call.API) {
	create := call.New("CreateUser", s.createUser)
	create.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*iam.CreateUserInput)
		return s.creates(c, "user", newEntity{in.UserName, in.Path, in.PermissionsBoundary, in.Tags})
	}
	a.Add(create)
	a.Add(callerOp(s, "GetUser", func(in *iam.GetUserInput) *string { return in.UserName }, s.getUser))
	list := call.New("ListUsers", s.listUsers)
	list.ReadOnly = true
	list.Authorize = listing("user")
	a.Add(list)
	update := entityOp(s, "user", "UpdateUser", func(in *iam.UpdateUserInput) *string { return in.UserName }, s.updateUser)
	update.Authorize = s.authorizeRename(update.Authorize)
	a.Add(update)
	a.Add(entityOp(s, "user", "DeleteUser", func(in *iam.DeleteUserInput) *string { return in.UserName }, s.deleteUser))
}

// newEntity is what the inputs that create a user or role have in common.
type newEntity struct {
	name, path, boundary *string
	tags                 []types.Tag
}

// creates checks the common inputs and asks for the operation on the ARN to be.
func (s *Service) creates(c *call.Call, kind string, n newEntity) ([]call.Check, error) {
	e, err := s.makeEntity(c, kind, n)
	if err != nil {
		return nil, err
	}
	ctx := requestTags(e.Tags)
	if e.Boundary != "" {
		ctx["iam:permissionsboundary"] = []string{e.Boundary}
	}
	made := "arn:aws:iam::" + e.Account + ":" + kind + e.Path + e.Name
	return withTags([]call.Check{{Resource: made, Context: ctx}}, kind, e.Tags), nil
}

// withTags asks for the permission to tag as well, where something is made with
// tags ("Tagging IAM resources" in the IAM User Guide).
func withTags(checks []call.Check, kind string, tags []identity.Tag) []call.Check {
	if len(tags) == 0 {
		return checks
	}
	tag := checks[0]
	tag.Action = "iam:Tag" + strings.ToUpper(kind[:1]) + kind[1:]
	return append(checks, tag)
}

func (s *Service) makeEntity(c *call.Call, kind string, n newEntity) (e identity.Entity, err error) {
	if err = checkName(kind+"Name", n.name, maxName[kind]); err != nil {
		return e, err
	}
	e.Account, e.Name, e.Boundary = c.Account(), *n.name, aws.ToString(n.boundary)
	if e.Path, err = checkPath(n.path); err != nil {
		return e, err
	}
	e.Tags, err = checkTags(n.tags)
	return e, err
}

func requestTags(tags []identity.Tag) policy.Context {
	ctx := policy.Context{}
	for _, t := range tags {
		ctx.AddRequestTag(t.Key, t.Value)
	}
	return ctx
}

// listing asks for a listing of one kind.
func listing(kind string) func(context.Context, *call.Call) ([]call.Check, error) {
	return func(_ context.Context, c *call.Call) ([]call.Check, error) {
		return []call.Check{{Resource: "arn:aws:iam::" + c.Account() + ":" + kind + "/"}}, nil
	}
}

// bounded runs create while the permissions boundary, if any, cannot be deleted.
func (s *Service) bounded(boundary string, create func() error) error {
	if boundary == "" {
		return create()
	}
	err := s.store.Attaching(boundary, create)
	return absent(err, notFound("Policy %s does not exist or is not attachable.", boundary))
}

func (s *Service) createUser(ctx context.Context, g *call.Granted, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	e, err := s.makeEntity(g.Call, "user", newEntity{in.UserName, in.Path, in.PermissionsBoundary, in.Tags})
	if err != nil {
		return nil, err
	}
	if err := s.ownPolicy(g.Call, e.Boundary); err != nil {
		return nil, err
	}
	var u *identity.User
	err = s.bounded(e.Boundary, func() (err error) {
		u, err = s.store.CreateUser(ctx, identity.User{Entity: e}, at(g))
		return taken(err, exists("User with name %s already exists.", e.Name))
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateUserOutput{User: userFull(u)}, nil
}

func (s *Service) getUser(_ context.Context, g *call.Granted, h holder, _ *iam.GetUserInput) (*iam.GetUserOutput, error) {
	if h.root() {
		a, ok := s.store.Account(h.account)
		if !ok {
			return nil, noSuch("user", "root")
		}
		return &iam.GetUserOutput{User: &types.User{UserId: &a.ID, Arn: aws.String(a.RootARN()), CreateDate: &a.Created}}, nil
	}
	u, ok := s.store.User(h.account, h.name)
	if !ok {
		return nil, noSuch("user", h.name)
	}
	return &iam.GetUserOutput{User: userFull(u)}, nil
}

func (s *Service) listUsers(_ context.Context, g *call.Granted, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	all := s.store.Users(g.Account())
	all = underPath(all, in.PathPrefix, func(u *identity.User) string { return u.Path })
	part, more, next, err := paging.Page(all, in.MaxItems, in.Marker, func(u *identity.User) string { return strings.ToLower(u.Name) })
	if err != nil {
		return nil, err
	}
	return &iam.ListUsersOutput{
		Users:       each(part, func(u *identity.User) types.User { return *userBrief(u) }),
		IsTruncated: more, Marker: next,
	}, nil
}

// underPath keeps what lies under a path.
func underPath[T any](all []T, prefix *string, path func(T) string) []T {
	if prefix == nil {
		return all
	}
	var kept []T
	for _, v := range all {
		if strings.HasPrefix(path(v), *prefix) {
			kept = append(kept, v)
		}
	}
	return kept
}

// authorizeRename asks for UpdateUser on the new name too, so that nobody
// renames a user into a name they may not touch.
func (s *Service) authorizeRename(old func(context.Context, *call.Call) ([]call.Check, error)) func(context.Context, *call.Call) ([]call.Check, error) {
	return func(ctx context.Context, c *call.Call) ([]call.Check, error) {
		checks, err := old(ctx, c)
		if err != nil {
			return nil, err
		}
		in := c.Input.(*iam.UpdateUserInput)
		u, ok := s.store.User(c.Account(), *in.UserName)
		if !ok {
			return checks, nil
		}
		name, path, err := renamed(u, in)
		if err != nil {
			return nil, err
		}
		return append(checks, call.Check{Resource: "arn:aws:iam::" + c.Account() + ":user" + path + name}), nil
	}
}

// renamed returns the name and path a user is to have.
func renamed(u *identity.User, in *iam.UpdateUserInput) (name, path string, err error) {
	name, path = u.Name, u.Path
	if in.NewUserName != nil {
		if err := checkName("newUserName", in.NewUserName, maxName["user"]); err != nil {
			return "", "", err
		}
		name = *in.NewUserName
	}
	if in.NewPath != nil {
		if path, err = checkPath(in.NewPath); err != nil {
			return "", "", err
		}
	}
	return name, path, nil
}

func (s *Service) updateUser(ctx context.Context, _ *call.Granted, h holder, in *iam.UpdateUserInput) (*iam.UpdateUserOutput, error) {
	u, ok := s.store.User(h.account, h.name)
	if !ok {
		return nil, noSuch("user", h.name)
	}
	name, path, err := renamed(u, in)
	if err != nil {
		return nil, err
	}
	err = s.store.RenameUser(ctx, h.account, h.name, name, path)
	err = taken(err, exists("User with name %s already exists.", name))
	return done[iam.UpdateUserOutput](absent(err, noSuch("user", h.name)))
}

func (s *Service) deleteUser(ctx context.Context, _ *call.Granted, h holder, _ *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	err := s.store.DeleteUser(ctx, h.account, h.name, func(u *identity.User) error {
		if len(u.Keys) > 0 {
			return conflict("Cannot delete entity, must delete access keys first.")
		}
		if len(s.store.MFADevices(u.Account, u.ID)) > 0 {
			return conflict("Cannot delete entity, must delete MFA device first.")
		}
		return deletable(&u.Entity)
	})
	return done[iam.DeleteUserOutput](absent(err, noSuch("user", h.name)))
}

// deletable refuses to delete an entity that still has policies.
func deletable(e *identity.Entity) error {
	if len(e.Attached) > 0 {
		return conflict("Cannot delete entity, must detach all policies first.")
	}
	if len(e.Inline) > 0 {
		return conflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}
