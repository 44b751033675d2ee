package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cairn/internal/awserr"
)

// ManagedPolicy is a customer managed policy, or one of the AWS managed
// policies the engine knows (Account "aws").
type ManagedPolicy struct {
	Account     string    `json:"account"`
	Name        string    `json:"name"`
	Path        string    `json:"path"`
	ID          string    `json:"id"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Updated     time.Time `json:"updated"`
	Tags        []Tag     `json:"tags,omitempty"`
	// Default is the id of the version in force, such as "v1".
	Default string `json:"default"`
	// Versions are the versions there are, oldest first; Last is the number of
	// the newest one ever made.
	Versions []PolicyVersion `json:"versions"`
	Last     int             `json:"last"`
	// Deleted marks a row whose deletion was decided but is not finished.
	Deleted bool `json:"deleted,omitempty"`
}

// PolicyVersion is one version of a managed policy.
type PolicyVersion struct {
	ID       string    `json:"id"`
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

// ARN returns arn:aws:iam::ACCOUNT:policy/PATH/NAME.
func (p *ManagedPolicy) ARN() string { return entityARN(p.Account, "policy", p.Path, p.Name) }

func (p *ManagedPolicy) is(policyARN string) bool { return !p.Deleted && p.ARN() == policyARN }

func (p *ManagedPolicy) mark() *bool { return &p.Deleted }

// Version returns a version by id, or the default version if id is empty.
func (p *ManagedPolicy) Version(id string) (*PolicyVersion, bool) {
	if id == "" {
		id = p.Default
	}
	i := slices.IndexFunc(p.Versions, func(v PolicyVersion) bool { return v.ID == id })
	if i < 0 {
		return nil, false
	}
	return &p.Versions[i], true
}

// AddVersion appends a version and returns it.
func (p *ManagedPolicy) AddVersion(document string, setDefault bool, now time.Time) PolicyVersion {
	p.Last++
	v := PolicyVersion{ID: fmt.Sprintf("v%d", p.Last), Document: document, Created: stamp(now)}
	p.Versions = append(slices.Clone(p.Versions), v)
	if setDefault {
		p.Default, p.Updated = v.ID, v.Created
	}
	return v
}

// Policy returns the managed policy an ARN names, the engine's own copies of
// AWS managed policies included.
func (s *Store) Policy(policyARN string) (*ManagedPolicy, bool) {
	account, name, ok := splitARN(policyARN, "policy")
	if !ok {
		return nil, false
	}
	if account == awsAccount {
		p, ok := s.managed[policyARN]
		return p, ok
	}
	p, ok := s.policies.Get(account, fold(name))
	if !ok || !p.is(policyARN) {
		return nil, false
	}
	return p, true
}

// Policies returns an account's customer managed policies, sorted by name.
func (s *Store) Policies(account string) []*ManagedPolicy {
	return list(s.policies, account)
}

// CreatePolicy adds a customer managed policy with its first version; the
// store sets ID, the times and the version. ErrExists if the name is taken.
func (s *Store) CreatePolicy(ctx context.Context, p ManagedPolicy, document string, now time.Time) (*ManagedPolicy, error) {
	p.ID, p.Created = uniqueID(prefixPolicy, p.Account), stamp(now)
	p.AddVersion(document, true, now)
	err := create(ctx, s.policies, &p, marked, p.Account, fold(p.Name))
	if err != nil {
		return nil, fmt.Errorf("create policy %s: %w", p.Name, err)
	}
	return &p, nil
}

// UpdatePolicy changes a customer managed policy by compare-and-set; an error
// of change aborts and is returned.
func (s *Store) UpdatePolicy(ctx context.Context, policyARN string, change func(*ManagedPolicy) error) error {
	account, name, ok := splitARN(policyARN, "policy")
	if !ok {
		return ErrNotFound
	}
	return update(ctx, s.policies, policyARN, change, account, fold(name))
}

// DeletePolicy deletes a customer managed policy that nothing uses, if check
// agrees. A policy in use is refused with DeleteConflict.
func (s *Store) DeletePolicy(ctx context.Context, policyARN string, check func(*ManagedPolicy) error) error {
	account, name, ok := splitARN(policyARN, "policy")
	if !ok {
		return ErrNotFound
	}
	s.attach.Lock()
	defer s.attach.Unlock()
	if n := s.PolicyUse(account)[policyARN]; n.Attached+n.Boundary > 0 {
		return awserr.New(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
	}
	return remove(ctx, s.policies, policyARN, check, account, fold(name))
}

// Use counts how often a managed policy is attached, and how often it is a
// permissions boundary.
type Use struct{ Attached, Boundary int32 }

// PolicyUse counts the use of managed policies in one account, by ARN.
func (s *Store) PolicyUse(account string) map[string]Use {
	use := map[string]Use{}
	count := func(e *Entity) {
		for _, a := range e.Attached {
			n := use[a]
			n.Attached++
			use[a] = n
		}
		if e.Boundary != "" {
			n := use[e.Boundary]
			n.Boundary++
			use[e.Boundary] = n
		}
	}
	for _, u := range s.Users(account) {
		count(&u.Entity)
	}
	for _, r := range s.Roles(account) {
		count(&r.Entity)
	}
	return use
}
