// Package servicetest runs one service behind the dispatcher, on an embedded
// store and with what it records kept in memory, for the tests of services.
package servicetest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/recorder"
	"cairn/internal/state"
	"cairn/internal/state/statetest"
)

// Account is the account that makes the calls.
const Account = "111122223333"

// Engine is one service behind the dispatcher. Tests change its fields between
// calls; it is not for use by several goroutines.
type Engine struct {
	// T is the test, which calls that go wrong end.
	T *testing.T
	// State keeps what the service keeps.
	State *state.Store
	// Users keeps the account and its users and roles.
	Users *identity.Store
	// API is the service's.
	API *call.API
	// Who makes the calls: the account's root user, until As or the test
	// says otherwise.
	Who identity.Principal
	// Now is the time, which stands still.
	Now time.Time
	// Records holds what was recorded, in order.
	Records []event.Entry

	dispatcher *call.Dispatcher
}

// Start returns an engine with the service that serve makes of its stores.
func Start(t *testing.T, serve func(*Engine) *call.API) *Engine {
	t.Helper()
	st := statetest.Open(t, natsdtest.Start(t))
	e := &Engine{
		T: t, State: st, Users: identity.NewStore(st, bytes.Repeat([]byte{1}, 32)),
		Now: time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC),
	}
	e.API = serve(e)
	e.dispatcher = call.NewDispatcher(recorder.New(journal{e}, func() time.Time { return e.Now }), slog.New(slog.DiscardHandler))
	root, err := e.Users.CreateAccount(t.Context(), Account, e.Now)
	if err != nil {
		t.Fatal(err)
	}
	e.As(root)
	return e
}

// journal keeps records in memory; it stands in for the durable one.
type journal struct{ e *Engine }

func (j journal) Append(_ context.Context, entries ...event.Entry) error {
	j.e.Records = append(j.e.Records, entries...)
	return nil
}

// As makes the owner of an access key the caller.
func (e *Engine) As(c identity.Credentials) {
	e.T.Helper()
	p, _, err := e.Users.Resolve(e.T.Context(), c.AccessKeyID, "", e.Now)
	if err != nil {
		e.T.Fatal(err)
	}
	e.Who = p
}

// Try calls an operation.
func (e *Engine) Try(op string, in any) (any, error) {
	e.T.Helper()
	o := e.API.Operations[op]
	if o == nil {
		e.T.Fatalf("no operation %s", op)
	}
	return e.dispatcher.Do(e.T.Context(), &call.Call{
		API: e.API, Op: o, Principal: e.Who, Region: "eu-west-1", Input: in, RequestID: "request",
		SourceIP: "127.0.0.1", UserAgent: "test", Secure: true, Start: e.Now,
	})
}

// OK calls an operation that must succeed.
func OK[Out any](e *Engine, op string, in any) *Out {
	e.T.Helper()
	out, err := e.Try(op, in)
	if err != nil {
		e.T.Fatalf("%s: %v", op, err)
	}
	return out.(*Out)
}

// Fails calls an operation that must fail with a code and, unless it is empty,
// a message.
func (e *Engine) Fails(op string, in any, code, message string) {
	e.T.Helper()
	_, err := e.Try(op, in)
	if !awserr.Is(err, code) {
		e.T.Errorf("%s: %v, want %s", op, err, code)
	} else if got := awserr.From(err).Message; message != "" && got != message {
		e.T.Errorf("%s: message\n %s\nwant\n %s", op, got, message)
	}
}

// Last returns the last record, decoded.
func (e *Engine) Last() map[string]any {
	e.T.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.Records[len(e.Records)-1].JSON, &m); err != nil {
		e.T.Fatal(err)
	}
	return m
}
