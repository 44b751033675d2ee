// Package organizations answers the part of the AWS Organizations API that tools
// for organization trails ask: which organization the caller is in, and which
// accounts are.
//
// Source: "AWS Organizations API Reference" (2016-11-28). The types are our own:
// the SDK's module is not needed for two operations.
package organizations

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/organization"
	"cairn/internal/wire"
)

// Service answers AWS Organizations.
type Service struct {
	organization *organization.Organization
	accounts     Accounts
}

// Accounts are the accounts of the engine, sorted by id; *identity.Store has them.
type Accounts interface{ Accounts() []*identity.Account }

// New returns the service.
func New(o *organization.Organization, accounts Accounts) *Service {
	return &Service{organization: o, accounts: accounts}
}

// API returns the operations.
func (s *Service) API() *call.API {
	a := &call.API{
		Name: "organizations", Source: "organizations.amazonaws.com", Target: "AWSOrganizationsV20161128", EventVersion: "1.11",
		Codec:  &wire.Codec{Protocol: wire.JSON11},
		Global: true, Denied: call.DeniedJSON, ErrorCode: call.RecordedJSON,
	}
	for _, op := range []*call.Operation{call.New("DescribeOrganization", s.describe), call.New("ListAccounts", s.list)} {
		op.ReadOnly = true
		a.Add(op)
	}
	return a
}

// DescribeOrganizationInput has no members.
type DescribeOrganizationInput struct{}

// DescribeOrganizationOutput is the answer of DescribeOrganization.
type DescribeOrganizationOutput struct{ Organization *Organization }

// Organization describes an organization.
type Organization struct {
	AvailablePolicyTypes []PolicyType
	Arn                  *string
	FeatureSet           *string
	Id                   *string //nolint:staticcheck // the name on the wire
	MasterAccountArn     *string
	MasterAccountEmail   *string
	MasterAccountId      *string //nolint:staticcheck // the name on the wire
}

// PolicyType is a type of policy that an organization can have; there are none.
type PolicyType struct{ Status, Type *string }

func (s *Service) describe(context.Context, *call.Granted, *DescribeOrganizationInput) (*DescribeOrganizationOutput, error) {
	o := s.organization
	id, management, all := o.ID(), o.Management(), "ALL"
	organizationARN, managementARN, email := o.ARN(), o.AccountARN(management), emailOf(management)
	return &DescribeOrganizationOutput{Organization: &Organization{
		Id: &id, Arn: &organizationARN, FeatureSet: &all, AvailablePolicyTypes: []PolicyType{},
		MasterAccountArn: &managementARN, MasterAccountId: &management, MasterAccountEmail: &email,
	}}, nil
}

// emailOf makes up an account's address: the engine's accounts have none, and
// clients expect one.
func emailOf(account string) string { return account + "@accounts.invalid" }

// ListAccountsInput is the input of ListAccounts.
type ListAccountsInput struct {
	MaxResults *int32
	NextToken  *string
}

// ListAccountsOutput is the answer of ListAccounts.
type ListAccountsOutput struct {
	Accounts  []Account
	NextToken *string
}

// Account describes an account of an organization.
type Account struct {
	Arn             *string
	Email           *string
	Id              *string //nolint:staticcheck // the name on the wire
	JoinedMethod    *string
	JoinedTimestamp *time.Time
	Name            *string
	State           *string
	Status          *string
}

// maxAccounts is how many accounts are on a page.
const maxAccounts = 20

// list lists the accounts by id. Only the management account may.
func (s *Service) list(_ context.Context, g *call.Granted, in *ListAccountsInput) (*ListAccountsOutput, error) {
	if g.Account() != s.organization.Management() {
		return nil, awserr.New(http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	limit := maxAccounts
	if in.MaxResults != nil {
		if *in.MaxResults < 1 || *in.MaxResults > maxAccounts {
			return nil, invalid("MaxResults is %d: it must be from 1 to %d.", *in.MaxResults, maxAccounts)
		}
		limit = int(*in.MaxResults)
	}
	after := ""
	if in.NextToken != nil {
		b, err := base64.RawURLEncoding.Strict().DecodeString(*in.NextToken)
		if after = string(b); err != nil || !identity.ValidAccount(after) {
			return nil, invalid("NextToken is invalid.")
		}
	}
	out := &ListAccountsOutput{Accounts: []Account{}}
	for _, a := range s.accounts.Accounts() {
		if a.ID <= after {
			continue
		}
		if len(out.Accounts) == limit {
			token := base64.RawURLEncoding.EncodeToString([]byte(*out.Accounts[limit-1].Id))
			out.NextToken = &token
			break
		}
		out.Accounts = append(out.Accounts, s.describeAccount(a))
	}
	return out, nil
}

func (s *Service) describeAccount(a *identity.Account) Account {
	id, name, created := a.ID, a.Alias, a.Created
	if name == "" {
		name = id
	}
	account, email, active, method := s.organization.AccountARN(id), emailOf(id), "ACTIVE", "CREATED"
	if id == s.organization.Management() {
		method = "INVITED" // as AWS says of it
	}
	return Account{
		Id: &id, Arn: &account, Email: &email, Name: &name, Status: &active, State: &active, JoinedMethod: &method, JoinedTimestamp: &created,
	}
}

func invalid(format string, args ...any) error {
	return awserr.New(http.StatusBadRequest, "InvalidInputException", format, args...)
}
