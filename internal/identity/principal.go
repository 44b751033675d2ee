// Package identity knows who calls: accounts, their root user, IAM users,
// roles, role sessions and access keys.
package identity

import (
	"time"

	"cairn/internal/policy"
)

// Kind says what sort of caller a Principal is. The values are those of
// userIdentity.type (shared spec 2.3), except Anonymous, which is recorded as
// an AWSAccount named "anonymous".
type Kind string

// The kinds of caller the engine can tell apart.
const (
	Root        Kind = "Root"
	IAMUser     Kind = "IAMUser"
	AssumedRole Kind = "AssumedRole"
	AWSService  Kind = "AWSService"
	Anonymous   Kind = "Anonymous"
)

// Principal is an authenticated caller, with all that authorization and the
// record need to know. It is immutable.
type Principal struct {
	Kind Kind
	// Account is the caller's account id; for a service, the account it acts for.
	Account string
	// ID is userIdentity.principalId: the account id for root, AIDA... for a
	// user, AROA...:SESSION for a role session.
	ID string
	// ARN is the caller's ARN; empty for services and anonymous callers.
	ARN string
	// Name is the user's or role's name.
	Name string
	// AccessKeyID signed the call; empty for services and anonymous callers.
	AccessKeyID string
	// Session is set for role sessions, and for users and root users who call
	// with temporary credentials of their own.
	Session *Session
	// Service is the service principal's name, such as cloudtrail.amazonaws.com.
	Service string
	// SourceARN and SourceAccount say on behalf of which resource a service
	// acts (aws:SourceArn, aws:SourceAccount).
	SourceARN     string
	SourceAccount string

	// Policies are the identity policies in force; Boundary and SessionPolicies
	// narrow them.
	Policies        []*policy.Document
	Boundary        *policy.Document
	SessionPolicies []*policy.Document
}

// Session describes temporary credentials.
type Session struct {
	// Name is the role session name; empty, as the role's members, for a session
	// of a user or root user.
	Name string
	// RoleARN, RoleID and RoleName identify the role (the session's issuer).
	RoleARN  string
	RoleID   string
	RoleName string
	// Created and Expires bound the session; MFA says it was opened with MFA.
	Created time.Time
	Expires time.Time
	MFA     bool
	// InvokedBy is the service that assumed the role, if one did.
	InvokedBy string
}

// ForService returns the principal of a service that acts for a resource: the
// trail cloudtrail.amazonaws.com delivers for, say.
func ForService(service, sourceARN, sourceAccount string) Principal {
	return Principal{Kind: AWSService, Account: sourceAccount, Service: service, SourceARN: sourceARN, SourceAccount: sourceAccount}
}

// ForPolicy returns the principal as policies see it.
func (p *Principal) ForPolicy() policy.Principal {
	q := policy.Principal{Account: p.Account, ARN: p.ARN, Root: p.Kind == Root}
	switch p.Kind {
	case AWSService:
		q = policy.Principal{Service: p.Service}
	case Anonymous:
		q = policy.Principal{}
	case AssumedRole:
		q.RoleARN, q.ID = p.Session.RoleARN, p.Session.RoleID
	case IAMUser:
		q.ID = p.ID
	case Root:
	}
	return q
}
