// Package sts answers the Security Token Service API: who am I, and let me act
// as this role.
//
// Source: "AWS STS API Reference" (2011-06-15); texts of errors as AWS answers
// them.
package sts

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/oidc"
	"cairn/internal/wire"
)

// Version is the API version; Namespace is that of its replies.
const (
	Version   = "2011-06-15"
	Namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// globalRegion is where the global endpoint of AWS records.
const globalRegion = "us-east-1"

// Service answers STS.
type Service struct {
	store *identity.Store
	keys  oidc.Keys
}

// New returns the service over the identities in store. keys are those of
// identity providers.
func New(store *identity.Store, keys oidc.Keys) *Service { return &Service{store: store, keys: keys} }

// API returns the operations.
//
// The engine has one endpoint for all regions. A call is recorded in the region
// it was signed for, as regional STS endpoints do; one signed for us-east-1
// stands for a call to the global endpoint, which records there, and is an
// event of a global service (spec 4.6).
func (s *Service) API() *call.API {
	a := &call.API{
		Name: "sts", Source: "sts.amazonaws.com", Version: Version, EventVersion: "1.11",
		Codec:  &wire.Codec{Protocol: wire.Query, Namespace: Namespace, Names: wire.STSNames, Records: wire.STSRecords},
		Denied: denied,
	}
	who := call.New("GetCallerIdentity", s.getCallerIdentity)
	who.Authorize = anyone
	who.Record = record
	info := call.New("GetAccessKeyInfo", s.getAccessKeyInfo)
	info.Record = record
	for _, op := range []*call.Operation{who, info, s.assumeRoleOp(), s.webIdentityOp(), s.getSessionTokenOp(), s.getFederationTokenOp()} {
		op.ReadOnly, op.GlobalRegion = op.Name != "GetFederationToken", globalRegion
		if op != who {
			onlyWhoAmI(op)
		}
		a.Add(op)
	}
	return a
}

// denied answers AccessDenied. STS gives no reason.
func denied(message string) *awserr.Error {
	message, _, _ = strings.Cut(message, " because ")
	return awserr.New(http.StatusForbidden, "AccessDenied", "%s", message)
}

// anyone asks for nothing: "No permissions are required to perform this
// operation", not even if a policy denies it (API reference).
func anyone(context.Context, *call.Call) ([]call.Check, error) { return nil, nil }

func validation(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "ValidationError", format, args...)
}

// at returns when a call arrived.
func at(c *call.Call) time.Time {
	if c.Start.IsZero() {
		return time.Now()
	}
	return c.Start
}

func (s *Service) getCallerIdentity(_ context.Context, g *call.Granted, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	p := &g.Principal
	if p.ARN == "" {
		return nil, awserr.New(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	return &sts.GetCallerIdentityOutput{Account: &p.Account, Arn: &p.ARN, UserId: &p.ID}, nil
}

func (s *Service) getAccessKeyInfo(_ context.Context, _ *call.Granted, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	if in.AccessKeyId == nil || len(*in.AccessKeyId) < 16 || len(*in.AccessKeyId) > 128 {
		return nil, validation("1 validation error detected: Value at 'accessKeyId' failed to satisfy constraint: Member must have length between 16 and 128")
	}
	account, ok := s.store.AccountOf(*in.AccessKeyId)
	if !ok {
		return nil, validation("Invalid access key: %s", *in.AccessKeyId)
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}
