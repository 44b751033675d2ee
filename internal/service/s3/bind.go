package s3

import (
	"context"

	"cairn/internal/service/s3/config"
)

// BindPolicies brings buckets' policies that were kept before unique ids were into
// the form they are kept in now: with the ids of the users and roles there are in
// place of their ARNs. It is for the start of an engine, before calls come in.
//
// Each policy is changed by itself: a crash leaves some as they were, for the next
// start.
func (s *Service) BindPolicies(ctx context.Context) error {
	if s.principals == nil {
		return nil
	}
	for _, row := range s.buckets.List() {
		if b := row.Value; b.Policy == "" || s.principals.BindPrincipals(b.Policy) == b.Policy {
			continue
		}
		err := s.update(ctx, row.Value.Name, func(b *config.Bucket) { b.Policy = s.principals.BindPrincipals(b.Policy) })
		if err != nil {
			return err
		}
	}
	return nil
}
