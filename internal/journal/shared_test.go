package journal

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"cairn/event"
	"cairn/internal/natsd/natsdtest"
)

// TestShared has readers of different appetites, some close together and some far
// apart, read a journal through one Shared: each sees every record once, in order,
// and those at the same place share what one of them read.
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
	for _, maxBytes := range []int{1, 700, 5_000, 1 << 20, 1 << 20} {
		group.Go(func() {
			var got []Located
			for at := (Position{}); at != j.End(); {
				recs, next, err := s.Read(t.Context(), at, maxBytes)
				if err != nil || next == at {
					t.Errorf("read from %v: next %v, %v", at, next, err)
					return
				}
				got, at = append(got, recs...), next
			}
			same(t, maxBytes, want, got)
		})
	}
	group.Wait()
	if n := len(s.kept); n == 0 || n > sharedStretches {
		t.Errorf("%d stretches are kept", n)
	}
	a, _, err := s.Read(t.Context(), Position{Seq: 2}, 1<<20)
	must(t, err)
	b, _, err := s.Read(t.Context(), Position{Seq: 2}, 1<<20)
	must(t, err)
	if &a[0] != &b[0] {
		t.Error("two readers at the same place got records of their own")
	}
	for range 200 { // any place within
		i := rand.N(len(want))
		recs, _, err := s.Read(t.Context(), want[i].Pos, 1)
		must(t, err)
		same(t, i, want[i:i+len(recs)], recs)
	}
}

// TestSharedFails shows that a reader that gives up fails nobody who waited for it,
// and that a failure and the end are not kept.
func TestSharedFails(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{TailBytes: 1})
	s := Share(j)
	if recs, next, err := s.Read(t.Context(), j.End(), 1<<20); len(recs) > 0 || next != j.End() || err != nil {
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
			recs, _, err := s.Read(ctx, Position{Seq: 1}, 1<<20)
			if ctx != gone && (err != nil || len(recs) != 20) {
				t.Errorf("%d records, %v", len(recs), err)
			}
		})
	}
	group.Wait()
}
