package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/journal"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state"
	"cairn/internal/trail"
)

// start runs a delivery until the test calls what it returns.
func (w *world) start(t *testing.T) (stop func()) {
	t.Helper()
	d := w.delivery(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		stop := w.start(t)
		tr := w.newTrail("audit")
		w.put(tr)
		w.journal.add(w.record(home, "A"))
		synctest.Wait()
		if n := w.dest.writes(); n != 1 {
			t.Errorf("%d files when the trail appeared", n)
		}
		w.journal.add(w.record(home, "B"))
		time.Sleep(DefaultInterval - time.Nanosecond)
		synctest.Wait()
		w.journal.add(w.record(home, "C"))
		if n := w.dest.writes(); n != 1 {
			t.Errorf("%d files before the interval is over", n)
		}
		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		if d := cmp.Diff(map[string][]string{home: {"e1", "e2", "e3"}}, w.dest.delivered(t)); d != "" || w.dest.writes() != 2 {
			t.Error(w.dest.writes(), d)
		}
		stop()
		w.journal.add(w.record(home, "D"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := w.dest.writes(); n != 2 {
			t.Errorf("%d files after the end", n)
		}
		defer w.start(t)()
		synctest.Wait()
		if n := w.dest.writes(); n != 3 {
			t.Errorf("%d files after a restart", n)
		}
	})
}

// TestBucketFails checks that a refused bucket holds nothing else up, shows in
// the status, is tried again and again, and at once when the trail changes; and
// that nothing is lost by it.
func TestBucketFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		attempts := 0
		w.dest.failWith(func(op string) (error, bool) {
			if op != "object" {
				return nil, true
			}
			attempts++
			return fmt.Errorf("put: %w", awserr.New(403, "AccessDenied", "Access Denied")), false
		})
		tr := w.newTrail("audit")
		tr.Export("group", "role", mark(w.journal.End()))
		w.put(tr)
		w.journal.add(w.record(home, "A"))
		defer w.start(t)()
		synctest.Wait()
		row := Status(w.progress, tr, Bucket)
		if row.Error != "AccessDenied" || row.Message != "Access Denied" || !row.Attempted.Equal(time.Now()) || !row.Succeeded.IsZero() {
			t.Errorf("status %+v", row)
		}
		w.journal.add(w.record(home, "B"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if attempts < 60 || attempts > 140 {
			t.Errorf("%d attempts in an hour", attempts)
		}
		stream := w.dest.events()
		if d := cmp.Diff([]string{"e1", "e2"}, stream); d != "" {
			t.Error("log group:", d)
		}
		w.dest.failWith(nil)
		tr.Prefix = "elsewhere"
		w.put(tr)
		synctest.Wait()
		if d := cmp.Diff(map[string][]string{home: {"e1", "e2"}}, w.dest.delivered(t)); d != "" {
			t.Error("right after the trail changed:", d)
		}
		if row = Status(w.progress, tr, Bucket); row.Error != "" || row.Records != 2 || row.Succeeded.IsZero() {
			t.Errorf("status %+v", row)
		}
	})
}

func TestDeletedTrail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.dest.failWith(func(string) (error, bool) { return errors.New("refused"), false })
		tr := w.newTrail("audit")
		w.put(tr)
		w.journal.add(w.record(home, "A"))
		defer w.start(t)()
		time.Sleep(time.Minute)
		synctest.Wait()
		again := w.newTrail("audit") // deleted and made anew between two looks
		again.ID = "id-2"
		w.dest.failWith(nil)
		w.put(again)
		w.journal.add(w.record(home, "B"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if d := cmp.Diff(map[string][]string{home: {"e2"}}, w.dest.delivered(t)); d != "" {
			t.Error(d)
		}
		w.progress.failWith(func(string) (error, bool) { return errors.New("no store"), false })
		if err := w.trails.Delete(t.Context(), account, home, "audit"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.progress.failWith(nil)
		time.Sleep(2 * tidyRetry)
		synctest.Wait()
		if rows := w.progress.List(); len(rows) != 0 {
			t.Errorf("rows of the deleted trail: %+v", rows)
		}
	})
}

func TestLogGroupComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		tr := w.newTrail("audit")
		w.put(tr)
		defer w.start(t)()
		next := func() {
			w.journal.add(w.record(home, "A"))
			time.Sleep(2 * DefaultInterval)
			synctest.Wait()
		}
		next()
		tr.Export("group", "role", mark(w.journal.End()))
		w.put(tr)
		next()
		tr.Export("", "", trail.Mark{})
		w.put(tr)
		next()
		if n := len(w.progress.List()); n != 1 {
			t.Errorf("%d rows without a log group", n)
		}
		tr.Export("group", "role", mark(w.journal.End()))
		w.put(tr)
		next()
		if d := cmp.Diff([]string{"e2", "e4"}, w.dest.events()); d != "" {
			t.Error(d)
		}
		for _, ms := range w.dest.stamps {
			if at := time.UnixMilli(ms); time.Since(at) > time.Minute {
				t.Error("timestamp", at)
			}
		}
	})
}

// TestRealStores delivers from a journal and a state on a message store, over a
// restart of everything.
func TestRealStores(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	w := newWorld()
	tr := w.newTrail("audit")
	for round := range 2 {
		srv := natsdtest.StartDir(t, dir)
		j, err := journal.Open(ctx, srv.JetStream(), journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		st, err := state.Open(ctx, srv.JetStream(), "test")
		if err != nil {
			t.Fatal(err)
		}
		tables := OpenTables(st)
		if round == 0 {
			tr.Spans = nil
			tr.Start(mark(j.End()), noon)
			if err := tables.Trails.Create(ctx, tr, TrailKey(account, home, "audit")...); err != nil {
				t.Fatal(err)
			}
		}
		for range 300 {
			if err := j.Append(ctx, w.record(home, "A"), w.record("us-east-1", "B")); err != nil {
				t.Fatal(err)
			}
		}
		shared := journal.Share(j)
		w.options = Options{
			Journal: func() Journal { return shared.Reader() }, Tables: tables, Dest: w.dest, Keys: testKeys{}, MaxBytes: 64 << 10, Log: slog.New(slog.DiscardHandler),
		}
		if round == 0 { // leave a plan behind, written but not noted
			p := w.pump(t, tr, Bucket)
			row, err := p.open(ctx, tr)
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.gather(ctx, row, windowOf(tr, &tr.Spans[0], nil, Bucket, 64<<10), p.at.pos)
			if err != nil {
				t.Fatal(err)
			}
			if row, err = p.plan(ctx, row, b); err != nil {
				t.Fatal(err)
			}
			if _, err := p.sink.write(ctx, tr, row.Plan, b); err != nil {
				t.Fatal(err)
			}
		} else {
			drain(t, w.pump(t, tr, Bucket))
			if row := Status(tables.Progress, tr, Bucket); row.Records != 1200 || row.Cursor != j.End() {
				t.Errorf("progress %+v, journal ends at %v", row, j.End())
			}
		}
		st.Close()
		j.Close()
		srv.Close()
	}
	want := map[string][]string{}
	for i := 1; i <= w.records; i += 2 {
		want[home] = append(want[home], fmt.Sprintf("e%d", i))
		want["us-east-1"] = append(want["us-east-1"], fmt.Sprintf("e%d", i+1))
	}
	if d := cmp.Diff(want, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
}

// slowDest takes a second for each log file, and counts how many come at once.
type slowDest struct {
	*memDest
	mu        sync.Mutex
	now, most int
}

func (d *slowDest) count(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now += n
	d.most = max(d.most, d.now)
}

func (d *slowDest) PutObject(ctx context.Context, t *trail.Trail, key string, body []byte, meta map[string]string) error {
	d.count(1)
	defer d.count(-1)
	time.Sleep(time.Second)
	return d.memDest.PutObject(ctx, t, key, body, meta)
}

// TestPlansTakeTurns has ten trails with something to deliver: four have a plan at
// once, the others wait.
func TestPlansTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		dest := &slowDest{memDest: w.dest}
		w.options.Dest = dest
		for i := range 10 {
			w.put(w.newTrail(fmt.Sprint("audit", i)))
		}
		w.journal.add(w.record(home, "A"))
		stop := w.start(t)
		time.Sleep(time.Minute)
		stop()
		if n := w.dest.writes(); n != 10 || dest.most != 4 {
			t.Errorf("%d files, %d at once", n, dest.most)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no journal":     func(o *Options) { o.Journal = nil },
		"negative":       func(o *Options) { o.Interval = -1 },
		"too large file": func(o *Options) { o.MaxBytes = largestFile + 1 },
	} {
		o := newWorld().options
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
