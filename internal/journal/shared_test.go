package journal

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/natsd/natsdtest"
)

// TestShared has readers that begin at different places read a journal through one
// Shared: each sees every record from there on once, in order, and those at the same
// place share what one of them read.
func TestShared(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{TailBytes: 1})
	var want []Located
	for b := range 60 {
		list := make([]event.Entry, 1+b%7)
		for i := range list {
			list[i] = entry(b*10 + i)
			want = append(want, Located{Position{j.End().Seq, uint32(i)}, list[i], false})
		}
		must(t, j.Append(t.Context(), list...))
		if b%5 == 0 {
			must(t, j.Intend(t.Context(), entry(7)))
		}
	}
	s := Share(j)
	var group sync.WaitGroup
	for n := range 5 {
		r, want := s.Reader(), want[n*len(want)/5:]
		group.Go(func() {
			var got []Located
			for at := want[0].Pos; at != j.End(); {
				recs, next, err := r.Read(t.Context(), at)
				if err != nil || next == at {
					t.Errorf("read from %v: next %v, %v", at, next, err)
					return
				}
				got, at = append(got, recs...), next
			}
			same(t, n, want, got)
		})
	}
	group.Wait()
	if n := len(s.kept); n == 0 || n > sharedStretches {
		t.Errorf("%d stretches are kept", n)
	}
	a, _, err := s.Reader().Read(t.Context(), Position{Seq: 2})
	must(t, err)
	b, _, err := s.Reader().Read(t.Context(), Position{Seq: 2})
	must(t, err)
	if &a[0] != &b[0] {
		t.Error("two readers at the same place got records of their own")
	}
	for range 200 { // any place within
		i := rand.N(len(want))
		recs, _, err := s.Reader().Read(t.Context(), want[i].Pos)
		must(t, err)
		same(t, i, want[i:i+len(recs)], recs)
	}
}

// TestReadersAreForgotten shows that a reader that is gone takes no room.
func TestReadersAreForgotten(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{TailBytes: 1})
	must(t, j.Append(t.Context(), entry(1)))
	must(t, j.Append(t.Context(), entry(2)))
	s := Share(j)
	gone, there := s.Reader(), s.Reader()
	_, _, err := gone.Read(t.Context(), Position{Seq: 2})
	must(t, err)
	gone.at = gone.at.Add(-alive)
	_, _, err = there.Read(t.Context(), Position{Seq: 1})
	must(t, err)
	if _, ok := s.readers[there]; !ok || len(s.readers) != 1 {
		t.Errorf("%d readers are remembered", len(s.readers))
	}
}

// TestSharedFails shows that a reader that gives up fails nobody who waited for it,
// and that a failure and the end are not kept.
func TestSharedFails(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{TailBytes: 1})
	s := Share(j)
	if recs, next, err := s.Reader().Read(t.Context(), j.End()); len(recs) > 0 || next != j.End() || err != nil {
		t.Errorf("at the end: %v, %v, %v", recs, next, err)
	}
	for n := range 20 {
		must(t, j.Append(t.Context(), entry(n)))
	}
	j.tail.init(1) // the newest batch is always kept
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var group sync.WaitGroup
	for n := range 20 {
		ctx := t.Context()
		if n%2 == 0 {
			ctx = gone
		}
		group.Go(func() {
			recs, _, err := s.Reader().Read(ctx, Position{Seq: 1})
			if ctx != gone && (err != nil || len(recs) != 20) {
				t.Errorf("%d records, %v", len(recs), err)
			}
		})
	}
	group.Wait()
}

// TestSharedIsBounded has readers go through much more than is kept: what is kept
// stays within the bound, and what is lowest in the journal goes first.
func TestSharedIsBounded(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{TailBytes: 1})
	big := entry(1)
	big.JSON = append([]byte(`{"pad":"`), append(bytes.Repeat([]byte("x"), 1<<20), `"}`...)...)
	for range 60 {
		must(t, j.Append(t.Context(), big))
	}
	s := Share(j)
	read := func(from, to uint64) {
		t.Helper()
		for at, r := (Position{Seq: from}), s.Reader(); at.Seq < to; {
			_, next, err := r.Read(t.Context(), at)
			must(t, err)
			kept := 0
			for _, k := range s.kept {
				for i := range k.recs {
					kept += len(k.recs[i].JSON)
				}
			}
			if kept > 24<<20 || at.Seq > from+30 && kept < 20<<20 {
				t.Fatalf("%d bytes are kept at %v", kept, at)
			}
			at = next
		}
	}
	read(1, j.End().Seq)
	late, _, err := s.Reader().Read(t.Context(), Position{Seq: 55})
	must(t, err)
	read(1, 31) // all of it is lower
	again, _, err := s.Reader().Read(t.Context(), Position{Seq: 55})
	must(t, err)
	if &late[0] != &again[0] {
		t.Error("what is lower in the journal took the place of what is higher")
	}
}

// TestSharedStaysTogether has a fast and a slow reader of much more than is kept:
// the fast one waits, so that they share what they read. One that stops does not
// hold the other up.
func TestSharedStaysTogether(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{TailBytes: 1})
	big := entry(1)
	big.JSON = append([]byte(`{"pad":"`), append(bytes.Repeat([]byte("x"), 400<<10), `"}`...)...)
	for range 200 { // 80 MB
		must(t, j.Append(t.Context(), big))
	}
	// read returns the first record of every stretch.
	read := func(r *Reader, stop Position, pause time.Duration) (firsts []*Located) {
		for at := j.First(); at.Less(stop); {
			recs, next, err := r.Read(t.Context(), at)
			if err != nil || len(recs) == 0 {
				t.Errorf("read from %v: %d records, %v", at, len(recs), err)
				return firsts
			}
			at, firsts = next, append(firsts, &recs[0])
			time.Sleep(pause)
		}
		return firsts
	}
	var fast, slow []*Located
	var group sync.WaitGroup
	s := Share(j)
	group.Go(func() { fast = read(s.Reader(), j.End(), 0) })
	group.Go(func() { slow = read(s.Reader(), j.End(), 20*time.Millisecond) })
	group.Wait()
	shared := 0
	for _, r := range slow {
		if slices.Contains(fast, r) {
			shared++
		}
	}
	if len(slow) < 10 || shared < len(slow)*3/4 {
		t.Errorf("of the slow reader's %d stretches %d were shared", len(slow), shared)
	}
	s = Share(j)
	read(s.Reader(), Position{Seq: 10}, 0) // and stops
	start := time.Now()
	read(s.Reader(), j.End(), 0)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("beside one that stopped, a reader took %v", took)
	}
}
