package loggroup

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

// dated is a message with its timestamp.
type dated struct {
	at int64
	m  *querytest.Message
}

// TestPredicates runs random expressions and every CIS pattern over a group of
// segments and a tail, in both directions and pages of any size, and compares
// with a slow evaluation of each message.
func TestPredicates(t *testing.T) {
	w := start(t)
	r := rand.New(rand.NewPCG(5, 11))
	w.group("a", "b")
	var all []dated // in order of ingestion
	for n := range 120 {
		var batch []dated
		at := int64(n*20 + r.IntN(100))
		for range 1 + r.IntN(30) {
			batch = append(batch, dated{at, querytest.Read(querytest.Hostile(r))})
			at += int64(r.IntN(3))
		}
		all = append(all, batch...)
		w.put(r, batch)
		if n%25 == 20 {
			w.move()
		}
	}
	w.comparePredicates(r, all, querytest.Cases(77, 120), 1, func() (from, to int64) {
		from = int64(r.IntN(800))
		return from, from + int64(r.IntN(2000))
	})
}

// TestPredicatesGenuine does the same over genuine records, if they are there, by
// the times that they have.
func TestPredicatesGenuine(t *testing.T) {
	w := start(t)
	r := rand.New(rand.NewPCG(6, 12))
	var all []dated
	for _, m := range querytest.Genuine(t, "../../../shared/data") {
		var record struct{ EventTime time.Time }
		if err := json.Unmarshal(m.Bytes, &record); err != nil {
			t.Fatal(err)
		}
		all = append(all, dated{record.EventTime.UnixMilli(), m})
	}
	first := slices.MinFunc(all, byTime).at
	last := slices.MaxFunc(all, byTime).at
	w.now = time.UnixMilli(last).Add(time.Hour)
	w.group("a", "b")
	n := 0
	for batch := range slices.Chunk(all, 60) {
		slices.SortStableFunc(batch, byTime)
		w.put(r, batch)
		if n++; n%40 == 20 {
			w.move()
		}
	}
	w.comparePredicates(r, all, querytest.Cases(78, 60), 50, func() (from, to int64) {
		if r.IntN(3) > 0 {
			return 0, last
		}
		from = first + r.Int64N(last-first)
		return from, from + r.Int64N(last-from+1)
	})
}

func byTime(a, b dated) int { return int(a.at - b.at) }

// put appends messages to one of the two streams.
func (w *world) put(r *rand.Rand, batch []dated) {
	w.t.Helper()
	var events []Event
	for _, e := range batch {
		events = append(events, Event{e.at, string(e.m.Bytes)})
	}
	w.must(w.add(w.t.Context(), ref, []string{"a", "b"}[r.IntN(2)], events, ""))
}

// comparePredicates asks for what each case and a span of time mean, and compares
// with what is found slowly. The messages are in order of ingestion; pages are
// the given times larger than the smallest that make sense.
func (w *world) comparePredicates(r *rand.Rand, all []dated, cases []querytest.Case, larger int, span func() (from, to int64)) {
	w.t.Helper()
	if w.onDisk() == 0 || w.tail() == 0 {
		w.t.Fatalf("%d events in segments, %d batches in JetStream", w.onDisk(), w.tail())
	}
	slices.SortStableFunc(all, byTime)
	matches := 0
	for i, c := range cases {
		q := Query{
			Where: logquery.Compile(c.Expr), Backward: r.IntN(2) == 0,
			Limit: []int{20 * larger, 300 * larger, 10_000}[r.IntN(3)], MaxBytes: []int{5000 * larger, 1 << 20}[r.IntN(2)],
		}
		q.Start, q.End = span()
		w.budget = []int64{1000 * int64(larger), 0}[r.IntN(2)]
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
			w.t.Fatalf("case %d: %s, %+v: %s", i, c.Text, q, cmp.Diff(want, got))
		}
	}
	w.t.Logf("%d expressions over %d messages matched %d", len(cases), len(all), matches)
	if matches < 10*len(cases) {
		w.t.Error("that proves little")
	}
}
