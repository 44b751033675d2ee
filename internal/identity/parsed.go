package identity

import (
	"fmt"
	"sync"

	"cairn/internal/policy"
)

// maxParsed bounds the parsed policies kept: a text is parsed once as long as
// no more than this many different ones are in use.
const maxParsed = 8192

// denyAll stands for a permissions boundary that no longer exists: what is not
// known to be allowed is denied.
const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// parsedPolicies keeps parsed policies by their text, so that no call parses a
// policy that an earlier one has parsed.
type parsedPolicies struct {
	mu sync.RWMutex
	by map[string]*policy.Document
}

func (p *parsedPolicies) parse(text string) (*policy.Document, error) {
	p.mu.RLock()
	d, ok := p.by[text]
	p.mu.RUnlock()
	if ok {
		return d, nil
	}
	d, err := policy.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil || len(p.by) >= maxParsed {
		p.by = make(map[string]*policy.Document, maxParsed/8) // starting over is rare and cheap
	}
	p.by[text] = d
	return d, nil
}

// Trust returns a role's parsed trust policy.
func (s *Store) Trust(r *Role) (*policy.Document, error) {
	d, err := s.parsed.parse(r.Trust)
	if err != nil {
		return nil, fmt.Errorf("parse the trust policy of %s: %w", r.ARN(), err)
	}
	return d, nil
}

// grants returns the parsed policies of a user or role. A managed policy that
// is gone grants nothing; a boundary that is gone denies everything; a policy
// that does not parse is an error, because it may hold a Deny.
func (s *Store) grants(e *Entity) (policies []*policy.Document, boundary *policy.Document, err error) {
	policies = make([]*policy.Document, 0, len(e.Inline)+len(e.Attached))
	for _, in := range e.Inline {
		d, err := s.parsed.parse(in.Document)
		if err != nil {
			return nil, nil, fmt.Errorf("parse inline policy %s of %s: %w", in.Name, e.Name, err)
		}
		policies = append(policies, d)
	}
	attached, err := s.managedDocuments(e.Attached)
	if err != nil {
		return nil, nil, err
	}
	policies = append(policies, attached...)
	if e.Boundary == "" {
		return policies, nil, nil
	}
	text := denyAll
	if p, ok := s.Policy(e.Boundary); ok {
		if v, ok := p.Version(""); ok {
			text = v.Document
		}
	}
	if boundary, err = s.parsed.parse(text); err != nil {
		return nil, nil, fmt.Errorf("parse permissions boundary %s of %s: %w", e.Boundary, e.Name, err)
	}
	return policies, boundary, nil
}

// managedDocuments returns the default versions of managed policies that exist.
func (s *Store) managedDocuments(arns []string) ([]*policy.Document, error) {
	var docs []*policy.Document
	for _, a := range arns {
		p, ok := s.Policy(a)
		if !ok {
			continue
		}
		v, ok := p.Version("")
		if !ok {
			continue
		}
		d, err := s.parsed.parse(v.Document)
		if err != nil {
			return nil, fmt.Errorf("parse policy %s: %w", a, err)
		}
		docs = append(docs, d)
	}
	return docs, nil
}
