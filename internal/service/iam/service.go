// Package iam answers the IAM API: users, roles, policies and access keys of
// the caller's own account. No operation reaches another account.
//
// Source: "IAM API Reference" (2010-05-08); texts of errors as AWS answers them.
package iam

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/wire"
)

// Version is the API version; Namespace is that of its replies.
const (
	Version   = "2010-05-08"
	Namespace = "https://iam.amazonaws.com/doc/2010-05-08/"
)

// Service answers IAM.
type Service struct{ store *identity.Store }

// New returns the service over the identities in store.
func New(store *identity.Store) *Service { return &Service{store: store} }

// API returns the operations. IAM is global: its events are recorded in
// us-east-1 (spec 4.6).
func (s *Service) API() *call.API {
	a := &call.API{
		Name: "iam", Source: "iam.amazonaws.com", Version: Version, EventVersion: "1.11", Global: true,
		Codec: &wire.Codec{Protocol: wire.Query, Namespace: Namespace, Records: wire.IAMRecords},
		Denied: func(message string) *awserr.Error {
			return awserr.New(http.StatusForbidden, "AccessDenied", "%s", message)
		},
		ErrorCode: recordedCode,
	}
	s.addUsers(a)
	s.addKeys(a)
	s.addRoles(a)
	s.addEntityPolicies(a)
	s.addPolicies(a)
	s.addVersions(a)
	s.addTags(a)
	s.addMFA(a)
	s.addOIDC(a)
	s.addAccount(a)
	for _, op := range a.Operations {
		op.Authorize = withMFA(op.Authorize)
	}
	return a
}

// withMFA keeps sessions of users and root users out that were opened without
// MFA: "you cannot call any IAM API operations unless MFA authentication
// information is included in the request" (GetSessionToken, API reference), and
// federated users ("you cannot call any IAM operations", GetFederationToken).
func withMFA(authorize func(context.Context, *call.Call) ([]call.Check, error)) func(context.Context, *call.Call) ([]call.Check, error) {
	return func(ctx context.Context, c *call.Call) ([]call.Check, error) {
		p := &c.Principal
		own := p.Session != nil && (p.Kind == identity.IAMUser || p.Kind == identity.Root)
		if own && !p.Session.MFA || p.Kind == identity.FederatedUser {
			return nil, awserr.New(http.StatusForbidden, identity.InvalidToken, "The security token included in the request is invalid")
		}
		if authorize == nil {
			return []call.Check{{}}, nil
		}
		return authorize(ctx, c)
	}
}

// recordedCode spells an error code as records do: by the name of the modelled
// exception, where the wire leaves "Exception" out.
//
// Source: spec 2.9, and NoSuchEntityException in genuine records.
func recordedCode(code string) string {
	switch code {
	case codeNotFound, codeExists, codeConflict, codeMalformed, codeInvalid, codeLimit, "UnmodifiableEntity":
		return code + "Exception"
	case codeValidation:
		return "ValidationException"
	}
	return code
}

// holder is what policies, tags and keys are put on: a user or role of the
// caller's account, or (user without a name) the account's root user.
type holder struct {
	kind    string // "user" or "role"
	account string
	name    string
}

func (h holder) root() bool { return h.name == "" }

// entity returns what a holder names. It fails for the root user, which is not
// an entity of IAM.
func (s *Service) entity(h holder) (*identity.Entity, string, error) {
	if h.kind == "role" {
		if r, ok := s.store.Role(h.account, h.name); ok {
			return &r.Entity, r.ARN(), nil
		}
	} else if u, ok := s.store.User(h.account, h.name); ok {
		return &u.Entity, u.ARN(), nil
	}
	return nil, "", noSuch(h.kind, h.name)
}

// change changes a user or role.
func (s *Service) change(ctx context.Context, h holder, change func(*identity.Entity) error) error {
	var err error
	if h.kind == "role" {
		err = s.store.UpdateRole(ctx, h.account, h.name, func(r *identity.Role) error { return change(&r.Entity) })
	} else {
		err = s.store.UpdateUser(ctx, h.account, h.name, func(u *identity.User) error { return change(&u.Entity) })
	}
	return absent(err, noSuch(h.kind, h.name))
}

// entityOp makes an operation on one user or role. name reads its name from the
// input; keys adds condition keys. The name is checked and the caller allowed
// on the entity's ARN before run.
func entityOp[In, Out any](s *Service, kind, op string, name func(*In) *string,
	run func(ctx context.Context, g *call.Granted, h holder, in *In) (*Out, error), keys ...func(*In) policy.Context,
) *call.Operation {
	find := func(c *call.Call, in *In) (holder, error) {
		h := holder{kind: kind, account: c.Account()}
		n := name(in)
		if err := checkName(kind+"Name", n, maxName[kind]); err != nil {
			return h, err
		}
		h.name = *n
		return h, nil
	}
	ask := func(_ *call.Call, h holder, in *In) call.Check {
		check := s.check(h)
		for _, more := range keys {
			maps.Copy(check.Context, more(in))
		}
		return check
	}
	return holderOp(op, find, ask, run)
}

// holderOp makes an operation on one holder: find reads it from the input, ask
// says what the caller has to be allowed.
func holderOp[In, Out any](op string, find func(*call.Call, *In) (holder, error), ask func(*call.Call, holder, *In) call.Check,
	run func(ctx context.Context, g *call.Granted, h holder, in *In) (*Out, error),
) *call.Operation {
	o := call.New(op, func(ctx context.Context, g *call.Granted, in *In) (*Out, error) {
		h, err := find(g.Call, in)
		if err != nil {
			return nil, err
		}
		return run(ctx, g, h, in)
	})
	o.ReadOnly = readOnly(op)
	o.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*In)
		h, err := find(c, in)
		if err != nil {
			return nil, err
		}
		return []call.Check{ask(c, h, in)}, nil
	}
	return o
}

// check asks for the operation on a user or role, with the condition keys that
// describe it. One that does not exist is asked about by its name without a
// path, so that only callers who may see it learn that it does not exist.
func (s *Service) check(h holder) call.Check {
	e, entityARN, err := s.entity(h)
	if err != nil {
		return call.Check{Resource: "arn:aws:iam::" + h.account + ":" + h.kind + "/" + h.name, Context: policy.Context{}}
	}
	ctx := policy.Context{}
	if e.Boundary != "" {
		ctx["iam:permissionsboundary"] = []string{e.Boundary}
	}
	identity.DescribeTags(ctx, e.Tags)
	return call.Check{Resource: entityARN, Context: ctx}
}

// readOnly reports whether an operation changes nothing, by its name.
func readOnly(op string) bool { return strings.HasPrefix(op, "Get") || strings.HasPrefix(op, "List") }

// done is the answer of an operation that answers nothing but success.
func done[Out any](err error) (*Out, error) {
	if err != nil {
		return nil, err
	}
	return new(Out), nil
}

// at returns when a call arrived: the time what it makes is dated.
func at(g *call.Granted) time.Time {
	if g.Start.IsZero() {
		return time.Now()
	}
	return g.Start
}
