package iam

import (
	"strings"

	"cairn/internal/arn"
	"cairn/internal/identity"
	"cairn/internal/policy"
)

// checkTrust checks a role's trust policy and that the users and roles it names
// exist. A principal of an account that this engine does not hold is taken as
// it is: nobody can call as it here.
func (s *Service) checkTrust(member string, text *string) error {
	doc, err := checkDocument(member, text, policy.Trust)
	if err != nil {
		return err
	}
	if policySize(*text) > maxTrustSize {
		return limit("Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	for _, st := range doc.Statements() {
		for _, p := range st.Principals.AWS {
			if !s.principalExists(p) {
				return malformed("Invalid principal in policy: %q:%q", "AWS", p)
			}
		}
	}
	return nil
}

func (s *Service) principalExists(p string) bool {
	if identity.ValidAccount(p) {
		return true
	}
	a, err := arn.Parse(p)
	if err != nil || !identity.ValidAccount(a.Account) {
		return false
	}
	if _, ok := s.store.Account(a.Account); !ok {
		return true
	}
	kind, name, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Service == "iam" && a.Resource == "root":
		return true
	case a.Service == "iam" && kind == "role":
		_, ok := s.store.RoleByARN(p)
		return ok
	case a.Service == "iam" && kind == "user":
		u, ok := s.store.User(a.Account, name[strings.LastIndexByte(name, '/')+1:])
		return ok && u.ARN() == p
	case a.Service == "sts" && kind == "assumed-role":
		role, session, ok := strings.Cut(name, "/")
		_, exists := s.store.Role(a.Account, role)
		return ok && exists && session != ""
	}
	return false
}
