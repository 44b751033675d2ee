package identity

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"cairn/internal/policy"
)

// maxToken bounds a session token's length in bytes before it is decoded: ten
// policy ARNs, a session policy of 2,048 characters and fifty tags of the longest
// kind, if none of their characters is ASCII, take 150 KB; those with more are
// refused. Proxies and SDKs take headers of this size.
const maxToken = 48 << 10

// SessionSpec says which role session to open.
type SessionSpec struct {
	Role *Role
	// MFA says that the caller showed a code of an MFA device.
	MFA bool
	// Name is the role session name.
	Name string
	// Duration is how long the session lasts.
	Duration time.Duration
	// Policies are texts of session policies, PolicyARNs managed policies used
	// as such; the session may do what these and the role's policies allow.
	Policies   []string
	PolicyARNs []string
	// InvokedBy is the service that assumed the role, if one did;
	// SourceAccount the account of the caller.
	InvokedBy     string
	SourceAccount string
	// Provider is the ARN of the provider whose web identity assumes the role.
	Provider string
	// SourceIdentity is who set out; empty if nobody said.
	SourceIdentity string
	// Tags are the session tags, Transitive the keys of those that roles assumed
	// by the session inherit.
	Tags       []Tag
	Transitive []string
}

// SessionCredentials are temporary credentials.
type SessionCredentials struct {
	Credentials
	// Token is the session token: needed with every call.
	Token   string
	Expires time.Time
}

// sealedSession is what a session token holds, encrypted. The access key id is
// not in it: the token is bound to it and opens with no other. The engine keeps
// no list of sessions; deleting the role ends them.
type sealedSession struct {
	Secret     string   `json:"s"`
	Account    string   `json:"a"`
	Role       string   `json:"r"`
	RoleID     string   `json:"i"`
	Name       string   `json:"n"`
	Created    int64    `json:"c"` // Unix seconds, as Expires
	Expires    int64    `json:"e"`
	Policies   []string `json:"p,omitempty"`
	PolicyARNs []string `json:"m,omitempty"`
	InvokedBy  string   `json:"b,omitempty"`
	Source     string   `json:"f,omitempty"`
	MFA        bool     `json:"x,omitempty"`
	// User is the unique id of the user whose own session it is, or the account
	// id for the root user; then there is no role.
	User string `json:"u,omitempty"`
	// Federated is set if the session is not the user's own, but that of the
	// federated user called Name.
	Federated      bool     `json:"d,omitempty"`
	Provider       string   `json:"w,omitempty"`
	SourceIdentity string   `json:"si,omitempty"`
	Tags           []Tag    `json:"t,omitempty"`
	Transitive     []string `json:"tt,omitempty"`
}

// OpenSession makes temporary credentials of a role. It decides nothing:
// whether the caller may have them is sts:AssumeRole's matter.
func (s *Store) OpenSession(spec SessionSpec, now time.Time) (SessionCredentials, error) {
	id := keyID(prefixTemp, spec.Role.Account)
	t := sealedSession{
		Secret: newSecret(), Account: spec.Role.Account, Role: spec.Role.Name, RoleID: spec.Role.ID, Name: spec.Name,
		Created: now.Unix(), Expires: now.Add(spec.Duration).Unix(), Policies: spec.Policies, PolicyARNs: spec.PolicyARNs,
		InvokedBy: spec.InvokedBy, Source: spec.SourceAccount, MFA: spec.MFA, Provider: spec.Provider,
		SourceIdentity: spec.SourceIdentity, Tags: spec.Tags, Transitive: spec.Transitive,
	}
	return s.sealSession(id, &t, spec.Role.ARN())
}

// OpenUserSession makes temporary credentials of a user or root user, who is the
// caller: the session may do what the user may. It decides nothing.
func (s *Store) OpenUserSession(p *Principal, d time.Duration, mfa bool, now time.Time) (SessionCredentials, error) {
	id := keyID(prefixTemp, p.Account)
	t := sealedSession{
		Secret: newSecret(), Account: p.Account, User: p.ID, Created: now.Unix(), Expires: now.Add(d).Unix(), MFA: mfa,
	}
	return s.sealSession(id, &t, p.ARN)
}

func (s *Store) sealSession(id string, t *sealedSession, of string) (SessionCredentials, error) {
	text, err := json.Marshal(t) //nolint:gosec // sealed below, before it leaves
	if err != nil {
		return SessionCredentials{}, fmt.Errorf("encode a session of %s: %w", of, err)
	}
	token := base64.StdEncoding.EncodeToString(s.sessions.Seal(id, text))
	if len(token) > maxToken {
		return SessionCredentials{}, fmt.Errorf("open a session of %s: the token takes %d bytes, more than %d: pass smaller session policies",
			of, len(token), maxToken)
	}
	return SessionCredentials{
		Credentials: Credentials{AccessKeyID: id, Secret: t.Secret},
		Token:       token, Expires: time.Unix(t.Expires, 0).UTC(),
	}, nil
}

// ServiceSession returns the role session a service of the engine acts in after
// sts:AssumeRole was allowed: for an hour, with the role's policies as they are
// now. ErrNotFound if there is no such role.
func (s *Store) ServiceSession(roleARN, sessionName, service string, now time.Time) (Principal, error) {
	r, ok := s.RoleByARN(roleARN)
	if !ok {
		return Principal{}, fmt.Errorf("open a session of %s for %s: %w", roleARN, service, ErrNotFound)
	}
	return s.rolePrincipal(r, keyID(prefixTemp, r.Account), &sealedSession{
		Name: sessionName, Created: now.Unix(), Expires: now.Add(time.Hour).Unix(), InvokedBy: service,
	})
}

// rolePrincipal makes the principal of a session of a role.
func (s *Store) rolePrincipal(r *Role, keyID string, t *sealedSession) (Principal, error) {
	policies, boundary, err := s.grants(&r.Entity)
	if err != nil {
		return Principal{}, err
	}
	narrow, err := s.sessionPolicies(t)
	if err != nil {
		return Principal{}, err
	}
	return Principal{
		Kind: AssumedRole, Account: r.Account, ID: r.ID + ":" + t.Name, Name: r.Name, AccessKeyID: keyID,
		ARN: "arn:aws:sts::" + r.Account + ":assumed-role/" + r.Name + "/" + t.Name,
		Session: &Session{
			Name: t.Name, RoleARN: r.ARN(), RoleID: r.ID, RoleName: r.Name, InvokedBy: t.InvokedBy, MFA: t.MFA,
			Created: time.Unix(t.Created, 0).UTC(), Expires: time.Unix(t.Expires, 0).UTC(),
			Provider: t.Provider, SourceIdentity: t.SourceIdentity, Transitive: t.transitive(),
		},
		Tags: overlaid(r.Tags, t.Tags), Policies: policies, Boundary: boundary, SessionPolicies: narrow,
	}, nil
}

// sessionPolicies returns a session's policies, nil if it was opened with none.
// Managed ones that are gone leave an empty list, which allows nothing.
func (s *Store) sessionPolicies(t *sealedSession) ([]*policy.Document, error) {
	if len(t.Policies)+len(t.PolicyARNs) == 0 {
		return nil, nil
	}
	docs := make([]*policy.Document, 0, len(t.Policies)+len(t.PolicyARNs))
	for _, text := range t.Policies {
		d, err := s.parsed.parse(text)
		if err != nil {
			return nil, fmt.Errorf("parse a session policy of %s: %w", t.Name, err)
		}
		docs = append(docs, d)
	}
	managed, err := s.managedDocuments(t.PolicyARNs)
	return append(docs, managed...), err
}
