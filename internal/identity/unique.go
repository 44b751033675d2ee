package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cairn/internal/arn"
	"cairn/internal/policy"
)

// Policies that name users and roles are kept with their unique ids in place of
// their ARNs, as AWS does: a user who was deleted and made again under the same
// name is somebody else, and a user who was renamed is the same.
//
// Source: "AWS JSON policy elements: Principal" in the IAM User Guide.

// BindPrincipals returns a resource or trust policy as it is kept. Principals
// that this engine does not hold stay as they are.
func (s *Store) BindPrincipals(text string) string {
	return policy.RewritePrincipals(text, func(p string) string {
		if u, ok := s.userByARN(p); ok {
			return u.ID
		}
		if r, ok := s.RoleByARN(p); ok {
			return r.ID
		}
		return p
	})
}

// BindTrusts brings trust policies that were kept before ids were, or that name
// users of an account that came later, into the form they are kept in. It is for
// the start of an engine, before calls come in. What names somebody who does not
// exist stays as it is, and goes by name until it is put again.
//
// Each policy is changed by itself: a crash leaves some as they were, for the next
// start.
func (s *Store) BindTrusts(ctx context.Context) error {
	for _, a := range s.Accounts() {
		for _, r := range s.Roles(a.ID) {
			if s.BindPrincipals(r.Trust) == r.Trust {
				continue
			}
			err := s.UpdateRole(ctx, r.Account, r.Name, func(r *Role) error {
				r.Trust = s.BindPrincipals(r.Trust)
				return nil
			})
			if err != nil {
				return fmt.Errorf("bind the trust policy of %s to ids: %w", r.ARN(), err)
			}
		}
	}
	return nil
}

// ShowPrincipals returns a policy that was kept as it is shown: with the ARNs of
// users and roles there are, and the bare ids of those that are gone.
func (s *Store) ShowPrincipals(text string) string {
	return policy.RewritePrincipals(text, func(p string) string {
		if found, ok := s.arnOf(p); ok {
			return found
		}
		return p
	})
}

// PrincipalExists reports whether a policy may name p: an account, or a user,
// role or session, which has to exist where this engine holds its account.
// Those of other accounts are taken as they are: nobody can call as one here.
func (s *Store) PrincipalExists(p string) bool {
	if p == "*" || ValidAccount(p) {
		return true
	}
	if _, ok := s.arnOf(p); ok {
		return true
	}
	a, err := arn.Parse(p)
	if err != nil || !ValidAccount(a.Account) {
		return false
	}
	if _, ok := s.Account(a.Account); !ok {
		return true
	}
	kind, name, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Service == "iam" && a.Resource == "root":
		return true
	case a.Service == "iam" && kind == "role":
		_, ok := s.RoleByARN(p)
		return ok
	case a.Service == "iam" && kind == "user":
		_, ok := s.userByARN(p)
		return ok
	case a.Service == "sts" && kind == "assumed-role":
		role, session, ok := strings.Cut(name, "/")
		_, exists := s.Role(a.Account, role)
		return ok && exists && session != ""
	case a.Service == "sts" && kind == "federated-user": // whom only sessions make
		return name != ""
	}
	return false
}

func (s *Store) userByARN(userARN string) (*User, bool) {
	account, name, ok := splitARN(userARN, "user")
	if !ok {
		return nil, false
	}
	u, ok := s.User(account, name)
	if !ok || u.ARN() != userARN {
		return nil, false
	}
	return u, true
}

// arnOf returns the ARN of the user or role that has a unique id.
func (s *Store) arnOf(id string) (string, bool) {
	if len(id) != len(prefixUser)+17 {
		return "", false
	}
	account, ok := accountOfKey(id[:len(id)-1])
	if !ok {
		return "", false
	}
	switch id[:len(prefixUser)] {
	case prefixUser:
		all := s.Users(account)
		if i := slices.IndexFunc(all, func(u *User) bool { return u.ID == id }); i >= 0 {
			return all[i].ARN(), true
		}
	case prefixRole:
		all := s.Roles(account)
		if i := slices.IndexFunc(all, func(r *Role) bool { return r.ID == id }); i >= 0 {
			return all[i].ARN(), true
		}
	}
	return "", false
}
