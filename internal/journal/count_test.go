package journal

import (
	"testing"

	"cairn/event"
	"cairn/internal/natsd/natsdtest"
)

// TestCountBack counts before any place, also places that were written before the
// journal was opened. Counting back reads what lies between once, and no more.
func TestCountBack(t *testing.T) {
	js := natsdtest.Start(t)
	j := openTest(t, js, Options{})
	want := map[Position]uint64{}
	n := uint64(0)
	for b := range 50 {
		list := make([]event.Entry, 1+b%4)
		for i := range list {
			list[i] = entry(b)
			want[Position{Seq: j.End().Seq, Index: uint32(i)}] = n
			n++
		}
		must(t, j.Append(t.Context(), list...))
		if b%6 == 0 {
			must(t, j.Intend(t.Context(), entry(b)))
		}
	}
	want[j.End()] = n
	j.Close()
	j = openTest(t, js, Options{TailBytes: 1}) // and knows the count at the end only
	for at, want := range want {
		if got, err := j.Count(t.Context(), at); err != nil || got != want {
			t.Errorf("%d records before %v, %v; want %d", got, at, err, want)
		}
	}
	first := j.First()
	if p, _, ok, _ := j.tally.around(first.Seq); !ok || p != (point{first.Seq, 0}) {
		t.Errorf("the count before the first record is not remembered: %v, %v", p, ok)
	}
}
