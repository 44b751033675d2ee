package ec2_test

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
	"cairn/internal/service/ec2"
	"cairn/internal/state"
)

const account = "111122223333"

var now = time.Date(2026, 11, 23, 12, 0, 5, 0, time.UTC)

// journal keeps records in memory; it stands in for the durable one.
type journal struct{ append func(...event.Entry) }

func (j journal) Append(_ context.Context, entries ...event.Entry) error {
	j.append(entries...)
	return nil
}

// engine is EC2 behind the dispatcher, called by who, with what it recorded.
type engine struct {
	t       *testing.T
	store   *identity.Store
	api     *call.API
	do      *call.Dispatcher
	who     identity.Principal
	now     time.Time
	records []event.Entry
}

func start(t *testing.T) *engine {
	t.Helper()
	st, err := state.Open(t.Context(), natsdtest.Start(t), "state")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	e := &engine{t: t, now: now, store: identity.NewStore(st, bytes.Repeat([]byte{1}, 32))}
	e.api = ec2.New(st).API()
	j := journal{func(entries ...event.Entry) { e.records = append(e.records, entries...) }}
	e.do = call.NewDispatcher(recorder.New(j, func() time.Time { return e.now }), slog.New(slog.DiscardHandler))
	root, err := e.store.CreateAccount(t.Context(), account, now)
	if err != nil {
		t.Fatal(err)
	}
	e.as(root)
	return e
}

// as makes the caller the owner of an access key.
func (e *engine) as(c identity.Credentials) {
	e.t.Helper()
	p, _, err := e.store.Resolve(e.t.Context(), c.AccessKeyID, "", now)
	if err != nil {
		e.t.Fatal(err)
	}
	e.who = p
}

// try calls an operation.
func (e *engine) try(op string, in any) (any, error) {
	e.t.Helper()
	o := e.api.Operations[op]
	if o == nil {
		e.t.Fatalf("no operation %s", op)
	}
	c := &call.Call{
		API: e.api, Op: o, Principal: e.who, Region: "eu-west-1", Input: in, RequestID: "request",
		SourceIP: "127.0.0.1", UserAgent: "test", Secure: true, Start: e.now,
	}
	return e.do.Do(e.t.Context(), c)
}

// ok calls an operation that must succeed.
func ok[Out any](e *engine, op string, in any) *Out {
	e.t.Helper()
	out, err := e.try(op, in)
	if err != nil {
		e.t.Fatalf("%s: %v", op, err)
	}
	return out.(*Out)
}

// fails calls an operation that must fail with a code and, unless it is empty,
// a message.
func (e *engine) fails(op string, in any, code, message string) {
	e.t.Helper()
	_, err := e.try(op, in)
	if !awserr.Is(err, code) {
		e.t.Errorf("%s: %v, want %s", op, err, code)
	} else if got := awserr.From(err).Message; message != "" && got != message {
		e.t.Errorf("%s: message\n %s\nwant\n %s", op, got, message)
	}
}

// last returns the last record, decoded.
func (e *engine) last() map[string]any {
	e.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.records[len(e.records)-1].JSON, &m); err != nil {
		e.t.Fatal(err)
	}
	return m
}
