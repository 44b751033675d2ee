package call

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/identity"
	"cairn/internal/policy"
)

type recorderFunc func(ctx context.Context, c *Call, out any, err error) error

func (f recorderFunc) Record(ctx context.Context, c *Call, out any, err error) error {
	return f(ctx, c, out, err)
}

type in struct{ Name string }

type out struct{ closed *bool }

func (o out) Close() error { *o.closed = true; return nil }

func denied(message string) *awserr.Error {
	return awserr.New(http.StatusForbidden, "AccessDenied", "%s", message)
}

func document(t *testing.T, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func testCall(t *testing.T, run func() (*out, error)) *Call {
	op := New("Put", func(context.Context, *Granted, *in) (*out, error) { return run() })
	return &Call{
		API: &API{Name: "svc", Denied: denied}, Op: op, Input: op.NewInput(),
		Principal: identity.Principal{
			Kind: identity.IAMUser, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ann",
			Policies: []*policy.Document{document(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"svc:Put","Resource":"*"}}`)},
		},
		Region: "eu-west-1",
	}
}

// TestDo shows that every way a call can end is recorded before it is answered,
// and that the handler runs only if the call is allowed.
func TestDo(t *testing.T) {
	closed := false
	good := func() (*out, error) { return &out{closed: &closed}, nil }
	lost := errors.New("disk full")
	for name, row := range map[string]struct {
		run    func() (*out, error)
		change func(*Call)
		record error
		ran    bool
		code   string // of the answer; "" for success
	}{
		"allowed": {run: good, ran: true},
		"denied":  {run: good, change: func(c *Call) { c.Principal.Policies = nil }, code: "AccessDenied"},
		"checks cannot be made": {run: good, change: func(c *Call) {
			c.Op.Authorize = func(context.Context, *Call) ([]Check, error) {
				return nil, awserr.New(http.StatusNotFound, "NoSuchThing", "no")
			}
		}, code: "NoSuchThing"},
		"handler fails":        {run: func() (*out, error) { return nil, awserr.New(400, "Bad", "bad") }, ran: true, code: "Bad"},
		"handler panics":       {run: func() (*out, error) { panic("oh") }, ran: true, code: "InternalFailure"},
		"record is not kept":   {run: good, record: lost, ran: true, code: "ServiceUnavailable"},
		"refusal not recorded": {run: good, change: func(c *Call) { c.Principal.Policies = nil }, record: lost, code: "ServiceUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			closed = false
			ran, recorded := false, 0
			c := testCall(t, func() (*out, error) { ran = true; return row.run() })
			if row.change != nil {
				row.change(c)
			}
			ctx, hangUp := context.WithCancel(t.Context())
			d := NewDispatcher(recorderFunc(func(ctx context.Context, got *Call, o any, err error) error {
				recorded++
				hangUp() // a caller that goes away does not stop the record
				if got != c || ctx.Err() != nil {
					t.Errorf("recorded %p with context %v", got, ctx.Err())
				}
				return row.record
			}), slog.New(slog.DiscardHandler))
			o, err := d.Do(ctx, c)
			if ran != row.ran || recorded != 1 {
				t.Errorf("ran %v, recorded %d times", ran, recorded)
			}
			if code := codeOf(err); code != row.code || (o == nil) != (row.code != "") {
				t.Errorf("answered %v, %v", o, err)
			}
			if withheld := row.record != nil && row.ran; closed != withheld {
				t.Errorf("the withheld answer was closed: %v", closed)
			}
		})
	}
}

// TestHangUp shows that a caller who goes away in the middle of a change neither
// stops it nor makes it look like a failure, that reading stops, and that a
// change that never ends is given up.
func TestHangUp(t *testing.T) {
	for name, row := range map[string]struct {
		readOnly bool
		work     time.Duration
		code     string
	}{
		"a change":              {work: time.Second},
		"a change without end":  {work: time.Hour, code: "InternalFailure"},
		"reading what is there": {readOnly: true, work: time.Second, code: "InternalFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, hangUp := context.WithCancel(t.Context())
				closed := false
				c := testCall(t, nil)
				c.Op.ReadOnly = row.readOnly
				c.Op.Run = func(ctx context.Context, _ *Granted) (any, error) {
					hangUp()
					select {
					case <-time.After(row.work):
						return &out{closed: &closed}, nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}
				recorded := "nothing"
				d := NewDispatcher(recorderFunc(func(_ context.Context, _ *Call, _ any, err error) error {
					recorded = codeOf(err)
					return nil
				}), slog.New(slog.DiscardHandler))
				if _, err := d.Do(ctx, c); codeOf(err) != row.code || recorded != row.code {
					t.Errorf("answered %v, recorded %q; want %q", err, recorded, row.code)
				}
			})
		})
	}
}

// TestRecorderPanics withholds the answer of a call whose record was not kept.
func TestRecorderPanics(t *testing.T) {
	closed := false
	c := testCall(t, func() (*out, error) { return &out{closed: &closed}, nil })
	d := NewDispatcher(recorderFunc(func(context.Context, *Call, any, error) error { panic("oh") }), slog.New(slog.DiscardHandler))
	if o, err := d.Do(t.Context(), c); o != nil || codeOf(err) != "ServiceUnavailable" || !closed {
		t.Errorf("answered %v, %v; withheld: %v", o, err, closed)
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return awserr.From(err).Code
}

func TestDeniedText(t *testing.T) {
	c := testCall(t, nil)
	c.Principal.Policies = nil
	c.Op.Authorize = func(context.Context, *Call) ([]Check, error) { return []Check{{Resource: "arn:aws:svc:::x"}}, nil }
	d := NewDispatcher(recorderFunc(func(context.Context, *Call, any, error) error { return nil }), slog.New(slog.DiscardHandler))
	_, err := d.Do(t.Context(), c)
	const want = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: svc:Put on resource: arn:aws:svc:::x because no identity-based policy allows the svc:Put action"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the refusal says %v", err)
	}
	if err := d.Would(t.Context(), c); codeOf(err) != "AccessDenied" {
		t.Errorf("Would says %v", err)
	}
}
