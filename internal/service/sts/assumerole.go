package sts

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"cairn/event"
	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
)

// Bounds of AssumeRole. Source: the API reference.
const (
	maxChained    = time.Hour // a session opened by a session
	maxExternalID = 1224      // characters
)

var (
	externalID = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	serialForm = regexp.MustCompile(`^[\w+=/:,.@-]{9,256}$`)
	codeForm   = regexp.MustCompile(`^[0-9]{6}$`)
)

func (s *Service) assumeRoleOp() *call.Operation {
	op := call.New("AssumeRole", s.assumeRole)
	op.RecordOutput = true
	op.Authorize = s.authorizeAssumeRole
	op.Record = recordAssumeRole
	return op
}

// authorizeAssumeRole asks whether the role's trust policy and the caller's own
// policies let the caller in. A role that does not exist has a trust policy
// that trusts nobody, so that the answer does not tell.
func (s *Service) authorizeAssumeRole(ctx context.Context, c *call.Call) ([]call.Check, error) {
	in := c.Input.(*sts.AssumeRoleInput)
	if err := checkAssumeRole(in); err != nil {
		return nil, err
	}
	roleARN, err := arn.Parse(*in.RoleArn)
	if err != nil {
		return nil, validation("%s is invalid", *in.RoleArn)
	}
	if c.Principal.Kind == identity.Root { // whatever the role trusts (STS API reference, AssumeRole)
		return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Roles may not be assumed by root accounts.")
	}
	with, err := withRole(&c.Principal, in)
	if err != nil {
		return nil, err
	}
	check, err := s.roleCheck(*in.RoleArn, roleARN.Account, *in.RoleSessionName)
	if err != nil {
		return nil, err
	}
	if in.ExternalId != nil {
		check.Context["sts:externalid"] = []string{*in.ExternalId}
	}
	shown, err := s.checkMFA(ctx, c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return nil, err
	}
	if shown {
		check.Context["aws:multifactorauthpresent"], check.Context["aws:multifactorauthage"] = []string{"true"}, []string{"0"}
	}
	return with.checks(check), nil
}

// roleCheck asks whether a caller may assume a role, for its trust policy to
// decide.
func (s *Service) roleCheck(roleARN, account, session string) (call.Check, error) {
	check := call.Check{
		Resource: roleARN, Account: account, PolicyDecides: true,
		Context: policy.Context{"sts:rolesessionname": {session}},
	}
	r, ok := s.store.RoleByARN(roleARN)
	if !ok {
		return check, nil
	}
	identity.DescribeTags(check.Context, r.Tags)
	var err error
	check.Policy, err = s.store.Trust(r)
	return check, err
}

// checkAssumeRole checks what can be checked without knowing role and caller.
func checkAssumeRole(in *sts.AssumeRoleInput) error {
	if err := (roleRequest{in.RoleArn, in.RoleSessionName, in.DurationSeconds}).check(); err != nil {
		return err
	}
	switch {
	case in.ExternalId != nil && (len(*in.ExternalId) > maxExternalID || !externalID.MatchString(*in.ExternalId)):
		return validation("1 validation error detected: Value at 'externalId' failed to satisfy constraint: Member must have 2 to 1224 characters of the pattern [\\w+=,.@:\\/-]*")
	case in.SerialNumber != nil && !serialForm.MatchString(*in.SerialNumber):
		return validation("1 validation error detected: Value at 'serialNumber' failed to satisfy constraint: Member must have 9 to 256 characters of the pattern [\\w+=/:,.@-]*")
	case in.TokenCode != nil && !codeForm.MatchString(*in.TokenCode):
		return validation("1 validation error detected: Value at 'tokenCode' failed to satisfy constraint: Member must have six digits")
	case len(in.ProvidedContexts) > 0: // it would change the session's meaning
		return validation("ProvidedContexts is not supported by this engine. Leave it out.")
	}
	return noMinimumSize(in.MinimumSessionTokenSize)
}

// withRole returns the tags and the source identity of the session: those asked
// for and those the caller's own session hands on.
func withRole(p *identity.Principal, in *sts.AssumeRoleInput) (*tagged, error) {
	t := &tagged{tags: tagsOf(in.Tags), transitive: in.TransitiveTagKeys, source: aws.ToString(in.SourceIdentity)}
	if in.SourceIdentity != nil && t.source == "" {
		return nil, validation("1 validation error detected: Value at 'sourceIdentity' failed to satisfy constraint: Member must have length greater than or equal to 2")
	}
	if p.Session != nil {
		t.inherited = p.Session.Transitive
		if set := p.Session.SourceIdentity; set != "" {
			if t.source != "" && t.source != set {
				return nil, awserr.New(http.StatusForbidden, "AccessDenied",
					"The source identity of the session that makes the call is set and cannot be changed.")
			}
			t.source = set
		}
	}
	return t, t.check()
}

func (s *Service) assumeRole(ctx context.Context, g *call.Granted, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	r, ok := s.store.RoleByARN(*in.RoleArn)
	if !ok { // it was deleted since the caller was let in
		return nil, denied("User: " + caller(g) + " is not authorized to perform: sts:AssumeRole on resource: " + *in.RoleArn)
	}
	with, err := withRole(&g.Principal, in)
	if err != nil {
		return nil, err
	}
	lasts, err := roleRequest{in.RoleArn, in.RoleSessionName, in.DurationSeconds}.duration(r)
	if err != nil {
		return nil, err
	}
	if g.Principal.Kind == identity.AssumedRole && lasts > maxChained {
		return nil, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	spec := identity.SessionSpec{
		Role: r, Name: *in.RoleSessionName, Duration: lasts,
		InvokedBy: g.Principal.Service, SourceAccount: g.Principal.Account, MFA: in.SerialNumber != nil,
	}
	with.put(&spec)
	var packed *int32
	if spec.Policies, spec.PolicyARNs, packed, err = s.narrow(narrowing{in.Policy, in.PolicyArns}, r.Account, with.tags); err != nil {
		return nil, err
	}
	// A crash from here on leaves the code used up and no session: the caller
	// waits for the next code.
	if err := s.useMFA(ctx, g.Call, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	cred, err := s.store.OpenSession(spec, at(g.Call))
	if err != nil {
		return nil, fmt.Errorf("assume role %s: %w", *in.RoleArn, err)
	}
	g.Resources = append(g.Resources, event.Resource{AccountID: r.Account, Type: "AWS::IAM::Role", ARN: r.ARN()})
	if r.Account != g.Principal.Account {
		g.Owners = append(g.Owners, r.Account)
	}
	out := &sts.AssumeRoleOutput{Credentials: credentials(&cred), AssumedRoleUser: assumed(r, spec.Name), PackedPolicySize: packed}
	if with.source != "" {
		out.SourceIdentity = &with.source
	}
	return out, nil
}

func assumed(r *identity.Role, session string) *types.AssumedRoleUser {
	return &types.AssumedRoleUser{
		AssumedRoleId: aws.String(r.ID + ":" + session),
		Arn:           aws.String("arn:aws:sts::" + r.Account + ":assumed-role/" + r.Name + "/" + session),
	}
}

func caller(g *call.Granted) string {
	if g.Principal.Kind == identity.AWSService {
		return g.Principal.Service
	}
	return g.Principal.ARN
}

// recordAssumeRole records a refusal as AWS does: without the request's
// parameters and without the role as a resource (spec 2.5). What the caller's
// session hands on, records show beside what was asked for.
func recordAssumeRole(c *call.Call, out any, r *event.Record) {
	record(c, out, r)
	if out == nil && r.ErrorCode == "AccessDenied" {
		r.RequestParameters, r.Resources = nil, nil
		return
	}
	s := c.Principal.Session
	if s == nil || len(r.RequestParameters) < len("{}") {
		return
	}
	if len(s.Transitive) > 0 {
		r.RequestParameters = with(r.RequestParameters, true, "incomingTransitiveTags", tagObject(s.Transitive))
	}
	if in, ok := c.Input.(*sts.AssumeRoleInput); ok && in.SourceIdentity == nil && s.SourceIdentity != "" {
		r.RequestParameters = with(r.RequestParameters, false, "sourceIdentity", event.AppendString(nil, s.SourceIdentity))
	}
}
