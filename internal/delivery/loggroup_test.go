package delivery

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/trail"
)

// groupOf makes a group of records with the given sizes.
func groupOf(sizes ...int) *batch {
	b := &batch{}
	g := b.group(group{})
	for i, n := range sizes {
		text := fmt.Sprintf(`{"eventID":"e%d","x":"`, i)
		text += strings.Repeat("x", n-len(text)-2) + `"}`
		g.add(&event.Header{}, []byte(text))
	}
	return b
}

func TestLogEventCalls(t *testing.T) {
	repeat := func(n, size int) []int {
		list := make([]int, n)
		for i := range list {
			list[i] = size
		}
		return list
	}
	tests := []struct {
		name                     string
		sizes                    []int
		calls, events, oversized int
	}{
		{"few", repeat(3, 100), 1, 3, 0},
		{"count limit", repeat(10_001, 50), 2, 10_001, 0},
		{"exactly a call", repeat(4, 1<<18-26), 1, 4, 0},
		{"a byte more than a call", append(repeat(4, 1<<18-26), 30), 2, 5, 0},
		{"the largest record", []int{100, event.MaxBytes, 100}, 1, 3, 0},
		{"too large", []int{100, event.MaxBytes + 1, 100}, 1, 2, 1},
		{"too large only", []int{event.MaxBytes + 1}, 0, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := groupOf(tt.sizes...)
			w := newWorld()
			calls := 0
			w.dest.fail = func(string) (error, bool) { calls++; return nil, true }
			s := logGroupSink{w.dest, slog.New(slog.DiscardHandler), func() time.Time { return noon }}
			tr, p := &trail.Trail{Account: account, HomeRegion: home}, &Plan{Time: noon}
			r, err := s.write(t.Context(), tr, p, b)
			if err != nil {
				t.Fatal(err)
			}
			if want := (result{writes: tt.calls, records: tt.events, oversized: tt.oversized}); !reflect.DeepEqual(r, want) || calls != tt.calls {
				t.Errorf("%+v in %d calls, want %+v", r, calls, want)
			}
			if _, err := s.write(t.Context(), tr, p, b); err != nil || len(w.dest.events()) != tt.events {
				t.Error("a repeated plan changed the stream", err)
			}
		})
	}
}

// TestOldPlan checks that a plan which was stuck for too long for its own
// timestamp gets the present one, and keeps its tokens.
func TestOldPlan(t *testing.T) {
	w := newWorld()
	s := logGroupSink{w.dest, slog.New(slog.DiscardHandler), func() time.Time { return noon.Add(20 * 24 * time.Hour) }}
	if _, err := s.write(t.Context(), &trail.Trail{}, &Plan{Time: noon}, groupOf(100)); err != nil {
		t.Fatal(err)
	}
	if got := w.dest.stamps[0]; got != noon.Add(20*24*time.Hour).UnixMilli() {
		t.Error("timestamp", time.UnixMilli(got))
	}
}
