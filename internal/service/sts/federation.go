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

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
)

var federatedName = regexp.MustCompile(`^[\w+=,.@-]{2,32}$`)

// getFederationTokenOp opens sessions for somebody a user or root user vouches
// for. Other than GetSessionToken it needs permission, and it is no reading
// operation (spec 2.5).
func (s *Service) getFederationTokenOp() *call.Operation {
	op := call.New("GetFederationToken", s.getFederationToken)
	op.Authorize = authorizeFederation
	op.Record = record
	return op
}

func authorizeFederation(_ context.Context, c *call.Call) ([]call.Check, error) {
	in := c.Input.(*sts.GetFederationTokenInput)
	switch {
	case in.Name == nil:
		return nil, validation("1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
	case !federatedName.MatchString(*in.Name):
		return nil, validation("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have 2 to 32 characters of the pattern [\\w+=,.@-]*", *in.Name)
	}
	if err := checkDuration(in.DurationSeconds, longestSession); err != nil {
		return nil, err
	}
	if err := noMinimumSize(in.MinimumSessionTokenSize); err != nil {
		return nil, err
	}
	t := tagged{tags: tagsOf(in.Tags)}
	if err := t.check(); err != nil {
		return nil, err
	}
	if c.Principal.Kind == identity.AWSService || c.Principal.Kind == identity.Anonymous {
		return nil, denied("User: " + c.Principal.Service + " is not authorized to perform: sts:GetFederationToken")
	}
	if c.Principal.Session != nil {
		return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Cannot call GetFederationToken with session credentials")
	}
	return t.checks(call.Check{Resource: identity.FederatedARN(c.Account(), *in.Name), Context: policy.Context{}}), nil
}

func (s *Service) getFederationToken(_ context.Context, g *call.Granted, in *sts.GetFederationTokenInput) (*sts.GetFederationTokenOutput, error) {
	seconds := int32(defaultSession)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	if g.Principal.Kind == identity.Root {
		seconds = min(seconds, longestRootSession) // "the duration is shortened to one hour"
	}
	spec := identity.FederatedSpec{Issuer: &g.Principal, Name: *in.Name, Duration: time.Duration(seconds) * time.Second, Tags: tagsOf(in.Tags)}
	var err error
	var packed *int32
	if spec.Policies, spec.PolicyARNs, packed, err = s.narrow(narrowing{in.Policy, in.PolicyArns}, g.Account(), spec.Tags); err != nil {
		return nil, err
	}
	cred, err := s.store.OpenFederatedSession(spec, at(g.Call))
	if err != nil {
		return nil, fmt.Errorf("get a federation token: %w", err)
	}
	return &sts.GetFederationTokenOutput{
		Credentials: credentials(&cred),
		FederatedUser: &types.FederatedUser{
			Arn: aws.String(identity.FederatedARN(g.Account(), *in.Name)), FederatedUserId: aws.String(g.Account() + ":" + *in.Name),
		},
		PackedPolicySize: packed,
	}, nil
}

// onlyWhoAmI keeps federated users out of every other operation: "you cannot
// call any STS operations except GetCallerIdentity" (GetFederationToken, API
// reference).
func onlyWhoAmI(op *call.Operation) {
	authorize := op.Authorize
	op.Authorize = func(ctx context.Context, c *call.Call) ([]call.Check, error) {
		if c.Principal.Kind == identity.FederatedUser {
			return nil, denied("User: " + c.Principal.ARN + " is not authorized to perform: " + c.Action())
		}
		if authorize == nil {
			return []call.Check{{}}, nil
		}
		return authorize(ctx, c)
	}
}
