package journal

import (
	"testing"

	"cairn/event"
	"cairn/internal/natsd/natsdtest"
)

// TestIntents shows that readers of records never see an intent, wherever it
// stands, and that who looks for them sees all, at the same positions.
func TestIntents(t *testing.T) {
	ctx := t.Context()
	j := openTest(t, natsdtest.Start(t), Options{})
	var want, all []Located
	add := func(intent bool, numbers ...int) {
		t.Helper()
		list := make([]event.Entry, len(numbers))
		for i, n := range numbers {
			list[i] = entry(n)
			r := Located{Position{j.End().Seq, uint32(i)}, list[i], intent}
			all = append(all, r)
			if !intent {
				want = append(want, r)
			}
		}
		if intent {
			must(t, j.Intend(ctx, list...))
		} else {
			must(t, j.Append(ctx, list...))
		}
	}
	add(true, 0, 1)
	if recs, next, err := j.Read(ctx, Position{}, 1<<20); err != nil || len(recs) > 0 || next != j.End() {
		t.Errorf("of intents alone: %v, %v, %v; want nothing, and to go on at %v", recs, next, err, j.End())
	}
	add(false, 2)
	add(true, 3)
	add(true, 4, 5)
	add(false, 6, 7)
	add(true, 8)
	for _, maxBytes := range []int{1, 2000, 4000, 1 << 20} {
		same(t, maxBytes, want, readAll(t, j, Position{}, maxBytes))
		var got []Located
		for at := (Position{}); at != j.End(); {
			recs, next, err := j.ReadAll(ctx, at, maxBytes)
			must(t, err)
			got, at = append(got, recs...), next
		}
		same(t, maxBytes, all, got)
	}
}
