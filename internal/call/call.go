// Package call is the one place where a call to an AWS API is decided, run and
// recorded. A handler needs a *Granted, and only Dispatcher.Do makes one: no
// handler can run for a caller who was not allowed, and no answer leaves
// without its record.
package call

import (
	"context"
	"net/http"
	"time"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/wire"
)

// API is one AWS service's interface.
type API struct {
	// Name is the signing name and the prefix of IAM actions, such as "s3".
	Name string
	// Source is the eventSource, such as "s3.amazonaws.com".
	Source string
	// Target is the X-Amz-Target prefix without the dot, such as
	// "CloudTrail_20131101"; empty for services that do not use one.
	Target string
	// Version is the API version of query protocols, such as "2010-05-08".
	Version string
	// Codec reads inputs and writes outputs.
	Codec *wire.Codec
	// EventVersion and RecordedVersion are eventVersion and apiVersion in
	// records; the latter is usually empty.
	EventVersion    string
	RecordedVersion string
	// Global marks a global service: its events are recorded in us-east-1.
	Global bool
	// Operations holds the operations by name.
	Operations map[string]*Operation
	// Denied makes the error reply for a refused call; message is AWS's
	// "User: ... is not authorized to perform: ..." sentence.
	Denied func(message string) *awserr.Error
	// ErrorCode turns a wire error code into the one records hold; nil keeps it.
	ErrorCode func(code string) string

	// Match finds the operation of an HTTP request and its input where the
	// codec cannot (S3). It must not read the body.
	Match func(r *http.Request) (*Operation, any, error)
	// Reply writes the answer where the codec cannot (S3). The reply's request
	// id headers are already set.
	Reply func(w http.ResponseWriter, c *Call, out any, err error)
}

// Add adds an operation to the API.
func (a *API) Add(op *Operation) {
	if a.Operations == nil {
		a.Operations = map[string]*Operation{}
	}
	a.Operations[op.Name] = op
}

// Operation is one operation of an API.
type Operation struct {
	// Name is the operation's name in the API, such as "RunInstances".
	Name string
	// EventName is the eventName where it differs from Name.
	EventName string
	// Action is the IAM action where it differs from "service:Name".
	Action string
	// ReadOnly operations change nothing; their responseElements are null
	// unless RecordOutput is set.
	ReadOnly     bool
	RecordOutput bool
	// NoOutput records responseElements null even though the call answered.
	NoOutput bool
	// Data marks a data event rather than a management event.
	Data bool
	// GlobalRegion is set where one region's calls are events of a global
	// service: STS in us-east-1 stands for the global endpoint.
	GlobalRegion string
	// Identify finds out who calls, for operations whose callers show something
	// else than a signature: a token in the input, say. Nil for all others. The
	// principal stands in the record even if there is an error.
	Identify func(ctx context.Context, c *Call) (identity.Principal, error)
	// NewInput makes the SDK input the codec decodes into.
	NewInput func() any
	// Authorize says what has to be allowed, and may note in the call which
	// resources are touched. Nil asks for the action on "*".
	Authorize func(ctx context.Context, c *Call) ([]Check, error)
	// Run does the work. out is an SDK output (or the service's own type where
	// the API has its own Reply).
	Run func(ctx context.Context, g *Granted) (out any, err error)
	// Record may complete or redact the record before it is encoded; out is
	// nil if the call failed.
	Record func(c *Call, out any, r *event.Record)
}

// GlobalIn reports whether a call made in region is an event of a global service.
func (o *Operation) GlobalIn(region string) bool {
	return o.GlobalRegion != "" && o.GlobalRegion == region
}

// New makes an operation from a typed handler: In and Out are the SDK's input
// and output types. Further fields are set on the result.
func New[In, Out any](name string, run func(ctx context.Context, g *Granted, in *In) (*Out, error)) *Operation {
	return &Operation{
		Name:     name,
		NewInput: func() any { return new(In) },
		Run: func(ctx context.Context, g *Granted) (any, error) {
			out, err := run(ctx, g, g.Input.(*In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// Check is one thing that must be allowed for a call to go on.
type Check struct {
	// Action is the IAM action; empty means the operation's own.
	Action string
	// Resource is the ARN; empty means "*".
	Resource string
	// Account owns the resource; empty means the caller's account.
	Account string
	// Policy is the resource's own policy, if it has one; PolicyDecides is true
	// if an identity policy alone never suffices (role trust).
	Policy        *policy.Document
	PolicyDecides bool
	// Context holds condition keys of this check beyond the global ones; keys
	// are lower case.
	Context policy.Context
}

// Call is one call: who asks for what, from where. The gateway (or a service
// that acts inside the engine) fills it; Dispatcher.Do takes it through.
type Call struct {
	API       *API
	Op        *Operation
	Principal identity.Principal
	// Region is the region the call was signed for.
	Region string
	// Input is the operation's decoded input.
	Input any
	// RequestID is returned to the caller and recorded.
	RequestID string
	// SourceIP is the caller's address, or a service's DNS name; UserAgent is
	// what it called itself.
	SourceIP  string
	UserAgent string
	// Host is the Host header the client sent.
	Host string
	// TLSVersion and CipherSuite describe the connection; empty on plain HTTP.
	TLSVersion  string
	CipherSuite string
	// Secure is aws:SecureTransport: TLS, or a loopback connection, which never
	// leaves the machine.
	Secure bool
	// HTTP is the request itself, for S3; nil for calls made inside the engine.
	HTTP *http.Request
	// Start is when the call arrived.
	Start time.Time
	// Signed is when the caller signed; zero if nobody did. Presigned says that the
	// signature came in the query, made beforehand for whoever has the URL.
	Signed    time.Time
	Presigned bool

	// Token makes a call made inside the engine repeatable: a second call with
	// the same token changes nothing. Empty for clients' calls.
	Token string

	// Resources are the record's resources; Authorize and Run may add to them.
	Resources []event.Resource
	// Owners are accounts beside the caller's that get a copy of the record,
	// because a resource of theirs was touched.
	Owners []string
	// Extra is the record's additionalEventData, encoded; nil if none.
	Extra []byte
	// RequestParameters is the record's requestParameters where they are not
	// those of Input; nil otherwise.
	RequestParameters []byte
	// ResponseElements likewise replaces those of the output.
	ResponseElements []byte
}

// Account returns the account the call is made in: the caller's own.
func (c *Call) Account() string { return c.Principal.Account }

// Action returns the IAM action of the call.
func (c *Call) Action() string {
	if c.Op.Action != "" {
		return c.Op.Action
	}
	return c.API.Name + ":" + c.Op.Name
}

// Granted is a call that was allowed. Only this package can make one.
type Granted struct {
	*Call
	_ struct{}
}
