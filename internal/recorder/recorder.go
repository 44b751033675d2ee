// Package recorder turns a call and its outcome into CloudTrail records and
// keeps them: when Record returns, they are durable.
//
// Source of the shapes: shared spec 2, "CloudTrail record contents" in the
// CloudTrail User Guide.
package recorder

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/wire"
)

// Journal keeps encoded records. Append returns when all entries are durable,
// or an error after which it is unknown whether they are. It may be called
// concurrently.
type Journal interface {
	Append(ctx context.Context, entries ...event.Entry) error
}

// Recorder records calls in a journal. It implements call.Recorder.
type Recorder struct {
	journal Journal
	now     func() time.Time
}

// New returns a recorder that appends to j. now is the clock that stamps
// records, time.Now in production.
func New(j Journal, now func() time.Time) *Recorder { return &Recorder{journal: j, now: now} }

// maxHost bounds the Host header in a record, in bytes: the longest name of a
// host and a port. Callers may send a longer one.
const maxHost = 253 + len(":65535")

// globalRegion is where events of global services are recorded (spec 4.6).
const globalRegion = "us-east-1"

// Record makes the records of one call, one for every account concerned, and
// returns when they are durable. A call that concerns no account (an anonymous
// caller who touched nobody's resource) has no trail it could appear in and is
// not recorded.
func (r *Recorder) Record(ctx context.Context, c *call.Call, out any, failure error) error {
	entries, err := r.encode(c, out, failure, false, nil)
	if err != nil || len(entries) == 0 {
		return err
	}
	if err := r.journal.Append(ctx, entries...); err != nil {
		return fmt.Errorf("append record of %s to the journal: %w", entries[0].Header.Name, err)
	}
	return nil
}

// encode makes the records of a call, with the event ids given by account, and
// new ones for accounts that have none. unknown is set if nobody knows how the
// call ended.
func (r *Recorder) encode(c *call.Call, out any, failure error, unknown bool, ids map[string]string) ([]event.Entry, error) {
	accounts := recipients(c)
	if len(accounts) == 0 {
		return nil, nil
	}
	if unknown {
		failure = errUnknown
	}
	rec, err := r.build(c, out, failure)
	if err != nil {
		return nil, err
	}
	if c.Op.Record != nil {
		c.Op.Record(c, out, rec)
	}
	if unknown {
		rec.ErrorCode, rec.ErrorMessage = UnknownCode, unknownMessage
		rec.AdditionalEventData = withOutcomeUnknown(rec.AdditionalEventData)
	}
	if len(accounts) > 1 || c.Principal.Kind == identity.AWSService {
		rec.SharedEventID = uuid.NewString()
	}
	global := c.API.Global || c.Op.GlobalIn(c.Region)
	entries := make([]event.Entry, 0, len(accounts))
	for _, account := range accounts {
		if rec.EventID = ids[account]; rec.EventID == "" {
			rec.EventID = uuid.NewString()
		}
		rec.RecipientAccountID = account
		rec.UserIdentity = identityFor(&c.Principal, account)
		entries = append(entries, rec.Encode(global))
	}
	return entries, nil
}

// recipients returns the accounts that get a record of the call: the caller's,
// and those whose resources it touched. A service is recorded where it acted.
func recipients(c *call.Call) []string {
	var list []string
	add := func(account string) {
		if account != "" && !slices.Contains(list, account) {
			list = append(list, account)
		}
	}
	switch c.Principal.Kind {
	case identity.Anonymous:
	case identity.AWSService:
		if len(c.Owners) == 0 {
			add(c.Principal.Account)
		}
	case identity.Root, identity.IAMUser, identity.AssumedRole, identity.FederatedUser, identity.WebIdentityUser, identity.Unknown:
		add(c.Principal.Account)
	}
	for _, owner := range c.Owners {
		add(owner)
	}
	return list
}

func (r *Recorder) build(c *call.Call, out any, failure error) (*event.Record, error) {
	rec := &event.Record{
		EventVersion:    c.API.EventVersion,
		EventTime:       r.now(),
		EventSource:     c.API.Source,
		EventName:       c.Op.Name,
		AWSRegion:       c.Region,
		SourceIPAddress: c.SourceIP,
		UserAgent:       c.UserAgent,
		RequestID:       c.RequestID,
		ReadOnly:        c.Op.ReadOnly,
		Resources:       c.Resources,
		EventType:       event.APICall,
		APIVersion:      c.API.RecordedVersion,
		ManagementEvent: !c.Op.Data,
		EventCategory:   event.Management,

		AdditionalEventData: c.Extra,
		RequestParameters:   c.RequestParameters,
	}
	if c.Op.EventName != "" {
		rec.EventName = c.Op.EventName
	}
	if c.API.Global {
		rec.AWSRegion = globalRegion
	}
	if c.Op.Data {
		rec.EventCategory = event.Data
	}
	if c.Principal.Kind != identity.AWSService && (c.Principal.Session == nil || c.Principal.Session.InvokedBy == "") {
		rec.TLSDetails = &event.TLSDetails{TLSVersion: c.TLSVersion, CipherSuite: c.CipherSuite, ClientProvidedHostHeader: c.Host[:min(len(c.Host), maxHost)]}
	}
	if failure != nil {
		e := awserr.From(failure)
		rec.ErrorCode, rec.ErrorMessage = e.Code, e.Message
		if c.API.ErrorCode != nil {
			rec.ErrorCode = c.API.ErrorCode(e.Code)
		}
	}
	return rec, r.parameters(rec, c, out, failure)
}

// parameters fills requestParameters and responseElements.
func (r *Recorder) parameters(rec *event.Record, c *call.Call, out any, failure error) (err error) {
	if rec.RequestParameters == nil && c.Input != nil && c.API.Codec != nil {
		if rec.RequestParameters, err = c.API.Codec.Record(c.Input); err != nil {
			return fmt.Errorf("encode request parameters of %s: %w", c.Action(), err)
		}
	}
	if failure != nil || c.Op.NoOutput || c.Op.ReadOnly && !c.Op.RecordOutput {
		return nil
	}
	rec.ResponseElements = c.ResponseElements
	if rec.ResponseElements == nil && out != nil && c.API.Codec != nil {
		if rec.ResponseElements, err = c.API.Codec.Record(out); err != nil {
			return fmt.Errorf("encode response elements of %s: %w", c.Action(), err)
		}
	}
	if c.API.Codec != nil && c.API.Codec.Protocol == wire.EC2 {
		rec.ResponseElements = withRequestID(rec.ResponseElements, c.RequestID)
	}
	return nil
}

// withRequestID puts requestId first, as EC2's responseElements have it; an
// answer without members of its own says "_return":true (spec 2.5).
func withRequestID(object []byte, id string) []byte {
	b := event.AppendString([]byte(`{"requestId":`), id)
	if len(object) <= len(`{}`) {
		return append(b, `,"_return":true}`...)
	}
	return append(append(b, ','), object[1:]...)
}

// issuerType says what the permissions of a session are those of.
func issuerType(p *identity.Principal) string {
	switch {
	case p.Kind != identity.FederatedUser:
		return "Role"
	case p.Session.RoleID == p.Account:
		return string(identity.Root)
	}
	return string(identity.IAMUser)
}

// identityFor returns the caller as one account sees it: another account's
// callers are only AWSAccount entries (spec 2.3).
func identityFor(p *identity.Principal, account string) event.UserIdentity {
	switch p.Kind {
	case identity.AWSService:
		return event.UserIdentity{Type: string(p.Kind), InvokedBy: p.Service}
	case identity.Anonymous:
		return event.UserIdentity{Type: "AWSAccount", HasPrincipalID: true, AccountID: "anonymous"}
	case identity.WebIdentityUser, identity.Unknown: // no account is theirs; an unknown one has the type alone
		return event.UserIdentity{Type: string(p.Kind), PrincipalID: p.ID, UserName: p.Name, IdentityProvider: p.Provider}
	case identity.Root, identity.IAMUser, identity.AssumedRole, identity.FederatedUser:
	}
	if p.Account != account {
		return event.UserIdentity{Type: "AWSAccount", PrincipalID: p.ID, AccountID: p.Account}
	}
	u := event.UserIdentity{
		Type: string(p.Kind), PrincipalID: p.ID, ARN: p.ARN, AccountID: p.Account, AccessKeyID: p.AccessKeyID,
	}
	if p.Kind == identity.IAMUser {
		u.UserName = p.Name
	}
	if s := p.Session; s != nil {
		u.SessionContext = &event.SessionContext{
			CreationDate: s.Created, MFAAuthenticated: s.MFA, FederatedProvider: s.Provider, SourceIdentity: s.SourceIdentity,
		}
		if s.RoleARN != "" {
			u.SessionContext.Issuer = &event.SessionIssuer{
				Type: issuerType(p), PrincipalID: s.RoleID, ARN: s.RoleARN, AccountID: p.Account, UserName: s.RoleName,
			}
		}
		if s.InvokedBy != "" { // genuine records do not tell the keys services hold
			u.InvokedBy, u.AccessKeyID = s.InvokedBy, ""
		}
	}
	return u
}
