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
	// FederatedUser is a session a user or root user opened for somebody else.
	FederatedUser Kind = "FederatedUser"
	// WebIdentityUser is whom an identity provider vouches for, in the one call
	// that opens a role session; Unknown is a caller of it whose token does not
	// hold.
	WebIdentityUser Kind = "WebIdentityUser"
	Unknown         Kind = "Unknown"
)

// Principal is an authenticated caller, with all that authorization and the
// record need to know. It is immutable.
type Principal struct {
	Kind Kind
	// Account is the caller's account id; for a service, the account it acts
	// for; for a web identity, that of the role asked for.
	Account string
	// ID is userIdentity.principalId: the account id for root, AIDA... for a
	// user, AROA...:SESSION for a role session, ACCOUNT:NAME for a federated
	// user, PROVIDER:AUDIENCE:SUBJECT for a web identity.
	ID string
	// ARN is the caller's ARN; empty for services, web identities and anonymous
	// callers.
	ARN string
	// Name is the user's or role's name, or a web identity's subject.
	Name string
	// Provider is the ARN of the provider that vouches for a web identity.
	Provider string
	// Web is what the provider said of a web identity; nil for all others.
	Web *WebIdentity
	// Tags are what aws:PrincipalTag says: those of the user or role, under those
	// of the session.
	Tags []Tag
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
	// Name is the role session name, or the federated user's; empty, as the
	// role's members, for a session of a user or root user.
	Name string
	// RoleARN, RoleID and RoleName identify the session's issuer: the role, or
	// the user or root user who federated somebody.
	RoleARN  string
	RoleID   string
	RoleName string
	// Created and Expires bound the session; MFA says it was opened with MFA.
	Created time.Time
	Expires time.Time
	MFA     bool
	// InvokedBy is the service that assumed the role, if one did.
	InvokedBy string
	// Provider is the ARN of the identity provider whose web identity assumed
	// the role, if one did.
	Provider string
	// SourceIdentity is who set out, however many roles were assumed since; empty
	// if nobody said.
	SourceIdentity string
	// Transitive are the session tags a role assumed by this session inherits.
	Transitive []Tag
}

// WebIdentity is what an identity provider says of somebody, checked.
type WebIdentity struct {
	// Issuer is the provider's URL without https://.
	Issuer string
	// Audience is for whom the token was made, Subject who it is about; Methods
	// are the ways the subject showed who it is (amr).
	Audience, Subject string
	Methods           []string
	// Tags, Transitive and SourceIdentity are for the session, as in SessionSpec.
	Tags           []Tag
	Transitive     []string
	SourceIdentity string
	// Checked says how the connection to the provider was checked, as records
	// spell it; empty if there was none.
	Checked string
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
	case WebIdentityUser:
		q = policy.Principal{Federated: p.Provider}
	case Unknown:
		q = policy.Principal{}
	case AssumedRole, FederatedUser:
		q.RoleARN, q.ID = p.Session.RoleARN, p.Session.RoleID
	case IAMUser:
		q.ID = p.ID
	case Root:
	}
	return q
}
