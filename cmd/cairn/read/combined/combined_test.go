package combined

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/scan"
)

// finder finds records at these seconds and then ends with an error.
func finder(end error, seconds ...int64) func(context.Context, func(scan.Match) error) error {
	return func(_ context.Context, emit func(scan.Match) error) error {
		var record []byte // used again for every record
		for _, s := range seconds {
			record = fmt.Appendf(record[:0], "%d", s)
			if err := emit(scan.Match{Time: time.Unix(s, 0), Record: record}); err != nil {
				return err
			}
		}
		return end
	}
}

// TestMerge gives what two searches find in one order, and ends with the first
// error.
func TestMerge(t *testing.T) {
	lost, enough := errors.New("lost"), errors.New("enough")
	for _, tt := range []struct {
		name   string
		newest bool
		a, b   func(context.Context, func(scan.Match) error) error
		limit  int
		want   []string
		err    error
	}{
		{"oldest first", false, finder(nil, 1, 3, 5), finder(nil, 2, 3, 4, 9), 99, []string{"1", "2", "3", "3", "4", "5", "9"}, nil},
		{"newest first", true, finder(nil, 5, 3, 1), finder(nil, 9, 4), 99, []string{"9", "5", "4", "3", "1"}, nil},
		{"one has nothing", false, finder(nil), finder(nil, 1, 2), 99, []string{"1", "2"}, nil},
		{"both have nothing", false, finder(nil), finder(nil), 99, nil, nil},
		{"one fails", false, finder(lost, 1), finder(nil, 2), 99, []string{"1"}, lost},
		{"enough", false, finder(nil, 1, 2, 3), finder(nil, slices.Repeat([]int64{4}, 1000)...), 2, []string{"1", "2"}, enough},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := merge(t.Context(), tt.newest, func(m scan.Match) error {
				if len(got) == tt.limit {
					return enough
				}
				got = append(got, string(m.Record))
				return nil
			}, tt.a, tt.b)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("it ended with %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAddCounts adds groups of the same values and time, and sorts by count.
func TestAddCounts(t *testing.T) {
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	group := func(n int64, at time.Time, values ...string) scan.Group {
		return scan.Group{Values: values, Time: at, Count: n}
	}
	a := &scan.Counts{Groups: []scan.Group{group(3, at, "x", "y"), group(1, at, "x", "z")}, Other: 1}
	b := &scan.Counts{Groups: []scan.Group{group(9, at.Add(1), "x", "y"), group(2, at.In(time.FixedZone("", 60)), "x", "y"), group(1, at, "a", "b")}, Other: 2}
	want := &scan.Counts{Groups: []scan.Group{group(9, at.Add(1), "x", "y"), group(5, at, "x", "y"), group(1, at, "a", "b"), group(1, at, "x", "z")}, Other: 3}
	if diff := cmp.Diff(want, addCounts(a, b)); diff != "" {
		t.Error(diff)
	}
}
