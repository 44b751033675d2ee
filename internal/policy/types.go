// Package policy reads policy documents and evaluates them. It is pure: it
// reads no state and no clock.
//
// Source: "Policy evaluation logic" and "IAM JSON policy elements reference"
// in the IAM User Guide.
package policy

import "strings"

// Principal is a caller as policies see it.
type Principal struct {
	// Account is the caller's 12-digit account id; empty for services and
	// anonymous callers.
	Account string
	// ARN is the caller's ARN: arn:aws:iam::A:root, arn:aws:iam::A:user/N,
	// arn:aws:sts::A:assumed-role/R/S or arn:aws:sts::A:federated-user/N. Empty
	// for services and anonymous callers.
	ARN string
	// RoleARN is the role's ARN (arn:aws:iam::A:role/R) for a role session, and
	// that of the user or root user whose federated user it is.
	RoleARN string
	// ID is the unique id (AIDA..., AROA...) of the user, or of the session's
	// role or user, which kept policies name instead of the ARN.
	ID string
	// Service is a service principal's name, such as cloudtrail.amazonaws.com.
	Service string
	// Federated is the ARN of the identity provider that vouches for a caller who
	// is nobody here but for that: the caller of AssumeRoleWithWebIdentity.
	Federated string
	// Root is true for the account's root user.
	Root bool
}

// Context holds condition keys and their values. Keys are lower case, such as
// "aws:sourcearn"; a key with no values is absent.
type Context map[string][]string

// AddTag adds a tag, as the condition key "aws:requesttag/KEY" for the prefix
// "aws:requesttag/". Two tags whose keys differ in case alone are one condition
// key with two values, of which nobody can tell which is meant: a condition on it
// lets no Allow hold and no Deny pass.
func (c Context) AddTag(prefix, key, value string) {
	k := prefix + strings.ToLower(key)
	c[k] = append(c[k], value)
}

// AddRequestTag adds a tag that a request sets or takes away, with its key among
// "aws:TagKeys".
func (c Context) AddRequestTag(key, value string) {
	c.AddTag("aws:requesttag/", key, value)
	c["aws:tagkeys"] = append(c["aws:tagkeys"], key)
}

// untold is the value of keys nobody can tell. Two of it are no value a variable
// could take.
const untold = "\x00unknown"

// SetUnknown says that a key, or with "aws:requesttag/" all keys that begin so, may
// be there with any value, or not: what depends on it lets no Allow hold and no Deny
// pass.
func (c Context) SetUnknown(key string) { c[key] = []string{untold, untold} }

// tells reports whether it can be told what a key is, if it is anything: it is not
// unknown, nor one of two tags (AddTag).
func (c Context) tells(key string) bool {
	values, i := c[key], strings.IndexByte(key, '/')
	switch {
	case len(values) == 0:
		return i < 0 || len(c[key[:i+1]]) == 0
	case len(values) == 1:
		return true
	}
	return values[0] != untold && !strings.Contains(key, "tag/")
}

// Query asks whether one principal may do one action on one resource.
type Query struct {
	Principal Principal
	// Action is "service:Operation", such as "s3:PutObject".
	Action string
	// Resource is the ARN acted on, or "*" where the action has none.
	Resource string
	// ResourceAccount owns the resource. Empty means the caller's own account.
	ResourceAccount string
	// Context holds the condition keys of the request.
	Context Context

	// Identity holds the policies of the principal. Nil for root, services and
	// anonymous callers.
	Identity []*Document
	// Boundary is the permissions boundary, if any: what it does not allow is
	// denied, whatever the identity policies say.
	Boundary *Document
	// Session holds session policies passed to AssumeRole; nil means none.
	Session []*Document
	// ResourcePolicy is the resource's own policy (bucket policy, trust
	// policy); nil when it has none.
	ResourcePolicy *Document
	// ResourcePolicyDecides is true where an identity policy alone never
	// suffices: a role's trust policy.
	ResourcePolicyDecides bool
}

// Decision is the answer to a Query.
type Decision struct {
	// Allowed is true if the call may go on.
	Allowed bool
	// Explicit is true if a Deny statement matched.
	Explicit bool
	// Reason completes AWS's sentence "... is not authorized to perform: X on
	// resource: Y": after "because" if it is not explicit, such as "no
	// identity-based policy allows the s3:PutObject action"; else directly,
	// such as "with an explicit deny in a resource-based policy". Empty when
	// allowed.
	Reason string
}
