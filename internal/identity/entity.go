package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cairn/internal/arn"
)

// User returns a user of an account. Names are compared exactly.
func (s *Store) User(account, name string) (*User, bool) {
	u, ok := s.users.Get(account, fold(name))
	if !ok || !u.is(name) {
		return nil, false
	}
	return u, true
}

// Users returns an account's users, sorted by name.
func (s *Store) Users(account string) []*User {
	return list(s.users, account)
}

// CreateUser adds a user; the store sets ID and Created. ErrExists if the name
// is taken in any spelling.
func (s *Store) CreateUser(ctx context.Context, u User, now time.Time) (*User, error) {
	u.ID, u.Created = uniqueID(prefixUser, u.Account), stamp(now)
	err := create(ctx, s.users, &u, marked, u.Account, fold(u.Name))
	if err != nil {
		return nil, fmt.Errorf("create user %s: %w", u.Name, err)
	}
	return &u, nil
}

// UpdateUser changes a user by compare-and-set; an error of change aborts and
// is returned. The name is changed by RenameUser only.
func (s *Store) UpdateUser(ctx context.Context, account, name string, change func(*User) error) error {
	return update(ctx, s.users, name, change, account, fold(name))
}

// DeleteUser deletes a user if check agrees.
func (s *Store) DeleteUser(ctx context.Context, account, name string, check func(*User) error) error {
	return remove(ctx, s.users, name, check, account, fold(name))
}

// RenameUser gives a user another name or path. The unique id and the access
// keys stay.
//
// Write order: the new row, the access keys' index, then the old row is
// deleted. A crash in between leaves both rows, of which the access keys work
// with one; renaming again finishes the work.
func (s *Store) RenameUser(ctx context.Context, account, name, newName, newPath string) error {
	if fold(name) == fold(newName) {
		return s.UpdateUser(ctx, account, name, func(u *User) error {
			u.Name, u.Path = newName, newPath
			return nil
		})
	}
	old, ok := s.User(account, name)
	if !ok {
		return ErrNotFound
	}
	moved := *old
	moved.Name, moved.Path = newName, newPath
	unfinished := func(u *User) bool { return u.Deleted || u.ID == moved.ID }
	err := create(ctx, s.users, &moved, unfinished, account, fold(newName))
	if err != nil {
		return fmt.Errorf("rename user %s to %s: %w", name, newName, err)
	}
	for _, k := range moved.Keys {
		if err := s.keys.Put(ctx, &keyRow{Account: account, User: fold(newName)}, k.ID); err != nil {
			return fmt.Errorf("move access key %s to user %s: %w", k.ID, newName, err)
		}
	}
	return s.DeleteUser(ctx, account, name, func(*User) error { return nil })
}

// Role returns a role of an account. Names are compared exactly.
func (s *Store) Role(account, name string) (*Role, bool) {
	r, ok := s.roles.Get(account, fold(name))
	if !ok || !r.is(name) {
		return nil, false
	}
	return r, true
}

// RoleByARN returns the role an ARN names.
func (s *Store) RoleByARN(roleARN string) (*Role, bool) {
	account, name, ok := splitARN(roleARN, "role")
	if !ok {
		return nil, false
	}
	r, ok := s.Role(account, name)
	if !ok || r.ARN() != roleARN {
		return nil, false
	}
	return r, true
}

// Roles returns an account's roles, sorted by name.
func (s *Store) Roles(account string) []*Role {
	return list(s.roles, account)
}

// CreateRole adds a role; the store sets ID and Created. ErrExists if the name
// is taken in any spelling.
func (s *Store) CreateRole(ctx context.Context, r Role, now time.Time) (*Role, error) {
	r.ID, r.Created = uniqueID(prefixRole, r.Account), stamp(now)
	err := create(ctx, s.roles, &r, marked, r.Account, fold(r.Name))
	if err != nil {
		return nil, fmt.Errorf("create role %s: %w", r.Name, err)
	}
	return &r, nil
}

// UpdateRole changes a role by compare-and-set; an error of change aborts and
// is returned.
func (s *Store) UpdateRole(ctx context.Context, account, name string, change func(*Role) error) error {
	return update(ctx, s.roles, name, change, account, fold(name))
}

// DeleteRole deletes a role if check agrees. Its sessions end with it.
func (s *Store) DeleteRole(ctx context.Context, account, name string, check func(*Role) error) error {
	return remove(ctx, s.roles, name, check, account, fold(name))
}

// Attaching runs change, which attaches a managed policy to a user or role,
// while the policy cannot be deleted. ErrNotFound if there is no such policy.
func (s *Store) Attaching(policyARN string, change func() error) error {
	s.attach.Lock()
	defer s.attach.Unlock()
	if _, ok := s.Policy(policyARN); !ok {
		return ErrNotFound
	}
	return change()
}

// splitARN takes an IAM ARN of one kind apart: its account and its name
// without the path.
func splitARN(s, kind string) (account, name string, ok bool) {
	a, err := arn.Parse(s)
	if err != nil || a.Partition != arn.Partition || a.Service != "iam" || a.Region != "" {
		return "", "", false
	}
	rest, ok := strings.CutPrefix(a.Resource, kind+"/")
	if !ok || a.Account == "" {
		return "", "", false
	}
	name = rest[strings.LastIndexByte(rest, '/')+1:]
	return a.Account, name, name != ""
}
