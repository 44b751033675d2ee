package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/journal"
	"cairn/internal/trail"
)

// lateJournal does something after its end was asked for, and before it is read.
type lateJournal struct {
	*memJournal
	meanwhile func()
}

func (j *lateJournal) Read(ctx context.Context, from journal.Position) ([]journal.Located, journal.Position, error) {
	if j.meanwhile != nil {
		j.meanwhile()
		j.meanwhile = nil
	}
	return j.memJournal.Read(ctx, from)
}

// TestStopWhileReading stops a trail after a pump has read the trail, and before it
// reads the journal: what came after the stop is not the trail's.
func TestStopWhileReading(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	w.journal.add(w.record(home, "A"))
	late := &lateJournal{memJournal: &w.journal}
	late.meanwhile = func() {
		at := mark(w.journal.End())
		stop := w.record(home, "StopLogging")
		stop.Header.Source = "cloudtrail.amazonaws.com"
		w.journal.add(stop)
		tr.Stop("r2", at, noon)
		w.put(tr)
		w.journal.add(w.record(home, "TooLate"))
	}
	w.options.Journal = func() Journal { return late }
	p := w.pump(t, tr, Bucket)
	drain(t, p)
	drain(t, p)
	if d := cmp.Diff(map[string][]string{home: {"e1", "e2"}}, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
}

// TestClockSetBack stops a trail with a clock that is behind that of records made
// before: they are the trail's all the same.
func TestClockSetBack(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	early := w.record(home, "A")
	early.Header.Time = noon.Add(time.Hour)
	w.journal.add(early)
	tr.Stop("r2", mark(w.journal.End()), noon)
	w.put(tr)
	stop := w.record(home, "StopLogging")
	stop.Header.Source = "cloudtrail.amazonaws.com"
	w.journal.add(stop)
	drain(t, w.pump(t, tr, Bucket))
	if d := cmp.Diff(map[string][]string{home: {"e1", "e2"}}, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
}

// TestBalance accounts for every record: those before the trail, those it selects,
// those it does not, those between two spans, in a gap, and those that wait.
func TestBalance(t *testing.T) {
	w := newWorld()
	w.journal.add(w.record(home, "Before"), w.record(home, "Before"))
	tr := w.newTrail("audit")
	w.put(tr)
	other := w.record(home, "Other")
	other.Header.Account = "999999999999"
	w.journal.add(w.record(home, "A"), other)
	w.journal.add(w.record(home, "Lost"), w.record(home, "Lost"), w.record(home, "Lost"))
	w.journal.lost = map[uint64]bool{3: true}
	stop := w.record(home, "StopLogging")
	stop.Header.Source = "cloudtrail.amazonaws.com"
	tr.Stop("r7", mark(w.journal.End()), noon)
	stop.JSON = []byte(`{"eventID":"stop","requestID":"r7"}`)
	w.journal.add(stop)
	w.journal.add(w.record(home, "Between"), w.record(home, "Between"))
	tr.Start(mark(w.journal.End()), noon)
	w.put(tr)
	w.journal.add(w.record(home, "B"), other)
	p := w.pump(t, tr, Bucket)
	drain(t, p)
	w.journal.add(w.record(home, "Waits"))
	want := Balance{
		Account: account, HomeRegion: home, Trail: "audit", Kind: Bucket,
		Accepted: 13, Before: 2, Delivered: 3, NotSelected: 4, Lost: 3, Waiting: 1, Gaps: 1,
	}
	even := func(want Balance) {
		t.Helper()
		got, err := w.delivery(t).Balances(t.Context())
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if d := cmp.Diff(want, got[0]); d != "" || !got[0].Balanced() {
			t.Error("not even:", d)
		}
	}
	even(want)
	// A restart forgets nothing, and what is passed over without being saved waits.
	w.journal.add(other)
	p = w.pump(t, tr, Bucket)
	drain(t, p)
	want.Accepted, want.Delivered, want.Waiting = 14, 4, 0
	want.NotSelected++
	even(want)
	// The journal loses its end.
	w.journal.batches = w.journal.batches[:6]
	drain(t, p)
	want.Accepted, want.Before, want.Gaps = 12, 0, 2
	even(want)
}

// TestBalanceBehindGap has a gap that was made while nothing ran: the journal then
// cannot tell how many records came before it. With one on the way, and one with a
// plan that ends within it.
func TestBalanceBehindGap(t *testing.T) {
	for name, c := range map[string]struct{ planned, counted bool }{
		"read first after the restart": {false, false}, "planned before it": {true, false}, "planned, without a restart": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.journal.add(w.record(home, "Before"))
			tr := w.newTrail("audit")
			w.put(tr)
			w.journal.add(w.record(home, "A"))
			drain(t, w.pump(t, tr, Bucket))
			w.journal.add(w.record(home, "B"), w.record(home, "B"))
			w.journal.add(w.record(home, "Lost"), w.record(home, "Lost"), w.record(home, "Lost"))
			w.journal.add(w.record(home, "C"))
			want := Balance{
				Account: account, HomeRegion: home, Trail: "audit", Kind: Bucket,
				Accepted: 8, Before: 1, Delivered: 4, Lost: 3, Gaps: 1,
			}
			if c.planned {
				at := drained(t, w, tr)
				plan := &Plan{From: at, To: journal.Position{Seq: 4, Index: 1}, Time: noon, Stamp: noon}
				if _, err := w.progress.Update(t.Context(), func(r *Progress) error { r.Plan = plan; return nil }, account, home, "audit", string(Bucket)); err != nil {
					t.Fatal(err)
				}
				want.Gaps = 2
			}
			w.journal.lost = map[uint64]bool{4: true}
			if !c.counted {
				w.journal.uncounted = 4
				if got, err := w.delivery(t).Balances(t.Context()); err != nil || len(got) != 0 {
					t.Errorf("before the gap is passed: %+v, %v", got, err)
				}
			}
			drain(t, w.pump(t, tr, Bucket))
			got, err := w.delivery(t).Balances(t.Context())
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if d := cmp.Diff(want, got[0]); d != "" || !got[0].Balanced() {
				t.Error("not even:", d)
			}
		})
	}
}

// drained is where a trail's deliveries to its bucket are.
func drained(t *testing.T, w *world, tr *trail.Trail) journal.Position {
	t.Helper()
	row := Status(w.progress, tr, Bucket)
	if row == nil {
		t.Fatal("nothing was delivered")
	}
	return row.Cursor
}
