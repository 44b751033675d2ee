package identity

import (
	"slices"
	"strings"
	"time"

	"cairn/internal/policy"
)

// allowEverything stands for the rights of a root user, who has no policies:
// those a federated user of it has, within the session's policies.
const allowEverything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// FederatedARN returns the ARN of a federated user.
func FederatedARN(account, name string) string {
	return "arn:aws:sts::" + account + ":federated-user/" + name
}

// FederatedSpec says which federated user's session to open.
type FederatedSpec struct {
	// Issuer is the user or root user who asks; the session may do no more.
	Issuer *Principal
	// Name is the federated user's name.
	Name string
	// Duration is how long the session lasts.
	Duration time.Duration
	// Policies and PolicyARNs are the session policies. With neither, the session
	// may do what resource policies let it by name, and nothing else.
	Policies   []string
	PolicyARNs []string
	// Tags are the session tags.
	Tags []Tag
}

// OpenFederatedSession makes temporary credentials for somebody the issuer knows
// under a name. It decides nothing. They end with the issuer.
func (s *Store) OpenFederatedSession(spec FederatedSpec, now time.Time) (SessionCredentials, error) {
	id := keyID(prefixTemp, spec.Issuer.Account)
	t := sealedSession{
		Secret: newSecret(), Account: spec.Issuer.Account, User: spec.Issuer.ID, Federated: true, Name: spec.Name,
		Created: now.Unix(), Expires: now.Add(spec.Duration).Unix(), Policies: spec.Policies, PolicyARNs: spec.PolicyARNs,
		Tags: spec.Tags,
	}
	return s.sealSession(id, &t, FederatedARN(t.Account, t.Name))
}

// federated makes the principal of a federated user of an issuer.
//
// Source: "GetFederationToken" in the STS API Reference, "Permissions for
// GetFederationToken" in the IAM User Guide.
func (s *Store) federated(issuer Principal, t *sealedSession) (Principal, error) {
	narrow, err := s.sessionPolicies(t)
	if err != nil {
		return Principal{}, err
	}
	if narrow == nil {
		narrow = []*policy.Document{} // none were passed: none allows anything
	}
	p := issuer
	p.Kind, p.ID, p.ARN, p.Name = FederatedUser, t.Account+":"+t.Name, FederatedARN(t.Account, t.Name), t.Name
	p.SessionPolicies, p.Tags = narrow, overlaid(issuer.Tags, t.Tags)
	own := *issuer.Session
	own.Name, own.RoleARN, own.RoleID, own.RoleName = t.Name, issuer.ARN, issuer.ID, issuer.Name
	p.Session = &own
	if issuer.Kind == Root {
		all, err := s.parsed.parse(allowEverything)
		if err != nil {
			return Principal{}, err
		}
		p.Policies = []*policy.Document{all}
	}
	return p, nil
}

// overlaid returns tags with others over them: a key of both, in any case, has
// the other's value.
//
// Source: "Pass session tags in AWS STS" in the IAM User Guide.
func overlaid(tags, over []Tag) []Tag {
	if len(over) == 0 {
		return tags
	}
	all := slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return HasTag(over, t.Key) })
	return append(all, over...)
}

// transitive returns the session tags that are inherited.
func (t *sealedSession) transitive() []Tag {
	var list []Tag
	for _, tag := range t.Tags {
		if slices.ContainsFunc(t.Transitive, func(k string) bool { return strings.EqualFold(k, tag.Key) }) {
			list = append(list, tag)
		}
	}
	return list
}
