package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn/internal/awserr"
)

// The errors of Resolve, as the query protocols spell them. JSON services say
// UnrecognizedClientException and ExpiredTokenException, S3 InvalidAccessKeyId
// and ExpiredToken: whoever writes the reply renames them.
const (
	InvalidToken = "InvalidClientTokenId"
	ExpiredToken = "ExpiredToken"
)

func invalidToken() *awserr.Error {
	return awserr.New(http.StatusForbidden, InvalidToken, "The security token included in the request is invalid.")
}

func expiredToken() *awserr.Error {
	return awserr.New(http.StatusForbidden, ExpiredToken, "The security token included in the request is expired")
}

// Resolve returns the principal an access key id (and, for temporary
// credentials, session token) stands for, with the secret its signature must
// have been made with. The signature itself is not checked here. It reads
// memory only.
//
// Unknown and inactive keys, tokens that do not open or belong to another key,
// and sessions of a role that is gone (even if one of that name was made
// again) are InvalidToken; a session after its end is ExpiredToken; both are
// *awserr.Error. Any other error is a fault of the store: a policy that does
// not parse, or a secret sealed with another seal key.
func (s *Store) Resolve(_ context.Context, accessKeyID, sessionToken string, now time.Time) (Principal, string, error) {
	if sessionToken != "" || strings.HasPrefix(accessKeyID, prefixTemp) {
		return s.resolveSession(accessKeyID, sessionToken, now)
	}
	if accessKeyID == "" {
		return Principal{}, "", invalidToken()
	}
	row, ok := s.keys.Get(accessKeyID)
	if !ok {
		return Principal{}, "", invalidToken()
	}
	var (
		p    Principal
		keys []AccessKey
		err  error
	)
	if row.User == "" {
		a, ok := s.accounts.Get(row.Account)
		if !ok {
			return Principal{}, "", invalidToken()
		}
		p, keys = rootPrincipal(a), a.Root
	} else {
		u, ok := s.users.Get(row.Account, row.User)
		if !ok || u.Deleted {
			return Principal{}, "", invalidToken()
		}
		if p, err = s.userPrincipal(u); err != nil {
			return Principal{}, "", err
		}
		keys = u.Keys
	}
	i := slices.IndexFunc(keys, func(k AccessKey) bool { return k.ID == accessKeyID })
	if i < 0 || !keys[i].Active {
		return Principal{}, "", invalidToken()
	}
	secret, err := s.secrets.Open(accessKeyID, keys[i].Sealed)
	if err != nil {
		return Principal{}, "", err
	}
	p.AccessKeyID = accessKeyID
	return p, string(secret), nil
}

func (s *Store) resolveSession(accessKeyID, token string, now time.Time) (Principal, string, error) {
	t, ok := s.openToken(accessKeyID, token)
	if !ok {
		return Principal{}, "", invalidToken()
	}
	if now.Unix() >= t.Expires {
		return Principal{}, "", expiredToken()
	}
	if t.User != "" {
		p, err := s.userSession(t)
		if err == nil && t.Federated {
			p, err = s.federated(p, t)
		}
		p.AccessKeyID = accessKeyID
		return p, t.Secret, err
	}
	r, ok := s.Role(t.Account, t.Role)
	if !ok || r.ID != t.RoleID {
		return Principal{}, "", invalidToken()
	}
	p, err := s.rolePrincipal(r, accessKeyID, t)
	if err != nil {
		return Principal{}, "", err
	}
	p.SourceAccount = t.Source
	return p, t.Secret, nil
}

// userSession returns the user or root user whose own session it is. It ends
// with the user.
func (s *Store) userSession(t *sealedSession) (p Principal, err error) {
	if t.User == t.Account {
		a, ok := s.accounts.Get(t.Account)
		if !ok {
			return p, invalidToken()
		}
		p = rootPrincipal(a)
	} else {
		users := s.Users(t.Account)
		i := slices.IndexFunc(users, func(u *User) bool { return u.ID == t.User })
		if i < 0 {
			return p, invalidToken()
		}
		if p, err = s.userPrincipal(users[i]); err != nil {
			return p, err
		}
	}
	p.Session = &Session{Created: time.Unix(t.Created, 0).UTC(), Expires: time.Unix(t.Expires, 0).UTC(), MFA: t.MFA}
	return p, nil
}

func rootPrincipal(a *Account) Principal {
	return Principal{Kind: Root, Account: a.ID, ID: a.ID, ARN: a.RootARN(), Name: a.Alias}
}

func (s *Store) userPrincipal(u *User) (p Principal, err error) {
	p = Principal{Kind: IAMUser, Account: u.Account, ID: u.ID, ARN: u.ARN(), Name: u.Name, Tags: u.Tags}
	p.Policies, p.Boundary, err = s.grants(&u.Entity)
	return p, err
}

// openToken reads a session token. Only a token this engine made for this very
// access key opens.
func (s *Store) openToken(accessKeyID, token string) (*sealedSession, bool) {
	if token == "" || len(token) > maxToken {
		return nil, false
	}
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, false
	}
	text, err := s.sessions.Open(accessKeyID, sealed)
	if err != nil {
		return nil, false
	}
	var t sealedSession
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, false
	}
	return &t, true
}
