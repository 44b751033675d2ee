package sts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
)

// Bounds of GetSessionToken, in seconds. Source: the API reference.
const (
	longestSession     = 129600
	longestRootSession = 3600
	defaultSession     = 43200
)

// getSessionTokenOp needs no permission: "you cannot use policies to control"
// it. A user or root user gets temporary credentials of their own; nobody who
// calls with temporary ones does.
func (s *Service) getSessionTokenOp() *call.Operation {
	op := call.New("GetSessionToken", s.getSessionToken)
	op.RecordOutput = true
	op.Authorize = func(ctx context.Context, c *call.Call) ([]call.Check, error) {
		if c.Principal.Session != nil || (c.Principal.Kind != identity.IAMUser && c.Principal.Kind != identity.Root) {
			return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Cannot call GetSessionToken with session credentials")
		}
		in := c.Input.(*sts.GetSessionTokenInput)
		_, err := s.checkMFA(ctx, c, in.SerialNumber, in.TokenCode)
		return nil, err
	}
	op.Record = record
	return op
}

func (s *Service) getSessionToken(ctx context.Context, g *call.Granted, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	seconds := int32(defaultSession)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	switch {
	case seconds < minDuration:
		return nil, validation("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to %d", seconds, minDuration)
	case seconds > longestSession:
		return nil, validation("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to %d", seconds, longestSession)
	case g.Principal.Kind == identity.Root:
		seconds = min(seconds, longestRootSession) // "the duration defaults to one hour"
	}
	if err := s.useMFA(ctx, g.Call, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	cred, err := s.store.OpenUserSession(&g.Principal, time.Duration(seconds)*time.Second, in.SerialNumber != nil, at(g.Call))
	if err != nil {
		return nil, fmt.Errorf("get a session token: %w", err)
	}
	return &sts.GetSessionTokenOutput{Credentials: credentials(&cred)}, nil
}

func credentials(c *identity.SessionCredentials) *types.Credentials {
	return &types.Credentials{AccessKeyId: &c.AccessKeyID, SecretAccessKey: &c.Secret, SessionToken: &c.Token, Expiration: &c.Expires}
}

// checkMFA looks at the MFA code of a call, before it is known whether the call
// is allowed: a right one is not used up yet, a wrong one is counted. shown is
// true if there is one.
func (s *Service) checkMFA(ctx context.Context, c *call.Call, serial, code *string) (shown bool, err error) {
	switch {
	case serial == nil && code == nil:
		return false, nil
	case serial == nil || code == nil:
		return false, awserr.New(http.StatusForbidden, "AccessDenied", "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	case c.Principal.Kind != identity.IAMUser || c.Principal.Session != nil:
		return false, mfaError(identity.ErrNotFound)
	}
	err = s.store.CheckMFA(*serial, c.Principal.ID, *code, at(c))
	if errors.Is(err, identity.ErrWrongCode) {
		err = s.store.UseMFA(ctx, *serial, c.Principal.ID, *code, at(c))
	}
	return true, mfaError(err)
}

// useMFA uses up the code of a call that was allowed.
func (s *Service) useMFA(ctx context.Context, c *call.Call, serial, code *string) error {
	if serial == nil {
		return nil
	}
	return mfaError(s.store.UseMFA(ctx, *serial, c.Principal.ID, aws.ToString(code), at(c)))
}

// mfaError spells the store's errors as STS does.
func mfaError(err error) error {
	switch {
	case errors.Is(err, identity.ErrWrongCode):
		return awserr.New(http.StatusForbidden, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	case errors.Is(err, identity.ErrNotFound):
		return awserr.New(http.StatusForbidden, "AccessDenied",
			"MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
	}
	return err
}
