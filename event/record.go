// Package event holds what is recorded: the CloudTrail record and its JSON.
//
// A record is encoded once, by Record.Append; the bytes it returns are the
// ones that the journal keeps, log files hold and log groups answer with.
//
// Source: "CloudTrail record contents" in the CloudTrail User Guide; the member
// order is that of genuine records.
package event

import "time"

// Record is one CloudTrail event. Fields stand in the order of the JSON
// members; one that is left zero is left out unless its comment says otherwise.
type Record struct {
	// EventVersion is "1.NN"; each service emits its own. Always present.
	EventVersion string
	// UserIdentity says who called. Always present.
	UserIdentity UserIdentity
	// EventTime is when the call was answered; written in UTC with seconds.
	EventTime time.Time
	// EventSource is the service's name, such as ec2.amazonaws.com.
	EventSource string
	// EventName is the operation.
	EventName string
	// AWSRegion is the region of the call; global services say us-east-1.
	AWSRegion string
	// SourceIPAddress is the caller's address, or a service's DNS name.
	SourceIPAddress string
	// UserAgent is what the client called itself.
	UserAgent string
	// ErrorCode and ErrorMessage are present only if the call failed.
	ErrorCode    string
	ErrorMessage string
	// RequestParameters and ResponseElements are encoded JSON objects; nil is
	// written as null.
	RequestParameters []byte
	ResponseElements  []byte
	// AdditionalEventData is an encoded JSON object, or nil.
	AdditionalEventData []byte
	// RequestID is the id the caller got with the answer.
	RequestID string
	// EventID is a UUID, unique to this record.
	EventID string
	// ReadOnly is true if the operation changes nothing. Always present.
	ReadOnly bool
	// Resources are the resources the call touched.
	Resources []Resource
	// EventType is AwsApiCall or AwsServiceEvent.
	EventType string
	// APIVersion is present for a few services only.
	APIVersion string
	// ManagementEvent is true for management events. Always present.
	ManagementEvent bool
	// RecipientAccountID is the account that gets this record.
	RecipientAccountID string
	// SharedEventID joins the copies that several accounts get of one call.
	SharedEventID string
	// EventCategory is Management, Data, Insight or NetworkActivity.
	EventCategory string
	// TLSDetails is absent when the caller is a service.
	TLSDetails *TLSDetails
	// SessionCredentialFromConsole is written as the string "true", or not at all.
	SessionCredentialFromConsole bool
}

// The event categories a record can have.
const (
	Management = "Management"
	Data       = "Data"
	Insight    = "Insight"
)

// The EventTypes of a call to an API, and of an Insights event.
const (
	APICall      = "AwsApiCall"
	InsightEvent = "AwsCloudTrailInsight"
)

// Resource is an entry of resources. Absent members are left out.
type Resource struct {
	AccountID string
	Type      string
	ARN       string
	// ARNPrefix stands in place of ARN for listings.
	ARNPrefix string
}

// TLSDetails describes the connection the call came over. Empty members are
// left out, as AWS leaves them out where it does not know them.
type TLSDetails struct {
	TLSVersion               string
	CipherSuite              string
	ClientProvidedHostHeader string
}

// UserIdentity says who made a call (shared spec 2.3).
type UserIdentity struct {
	Type        string
	PrincipalID string
	// HasPrincipalID writes principalId even when it is empty (anonymous callers).
	HasPrincipalID bool
	ARN            string
	AccountID      string
	AccessKeyID    string
	UserName       string
	SessionContext *SessionContext
	InvokedBy      string
	// IdentityProvider is set for web identities: the ARN of the provider that
	// vouched for them.
	IdentityProvider string
}

// SessionContext describes temporary credentials.
type SessionContext struct {
	Issuer *SessionIssuer
	// FederatedProvider is webIdFederationData.federatedProvider: the ARN of the
	// provider whose web identity opened the session, or empty.
	FederatedProvider string
	CreationDate      time.Time
	MFAAuthenticated  bool
	// SourceIdentity is who set out, however many roles were assumed since.
	SourceIdentity string
}

// SessionIssuer is whose permissions temporary credentials come from: a role,
// or the user or root user who federated somebody.
type SessionIssuer struct {
	Type        string
	PrincipalID string
	ARN         string
	AccountID   string
	UserName    string
}

// Header is what is known of a record without parsing its JSON: enough to
// decide which trails select it.
type Header struct {
	// ID is the eventID.
	ID string
	// Time is the eventTime.
	Time time.Time
	// Account is the recipient account; Region the awsRegion.
	Account string
	Region  string
	// Source and Name are eventSource and eventName.
	Source string
	Name   string
	// Category is the eventCategory; Type the eventType.
	Category string
	Type     string
	// UserARN is userIdentity.arn.
	UserARN string
	// InvokedBy is userIdentity.invokedBy.
	InvokedBy string
	// ErrorCode is the errorCode, if the call failed.
	ErrorCode string
	ReadOnly  bool
	// Global marks an event of a global service (IAM, STS, ...), which trails
	// select by IncludeGlobalServiceEvents.
	Global bool
	// FromConsole is sessionCredentialFromConsole.
	FromConsole bool
	// Resources are the record's resources.
	Resources []Resource
}

// InsightTrail is the type of the resource that names a trail in the header of an
// Insights event.
const InsightTrail = "AWS::CloudTrail::Trail"

// InsightSource returns the ARN of the trail whose data events an Insights event is
// about: it is for that trail alone. Empty for all others.
func (h *Header) InsightSource() string {
	if h.Category == Insight && len(h.Resources) == 1 && h.Resources[0].Type == InsightTrail {
		return h.Resources[0].ARN
	}
	return ""
}

// Entry is an encoded record with its header: what the journal keeps.
type Entry struct {
	Header Header
	// JSON is the record's encoding, a single JSON object without newlines.
	JSON []byte
}

// Encode encodes the record once and returns it with its header. global says
// whether it is an event of a global service.
func (r *Record) Encode(global bool) Entry {
	return Entry{
		Header: Header{
			ID: r.EventID, Time: r.EventTime, Account: r.RecipientAccountID, Region: r.AWSRegion,
			Source: r.EventSource, Name: r.EventName, Category: r.EventCategory, Type: r.EventType,
			UserARN: r.UserIdentity.ARN, InvokedBy: r.UserIdentity.InvokedBy, ErrorCode: r.ErrorCode,
			ReadOnly: r.ReadOnly, Global: global, FromConsole: r.SessionCredentialFromConsole, Resources: r.Resources,
		},
		JSON: r.Append(make([]byte, 0, 1536)),
	}
}
