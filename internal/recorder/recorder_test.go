package recorder

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/wire"
)

// memory keeps what was appended, or fails.
type memory struct {
	entries []event.Entry
	err     error
}

func (m *memory) Append(_ context.Context, entries ...event.Entry) error {
	m.entries = append(m.entries, entries...)
	return m.err
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testCall() *call.Call {
	op := call.New("TerminateInstances", func(context.Context, *call.Granted, *ec2.TerminateInstancesInput) (*ec2.TerminateInstancesOutput, error) {
		return nil, nil
	})
	return &call.Call{
		API: &call.API{
			Name: "ec2", Source: "ec2.amazonaws.com", EventVersion: "1.10",
			Codec:     &wire.Codec{Protocol: wire.EC2, Names: wire.EC2Names, Records: wire.EC2Records},
			ErrorCode: func(code string) string { return "Client." + code },
		},
		Op:        op,
		Principal: identity.Principal{Kind: identity.Root, Account: "111122223333", ID: "111122223333", ARN: "arn:aws:iam::111122223333:root", AccessKeyID: "AKIAEXAMPLE"},
		Region:    "eu-west-1", Input: &ec2.TerminateInstancesInput{InstanceIds: []string{"i-1"}},
		RequestID: "req-1", SourceIP: "127.0.0.1", UserAgent: "test", Host: "127.0.0.1:4566",
	}
}

type decoded struct {
	EventName, AWSRegion, ErrorCode, ErrorMessage, EventCategory, RecipientAccountID, SharedEventID, EventTime string
	RequestParameters, ResponseElements                                                                        json.RawMessage
	UserIdentity                                                                                               map[string]any
	TLSDetails                                                                                                 map[string]string
	ManagementEvent                                                                                            bool
}

func record(t *testing.T, c *call.Call, out any, failure error) ([]event.Entry, []decoded) {
	t.Helper()
	m := &memory{}
	if err := New(m, func() time.Time { return noon }).Record(t.Context(), c, out, failure); err != nil {
		t.Fatal(err)
	}
	list := make([]decoded, len(m.entries))
	for i, e := range m.entries {
		if err := json.Unmarshal(e.JSON, &list[i]); err != nil {
			t.Fatalf("%s: %v", e.JSON, err)
		}
	}
	return m.entries, list
}

func TestRecordSuccess(t *testing.T) {
	_, got := record(t, testCall(), &ec2.TerminateInstancesOutput{}, nil)
	want := []decoded{{
		EventName: "TerminateInstances", AWSRegion: "eu-west-1", EventCategory: "Management", RecipientAccountID: "111122223333",
		EventTime: "2026-11-23T12:00:00Z", ManagementEvent: true,
		RequestParameters: json.RawMessage(`{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`),
		ResponseElements:  json.RawMessage(`{"requestId":"req-1","_return":true}`),
		UserIdentity: map[string]any{
			"type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
			"accountId": "111122223333", "accessKeyId": "AKIAEXAMPLE",
		},
		TLSDetails: map[string]string{"clientProvidedHostHeader": "127.0.0.1:4566"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRecordFailure(t *testing.T) {
	_, got := record(t, testCall(), nil, awserr.New(http.StatusForbidden, "UnauthorizedOperation", "no"))
	if r := got[0]; r.ErrorCode != "Client.UnauthorizedOperation" || r.ErrorMessage != "no" || string(r.ResponseElements) != "null" {
		t.Errorf("recorded %+v", r)
	}
	// What the engine knows of its own failure is not the caller's business.
	_, got = record(t, testCall(), nil, errors.New("disk on fire"))
	if r := got[0]; r.ErrorCode != "Client.InternalFailure" || r.ErrorMessage == "disk on fire" {
		t.Errorf("recorded %+v", r)
	}
}

func TestRecordReadOnly(t *testing.T) {
	c := testCall()
	c.Op.ReadOnly = true
	if _, got := record(t, c, &ec2.TerminateInstancesOutput{}, nil); string(got[0].ResponseElements) != "null" {
		t.Errorf("a read recorded its response: %s", got[0].ResponseElements)
	}
	c.Op.RecordOutput = true
	if _, got := record(t, c, &ec2.TerminateInstancesOutput{}, nil); string(got[0].ResponseElements) == "null" {
		t.Error("RecordOutput did not record the response")
	}
}

// TestRecordIdentity has a row for each kind of caller, as its own account and
// as a resource owner's account sees it.
func TestRecordIdentity(t *testing.T) {
	session := &identity.Session{
		Name: "s", RoleARN: "arn:aws:iam::111122223333:role/r", RoleID: "AROA1", RoleName: "r", Created: noon, MFA: true,
	}
	service := *session
	service.InvokedBy = "cloudtrail.amazonaws.com"
	sessionContext := map[string]any{
		"sessionIssuer": map[string]any{
			"type": "Role", "principalId": "AROA1", "arn": session.RoleARN, "accountId": "111122223333", "userName": "r",
		},
		"attributes": map[string]any{"creationDate": "2026-11-23T12:00:00Z", "mfaAuthenticated": "true"},
	}
	for name, row := range map[string]struct {
		who    identity.Principal
		owners []string
		want   map[string]map[string]any // by recipient account
		shared bool
	}{
		"user": {
			who: identity.Principal{Kind: identity.IAMUser, Account: "111122223333", ID: "AIDA1", ARN: "arn:user", Name: "ann", AccessKeyID: "AKIA1"},
			want: map[string]map[string]any{"111122223333": {
				"type": "IAMUser", "principalId": "AIDA1", "arn": "arn:user", "accountId": "111122223333", "accessKeyId": "AKIA1", "userName": "ann",
			}},
		},
		"role session": {
			who: identity.Principal{Kind: identity.AssumedRole, Account: "111122223333", ID: "AROA1:s", ARN: "arn:session", Name: "r", AccessKeyID: "ASIA1", Session: session},
			want: map[string]map[string]any{"111122223333": {
				"type": "AssumedRole", "principalId": "AROA1:s", "arn": "arn:session", "accountId": "111122223333", "accessKeyId": "ASIA1",
				"sessionContext": sessionContext,
			}},
		},
		"role session of a service": {
			who: identity.Principal{Kind: identity.AssumedRole, Account: "111122223333", ID: "AROA1:s", ARN: "arn:session", AccessKeyID: "ASIA1", Session: &service},
			want: map[string]map[string]any{"111122223333": {
				"type": "AssumedRole", "principalId": "AROA1:s", "arn": "arn:session", "accountId": "111122223333",
				"sessionContext": sessionContext, "invokedBy": "cloudtrail.amazonaws.com",
			}},
		},
		"cross-account": {
			who:    identity.Principal{Kind: identity.IAMUser, Account: "111122223333", ID: "AIDA1", ARN: "arn:user", Name: "ann", AccessKeyID: "AKIA1"},
			owners: []string{"444455556666", "111122223333"},
			want: map[string]map[string]any{
				"111122223333": {"type": "IAMUser", "principalId": "AIDA1", "arn": "arn:user", "accountId": "111122223333", "accessKeyId": "AKIA1", "userName": "ann"},
				"444455556666": {"type": "AWSAccount", "principalId": "AIDA1", "accountId": "111122223333"},
			},
			shared: true,
		},
		"service": {
			who:    identity.ForService("cloudtrail.amazonaws.com", "arn:trail", "111122223333"),
			owners: []string{"444455556666"},
			want:   map[string]map[string]any{"444455556666": {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}},
			shared: true,
		},
		"service on its own account": {
			who:    identity.ForService("cloudtrail.amazonaws.com", "arn:trail", "111122223333"),
			want:   map[string]map[string]any{"111122223333": {"type": "AWSService", "invokedBy": "cloudtrail.amazonaws.com"}},
			shared: true,
		},
		"anonymous": {
			who:    identity.Principal{Kind: identity.Anonymous},
			owners: []string{"444455556666"},
			want:   map[string]map[string]any{"444455556666": {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}},
		},
		"anonymous and nobody's": {who: identity.Principal{Kind: identity.Anonymous}, want: map[string]map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			c := testCall()
			c.Principal, c.Owners = row.who, row.owners
			_, list := record(t, c, nil, nil)
			got := map[string]map[string]any{}
			shared := map[string]bool{}
			for _, r := range list {
				got[r.RecipientAccountID] = r.UserIdentity
				shared[r.SharedEventID] = true
				if (r.SharedEventID != "") != row.shared {
					t.Errorf("sharedEventID is %q", r.SharedEventID)
				}
				if fromService := row.who.Kind == identity.AWSService || row.who.Session == &service; fromService && r.TLSDetails != nil {
					t.Errorf("a service's call has tlsDetails %v", r.TLSDetails)
				}
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Error(d)
			}
			if row.shared && len(shared) != 1 {
				t.Errorf("the copies have %d shared ids", len(shared))
			}
		})
	}
}

func TestRecordGlobal(t *testing.T) {
	c := testCall()
	c.API.Global = true
	entries, got := record(t, c, nil, nil)
	if got[0].AWSRegion != "us-east-1" || !entries[0].Header.Global {
		t.Errorf("a global service is recorded in %s, global %v", got[0].AWSRegion, entries[0].Header.Global)
	}
	c = testCall()
	c.Op.GlobalRegion = "us-east-1"
	if entries, _ = record(t, c, nil, nil); entries[0].Header.Global {
		t.Error("a call to a regional endpoint became a global event")
	}
	c.Region = "us-east-1"
	if entries, _ = record(t, c, nil, nil); !entries[0].Header.Global {
		t.Error("a call to the global endpoint did not become a global event")
	}
}

func TestRecordNotDurable(t *testing.T) {
	m := &memory{err: errors.New("disk full")}
	err := New(m, time.Now).Record(t.Context(), testCall(), nil, nil)
	if !errors.Is(err, m.err) {
		t.Errorf("the recorder answered %v", err)
	}
}

// TestLongHost keeps callers from making a record too long for log groups.
func TestLongHost(t *testing.T) {
	c := testCall()
	c.Host = strings.Repeat("h", 60_000)
	if _, recs := record(t, c, nil, nil); len(recs[0].TLSDetails["clientProvidedHostHeader"]) != maxHost {
		t.Errorf("the record has %d bytes of host", len(recs[0].TLSDetails["clientProvidedHostHeader"]))
	}
}
