package recorder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/journal"
	"cairn/internal/natsd/natsdtest"
)

// disk is what outlives a crash: a journal and a checkpoint in memory. Every write
// may fail, with or without having happened.
type disk struct {
	mu         sync.Mutex
	recs       []journal.Located
	checkpoint *journal.Position
	saves      int
	// fail is asked before each write; nil: none fails.
	fail func(op string) (err error, happens bool)
}

func (d *disk) do(op string, write func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	happens := true
	if d.fail != nil {
		err, happens = d.fail(op)
	}
	if happens {
		write()
	}
	return err
}

func (d *disk) put(op string, intent bool, entries []event.Entry) error {
	return d.do(op, func() {
		for i, e := range entries {
			pos := d.endLocked()
			pos.Index = uint32(i)
			if i > 0 {
				pos.Seq--
			}
			d.recs = append(d.recs, journal.Located{Pos: pos, Entry: e, Intent: intent})
		}
	})
}

func (d *disk) Append(_ context.Context, entries ...event.Entry) error {
	return d.put("append", false, entries)
}

func (d *disk) Intend(_ context.Context, entries ...event.Entry) error {
	return d.put("intend", true, entries)
}

func (d *disk) endLocked() journal.Position {
	if len(d.recs) == 0 {
		return journal.Position{Seq: 1}
	}
	return journal.Position{Seq: d.recs[len(d.recs)-1].Pos.Seq + 1}
}

func (d *disk) End() journal.Position {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.endLocked()
}

// ReadAll returns a few records, so that reading takes several calls.
func (d *disk) ReadAll(_ context.Context, from journal.Position, _ int) ([]journal.Located, journal.Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []journal.Located
	for _, r := range d.recs {
		if r.Pos.Less(from) {
			continue
		}
		if len(list) == 3 {
			return list, r.Pos, nil
		}
		list = append(list, r)
	}
	return list, d.endLocked(), nil
}

func (d *disk) Load() (journal.Position, bool) {
	if d.checkpoint == nil {
		return journal.Position{}, false
	}
	return *d.checkpoint, true
}

func (d *disk) Save(_ context.Context, at journal.Position) error {
	return d.do("save", func() { d.checkpoint, d.saves = &at, d.saves+1 })
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open is a start of the engine.
func (d *disk) open(t *testing.T) (*Audit, int) {
	t.Helper()
	a := NewAudit(d, d, func() time.Time { return noon }, quiet())
	n, err := a.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a, n
}

// numbered is a call that changes something, told by its request id.
func numbered(n int) *call.Call {
	c := testCall()
	c.RequestID = fmt.Sprint("req-", n)
	return c
}

// kept is what readers of the journal see of each call: how often, and the error.
type kept struct {
	times int
	code  string
}

func (d *disk) kept(t *testing.T) map[string]kept {
	t.Helper()
	got := map[string]kept{}
	ids := map[string]bool{}
	for _, r := range d.recs {
		if r.Intent {
			continue
		}
		var m struct{ RequestID, ErrorCode, EventID string }
		if err := json.Unmarshal(r.JSON, &m); err != nil {
			t.Fatal(err)
		}
		if m.EventID != r.Header.ID || m.ErrorCode != r.Header.ErrorCode || ids[m.EventID] {
			t.Errorf("header %+v is not that of %s, or its id is there twice", r.Header, r.JSON)
		}
		ids[m.EventID] = true
		got[m.RequestID] = kept{got[m.RequestID].times + 1, m.ErrorCode}
	}
	return got
}

// TestUnknownRecord shows what a call looks like whose outcome is unknown.
func TestUnknownRecord(t *testing.T) {
	d := &disk{}
	a, _ := d.open(t)
	c := testCall()
	c.Extra = []byte(`{"x":1}`)
	c.Owners = []string{"444455556666"}
	if err := a.Intend(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, n := d.open(t); n != 2 {
		t.Fatalf("%d records for two accounts", n)
	}
	for i, account := range []string{"111122223333", "444455556666"} {
		r := d.recs[2+i]
		want := `"errorCode":"OutcomeUnknown","errorMessage":"` + unknownMessage + `","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}},` +
			`"responseElements":null,"additionalEventData":{"x":1,"outcomeUnknown":true},"requestID":"req-1"`
		if r.Header.Account != account || !strings.Contains(string(r.JSON), want) || !json.Valid(r.JSON) || r.Header.Category != event.Management {
			t.Errorf("%+v %s\nwant %s", r.Header, r.JSON, want)
		}
	}
	if got := string(withOutcomeUnknown(nil)); got != `{"outcomeUnknown":true}` {
		t.Error(got)
	}
}

// TestCrashBetween ends the process at each step of a call and of the start after
// it, and shows that the call is recorded exactly once: as it ended if that was
// recorded, as unknown if it may have run, and not at all if it cannot have.
func TestCrashBetween(t *testing.T) {
	out := &ec2.TerminateInstancesOutput{}
	for name, row := range map[string]struct {
		steps func(a *Audit, c *call.Call)
		want  kept
	}{
		"before the intent":                   {func(*Audit, *call.Call) {}, kept{}},
		"after the intent, before or in Run":  {func(a *Audit, c *call.Call) { _ = a.Intend(t.Context(), c) }, kept{1, UnknownCode}},
		"after the outcome, before the reply": {func(a *Audit, c *call.Call) { _ = a.Intend(t.Context(), c); _ = a.Record(t.Context(), c, out, nil) }, kept{1, ""}},
		"after a failure is recorded": {func(a *Audit, c *call.Call) {
			_ = a.Intend(t.Context(), c)
			_ = a.Record(t.Context(), c, nil, awserr.New(400, "No", "no"))
		}, kept{1, "Client.No"}},
	} {
		for _, saved := range []bool{false, true} { // the checkpoint moved meanwhile
			d := &disk{}
			a, _ := d.open(t)
			_ = a.Intend(t.Context(), numbered(100)) // another call is under way: the checkpoint stays before it
			c := numbered(1)
			row.steps(a, c)
			if saved {
				if err := a.save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			// The next start dies after each of its writes.
			for _, op := range []string{"append", "save"} {
				for _, happens := range []bool{false, true} {
					d.fail = func(o string) (error, bool) {
						if o == op {
							return errors.New("died"), happens
						}
						return nil, true
					}
					_, _ = NewAudit(d, d, func() time.Time { return noon }, quiet()).Open(t.Context())
				}
			}
			d.fail = nil
			d.open(t)
			if _, n := d.open(t); n != 0 {
				t.Errorf("%s: a start after a start recorded %d more", name, n)
			}
			got := d.kept(t)
			if got["req-1"] != row.want || got["req-100"] != (kept{1, UnknownCode}) {
				t.Errorf("%s, checkpoint saved %v: kept %+v, want %+v", name, saved, got, row.want)
			}
		}
	}
}

// TestCrashAnywhere takes many calls through in random order, with a journal and a
// checkpoint that fail at random, crashes, and starts again; several times over.
// Whatever the order: an answered call is recorded once and as it ended; one that
// ran is recorded once; none is recorded twice.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := &disk{}
		ran, answered := map[string]bool{}, map[string]string{}
		for life := range 4 {
			a, _ := d.open(t)
			broken := func() bool { return rng.IntN(12) == 0 }
			d.fail = func(string) (error, bool) {
				switch {
				case !broken():
					return nil, true
				case rng.IntN(2) == 0:
					return journal.ErrRefused, false
				}
				return journal.ErrUnknown, rng.IntN(2) == 0
			}
			type under struct {
				*call.Call
				phase int
				err   error
			}
			var calls []*under
			for n := range 12 {
				calls = append(calls, &under{Call: numbered(life*100 + n)})
			}
			for range rng.IntN(60) {
				if rng.IntN(6) == 0 {
					a.retry(t.Context())
					_ = a.save(t.Context())
					continue
				}
				c := calls[rng.IntN(len(calls))]
				switch c.phase {
				case 0:
					if c.err = a.Intend(t.Context(), c.Call); c.err == nil {
						ran[c.RequestID] = true
					}
				case 1:
					code := ""
					if c.err == nil && rng.IntN(3) == 0 {
						c.err = awserr.New(400, "No", "no")
					}
					if c.err != nil {
						code = "Client." + awserr.From(c.err).Code
					}
					if a.Record(t.Context(), c.Call, &ec2.TerminateInstancesOutput{}, c.err) == nil {
						answered[c.RequestID] = code
					}
				}
				c.phase++
			}
			d.fail = nil
		}
		d.open(t)
		got := d.kept(t)
		for id, k := range got {
			if k.times != 1 {
				t.Errorf("seed %d: %s is recorded %d times", seed, id, k.times)
			}
		}
		for id, code := range answered {
			if got[id] != (kept{1, code}) {
				t.Errorf("seed %d: %s was answered with %q, kept is %+v", seed, id, code, got[id])
			}
		}
		for id := range ran {
			if got[id].times != 1 {
				t.Errorf("seed %d: %s ran, and is recorded %d times", seed, id, got[id].times)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestCheckpoint shows that what a start reads is bounded: the checkpoint follows
// the journal, but not past a call that is under way.
func TestCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		a, _ := d.open(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go a.Run(ctx)
		do := func(c *call.Call) {
			if err := errors.Join(a.Intend(ctx, c), a.Record(ctx, c, nil, nil)); err != nil {
				t.Fatal(err)
			}
		}
		do(numbered(1))
		slow := numbered(2)
		if err := a.Intend(ctx, slow); err != nil {
			t.Fatal(err)
		}
		do(numbered(3))
		time.Sleep(saveEvery + time.Millisecond)
		synctest.Wait()
		if want := (journal.Position{Seq: 3}); *d.checkpoint != want {
			t.Errorf("checkpoint %v, want %v: the intent of the slow call", *d.checkpoint, want)
		}
		if err := a.Record(ctx, slow, nil, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(saveEvery)
		synctest.Wait()
		saves := d.saves
		if *d.checkpoint != d.End() {
			t.Errorf("checkpoint %v, want %v", *d.checkpoint, d.End())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if d.saves != saves || len(a.open) > 0 {
			t.Errorf("nothing happened, and the checkpoint was saved %d times; %d calls are open", d.saves-saves, len(a.open))
		}
	})
}

// TestAuditInJournal does the same on a real journal, across a restart of its store:
// one call in each state.
func TestAuditInJournal(t *testing.T) {
	dir := t.TempDir()
	at := &disk{} // for its checkpoint
	life := func(f func(j *journal.Journal, a *Audit)) {
		s := natsdtest.StartDir(t, dir)
		j, err := journal.Open(t.Context(), s.JetStream(), journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a := NewAudit(j, at, time.Now, quiet())
		if _, err := a.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(j, a)
		j.Close()
		s.Close()
	}
	life(func(_ *journal.Journal, a *Audit) {
		for n := range 3 {
			if err := a.Intend(t.Context(), numbered(n)); err != nil {
				t.Fatal(err)
			}
		}
		c := numbered(3)
		if err := errors.Join(a.Intend(t.Context(), c), a.Record(t.Context(), c, nil, nil)); err != nil {
			t.Fatal(err)
		}
	})
	life(func(*journal.Journal, *Audit) {})
	life(func(j *journal.Journal, _ *Audit) {
		recs, _, err := j.Read(t.Context(), journal.Position{}, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range recs {
			got += r.Header.ErrorCode + "|"
		}
		if want := "|OutcomeUnknown|OutcomeUnknown|OutcomeUnknown|"; got != want {
			t.Errorf("recorded %s, want %s", got, want)
		}
	})
}
