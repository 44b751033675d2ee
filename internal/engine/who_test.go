package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/uuid"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/journal"
	s3service "cairn/internal/service/s3"
)

const abroad = "444455556666"

// wasRun is the error of operations that are allowed in this test: they are not
// carried out, so that the next caller finds what the first one found.
const wasRun = "WasRun"

// court is an engine whose operations do nothing but tell that they ran.
type court struct {
	t *testing.T
	e *Engine
	// client sends all calls.
	client *http.Client

	mu sync.Mutex
	// ran are the request ids of calls that ran; calls keeps one for each
	// operation.
	ran   map[string]bool
	calls map[string]*call.Call
	// want is what is to be recorded: whether the call of a request id ran.
	want map[string]verdictOf
	// never are request ids of calls that belong to no account.
	never []string
}

type verdictOf struct {
	what string
	ran  bool
	// refusal is the code of a refusal, AccessDenied if it is empty.
	refusal string
}

func newCourt(t *testing.T) *court { return newCourtWith(t, Options{}) }

func newCourtWith(t *testing.T, o Options) *court {
	o.DigestInterval = time.Hour
	e := open(t, o)
	if err := e.ensureAccount(t.Context(), abroad); err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	t.Cleanup(transport.CloseIdleConnections)
	return &court{
		t: t, e: e, client: &http.Client{Transport: transport}, ran: map[string]bool{}, calls: map[string]*call.Call{}, want: map[string]verdictOf{},
	}
}

// still makes every operation but those named tell only that it ran.
func (c *court) still() {
	for _, api := range c.e.apis {
		for _, op := range api.Operations {
			if api.Name == "s3" && op.Name == "DeleteObjects" {
				continue // it decides key by key, when it runs
			}
			op.Run = func(_ context.Context, g *call.Granted) (any, error) {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.ran[g.RequestID] = true
				if c.calls[api.Name+":"+op.Name] == nil {
					c.calls[api.Name+":"+op.Name] = g.Call
				}
				return nil, awserr.New(http.StatusTeapot, wasRun, "It ran.")
			}
		}
	}
}

func (c *court) config(id, secret, token string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(c.e.URL()), RetryMaxAttempts: 1, HTTPClient: c.client,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
	}
}

// ask calls one operation through its SDK and says whether it ran. code is the
// error's if it did not; requestID names the call.
func (c *court) ask(cfg aws.Config, service, op string, change func(in any)) (ran bool, code, requestID string) {
	client := map[string]func(aws.Config) any{
		"cloudtrail": func(a aws.Config) any { return cloudtrail.NewFromConfig(a) },
		"logs":       func(a aws.Config) any { return cloudwatchlogs.NewFromConfig(a) },
		"ec2":        func(a aws.Config) any { return ec2.NewFromConfig(a) },
		"iam":        func(a aws.Config) any { return iam.NewFromConfig(a) },
		"sts":        func(a aws.Config) any { return awssts.NewFromConfig(a) },
		"s3": func(a aws.Config) any {
			return s3.NewFromConfig(a, func(o *s3.Options) { o.UsePathStyle = true })
		},
	}[service](cfg)
	op, version := strings.CutSuffix(op, atVersion)
	method := reflect.ValueOf(client).MethodByName(op)
	if !method.IsValid() {
		c.t.Errorf("the SDK has no %s:%s", service, op)
		return false, "", ""
	}
	in := reflect.New(method.Type().In(1).Elem())
	fill(op, in, service == "s3" && !strings.HasPrefix(op, "List") && !strings.HasPrefix(op, "Create"))
	if version {
		in.Elem().FieldByName("VersionId").Set(reflect.ValueOf(aws.String("00000000000000000000000001")))
	}
	if change != nil {
		change(in.Interface())
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(c.t.Context()), in})
	err, _ := reflect.TypeAssert[error](out[1])
	if err == nil {
		if deleted, ok := reflect.TypeAssert[*s3.DeleteObjectsOutput](out[0]); ok {
			for _, e := range deleted.Errors {
				return false, *e.Code, ""
			}
			return true, "", ""
		}
		return true, "", ""
	}
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) {
		c.t.Errorf("%s:%s was not sent: %v", service, op, err)
		return false, "", ""
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	requestID = idOf(response)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ran[requestID], code, requestID
}

func idOf(r *smithyhttp.ResponseError) string {
	for _, name := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id"} {
		if id := r.HTTPResponse().Header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// judge compares what became of a call with what should have, and keeps what has
// to be recorded.
func (c *court) judge(what string, want, ran bool, code, requestID string) {
	if ran != want {
		c.t.Errorf("%s: allowed is %v, want %v (%s)", what, ran, want, code)
	}
	if requestID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want[requestID] = verdictOf{what: what, ran: ran}
}

// refusedWith says that a call that was judged is to be refused with a code of its
// own.
func (c *court) refusedWith(requestID, code string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.want[requestID]; ok && !v.ran {
		v.refusal = code
		c.want[requestID] = v
	}
}

// refused checks that a call whose caller is not known did not run.
func (c *court) refused(what string) func(ran bool, code, requestID string) {
	return func(ran bool, code, requestID string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if ran || requestID == "" {
			c.t.Errorf("%s: ran is %v, answered %q (request %q)", what, ran, code, requestID)
		}
		c.never = append(c.never, requestID)
	}
}

// service makes the call that ran for somebody else as a service does, inside
// the engine.
func (c *court) service(op, name string, want bool) { c.serviceOn("", op, name, want) }

// serviceOn is service for an operation on a bucket.
func (c *court) serviceOn(bucket, op, name string, want bool) {
	c.mu.Lock()
	made := c.calls[strings.TrimSuffix(op, atVersion)]
	c.mu.Unlock()
	if made == nil {
		return
	}
	again := *made
	if in, ok := made.Input.(*s3service.Input); ok && bucket != "" {
		of := *in
		of.Bucket, again.Input = bucket, &of
		if source := in.Header.Get("X-Amz-Copy-Source"); source != "" {
			of.Header = in.Header.Clone()
			of.Header.Set("X-Amz-Copy-Source", bucket+"/k")
		}
	}
	again.Principal, again.RequestID = identity.ForService(name, "", ""), uuid.NewString()
	again.Owners, again.Resources = nil, nil
	_, err := c.e.dispatcher.Do(c.t.Context(), &again)
	c.mu.Lock()
	ran := c.ran[again.RequestID]
	c.mu.Unlock()
	if ran != want {
		c.t.Errorf("%s, %s on %q: allowed is %v, want %v (%v)", name, op, bucket, ran, want, err)
	}
}

// close compares the journal with what was asked: every decision is in it, as
// what it was.
func (c *court) close() {
	recorded := map[string]string{}
	c.each(func(text []byte) {
		var body struct{ RequestID, ErrorCode string }
		if err := json.Unmarshal(text, &body); err != nil {
			c.t.Fatal(err)
		}
		recorded[body.RequestID] = strings.TrimPrefix(body.ErrorCode, "Client.")
	})
	for id, want := range c.want {
		code, ok := recorded[id]
		switch {
		case !ok:
			c.t.Errorf("%s: not recorded", want.what)
		case want.ran != (code == wasRun):
			c.t.Errorf("%s: ran is %v, recorded %q", want.what, want.ran, code)
		case !want.ran && want.refusal != "" && code != want.refusal:
			c.t.Errorf("%s: recorded %q, want %q", want.what, code, want.refusal)
		case !want.ran && want.refusal == "" && code != "AccessDenied" && code != "UnauthorizedOperation":
			c.t.Errorf("%s: neither allowed nor denied: recorded %q", want.what, code)
		}
	}
	for _, id := range c.never {
		if code, ok := recorded[id]; ok {
			c.t.Errorf("a call of nobody known is recorded, as %q", code)
		}
	}
	c.t.Logf("%d decisions compared with their records", len(c.want))
}

// each passes every record of the journal.
func (c *court) each(f func(text []byte)) {
	for at := (journal.Position{}); ; {
		list, next, err := c.e.journal.Read(c.t.Context(), at, 8<<20)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(list) == 0 {
			return
		}
		for _, r := range list {
			f(r.JSON)
		}
		at = next
	}
}

func statement(effect, element string, actions ...string) string {
	list, _ := json.Marshal(actions)
	return `{"Effect":"` + effect + `","` + element + `":` + string(list) + `,"Resource":"*"}`
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

var allowAll = statement("Allow", "Action", "*")

const trustAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`

// user makes a user with one inline policy ("" for none) and a boundary.
func (c *court) user(in, name, inline, boundary string) aws.Config {
	e := identity.Entity{Account: in, Name: name, Path: "/", Boundary: boundary}
	if inline != "" {
		e.Inline = []identity.InlinePolicy{{Name: "p", Document: inline}}
	}
	ctx := c.t.Context()
	if _, err := c.e.identities.CreateUser(ctx, identity.User{Entity: e}, time.Now()); err != nil {
		c.t.Fatal(err)
	}
	_, keys, err := c.e.identities.CreateAccessKey(ctx, in, name, time.Now(), func([]identity.AccessKey) error { return nil })
	if err != nil {
		c.t.Fatal(err)
	}
	return c.config(keys.AccessKeyID, keys.Secret, "")
}

func (c *court) policies(user, inline string) {
	err := c.e.identities.UpdateUser(c.t.Context(), account, user, func(u *identity.User) error {
		u.Inline = []identity.InlinePolicy{{Name: "p", Document: inline}}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
}

func (c *court) managed(name, text string) string {
	p, err := c.e.identities.CreatePolicy(c.t.Context(), identity.ManagedPolicy{Account: account, Name: name, Path: "/"}, text, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return p.ARN()
}

func (c *court) role(name, inline, boundary string) *identity.Role {
	e := identity.Entity{Account: account, Name: name, Path: "/", Boundary: boundary}
	if inline != "" {
		e.Inline = []identity.InlinePolicy{{Name: "p", Document: inline}}
	}
	r, err := c.e.identities.CreateRole(c.t.Context(), identity.Role{Entity: e, Trust: trustAccount, MaxSession: 3600}, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// session opens a session of a role, at a time.
func (c *court) session(r *identity.Role, at time.Time, passed ...string) aws.Config {
	s, err := c.e.identities.OpenSession(identity.SessionSpec{Role: r, Name: "work", Duration: time.Hour, Policies: passed}, at)
	if err != nil {
		c.t.Error(err)
	}
	return c.config(s.AccessKeyID, s.Secret, s.Token)
}

// webSession opens a session of a role as a web identity's.
func (c *court) webSession(r *identity.Role, passed ...string) aws.Config {
	s, err := c.e.identities.OpenSession(identity.SessionSpec{
		Role: r, Name: "work", Duration: time.Hour, Policies: passed,
		Provider: identity.OIDCProviderARN(account, "id.example.com"),
	}, time.Now())
	if err != nil {
		c.t.Error(err)
	}
	return c.config(s.AccessKeyID, s.Secret, s.Token)
}

// guest opens a session of a federated user called guest, for a new user with one
// inline policy ("" for none) and a boundary, or for the root user if host is "".
func (c *court) guest(in, host, inline, boundary string, passed ...string) aws.Config {
	cfg := c.root(in)
	if host != "" {
		cfg = c.user(in, host, inline, boundary)
	}
	keys, err := cfg.Credentials.Retrieve(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	issuer, _, err := c.e.identities.Resolve(c.t.Context(), keys.AccessKeyID, "", time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	s, err := c.e.identities.OpenFederatedSession(identity.FederatedSpec{Issuer: &issuer, Name: "guest", Duration: time.Hour, Policies: passed}, time.Now())
	if err != nil {
		c.t.Error(err)
	}
	return c.config(s.AccessKeyID, s.Secret, s.Token)
}

func (c *court) root(id string) aws.Config {
	cfg := config(c.t, c.e, id)
	cfg.HTTPClient = c.client
	return cfg
}

func wrongSecret(t *testing.T, cfg aws.Config) aws.Config {
	t.Helper()
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, "not"+keys.SecretAccessKey, "")
	return cfg
}

// everyOperation runs f for every operation of the services with an SDK, on a
// few goroutines.
func (c *court) everyOperation(f func(worker int, service, op string)) {
	type pair struct{ service, op string }
	var all []pair
	for _, api := range c.e.apis {
		if api.Name == "organizations" {
			continue // its operations have no SDK here; see TestWhoOrganizations
		}
		for _, op := range slices.Sorted(maps.Keys(api.Operations)) {
			if op == "AssumeRoleWithWebIdentity" {
				continue // a token says who calls, not a signature; see TestWhoByWebIdentity
			}
			all = append(all, pair{api.Name, op})
			if _, ok := needed[api.Name+":"+op+atVersion]; ok {
				all = append(all, pair{api.Name, op + atVersion})
			}
		}
	}
	work := make(chan pair)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for p := range work {
				f(w, p.service, p.op)
			}
		})
	}
	for i, p := range all {
		if testing.Short() && i%7 != 0 {
			continue
		}
		work <- p
	}
	close(work)
	group.Wait()
}

const workers = 6

// permitted are operations that need no permission.
var permitted = map[string]bool{"sts:GetCallerIdentity": true}

// TestWhoByIdentity asks every operation as every kind of caller of the account,
// with every kind of policy a caller can have.
func TestWhoByIdentity(t *testing.T) {
	c := newCourt(t)
	plain := s3.NewFromConfig(c.root(account), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := plain.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("plain"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}); err != nil {
		t.Fatal(err)
	}
	all := document(allowAll)
	nothing := c.managed("nothing", identityDocument)
	everything := c.managed("everything", all)
	conditional := func(ip string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"` + ip + `"}}}]}`
	}
	c.user(account, "target", "", "")
	c.role("target", all, "")
	type member struct {
		name string
		cfg  aws.Config
		q    question
	}
	fixed := []member{
		{"root", c.root(account), question{who: asRoot}},
		{"user, no policy", c.user(account, "none", "", ""), question{who: asUser}},
		{"user, all allowed", c.user(account, "all", all, ""), question{who: asUser, identity: allows}},
		{"user, other actions allowed", c.user(account, "other", identityDocument, ""), question{who: asUser, identity: silent}},
		{"user, boundary allows", c.user(account, "within", all, everything), question{who: asUser, identity: allows, boundary: allows}},
		{"user, boundary silent", c.user(account, "beyond", all, nothing), question{who: asUser, identity: allows, boundary: silent}},
		{"user, boundary alone", c.user(account, "alone", "", everything), question{who: asUser, boundary: allows}},
		{"user, condition met", c.user(account, "met", conditional("127.0.0.0/8"), ""), question{who: asUser, identity: allows}},
		{"user, condition not met", c.user(account, "unmet", conditional("192.0.2.0/24"), ""), question{who: asUser, identity: silent}},
		{"session, no policy", c.session(c.role("none", "", ""), time.Now()), question{who: asSession}},
		{"session, boundary silent", c.session(c.role("beyond", all, nothing), time.Now()), question{who: asSession, identity: allows, boundary: silent}},
		{"session, passed alone", c.session(c.role("alone", "", ""), time.Now(), all), question{who: asSession, passed: allows}},
		{"session, passed silent", c.session(c.role("narrow", all, ""), time.Now(), identityDocument), question{who: asSession, identity: allows, passed: silent}},
		{"web identity's session", c.webSession(c.role("web", all, "")), question{who: asSession, identity: allows}},
		{"web identity's session, no policy", c.webSession(c.role("web-none", "", "")), question{who: asSession}},
		{"web identity's session, passed silent", c.webSession(c.role("web-narrow", all, ""), identityDocument), question{who: asSession, identity: allows, passed: silent}},
		{"guest, both allow", c.guest(account, "host", all, "", all), question{who: asGuest, identity: allows, passed: allows}},
		{"guest, none passed", c.guest(account, "host-open", all, ""), question{who: asGuest, identity: allows}},
		{"guest, passed silent", c.guest(account, "host-narrow", all, "", identityDocument), question{who: asGuest, identity: allows, passed: silent}},
		{"guest, host not allowed", c.guest(account, "host-none", "", "", all), question{who: asGuest, passed: allows}},
		{"guest, host beyond a boundary", c.guest(account, "host-beyond", all, nothing, all), question{who: asGuest, identity: allows, boundary: silent, passed: allows}},
		{"guest, host denied", c.guest(account, "host-denied", document(allowAll, statement("Deny", "Action", "*")), "", all), question{who: asGuest, identity: denies, passed: allows}},
		{"root's guest", c.guest(account, "", "", "", all), question{who: asGuest, identity: allows, passed: allows}},
	}
	powerful := c.role("powerful", all, "")
	expired := c.session(powerful, time.Now().Add(-2*time.Hour))
	gone := c.role("gone", all, "")
	orphan := c.session(gone, time.Now())
	if err := c.e.identities.DeleteRole(t.Context(), account, "gone", func(*identity.Role) error { return nil }); err != nil {
		t.Fatal(err)
	}
	own := make([]aws.Config, workers)
	for w := range workers {
		own[w] = c.user(account, fmt.Sprintf("own-%d", w), "", "")
	}
	c.still()
	c.everyOperation(func(w int, service, op string) {
		name := service + ":" + op
		put := func(who string, cfg aws.Config, q question) {
			ran, code, id := c.ask(cfg, service, op, nil)
			q.own = service == "iam" || service == "sts"
			want := q.answer() || permitted[name]
			switch {
			case name == "sts:GetSessionToken": // for users, whatever their policies say
				want = q.who == asUser || q.who == asRoot
			case name == "sts:GetFederationToken" && q.who == asSession:
				want = false // "You must call it using long-term credentials"
			case name == "sts:AssumeRole" && q.who == asRoot:
				want = false // "You cannot call AssumeRole by using root user credentials"
			}
			c.judge(who+", "+name, want, ran, code, id)
			if service == "iam" && q.who == asGuest { // who is refused before any policy is asked
				c.refusedWith(id, "InvalidClientTokenId")
			}
		}
		for _, m := range fixed {
			put(m.name, m.cfg, m.q)
		}
		actions := actionsOf(service, op)
		// Policies made for the operation: they tell whether it asks for the
		// very actions it should.
		mine := fmt.Sprintf("own-%d", w)
		c.policies(mine, document(statement("Allow", "Action", actions...)))
		put("user, these actions", own[w], question{who: asUser, identity: allows})
		put("session, passed these actions", c.session(powerful, time.Now(), document(statement("Allow", "Action", actions...))),
			question{who: asSession, identity: allows, passed: allows})
		for _, a := range actions {
			c.policies(mine, document(statement("Allow", "NotAction", a)))
			put("user, all but "+a, own[w], question{who: asUser, identity: silent})
			c.policies(mine, document(allowAll, statement("Deny", "Action", a)))
			put("user, denied "+a, own[w], question{who: asUser, identity: denies})
			put("session, passed all but "+a, c.session(powerful, time.Now(), document(statement("Allow", "NotAction", a))),
				question{who: asSession, identity: allows, passed: silent})
			put("session, passed a deny of "+a, c.session(powerful, time.Now(), document(allowAll, statement("Deny", "Action", a))),
				question{who: asSession, identity: allows, passed: denies})
		}
		for who, cfg := range map[string]aws.Config{
			"expired session": expired, "session of a deleted role": orphan, "wrong secret": wrongSecret(t, c.root(account)),
		} {
			c.refused(who + ", " + name)(c.ask(cfg, service, op, nil))
		}
		// Nobody, and a service nobody let in.
		anonymously := c.root(account)
		anonymously.Credentials = aws.AnonymousCredentials{}
		if ran, code, _ := c.ask(anonymously, service, op, nil); ran {
			t.Errorf("nobody, %s: ran (%s)", name, code)
		}
		c.service(name, "cloudtrail.amazonaws.com", permitted[name])
	})
	c.close()
}
