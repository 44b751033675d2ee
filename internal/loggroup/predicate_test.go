package loggroup

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

// TestPredicates runs random expressions and every CIS pattern over a group of
// segments and a tail, in both directions and pages of any size, and compares
// with a slow evaluation of each message.
func TestPredicates(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	r := rand.New(rand.NewPCG(5, 11))
	w.group("a", "b")
	type ev struct {
		at int64
		m  *querytest.Message
	}
	var all []ev // in order of ingestion
	for n := range 120 {
		var batch []Event
		at := int64(n*20 + r.IntN(100))
		for range 1 + r.IntN(30) {
			m := querytest.Hostile(r)
			batch = append(batch, Event{at, string(m)})
			all = append(all, ev{at, querytest.Read(m)})
			at += int64(r.IntN(3))
		}
		w.must(w.add(ctx, ref, []string{"a", "b"}[r.IntN(2)], batch, ""))
		if n%25 == 20 {
			w.move()
		}
	}
	if w.onDisk() == 0 || w.tail() == 0 {
		t.Fatalf("%d events in segments, %d batches in JetStream", w.onDisk(), w.tail())
	}
	slices.SortStableFunc(all, func(a, b ev) int { return int(a.at - b.at) })
	cases := querytest.Cases(77, 120)
	matches := 0
	for i, c := range cases {
		q := Query{
			Where: logquery.Compile(c.Expr), Backward: r.IntN(2) == 0, Start: int64(r.IntN(800)),
			Limit: []int{20, 300, 10_000}[r.IntN(3)], MaxBytes: []int{5000, 1 << 20}[r.IntN(2)],
		}
		q.End = q.Start + int64(r.IntN(2000))
		w.budget = []int64{1000, 0}[r.IntN(2)]
		var want []string
		for j := range all {
			if all[j].at >= q.Start && all[j].at <= q.End && c.Slow(all[j].m) {
				want = append(want, string(all[j].m.Bytes))
			}
		}
		if q.Backward {
			slices.Reverse(want)
		}
		matches += len(want)
		if got := w.messages(q); !slices.Equal(want, got) {
			t.Fatalf("case %d: %s, %+v: %s", i, c.Text, q, cmp.Diff(want, got))
		}
	}
	t.Logf("%d expressions over %d messages matched %d", len(cases), len(all), matches)
}
