package engine

// This file says who may do what, from AWS's documents alone and on nothing but
// words: it shares no code with the evaluation it is compared with.
//
// Sources: "Policy evaluation for requests within a single account",
// "Cross-account policy evaluation logic", "Permissions boundaries" and
// "Session policies" in the IAM User Guide.

// verdict is what the policies of one kind say of a call.
type verdict int

const (
	absent verdict = iota // there is no such policy
	silent                // there is, and nothing in it speaks of the call
	allows
	denies
)

// naming is how a resource's policy allows a caller: by what it names.
type naming int

const (
	nobody naming = iota
	theAccount
	everyone // Principal "*"
	theRole
	theService
	theUser    // by ARN
	theSession // by ARN
	theIssuer  // the user who vouches for a guest, by ARN
	theRoot    // by ARN, which is that of the account
)

// standing is what a caller is.
type standing int

const (
	asRoot standing = iota
	asUser
	asSession
	asGuest // a federated user
	asAService
	asNobody
)

// question is one cell of the table.
type question struct {
	who standing
	// abroad: the resource is another account's.
	abroad bool
	// identity, boundary and passed are what the caller's policies, permissions
	// boundary and session policies say.
	identity, boundary, passed verdict
	// named is how the resource's policy allows it; forbidden that it denies it.
	named     naming
	forbidden bool
	// own: the operation is one of those a guest never may call, whatever says
	// otherwise: IAM's, and STS's but GetCallerIdentity.
	own bool
}

// answer decides a question.
func (q question) answer() bool {
	// "An explicit deny in any of these policies overrides the allow."
	if q.forbidden || q.identity == denies || q.boundary == denies || q.passed == denies {
		return false
	}
	within := func(v verdict) bool { return v == absent || v == allows }
	narrowed := within(q.boundary) && within(q.passed)
	if q.who == asGuest {
		// "If you do not pass any session policy, the session has no permissions";
		// "the exception is a resource-based policy that specifically references
		// the federated user session".
		narrowed = within(q.boundary) && q.passed == allows
	}
	switch {
	case q.who == asGuest && q.own:
		return false
	case q.who == asNobody:
		return q.named == everyone
	case q.who == asAService:
		return q.named == everyone || q.named == theService
	case q.abroad:
		// "Both the identity-based policy and the resource-based policy must
		// allow"; the root user has no policies that could be missing.
		return q.named != nobody && (q.who == asRoot || q.identity == allows && narrowed)
	case q.who == asRoot:
		return true
	case q.named == theUser, q.named == theSession:
		// "Not limited by an implicit deny in an identity-based policy,
		// permissions boundary or session policy."
		return true
	case q.named == theRole, q.named == theIssuer, q.named == everyone:
		// Not limited by the identity-based policy; boundary and session policy
		// limit it.
		return narrowed
	}
	// Not named, or by account, which "delegates to the account".
	return q.identity == allows && narrowed
}
