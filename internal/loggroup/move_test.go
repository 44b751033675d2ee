package loggroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMove moves a tail and checks that nobody can tell, before and after a
// restart: events, their positions, what is said of streams, tokens, tokens of
// pages.
func TestMove(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s", "other")
	for i := range 10 {
		w.must(w.add(ctx, ref, "s", []Event{{int64(1000 - i), fmt.Sprint("s", i)}, {int64(1000 + i), fmt.Sprint("t", i)}}, fmt.Sprint("token", i)))
		w.must(w.add(ctx, ref, "other", []Event{{int64(990 + i), fmt.Sprint("o", i)}}, ""))
	}
	q := &Query{Group: ref, End: 5000, Limit: 7, MaxBytes: 1 << 20}
	all := &Query{Group: ref, End: 5000, Limit: 100, MaxBytes: 1 << 20}
	first, err := w.Read(ctx, q)
	w.must(err)
	whole, err := w.Read(ctx, all)
	w.must(err)
	streams, err := w.Streams(ctx, ref)
	w.must(err)
	if first.Next != whole.Events[7].Pos {
		t.Fatalf("the first page goes on at %v", first.Next)
	}
	w.move()
	for range 2 {
		if w.tail() != 0 || w.onDisk() != 30 {
			t.Errorf("after the move JetStream has %d batches, segments %d events", w.tail(), w.onDisk())
		}
		again, err := w.Read(ctx, all)
		w.must(err)
		if d := cmp.Diff(whole, again); d != "" {
			t.Error(d)
		}
		q.From = &first.Next // of a page from before the move
		second, err := w.Read(ctx, q)
		w.must(err)
		if d := cmp.Diff(whole.Events[7:14], second.Events); d != "" {
			t.Error(d)
		}
		now, err := w.Streams(ctx, ref)
		w.must(err)
		if d := cmp.Diff(streams, now); d != "" {
			t.Error(d)
		}
		for i := range 10 {
			w.must(w.add(ctx, ref, "s", []Event{{1, "again"}}, fmt.Sprint("token", i)))
		}
		w.restart()
	}
	n, err := w.Append(ctx, ref, "s", []Event{{2000, "more"}}, "")
	if err != nil || n != 11 {
		t.Errorf("the batch after the move is number %d, %v", n, err)
	}
	if d := cmp.Diff([]string{"t9", "more"}, w.messages(Query{Start: 1009})); d != "" {
		t.Error(d)
	}
	if w.logs.Len() > 0 {
		t.Errorf("logged: %s", w.logs.String())
	}
}

// TestMoveBounds checks when a tail is moved.
func TestMoveBounds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		b     bounds
		later time.Duration
		want  int
	}{
		{"little", bounds{bytes: 1000, batches: 10, age: time.Minute, chunk: 1 << 20}, 0, 0},
		{"bytes", bounds{bytes: 20, batches: 10, age: time.Minute, chunk: 1 << 20}, 0, 3},
		{"batches", bounds{bytes: 1000, batches: 2, age: time.Minute, chunk: 1 << 20}, 0, 3},
		{"age", bounds{bytes: 1000, batches: 10, age: time.Minute, chunk: 1 << 20}, time.Minute, 3},
		{"in chunks", bounds{chunk: 1}, 0, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := start(t)
			w.group("s")
			for i := range 3 {
				w.must(w.add(t.Context(), ref, "s", []Event{{int64(i), fmt.Sprint("message", i)}}, ""))
			}
			w.bounds = tt.b
			w.now = w.now.Add(tt.later)
			w.sweep(t.Context())
			if got := w.onDisk(); got != tt.want || w.tail() != 3-tt.want {
				t.Errorf("%d events in segments, %d batches in JetStream", got, w.tail())
			}
			if d := cmp.Diff([]string{"message0", "message1", "message2"}, w.messages(Query{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestMoveAndView keeps a view while its tail is moved: it can still read it.
func TestMoveAndView(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s")
	for i := range 40 {
		w.must(w.add(ctx, ref, "s", []Event{{int64(i), fmt.Sprint(i)}}, ""))
	}
	v, err := w.look(ctx, &Query{Group: ref, End: 100})
	w.must(err)
	w.bounds.chunk = 100 // so that blocks are cut
	w.move()
	if w.onDisk() != 40 || w.tail() != 40 {
		t.Errorf("%d events in segments, %d batches in JetStream", w.onDisk(), w.tail())
	}
	p, err := v.snapshot.Read(ctx, &v.query, v.tail...)
	if err != nil || len(p.Rows) != 40 {
		t.Errorf("the view has %d events, %v", len(p.Rows), err)
	}
	if got := w.messages(Query{}); len(got) != 40 {
		t.Errorf("a new reader sees %d events", len(got))
	}
	// What a crash here leaves: batches in JetStream that are moved.
	w.restart()
	if got := w.messages(Query{}); len(got) != 40 {
		t.Errorf("after a restart there are %d events", len(got))
	}
	w.must(w.add(ctx, ref, "s", []Event{{1000, "new"}}, ""))
	w.sweep(ctx)
	if w.tail() != 1 {
		t.Errorf("after the next sweep JetStream has %d batches", w.tail())
	}
	if got := w.messages(Query{}); len(got) != 41 || got[40] != "new" {
		t.Errorf("after the next sweep there are %d events", len(got))
	}
}

// TestGoneFromDisk deletes a log stream, lets events expire, and deletes the
// group: segments have nothing of them afterwards, even if the process ended in
// between.
func TestGoneFromDisk(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s", "keep")
	day := func(n int) int64 { return w.now.AddDate(0, 0, n).UnixMilli() }
	w.must(w.add(ctx, ref, "s", []Event{{day(-1), "gone"}}, ""))
	w.must(w.add(ctx, ref, "keep", []Event{{day(-10), "old"}, {day(-1), "kept"}}, ""))
	w.move()
	w.must(w.add(ctx, ref, "s", []Event{{day(0), "gone too"}}, ""))
	w.must(w.DeleteStream(ctx, ref, "s"))
	if d := cmp.Diff([]string{"old", "kept"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
	w.restart() // before the segments were rewritten
	w.wakeAll()
	w.move()
	if got := w.onDisk(); got != 2 {
		t.Errorf("segments have %d events", got)
	}
	w.must(w.SetRetention(ctx, ref, 5))
	w.restart()
	w.wakeAll()
	w.sweep(ctx)
	if got := w.onDisk(); got != 1 {
		t.Errorf("after expiry segments have %d events", got)
	}
	if d := cmp.Diff([]string{"kept"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
	g, err := w.Group(ref)
	w.must(err)
	if n, err := w.StoredBytes(ctx, ref); err != nil || n < 500 {
		t.Errorf("stored bytes = %d, %v", n, err)
	}
	// The process ends after the decision to delete.
	_, err = w.groups.Update(ctx, func(g *Group) error { g.Deleting = true; return nil }, ref.key()...)
	w.must(err)
	w.restart()
	if _, err := os.Stat(filepath.Join(w.dir, "lake", g.ID)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the segments of a deleted group: %v", err)
	}
}

// TestMoveRefusesLoss takes a batch away behind the store's back: the tail stays
// where it is, and says why.
func TestMoveRefusesLoss(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s")
	for i := range 3 {
		w.must(w.add(ctx, ref, "s", []Event{{w.now.UnixMilli() + int64(i), fmt.Sprint(i)}}, ""))
	}
	g, err := w.Group(ref)
	w.must(err)
	js, err := w.js.Stream(ctx, streamName(g.ID))
	w.must(err)
	w.must(js.DeleteMsg(ctx, 2))
	w.move()
	if w.onDisk() != 0 || w.tail() != 2 || !strings.Contains(w.logs.String(), "cannot move events") {
		t.Errorf("%d events in segments, %d batches in JetStream, logged: %s", w.onDisk(), w.tail(), w.logs.String())
	}
}

// TestDamagedSegment damages a segment: reading it fails with its name, putting
// goes on.
func TestDamagedSegment(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s")
	w.must(w.add(ctx, ref, "s", []Event{{1, "one"}}, ""))
	w.move()
	paths, err := filepath.Glob(filepath.Join(w.dir, "lake", "*", "*.index"))
	w.must(err)
	b, err := os.ReadFile(paths[0])
	w.must(err)
	b[len(b)-5] ^= 1
	w.must(os.WriteFile(paths[0], b, 0o600))
	w.restart()
	if _, err := w.Read(ctx, &Query{Group: ref, End: 10, Limit: 1}); err == nil || !strings.Contains(err.Error(), paths[0]) {
		t.Errorf("read: %v", err)
	}
	w.must(w.add(ctx, ref, "s", []Event{{100, "two"}}, ""))
	w.move()
	if d := cmp.Diff([]string{"two"}, w.messages(Query{Start: 50})); d != "" {
		t.Error(d)
	}
}

// TestMoveBeside appends, reads and moves at once: every reader sees every event
// that was acknowledged before it began, in order and once.
func TestMoveBeside(t *testing.T) {
	w := start(t)
	ctx, stop := context.WithCancel(t.Context())
	w.group("a", "b")
	w.bounds = bounds{chunk: 3000}
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			w.sweep(ctx)
		}
	})
	var acknowledged [2]struct {
		sync.Mutex
		n int
	}
	var writers sync.WaitGroup
	for i, name := range []string{"a", "b"} {
		writers.Go(func() {
			for n := range 300 {
				if err := w.add(ctx, ref, name, []Event{{int64(n), fmt.Sprintf("%s%04d", name, n)}}, ""); err != nil {
					t.Error(err)
					return
				}
				acknowledged[i].Lock()
				acknowledged[i].n = n + 1
				acknowledged[i].Unlock()
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			var least [2]int
			for i := range least {
				acknowledged[i].Lock()
				least[i] = acknowledged[i].n
				acknowledged[i].Unlock()
			}
			for i, name := range []string{"a", "b"} {
				p, err := w.Read(ctx, &Query{Group: ref, Streams: []string{name}, End: 1 << 40, Limit: 10_000, MaxBytes: 1 << 30})
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if len(p.Events) < least[i] {
					t.Errorf("stream %s: %d events, %d were acknowledged", name, len(p.Events), least[i])
				}
				for n, e := range p.Events {
					if want := fmt.Sprintf("%s%04d", name, n); e.Message != want {
						t.Errorf("event %d is %s", n, e.Message)
						return
					}
				}
			}
		}
	})
	writers.Wait()
	stop()
	wg.Wait()
	w.move()
	got := w.messages(Query{})
	slices.Sort(got)
	if len(slices.Compact(got)) != 600 {
		t.Errorf("%d events in the end", len(got))
	}
}
