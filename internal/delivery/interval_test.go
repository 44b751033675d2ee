package delivery

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(minutes float64) time.Time { return noon.Add(time.Duration(minutes * float64(time.Minute))) }

func filesAt(n int, t time.Time) []LogFile {
	files := make([]LogFile, n)
	for i := range files {
		files[i].Delivered = t
	}
	return files
}

func TestIntervals(t *testing.T) {
	d := &Digests{}
	if d.on() || (*Digests)(nil).on() || d.due(noon) {
		t.Error("on before it began")
	}
	d.begin(noon.Add(900*time.Millisecond), time.Hour)
	if !d.on() || d.due(at(1.99)) || !d.due(at(2)) || !d.Start.Equal(noon) {
		t.Errorf("begun: %+v", d)
	}
	d.Files = append(filesAt(2, at(1)), filesAt(3, at(2))...)
	d.turn(at(2.5), time.Hour, d.Files)
	if d.due(at(62)) {
		t.Error("due while the digests of before are not written")
	}
	if n := d.waiting(); n != 3 {
		t.Errorf("%d files wait for the next interval, want those delivered at its start", n)
	}
	d.written(at(2.5))
	d.turn(at(62+180+59), time.Hour, d.Files)
	want := []Interval{{Start: at(2), End: at(62 + 180), Files: 3}}
	if diff := cmp.Diff(want, d.Closed); diff != "" || !d.End.Equal(at(62+240)) {
		t.Error(d.End, diff)
	}
	d.written(at(301))
	d.finish(at(302))
	d.begin(at(302), time.Hour) // within the second
	if end := at(302).Add(time.Second); !d.Closed[0].End.Equal(end) || !d.Closed[0].Last || !d.Start.Equal(end) {
		t.Errorf("begun again: %+v", d)
	}
}

// TestIntervalsAreBounded checks that no digest lists more log files than readers
// take, and that none is left out for it.
func TestIntervalsAreBounded(t *testing.T) {
	d := &Digests{}
	d.begin(noon, time.Hour)
	d.Files = filesAt(2*maxDigestFiles+7, at(1))
	d.turn(at(2), time.Hour, d.Files)
	d.written(at(2))
	d.finish(at(3))
	want := []Interval{
		{Start: at(2), End: at(3).Add(time.Second), Files: maxDigestFiles},
		{Start: at(3).Add(time.Second), End: at(3).Add(2 * time.Second), Files: 7, Last: true},
	}
	if diff := cmp.Diff(want, d.Closed); diff != "" {
		t.Error(diff)
	}
	d.written(at(3))
	d.written(at(3))
	if d.on() || d.waiting() != 0 || len(d.Files) != 0 {
		t.Errorf("not done: %d files wait", d.waiting())
	}
}

func TestRowsAreFreed(t *testing.T) {
	d := &Digests{
		Rows: []PendingRow{{Number: 1, Files: 3}, {Number: 0, Files: 3}}, Files: filesAt(2, at(1)),
		Closed: []Interval{{Files: 4}, {Files: 3}},
	}
	if n := d.waiting(); n != 1 || freeRow(d.Rows) != 2 {
		t.Errorf("%d files wait, row %d is free", n, freeRow(d.Rows))
	}
	if diff := cmp.Diff([]PendingRow{{Number: 1, Files: 3}}, d.written(noon)); diff != "" || d.Listed != 1 || freeRow(d.Rows) != 1 {
		t.Errorf("%+v, %s", d, diff)
	}
	if diff := cmp.Diff([]PendingRow{{Number: 0, Files: 3}}, d.written(noon)); diff != "" || d.Listed != 0 || len(d.Files) != 1 {
		t.Errorf("%+v, %s", d, diff)
	}
}
