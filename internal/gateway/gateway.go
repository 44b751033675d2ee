// Package gateway is the AWS endpoint: it finds out who calls and which
// operation of which service is meant, hands the call to call.Dispatcher, and
// writes the answer in the service's protocol.
package gateway

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/sigv4"
	"cairn/internal/wire"
)

// Resolver finds the principal and the secret behind an access key. The error
// is an *awserr.Error with IAM's codes (InvalidClientTokenId, ExpiredToken).
type Resolver interface {
	Resolve(ctx context.Context, accessKeyID, sessionToken string, now time.Time) (identity.Principal, string, error)
}

// Options configure a Gateway. All fields but Ready and Observe are required.
type Options struct {
	APIs       []*call.API
	Resolver   Resolver
	Dispatcher *call.Dispatcher
	// Ready returns nil while what the engine knows of callers and resources is
	// up to date. Otherwise calls are refused: a key or policy may be gone. Nil
	// means always.
	Ready func() error
	// Observe is told of every call when it was answered; nil for nobody.
	Observe func(Answer)
	Log     *slog.Logger
	// Now is the clock signatures are checked against.
	Now func() time.Time
}

// Answer is what a call came to. Its names are those of the APIs, never what a
// client made up.
type Answer struct {
	// Service and Operation are empty if the request was for none that is known.
	Service, Operation string
	// Status is the HTTP status, Code the error code or empty.
	Status int
	Code   string
	Took   time.Duration
}

// Gateway is the http.Handler of the AWS endpoint.
type Gateway struct {
	apis     map[string]*call.API
	targets  map[string]*call.API // by X-Amz-Target prefix
	versions map[string]*call.API // by the Version of query protocols
	resolver Resolver
	dispatch *call.Dispatcher
	keys     *sigv4.Keys
	ready    func() error
	observe  func(Answer)
	patience patience
	calls    *turns // which calls run
	bodies   *turns // whose bodies are in memory
	log      *slog.Logger
	now      func() time.Time
}

// signingKeys is how many derived signing keys are kept: one for each access
// key, day, region and service that called lately.
const signingKeys = 1024

// New returns the endpoint of the given APIs.
func New(o Options) *Gateway {
	g := &Gateway{
		apis: map[string]*call.API{}, targets: map[string]*call.API{}, versions: map[string]*call.API{},
		resolver: o.Resolver, dispatch: o.Dispatcher, keys: sigv4.NewKeys(signingKeys), log: o.Log, now: o.Now,
		ready: o.Ready, observe: o.Observe, patience: defaultPatience,
		calls: newTurns(callBounds), bodies: newTurns(bodyBounds),
	}
	if g.observe == nil {
		g.observe = func(Answer) {}
	}
	if g.ready == nil {
		g.ready = func() error { return nil }
	}
	for _, api := range o.APIs {
		g.apis[api.Name] = api
		if api.Target != "" {
			g.targets[api.Target] = api
		}
		if api.Version != "" {
			g.versions[api.Version] = api
		}
	}
	return g
}

// ServeHTTP answers one call.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := g.now()
	// A request of our own: by the body of its own net/http sees whether the client
	// waits to be asked for it, and then does not ask for what was refused.
	r = r.WithContext(r.Context())
	out, done := g.patience.bounded(w, r)
	defer done()
	defer g.cutOnPanic(r)
	c := &call.Call{
		Start: start, Host: r.Host, UserAgent: r.UserAgent(), SourceIP: hostOf(r.RemoteAddr), HTTP: r,
		Secure: r.TLS != nil || isLoopback(r.RemoteAddr),
	}
	if r.TLS != nil {
		c.TLSVersion, c.CipherSuite = tlsVersion(r.TLS.Version), tls.CipherSuiteName(r.TLS.CipherSuite)
	}
	result, err := g.answer(r, c)
	if err != nil && c.API == nil {
		c.API = g.guess(r)
	}
	later(out.Header(), err)
	g.reply(out, r, c, result, err)
	g.tell(out, c, err)
	g.logCall(r, c, err)
}

// tell passes on what a call came to.
func (g *Gateway) tell(out *impatient, c *call.Call, err error) {
	a := Answer{Status: out.status, Took: g.now().Sub(c.Start)}
	if c.API != nil {
		a.Service = c.API.Name
	}
	if c.Op != nil {
		a.Operation = c.Op.Name
	}
	if err != nil {
		a.Code = awserr.From(err).Code
	}
	g.observe(a)
}

// cutOnPanic cuts the connection, as net/http would, but tells of it in the log.
// Handlers do not get here: call.Dispatcher answers and records their panics.
func (g *Gateway) cutOnPanic(r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		g.log.ErrorContext(r.Context(), "gateway panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// answer takes the request through authentication, decoding and dispatch. It
// fills c on the way, so that whatever is known of the call when it fails can
// be told. A request that cannot be authenticated is answered, but not
// recorded: there is no account it belongs to.
func (g *Gateway) answer(r *http.Request, c *call.Call) (any, error) {
	if err := fields(r); err != nil {
		return nil, err
	}
	signed, err := sigv4.Parse(r)
	if err != nil {
		return nil, err
	}
	if c.API, err = g.service(r, signed); err != nil {
		return nil, err
	}
	c.RequestID = requestID(c.API)
	if err := g.ready(); err != nil {
		return nil, awserr.Wrap(err, http.StatusServiceUnavailable, "ServiceUnavailable",
			"The engine cannot tell whether what it knows is up to date. Nothing was done; try again.")
	}
	if c.API.Match == nil {
		g.patience.hurry(r)
	}
	if err := g.authenticate(r, c, signed); err != nil {
		return nil, err
	}
	free, err := g.turn(r, c)
	if err != nil {
		return nil, err
	}
	defer free()
	if err := g.decode(r, c); err != nil {
		if c.Op == nil {
			return nil, err
		}
		return nil, g.dispatch.Reject(r.Context(), c, err)
	}
	return g.dispatch.Do(r.Context(), c)
}

// authenticate finds the caller and checks the signature. Only S3 knows
// anonymous callers; where an operation identifies its callers itself, decode
// lets the others go.
func (g *Gateway) authenticate(r *http.Request, c *call.Call, signed *sigv4.Request) error {
	if signed == nil {
		if c.API.Match == nil && !identifies(c.API) {
			return sigv4.Missing(r)
		}
		c.Principal, c.Region = identity.Principal{Kind: identity.Anonymous}, defaultRegion
		return g.room(r, c.API, "")
	}
	c.Region = signed.Region
	principal, secret, err := g.resolver.Resolve(r.Context(), signed.AccessKeyID, signed.SessionToken, c.Start)
	if err != nil {
		return signed.KeyError(err)
	}
	if err := g.room(r, c.API, principal.Account); err != nil {
		return err
	}
	if err := signed.VerifyWith(g.keys, r, secret, c.Start); err != nil {
		return err
	}
	c.Principal, c.Signed, c.Presigned = principal, signed.Date, signed.Presigned
	if c.API.Match != nil {
		r.Body = signed.Body(r) // checked against the signature while S3 reads it
	}
	return nil
}

// identifies says whether an API has operations that need no signature.
func identifies(api *call.API) bool {
	for _, op := range api.Operations {
		if op.Identify != nil {
			return true
		}
	}
	return false
}

// defaultRegion is the region of callers who did not sign.
const defaultRegion = "us-east-1"

func (g *Gateway) reply(w http.ResponseWriter, r *http.Request, c *call.Call, out any, err error) {
	if c.RequestID == "" {
		c.RequestID = requestID(c.API)
	}
	if c.API.Reply != nil {
		c.API.Reply(w, c, out, err)
		return
	}
	var answer wire.Reply
	if err == nil {
		answer, err = c.API.Codec.Encode(c.Op.Name, c.RequestID, out)
	}
	if err != nil {
		answer = c.API.Codec.EncodeError(awserr.From(err), c.RequestID)
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(answer.Body) // a client that went away is not our failure
	}
}

// logCall writes the one line a call gets in the engine's log: failures of the
// engine itself as errors, the rest at debug level.
func (g *Gateway) logCall(r *http.Request, c *call.Call, err error) {
	level, code := slog.LevelDebug, ""
	if err != nil {
		e := awserr.From(err)
		code = e.Code
		if e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented && !throttled(e) {
			level = slog.LevelError
		}
	}
	if !g.log.Enabled(r.Context(), level) {
		return
	}
	name := ""
	if c.Op != nil {
		name = c.Action()
	}
	attrs := []any{
		"action", name, "account", c.Principal.Account, "caller", c.Principal.ARN, "region", c.Region,
		"requestID", c.RequestID, "code", code, "took", g.now().Sub(c.Start),
	}
	if cause := awserr.From(err); level == slog.LevelError && cause.Unwrap() != nil {
		attrs = append(attrs, "cause", cause.Unwrap().Error())
	}
	g.log.Log(r.Context(), level, "call", attrs...)
}

// requestID returns a new request id: S3's are 16 upper-case alphanumerics,
// all others UUIDs (spec 2.1).
func requestID(api *call.API) string {
	if api.Codec == nil || api.Codec.Protocol == wire.RESTXML {
		return rand.Text()[:16]
	}
	return uuid.NewString()
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// isLoopback reports whether the peer is this machine: such a connection never
// leaves it, so it counts as secure transport.
func isLoopback(addr string) bool {
	ip := net.ParseIP(hostOf(addr))
	return ip != nil && ip.IsLoopback()
}

// tlsVersion spells a version as records do: TLSv1.3.
func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS13:
		return "TLSv1.3"
	default:
		return tls.VersionName(v)
	}
}
