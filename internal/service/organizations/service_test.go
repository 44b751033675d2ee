package organizations

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"cairn/internal/call"
	"cairn/internal/organization"
	"cairn/internal/service/servicetest"
)

func start(t *testing.T) *servicetest.Engine {
	return servicetest.Start(t, func(e *servicetest.Engine) *call.API {
		o, err := organization.Open(t.Context(), e.State, servicetest.Account)
		if err != nil {
			t.Fatal(err)
		}
		return New(o, e.Users).API()
	})
}

func TestDescribeOrganization(t *testing.T) {
	e := start(t)
	o := servicetest.OK[DescribeOrganizationOutput](e, "DescribeOrganization", &DescribeOrganizationInput{}).Organization
	if !strings.HasPrefix(*o.Id, "o-") || *o.MasterAccountId != servicetest.Account || *o.FeatureSet != "ALL" || !strings.HasSuffix(*o.Arn, ":organization/"+*o.Id) {
		t.Errorf("%s %s %s %s", *o.Id, *o.MasterAccountId, *o.FeatureSet, *o.Arn)
	}
	if r := e.Last(); r["awsRegion"] != "us-east-1" || r["responseElements"] != nil || r["readOnly"] != true {
		t.Errorf("recorded as %v", r)
	}
	reply, err := e.API.Codec.Encode("DescribeOrganization", "r", &DescribeOrganizationOutput{Organization: o})
	if err != nil || !strings.Contains(string(reply.Body), `"Id":"`+*o.Id+`"`) {
		t.Errorf("%s, %v", reply.Body, err)
	}
}

func TestListAccounts(t *testing.T) {
	e := start(t)
	for i := range 22 {
		if _, err := e.Users.CreateAccount(context.Background(), fmt.Sprintf("2222333344%02d", i), e.Now); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	in := &ListAccountsInput{}
	for {
		out := servicetest.OK[ListAccountsOutput](e, "ListAccounts", in)
		for _, a := range out.Accounts {
			ids = append(ids, *a.Id)
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	if len(ids) != 23 || ids[0] != servicetest.Account || ids[22] != "222233334421" {
		t.Errorf("%q", ids)
	}
	for _, bad := range []string{"x", "!", ""} {
		e.Fails("ListAccounts", &ListAccountsInput{NextToken: &bad}, "InvalidInputException", "")
	}
	for _, n := range []int32{0, 21} {
		e.Fails("ListAccounts", &ListAccountsInput{MaxResults: &n}, "InvalidInputException", "")
	}
}

func TestMembersDoNotListAccounts(t *testing.T) {
	e := start(t)
	member, err := e.Users.CreateAccount(t.Context(), "444455556666", e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.As(member)
	e.Fails("ListAccounts", &ListAccountsInput{}, "AccessDeniedException", "")
	if o := servicetest.OK[DescribeOrganizationOutput](e, "DescribeOrganization", &DescribeOrganizationInput{}).Organization; *o.MasterAccountId != servicetest.Account {
		t.Error("a member is told another organization")
	}
}
