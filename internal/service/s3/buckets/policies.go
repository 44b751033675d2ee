package buckets

import (
	"context"
	"fmt"

	"cairn/internal/service/s3/config"
)

// parsedPolicy is the parsed policy of one version of a bucket.
type parsedPolicy struct {
	of *config.Bucket
	p  *config.BucketPolicy
}

// Policy returns a bucket's policy; a bucket without one has an empty one. A
// stored policy that does not parse fails closed, with an error.
func (r *Registry) Policy(b *config.Bucket) (*config.BucketPolicy, error) {
	if b.Policy == "" {
		return &config.BucketPolicy{}, nil
	}
	if v, ok := r.policies.Load(b.Name); ok && v.(*parsedPolicy).of == b {
		return v.(*parsedPolicy).p, nil
	}
	p, err := config.ReadPolicy(b.Name, []byte(b.Policy))
	if err != nil {
		return nil, fmt.Errorf("read the stored policy of bucket %s: %w", b.Name, err)
	}
	r.policies.Store(b.Name, &parsedPolicy{of: b, p: p})
	return p, nil
}

// Bind brings policies that were kept before unique ids were into the form they
// are kept in now: with the ids of the users and roles there are in place of their
// ARNs.
//
// Each policy is changed by itself: a crash leaves some as they were, for the next
// start.
func (r *Registry) Bind(ctx context.Context, known config.Principals) error {
	for _, row := range r.rows.List() {
		if b := row.Value; b.Policy == "" || known.BindPrincipals(b.Policy) == b.Policy {
			continue
		}
		err := r.Update(ctx, row.Value.Name, func(b *config.Bucket) error {
			b.Policy = known.BindPrincipals(b.Policy)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
