package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/event"
	"cairn/internal/journal"
	"cairn/internal/lake"
)

const (
	account = "111122223333"
	other   = "444455556666"
	region  = "eu-west-1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// memory is a journal in memory.
type memory struct {
	mu    sync.Mutex
	recs  []journal.Located
	grown chan struct{}
	gap   *journal.GapError
}

func (m *memory) add(entries ...event.Entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range entries {
		m.recs = append(m.recs, journal.Located{Pos: journal.Position{Seq: uint64(len(m.recs) + 1)}, Entry: e})
	}
	if m.grown != nil {
		close(m.grown)
		m.grown = nil
	}
}

func (m *memory) End() journal.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return journal.Position{Seq: uint64(len(m.recs) + 1)}
}

func (m *memory) Read(_ context.Context, from journal.Position) ([]journal.Located, journal.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from.Seq = max(from.Seq, 1)
	if g := m.gap; g != nil && from == g.From {
		return nil, from, g
	}
	if int(from.Seq) > len(m.recs) {
		return nil, from, nil
	}
	some := m.recs[from.Seq-1:]
	some = some[:min(len(some), 7)]
	return some, journal.Position{Seq: from.Seq + uint64(len(some))}, nil
}

func (m *memory) Wait(ctx context.Context, from journal.Position) error {
	m.mu.Lock()
	if int(from.Seq) <= len(m.recs) {
		m.mu.Unlock()
		return nil
	}
	if m.grown == nil {
		m.grown = make(chan struct{})
	}
	grown := m.grown
	m.mu.Unlock()
	select {
	case <-grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is a record of a call by a user, some seconds after noon.
func call(id string, second int, change func(*event.Record)) event.Entry {
	r := &event.Record{
		EventVersion: "1.11", EventTime: noon.Add(time.Duration(second) * time.Second), EventSource: "iam.amazonaws.com", EventName: "CreateUser",
		AWSRegion: region, EventID: id, EventType: event.APICall, ManagementEvent: true, EventCategory: event.Management, RecipientAccountID: account,
		UserIdentity: event.UserIdentity{Type: "IAMUser", PrincipalID: "AIDA1", UserName: "ann", AccessKeyID: "AKIA1", AccountID: account},
	}
	if change != nil {
		change(r)
	}
	return r.Encode(false)
}

type world struct {
	*testing.T
	dir     string
	journal *memory
	store   *Store
	lake    *lake.Lake
	stop    func()
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir(), journal: &memory{}}
	w.start(Options{})
	t.Cleanup(func() { w.stop() })
	return w
}

// start opens the event history and runs it.
func (w *world) start(o Options) {
	w.Helper()
	var err error
	if w.lake, err = lake.Open(lake.Options{Dir: w.dir}); err != nil {
		w.Fatal(err)
	}
	o.Journal, o.Lake = w.journal, w.lake
	if o.Now == nil {
		o.Now = func() time.Time { return noon.Add(time.Hour) }
	}
	if w.store, err = Open(o); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	store := w.store
	go func() { store.Run(ctx); close(done) }()
	w.stop = func() {
		cancel()
		<-done
		w.lake.Close()
		w.stop = func() {}
	}
}

// ids returns the ids a query finds, over all pages.
func (w *world) ids(q Query) (ids []string) {
	w.Helper()
	q.Account, q.Region = account, region
	if q.Limit == 0 {
		q.Limit = 3
	}
	for {
		page, err := w.store.Lookup(w.Context(), &q)
		if err != nil {
			w.Fatal(err)
		}
		if len(page.Events) > q.Limit {
			w.Fatalf("%d events on a page of %d", len(page.Events), q.Limit)
		}
		for _, e := range page.Events {
			ids = append(ids, e.ID)
		}
		if !page.More {
			return ids
		}
		q.After = &page.Next
	}
}

func (w *world) wants(q Query, want ...string) {
	w.Helper()
	if d := cmp.Diff(want, w.ids(q)); d != "" {
		w.Errorf("%+v: %s", q, d)
	}
}

func TestNewestFirstAndOnlyOwn(t *testing.T) {
	w := newWorld(t)
	w.journal.add(
		call("b", 2, nil), call("a", 1, nil), call("c", 3, nil), call("d", 3, nil),
		call("other account", 4, func(r *event.Record) { r.RecipientAccountID = other }),
		call("other region", 4, func(r *event.Record) { r.AWSRegion = "us-east-1" }),
		call("data", 4, func(r *event.Record) { r.EventCategory = event.Data }),
		call("insight", 4, func(r *event.Record) { r.EventCategory = event.Insight }),
		call("network", 4, func(r *event.Record) { r.EventCategory = "NetworkActivity" }),
	)
	w.wants(Query{}, "d", "c", "b", "a")
	w.wants(Query{Insight: true}, "insight")
	const trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"
	ofData := call("insight of data", 4, func(r *event.Record) { r.EventCategory = event.Insight })
	ofData.Header.Resources = []event.Resource{{Type: event.InsightTrail, ARN: trail}}
	w.journal.add(ofData)
	w.wants(Query{Insight: true, Trail: trail}, "insight of data")
	w.wants(Query{Insight: true, Trail: trail + "2"})
	w.wants(Query{Insight: true}, "insight")
	w.wants(Query{From: noon.Add(2 * time.Second), To: noon.Add(2 * time.Second)}, "b")
	w.wants(Query{To: noon.Add(2*time.Second + 500*time.Millisecond)}, "b", "a")
	w.wants(Query{From: noon.Add(3 * time.Second)}, "d", "c")
}

// TestOnceAcrossRestarts writes after every few records, restarts in between, and
// leaves some for the tail: every record is there once.
func TestOnceAcrossRestarts(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 60 {
		id := fmt.Sprintf("%03d", i)
		want = append(want, id)
		w.journal.add(call(id, i, nil))
		switch {
		case i%20 == 19: // ends with what it has gathered written
			w.stop()
			w.start(Options{FlushBytes: 2000})
		case i%7 == 6:
			w.ids(Query{}) // which waits for the records
		}
	}
	slices.Reverse(want)
	w.wants(Query{}, want...)
	if w.store.Mark() == (journal.Position{}) {
		t.Error("nothing was written")
	}
	w.stop()
	w.start(Options{})
	w.wants(Query{}, want...)
}

// TestCrash loses the tail, which is read from the journal again.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	w.journal.add(call("a", 1, nil), call("b", 2, nil))
	w.wants(Query{}, "b", "a")
	crashed := w.store
	w.start(Options{}) // beside the one that "crashed": it never wrote
	w.wants(Query{}, "b", "a")
	if m := crashed.Mark(); m != (journal.Position{}) {
		t.Fatalf("the first store wrote up to %v: this is no crash", m)
	}
}

func TestGapIsPassed(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.journal.add(call("a", 1, nil), call("lost", 2, nil), call("c", 3, nil))
	w.journal.recs[0].Pos = journal.Position{Seq: 1}
	w.journal.gap = &journal.GapError{From: journal.Position{Seq: 1}, To: journal.Position{Seq: 3}, Why: "test"}
	w.start(Options{})
	w.wants(Query{}, "c")
}

// TestPagesStand: records that come between two pages change nothing on those that
// follow.
func TestPagesStand(t *testing.T) {
	w := newWorld(t)
	w.journal.add(call("a", 1, nil), call("b", 2, nil), call("c", 3, nil))
	q := Query{Account: account, Region: region, Limit: 2}
	first, err := w.store.Lookup(t.Context(), &q)
	if err != nil || !first.More || len(first.Events) != 2 {
		t.Fatalf("%+v, %v", first, err)
	}
	w.journal.add(call("d", 4, nil), call("e", 5, nil))
	q.After = &first.Next
	second, err := w.store.Lookup(t.Context(), &q)
	if err != nil || second.More || len(second.Events) != 1 || second.Events[0].ID != "a" {
		t.Fatalf("%+v, %v", second, err)
	}
}

func TestRetention(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.start(Options{Now: func() time.Time { return noon.Add(Retention + 2*time.Second) }})
	w.journal.add(call("too old", 1, nil), call("kept", 3, nil))
	w.wants(Query{}, "kept")
}

func TestUnknownAttribute(t *testing.T) {
	w := newWorld(t)
	if _, err := w.store.Lookup(t.Context(), &Query{Account: account, Region: region, Limit: 1, Attribute: "Colour"}); !errors.Is(err, ErrQuery) {
		t.Error(err)
	}
}
