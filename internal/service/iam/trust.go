package iam

import (
	"cairn/internal/identity"
	"cairn/internal/policy"
)

// checkTrust checks a role's trust policy and that the users and roles it names
// exist.
func (s *Service) checkTrust(member string, text *string) error {
	doc, err := checkDocument(member, text, policy.Trust)
	if err != nil {
		return err
	}
	if policy.Size(*text) > maxTrustSize {
		return limit("Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	for _, st := range doc.Statements() {
		for _, p := range st.Principals.AWS {
			if !s.store.PrincipalExists(p) {
				return malformed("Invalid principal in policy: %q:%q", "AWS", p)
			}
		}
		for _, p := range st.Principals.Federated {
			if !identity.ValidProvider(p) {
				return malformed("Invalid principal in policy: %q:%q", "FEDERATED", p)
			}
		}
	}
	return nil
}
