package call

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/identity"
	"cairn/internal/policy"
)

// Recorder makes the record of a call and keeps it. When Record returns nil
// the record survives a crash of the process and of the machine. It may be
// called concurrently. err is nil if the call succeeded.
type Recorder interface {
	Record(ctx context.Context, c *Call, out any, err error) error
}

// Intents notes that a call which was allowed is about to change something. When
// Intend returns nil, a record of the call will be kept even if the process dies
// before Recorder.Record does; Record is called for the same Call afterwards,
// whatever Intend returned. It may be called concurrently.
type Intents interface {
	Intend(ctx context.Context, c *Call) error
}

// Dispatcher takes calls through: authorize, run, record.
type Dispatcher struct {
	recorder Recorder
	intents  Intents // nil: none are kept
	log      *slog.Logger
}

// NewDispatcher returns a dispatcher that keeps records with r.
func NewDispatcher(r Recorder, log *slog.Logger) *Dispatcher {
	return &Dispatcher{recorder: r, log: log}
}

// NewAudited returns a dispatcher that also keeps intents, before calls that
// change something run: one whose intent cannot be kept does not run.
func NewAudited(r Recorder, i Intents, log *slog.Logger) *Dispatcher {
	return &Dispatcher{recorder: r, intents: i, log: log}
}

// Do decides, runs and records one call. It returns what the operation
// answered. When it returns, the record is durable; a record that cannot be
// kept turns the answer into an error (503, ServiceUnavailable), because a call
// nobody can account for must not look like a success.
//
// A caller that hangs up does not stop a call that changes something: the change
// may be durable before its handler could say so, and would be recorded as a
// failure.
//
// A crash between Run and Record leaves a change without an answer. With intents,
// the next start records that its outcome is unknown; without, nothing tells.
func (d *Dispatcher) Do(ctx context.Context, c *Call) (any, error) {
	run := ctx
	if !c.Op.ReadOnly { // what reads may stream its answer after this returns, and has nothing to lose
		var done func()
		run, done = outlast(ctx, hangUpGrace)
		defer done()
	}
	out, err := d.decideAndRun(run, c)
	return d.finish(ctx, c, out, err)
}

// hangUpGrace is how long a call that changes something may go on after its
// caller hung up or the engine began to stop.
const hangUpGrace = 10 * time.Second

// outlast returns a context that ends grace after ctx does, or when done is called.
func outlast(ctx context.Context, grace time.Duration) (longer context.Context, done func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}

// Would says whether a call would be allowed, without running or recording it.
// CreateTrail asks it about the delivery to come.
func (d *Dispatcher) Would(ctx context.Context, c *Call) error { return authorize(ctx, c) }

// Reject records a call that failed before it could be decided: its input did
// not decode. It returns err, or the error of recording.
func (d *Dispatcher) Reject(ctx context.Context, c *Call, err error) error {
	_, err = d.finish(ctx, c, nil, err)
	return err
}

func (d *Dispatcher) finish(ctx context.Context, c *Call, out any, err error) (any, error) {
	if rerr := d.record(ctx, c, out, err); rerr != nil {
		if closer, ok := out.(io.Closer); ok {
			_ = closer.Close() // the answer is withheld: nothing will read it
		}
		return nil, awserr.Wrap(fmt.Errorf("record %s: %w", c.Action(), rerr), http.StatusServiceUnavailable,
			"ServiceUnavailable", "The call could not be recorded, so its result is withheld. Check what was changed, then try again.")
	}
	return out, err
}

// record keeps the record. A caller that hangs up does not prevent it, and a
// panic is an error like any other: the answer must not leave without a record.
func (d *Dispatcher) record(ctx context.Context, c *Call, out any, err error) (rerr error) {
	defer func() {
		if p := recover(); p != nil {
			rerr = d.panicked(ctx, c, "recorder", p)
		}
	}()
	return d.recorder.Record(context.WithoutCancel(ctx), c, out, err)
}

// panicked logs a panic with its stack and returns it as an error.
func (d *Dispatcher) panicked(ctx context.Context, c *Call, who string, p any) error {
	d.log.ErrorContext(ctx, who+" panicked", "action", c.Action(), "requestID", c.RequestID, "panic", p, "stack", string(debug.Stack()))
	return fmt.Errorf("%s of %s panicked: %v", who, c.Action(), p)
}

func (d *Dispatcher) decideAndRun(ctx context.Context, c *Call) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, awserr.From(d.panicked(ctx, c, "handler", p))
		}
	}()
	if c.Op.Identify != nil {
		if c.Principal, err = c.Op.Identify(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := authorize(ctx, c); err != nil {
		return nil, err
	}
	if d.intents != nil && !c.Op.ReadOnly {
		// A crash before this leaves nothing: nothing was changed. After it, the
		// intent, which the next start takes for a call whose outcome is unknown.
		if err := d.intents.Intend(ctx, c); err != nil {
			return nil, awserr.Wrap(fmt.Errorf("record the intent to %s: %w", c.Action(), err), http.StatusServiceUnavailable,
				"ServiceUnavailable", "The call cannot be recorded, so it was not carried out. Try again.")
		}
	}
	return c.Op.Run(ctx, &Granted{Call: c})
}

// authorize asks for every check of the call and returns the error reply of the
// first that is refused.
func authorize(ctx context.Context, c *Call) error {
	checks := []Check{{}}
	if c.Op.Authorize != nil {
		var err error
		if checks, err = c.Op.Authorize(ctx, c); err != nil {
			return err
		}
	}
	for _, k := range checks {
		if err := c.Allows(k); err != nil {
			return err
		}
	}
	return nil
}

// Allows returns nil if the caller may do what k says, and else the error reply
// of the refusal. Operations whose answer depends on it item by item (S3
// DeleteObjects) ask it themselves, beside what their Authorize asked.
func (c *Call) Allows(k Check) error {
	q := policy.Query{
		Principal: c.Principal.ForPolicy(), Action: k.Action, Resource: k.Resource, ResourceAccount: k.Account,
		Context:  c.context(&k),
		Identity: c.Principal.Policies, Boundary: c.Principal.Boundary, Session: c.Principal.SessionPolicies,
		ResourcePolicy: k.Policy, ResourcePolicyDecides: k.PolicyDecides,
	}
	if q.Action == "" {
		q.Action = c.Action()
	}
	if q.Resource == "" {
		q.Resource = "*"
	}
	if d := policy.Evaluate(&q); !d.Allowed {
		return c.API.Denied(deniedText(c, q.Action, q.Resource, d))
	}
	return nil
}

func deniedText(c *Call, action, resource string, d policy.Decision) string {
	who := c.Principal.ARN
	switch c.Principal.Kind {
	case identity.AWSService:
		who = c.Principal.Service
	case identity.Anonymous:
		who = "anonymous"
	case identity.WebIdentityUser, identity.Unknown: // AWS says no more to whom it has no name for
		return "Not authorized to perform " + action
	case identity.Root, identity.IAMUser, identity.AssumedRole, identity.FederatedUser:
	}
	text := "User: " + who + " is not authorized to perform: " + action
	if resource != "*" {
		text += " on resource: " + resource
	}
	if d.Explicit {
		return text + " " + d.Reason
	}
	return text + " because " + d.Reason
}

// globalRegion is where the endpoints of global services are.
const globalRegion = "us-east-1"

// context returns the condition keys of the call: the global ones and those of
// one check. A key that AWS always sends is always here: a Deny on one that is
// absent would silently never hold.
//
// Source: "AWS global condition context keys" in the IAM User Guide.
func (c *Call) context(check *Check) policy.Context {
	p, now := &c.Principal, c.Start
	if now.IsZero() {
		now = time.Now()
	}
	k := policy.Context{
		"aws:securetransport":       {strconv.FormatBool(c.Secure)},
		"aws:currenttime":           {now.UTC().Format(time.RFC3339)},
		"aws:epochtime":             {strconv.FormatInt(now.Unix(), 10)},
		"aws:requestedregion":       {c.Region},
		"aws:principalisawsservice": {strconv.FormatBool(p.Kind == identity.AWSService)},
		"aws:viaawsservice":         {"false"}, // no service here makes calls on with its caller's credentials
	}
	if c.API.Global { // whatever region it was signed for
		k["aws:requestedregion"] = []string{globalRegion}
	}
	set := func(key, value string) {
		if value != "" {
			k[key] = []string{value}
		}
	}
	set("aws:useragent", c.UserAgent)
	set("aws:resourceaccount", cmp.Or(check.Account, p.Account))
	if p.Kind == identity.AWSService {
		set("aws:principalservicename", p.Service)
		set("aws:sourcearn", p.SourceARN)
		set("aws:sourceaccount", p.SourceAccount)
	} else {
		set("aws:sourceip", c.SourceIP)
		set("aws:principalarn", p.ARN)
		if p.Kind != identity.WebIdentityUser && p.Kind != identity.Unknown { // who belong to no account
			set("aws:principalaccount", p.Account)
			set("aws:userid", p.ID)
		}
		set("aws:principaltype", principalType(p.Kind))
	}
	if p.Kind == identity.IAMUser {
		set("aws:username", p.Name)
	}
	for _, t := range p.Tags {
		k.AddTag("aws:principaltag/", t.Key, t.Value)
	}
	if s := p.Session; s != nil {
		if p.Kind == identity.AssumedRole {
			set("aws:principalarn", s.RoleARN)
		}
		set("aws:federatedprovider", s.Provider)
		set("aws:sourceidentity", s.SourceIdentity)
		set("aws:tokenissuetime", s.Created.UTC().Format(time.RFC3339))
		set("aws:multifactorauthpresent", strconv.FormatBool(s.MFA))
		if s.MFA {
			set("aws:multifactorauthage", strconv.FormatInt(now.Unix()-s.Created.Unix(), 10))
		}
	}
	for key, values := range check.Context {
		k[strings.ToLower(key)] = values
	}
	return k
}

func principalType(k identity.Kind) string {
	switch k {
	case identity.Root:
		return "Account"
	case identity.IAMUser:
		return "User"
	case identity.AssumedRole:
		return "AssumedRole"
	case identity.Anonymous:
		return "Anonymous"
	case identity.AWSService:
		return "Service"
	case identity.FederatedUser:
		return "FederatedUser"
	case identity.WebIdentityUser, identity.Unknown:
	}
	return ""
}
