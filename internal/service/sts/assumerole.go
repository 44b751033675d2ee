package sts

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"
	"unicode/utf8"

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

// Bounds and defaults of AssumeRole. Source: the API reference and "IAM and AWS
// STS quotas".
const (
	minDuration     = 900 // seconds
	maxDuration     = 43200
	defaultDuration = 3600
	maxChained      = 3600 // a session opened by a session
	maxExternalID   = 1224 // characters
	maxPolicyARNs   = 10
	maxPolicyText   = 2048 // characters of Policy and PolicyArns together
)

var (
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
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
	if err := checkInput(in); err != nil {
		return nil, err
	}
	roleARN, err := arn.Parse(*in.RoleArn)
	if err != nil {
		return nil, validation("%s is invalid", *in.RoleArn)
	}
	if c.Principal.Kind == identity.Root { // whatever the role trusts (STS API reference, AssumeRole)
		return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Roles may not be assumed by root accounts.")
	}
	check := call.Check{
		Resource: *in.RoleArn, Account: roleARN.Account, PolicyDecides: true,
		Context: policy.Context{"sts:rolesessionname": {*in.RoleSessionName}},
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
	if r, ok := s.store.RoleByARN(*in.RoleArn); ok {
		if check.Policy, err = s.store.Trust(r); err != nil {
			return nil, err
		}
	}
	return []call.Check{check}, nil
}

// checkInput checks what can be checked without knowing the role.
func checkInput(in *sts.AssumeRoleInput) error {
	switch {
	case in.RoleArn == nil:
		return validation("1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null")
	case len(*in.RoleArn) < 20 || len(*in.RoleArn) > 2048:
		return validation("1 validation error detected: Value at 'roleArn' failed to satisfy constraint: Member must have length between 20 and 2048")
	case in.RoleSessionName == nil:
		return validation("1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null")
	case !sessionName.MatchString(*in.RoleSessionName):
		return validation("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must have 2 to 64 characters of the pattern [\\w+=,.@-]*", *in.RoleSessionName)
	case in.ExternalId != nil && (len(*in.ExternalId) > maxExternalID || !externalID.MatchString(*in.ExternalId)):
		return validation("1 validation error detected: Value at 'externalId' failed to satisfy constraint: Member must have 2 to 1224 characters of the pattern [\\w+=,.@:\\/-]*")
	case in.DurationSeconds != nil && *in.DurationSeconds < minDuration:
		return validation("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to %d", *in.DurationSeconds, minDuration)
	case in.DurationSeconds != nil && *in.DurationSeconds > maxDuration:
		return validation("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to %d", *in.DurationSeconds, maxDuration)
	}
	return checkUnsupported(in)
}

// checkUnsupported refuses what would change the session's meaning and is not
// implemented.
func checkUnsupported(in *sts.AssumeRoleInput) error {
	for _, member := range []struct {
		name  string
		given bool
	}{
		{"SerialNumber", in.SerialNumber != nil},
		{"TokenCode", in.TokenCode != nil},
		{"SourceIdentity", in.SourceIdentity != nil},
		{"Tags", len(in.Tags) > 0},
		{"TransitiveTagKeys", len(in.TransitiveTagKeys) > 0},
		{"ProvidedContexts", len(in.ProvidedContexts) > 0},
		{"MinimumSessionTokenSize", in.MinimumSessionTokenSize != nil},
	} {
		if member.given {
			return validation("%s is not supported by this engine. Leave it out.", member.name)
		}
	}
	return nil
}

func (s *Service) assumeRole(ctx context.Context, g *call.Granted, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	r, ok := s.store.RoleByARN(*in.RoleArn)
	if !ok { // it was deleted since the caller was let in
		return nil, denied("User: " + caller(g) + " is not authorized to perform: sts:AssumeRole on resource: " + *in.RoleArn)
	}
	seconds, err := duration(g, r, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	spec := identity.SessionSpec{
		Role: r, Name: *in.RoleSessionName, Duration: time.Duration(seconds) * time.Second,
		InvokedBy: g.Principal.Service, SourceAccount: g.Principal.Account, MFA: in.SerialNumber != nil,
	}
	packed, err := s.sessionPolicies(&spec, in)
	if err != nil {
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
	return &sts.AssumeRoleOutput{
		Credentials: credentials(&cred),
		AssumedRoleUser: &types.AssumedRoleUser{
			AssumedRoleId: aws.String(r.ID + ":" + spec.Name),
			Arn:           aws.String("arn:aws:sts::" + r.Account + ":assumed-role/" + r.Name + "/" + spec.Name),
		},
		PackedPolicySize: packed,
	}, nil
}

func caller(g *call.Granted) string {
	if g.Principal.Kind == identity.AWSService {
		return g.Principal.Service
	}
	return g.Principal.ARN
}

// duration returns how long the session may last, in seconds.
func duration(g *call.Granted, r *identity.Role, asked *int32) (int32, error) {
	seconds := int32(defaultDuration)
	if asked != nil {
		seconds = *asked
	}
	if g.Principal.Kind == identity.AssumedRole && seconds > maxChained {
		return 0, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	if seconds > r.MaxSession {
		return 0, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return seconds, nil
}

// sessionPolicies checks the session policies and puts them into spec. It
// returns how much of what may be passed is used, in percent; nil if none are.
func (s *Service) sessionPolicies(spec *identity.SessionSpec, in *sts.AssumeRoleInput) (*int32, error) {
	if in.Policy == nil && len(in.PolicyArns) == 0 {
		return nil, nil
	}
	size := 0
	if in.Policy != nil {
		doc, err := policy.Parse([]byte(*in.Policy))
		if err == nil {
			err = doc.Check(policy.Identity)
		}
		if err != nil {
			return nil, awserr.New(400, "MalformedPolicyDocument", "The session policy is not valid: %v.", err)
		}
		size += utf8.RuneCountInString(*in.Policy)
		spec.Policies = []string{*in.Policy}
	}
	if len(in.PolicyArns) > maxPolicyARNs {
		return nil, validation("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyARNs)
	}
	for _, d := range in.PolicyArns {
		name := aws.ToString(d.Arn)
		a, err := arn.Parse(name)
		if err != nil || (a.Account != spec.Role.Account && a.Account != "aws") {
			return nil, validation("Policy ARN %q is not one of the role's account or of AWS.", name)
		}
		if _, ok := s.store.Policy(name); !ok {
			return nil, validation("Policy %s does not exist.", name)
		}
		size += utf8.RuneCountInString(name)
		spec.PolicyARNs = append(spec.PolicyARNs, name)
	}
	percent := int32(size * 100 / maxPolicyText)
	if size > maxPolicyText {
		return nil, awserr.New(400, "PackedPolicyTooLarge", "Serialized token too large for session: %d%% of the allowed size.", percent)
	}
	return &percent, nil
}

// recordAssumeRole records a refusal as AWS does: without the request's
// parameters and without the role as a resource (spec 2.5).
func recordAssumeRole(c *call.Call, out any, r *event.Record) {
	record(c, out, r)
	if out == nil && r.ErrorCode == "AccessDenied" {
		r.RequestParameters, r.Resources = nil, nil
	}
}
