package delivery

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/trail"
)

func TestLeftOut(t *testing.T) {
	d := &Digests{}
	if d.leftOut(noon, time.Hour) != nil {
		t.Error("something is left out of nothing")
	}
	d.begin(noon, time.Hour)
	d.turn(at(2), time.Hour, nil)
	d.written(at(2))
	d.turn(at(62+180), time.Hour, nil) // four hours as one
	for minutes, want := range map[float64]*Span{
		-1: nil, 0: {at(0), at(2)}, 1.99: {at(0), at(2)}, 2: {at(2), at(62)}, 61.9: {at(2), at(62)}, 62: {at(62), at(122)},
		241.9: {at(182), at(242)}, 242: nil, 300: nil,
	} {
		if diff := cmp.Diff(want, d.leftOut(at(minutes), time.Hour)); diff != "" {
			t.Errorf("minute %v: %s", minutes, diff)
		}
	}
	if got := d.leftOut(at(240), 100*time.Minute); got == nil || got.End.After(d.Start) { // the interval was changed
		t.Errorf("%+v", got)
	}
	if old := (&Digests{Start: noon, End: at(60)}); old.leftOut(at(-1), time.Hour) != nil {
		t.Error("a row that does not say when its chains began")
	}
}

// TestBackfill has a bucket that refuses log files for hours, in which it takes
// digests, then one that refuses everything. What is delivered when it answers again
// is named by the hour it was planned in, whose digest is written or settled: a
// backfill digest of that hour lists it.
func TestBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		defer end()
		refuse := func(ops ...string) {
			d.dest.failWith(func(op string) (error, bool) {
				if slices.Contains(ops, op) {
					return awserr.New(403, "AccessDenied", "no"), false
				}
				return nil, true
			})
		}
		d.events(home, "us-east-1")
		d.until("12:30:00")
		refuse("object")
		d.events(home, "us-east-1", "ap-south-1")
		d.until("15:30:00")
		d.want(map[string]string{
			home:        "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0]",
			"us-east-1": "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0]",
		})
		refuse()
		d.events(home) // after the others
		d.until("16:10:00")
		d.want(map[string]string{
			home:                 "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0] [15:02:00-16:02:00 1]",
			"us-east-1":          "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0] [15:02:00-16:02:00 0]",
			"ap-south-1":         "[15:02:00-16:02:00 1]", // there was no digest to leave it out
			home + " backfill":   "[12:02:00-13:02:00 1] at 2026-03-01T16:02:00Z",
			"us-east-1 backfill": "[12:02:00-13:02:00 1] at 2026-03-01T16:02:00Z",
		})
		refuse("object", "digest")
		d.events(home)
		d.until("19:30:00")
		if row := Status(d.progress, d.tr, Bucket); len(row.Digests.Closed) != 1 || row.Digests.Error != "AccessDenied" {
			t.Errorf("status %+v", row.Digests)
		}
		refuse()
		d.events("ap-south-1")
		d.until("20:30:00")
		const hours = " [16:02:00-17:02:00 0] [17:02:00-19:02:00 0] [19:02:00-20:02:00 "
		d.want(map[string]string{
			home:                 "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0] [15:02:00-16:02:00 1]" + hours + "0]",
			"us-east-1":          "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0] [15:02:00-16:02:00 0]" + hours + "0]",
			"ap-south-1":         "[15:02:00-16:02:00 1]" + hours + "1]",
			home + " backfill":   "[12:02:00-13:02:00 1] at 2026-03-01T16:02:00Z [16:02:00-17:02:00 1] at 2026-03-01T20:02:00Z",
			"us-east-1 backfill": "[12:02:00-13:02:00 1] at 2026-03-01T16:02:00Z",
		})
	})
}

// TestBackfillFaults fails every single write once after a bucket has refused log
// files for hours, before or after it took effect, in the same process or a new one.
func TestBackfillFaults(t *testing.T) { eachFault(t, testBackfillFault) }

func testBackfillFault(t *testing.T, happens, restart bool, failing int) (reached bool) {
	w := newWorld()
	clock := noon
	w.options.Now = func() time.Time { return clock }
	tr := w.newTrail("audit")
	tr.Validate = true
	w.put(tr)
	p, tries := w.pump(t, tr, Bucket), 0
	settle := func(until int) {
		for again := true; again; {
			var err error
			again, err = p.step(t.Context())
			if derr := p.digest(t.Context()); err == nil {
				err = derr
			}
			if err == nil {
				continue
			}
			if tries++; tries > until {
				return
			}
			if again = true; restart {
				p = w.pump(t, tr, Bucket)
			}
		}
	}
	all := []string{home, "us-east-1"}
	for _, region := range all {
		w.journal.add(w.record(region, "A"))
	}
	settle(0)
	clock = at(30)
	objects := 0
	w.dest.failWith(func(op string) (error, bool) {
		if op != "object" {
			return nil, true
		}
		if objects++; objects%2 == 0 { // the second of a plan
			return errors.New("refused"), false
		}
		return nil, true
	})
	for _, region := range all {
		w.journal.add(w.record(region, "B"))
	}
	for _, minutes := range []float64{30, 63, 123} { // one region's file is there, and not listed
		clock = at(minutes)
		tries = 0
		settle(0)
	}
	op := 0
	fail := func(string) (error, bool) {
		if op++; op-1 == failing {
			return errors.New("fault"), happens
		}
		return nil, true
	}
	w.progress.fail, w.chains.fail, w.pending.fail = fail, fail, fail
	w.dest.failWith(fail)
	for _, minutes := range []float64{130, 183} {
		clock = at(minutes)
		tries = 0
		settle(1)
	}
	tr.Stop("stop", trail.Mark{}, clock)
	w.put(tr)
	h := &history{world: w, rnd: newRand(), now: clock}
	w.journal.add(h.call("cloudtrail.amazonaws.com", "StopLogging", "stop"))
	settle(1)
	got := w.digests(t)
	for _, region := range all {
		if want := "[12:02:00-13:02:00 1] at 2026-03-01T15:02:00Z"; got[region+" backfill"] != want {
			t.Errorf("%s: %v", region, got)
		}
	}
	return op > failing
}

// TestBackfillBackAndForward has a clock that is set back and forward, past
// intervals that are closed: log files then come in no order of the intervals they
// are named by, also within one of them, and each is listed once.
func TestBackfillBackAndForward(t *testing.T) {
	w := newWorld()
	clock := noon
	w.options.Now = func() time.Time { return clock }
	tr := w.newTrail("audit")
	tr.Validate = true
	w.put(tr)
	p := w.pump(t, tr, Bucket)
	deliver := func(minutes ...float64) {
		t.Helper()
		for _, m := range minutes {
			clock = at(m)
			w.journal.add(w.record(home, "A"))
			for again := true; again; {
				var err error
				if again, err = p.step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	digests := func(minutes float64) {
		t.Helper()
		clock = at(minutes)
		if err := p.digest(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	deliver(0)
	for _, hours := range []float64{0, 1, 2, 3} {
		digests(2 + hours*60)
	}
	deliver(130, 70, 135, 71, 10) // of the third interval, the second, the third ...
	digests(242)
	deliver(72, 190, 136) // the second and third have their backfill digests
	digests(302)
	got := w.digests(t)
	if want := "[12:02:00-13:02:00 1] at 2026-03-01T16:02:00Z [13:02:00-14:02:00 2] at 2026-03-01T16:02:00Z [14:02:00-15:02:00 2] at 2026-03-01T16:02:00Z [15:02:00-16:02:00 1] at 2026-03-01T17:02:00Z"; got[home+" backfill"] != want {
		t.Errorf("backfill digests:\n%s, want\n%s", got[home+" backfill"], want)
	}
	if want := "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0] [14:02:00-15:02:00 0] [15:02:00-16:02:00 0] [16:02:00-17:02:00 2]"; got[home] != want {
		t.Errorf("digests:\n%s, want\n%s", got[home], want)
	}
}
