package policy

import "strings"

// Evaluate decides a query:
//
//  1. A Deny that matches, in any policy, denies.
//  2. A service or an anonymous caller needs the resource's policy to allow.
//  3. Within the account, the identity policies or the resource's policy have
//     to allow. A resource policy that names the account leaves it to the
//     account's identity policies; one that names the user, the role, the
//     session or "*" allows by itself. Where ResourcePolicyDecides, it always
//     has to allow, one way or the other.
//  4. Across accounts, both have to allow.
//  5. Boundary and session policies have to allow too, except, within the
//     account, against a resource policy that names the very user or session.
//     (One that names the role, or "*", is still bounded by them.)
//  6. The root user may do everything in its own account, as far as no Deny
//     of the resource's policy stands in its way.
//
// It allocates nothing for policies without variables, unless it denies.
//
// Source: "Policy evaluation logic" and "Permissions boundaries for IAM
// entities" in the IAM User Guide. Texts: "Troubleshoot access denied error
// messages" there.
func Evaluate(q *Query) Decision {
	if d, denied := explicitDeny(q); denied {
		return d
	}
	p := &q.Principal
	granted := noGrant
	if q.ResourcePolicy != nil {
		granted = q.ResourcePolicy.grant(q)
	}
	switch {
	case p.Account == "": // a service, or nobody
		return q.need(granted > accountGrant, q.resourceText())
	case q.ResourceAccount != "" && q.ResourceAccount != p.Account:
		if d := q.need(p.Root || anyAllows(q.Identity, q), "identity-based policy"); !d.Allowed {
			return d
		}
		if granted == noGrant {
			return q.need(false, q.resourceText())
		}
		return q.bounded()
	case granted > principalGrant:
		return Decision{Allowed: true}
	case p.Root:
		return q.need(!q.ResourcePolicyDecides || granted != noGrant, q.resourceText())
	case granted == principalGrant:
		return q.bounded()
	case q.ResourcePolicyDecides && granted == noGrant:
		return q.need(false, q.resourceText())
	}
	if d := q.need(anyAllows(q.Identity, q), "identity-based policy"); !d.Allowed {
		return d
	}
	return q.bounded()
}

// bounded applies the permissions boundary and the session policies.
func (q *Query) bounded() Decision {
	if q.Principal.Root {
		return Decision{Allowed: true}
	}
	if q.Boundary != nil && !q.Boundary.allows(q) {
		return q.need(false, "permissions boundary")
	}
	return q.need(q.Session == nil || anyAllows(q.Session, q), "session policy")
}

// need allows if ok, and otherwise says which kind of policy was missing.
func (q *Query) need(ok bool, kind string) Decision {
	if ok {
		return Decision{Allowed: true}
	}
	return Decision{Reason: "no " + kind + " allows the " + q.Action + " action"}
}

func (q *Query) resourceText() string {
	if q.ResourcePolicyDecides {
		return "role trust policy"
	}
	return "resource-based policy"
}

// explicitDeny looks for a Deny statement that matches, in every policy.
func explicitDeny(q *Query) (Decision, bool) {
	deny := func(kind string) (Decision, bool) {
		return Decision{Explicit: true, Reason: "with an explicit deny in " + kind}, true
	}
	switch {
	case anyDenies(q.Identity, q):
		return deny("an identity-based policy")
	case q.Boundary != nil && q.Boundary.denies(q, false):
		return deny("a permissions boundary")
	case anyDenies(q.Session, q):
		return deny("a session policy")
	case q.ResourcePolicy != nil && q.ResourcePolicy.denies(q, true):
		if q.ResourcePolicyDecides {
			return deny("the role trust policy")
		}
		return deny("a resource-based policy")
	}
	return Decision{}, false
}

func anyAllows(list []*Document, q *Query) bool {
	for _, d := range list {
		if d.allows(q) {
			return true
		}
	}
	return false
}

func anyDenies(list []*Document, q *Query) bool {
	for _, d := range list {
		if d.denies(q, false) {
			return true
		}
	}
	return false
}

// allows reports whether an identity policy has an Allow that matches.
func (d *Document) allows(q *Query) bool {
	for i := range d.statements {
		if s := &d.statements[i]; s.Allow && s.matches(q) {
			return true
		}
	}
	return false
}

// denies reports whether a policy has a Deny that matches; named says whether
// it is one that names principals.
func (d *Document) denies(q *Query, named bool) bool {
	for i := range d.statements {
		if s := &d.statements[i]; !s.Allow && s.matches(q) && (!named || s.hits(q)) {
			return true
		}
	}
	return false
}

// grant returns the strongest grant of a resource policy to the principal.
func (d *Document) grant(q *Query) grant {
	best := noGrant
	for i := range d.statements {
		s := &d.statements[i]
		if s.Allow && s.Principals != nil && s.matches(q) {
			best = max(best, s.Principals.grant(&q.Principal))
		}
	}
	return best
}

// matches compares all but the principal.
func (s *Statement) matches(q *Query) bool {
	return s.matchesAction(q) && s.matchesResource(q) && s.firstUnmet(q) == nil
}

func (s *Statement) matchesAction(q *Query) bool {
	for i := range s.actions {
		if glob(s.actions[i].text, q.Action, true) {
			return !s.NotAction
		}
	}
	return s.NotAction
}

func (s *Statement) matchesResource(q *Query) bool {
	if s.resources == nil {
		return true // a trust policy: the resource is the role it belongs to
	}
	for i := range s.resources {
		text, ok := s.resources[i].in(q.Context)
		switch {
		case !ok && s.NotResource && s.Allow:
			return false // an exception nobody can tell must not allow the rest
		case !ok && !s.Allow && !s.resources[i].told(q.Context):
			return true // nor a Deny be got round by what it is about
		case ok && glob(text, q.Resource, false):
			return !s.NotResource
		}
	}
	return s.NotResource
}

// firstUnmet returns the first condition that does not hold; nil if all do.
func (s *Statement) firstUnmet(q *Query) *Condition {
	for i := range s.Conditions {
		c := &s.Conditions[i]
		holds := c.holds(q.Context)
		if c.ambiguous(q.Context) {
			holds = !s.Allow
		}
		if !holds {
			return c
		}
	}
	return nil
}

// grant says how directly a resource policy names a principal.
type grant int

const (
	noGrant        grant = iota
	accountGrant         // by its account, which has to allow as well
	principalGrant       // by its role, or as anybody
	directGrant          // by the very ARN of user, session or root
)

// grant returns how a principal is named. A service or nobody is never named
// by account.
func (p *Principals) grant(who *Principal) grant {
	best := noGrant
	if p.Any {
		best = principalGrant
	}
	if who.Service != "" {
		for _, s := range p.Service {
			if s == who.Service {
				best = principalGrant
			}
		}
		return best
	}
	if who.Federated != "" {
		for _, s := range p.Federated {
			if s == who.Federated {
				best = principalGrant
			}
		}
	}
	if who.Account == "" {
		return best
	}
	for _, s := range p.AWS {
		switch {
		case s == who.ARN:
			return directGrant
		case s == who.ID && who.RoleARN == "": // nor can who.ID
			return directGrant
		case s == who.RoleARN, s == who.ID: // who.RoleARN "" cannot be: s is never empty
			best = max(best, principalGrant)
		case namesAccount(s, who.Account):
			if who.Root {
				return directGrant
			}
			best = max(best, accountGrant)
		}
	}
	return best
}

// hits reports whether a Deny of a resource policy is meant for the principal.
// One that names an account is meant for everybody in it.
//
// With NotPrincipal, those are spared who are named and whose account is named
// too. A role session has to be named by its own ARN and its role as well, and a
// federated user by its own ARN: S3 looks at each of them. A principal with a
// permissions boundary is never spared.
//
// Source: "NotPrincipal" in the IAM User Guide; for sessions, the AWS Security
// Blog's "How to restrict Amazon S3 bucket access to a specific IAM role", which
// is about the role alone and the session alone not being enough.
func (s *Statement) hits(q *Query) bool {
	switch {
	case s.Principals == nil:
		return true
	case !s.NotPrincipal:
		return s.Principals.grant(&q.Principal) != noGrant
	case s.Principals.Any:
		return false
	case q.Boundary != nil:
		return true
	case q.Principal.Account == "":
		return s.Principals.grant(&q.Principal) < principalGrant
	}
	return !s.Principals.spares(&q.Principal)
}

// spares reports whether a NotPrincipal names all that it has to of a principal
// that belongs to an account.
func (p *Principals) spares(who *Principal) bool {
	var itself, role, account bool
	for _, s := range p.AWS {
		isAccount := namesAccount(s, who.Account)
		account = account || isAccount
		itself = itself || s == who.ARN || isAccount && who.Root || s == who.ID && who.RoleARN == ""
		role = role || s == who.RoleARN || s == who.ID
	}
	if strings.Contains(who.RoleARN, ":role/") && !role {
		return false
	}
	return itself && account
}

// namesAccount reports whether s is an account's id or the ARN of its root.
func namesAccount(s, account string) bool {
	if len(s) == len(account) {
		return s == account
	}
	rest, ok := strings.CutPrefix(s, "arn:")
	_, rest, cut := strings.Cut(rest, ":iam::")
	return ok && cut && strings.HasSuffix(rest, ":root") && rest[:len(rest)-len(":root")] == account
}
