package delivery

import (
	"slices"
	"strconv"
	"time"

	"cairn/digest"
)

const (
	// firstDigest is how soon after logging starts the first digest ends (spec
	// 3.1).
	firstDigest = 2 * time.Minute
	// rowFiles is how many log files one row of Tables.Pending holds; the progress
	// row has fewer. One takes 400 bytes.
	rowFiles = 100
	// maxDigestFiles is how many log files one interval takes: what readers
	// inflate of one digest is limited.
	maxDigestFiles = 50_000
)

// LogFile is a log file that was delivered, until a digest lists it.
type LogFile struct {
	// Account and Region are those of its records.
	Account string
	Region  string
	// Delivered is when it was.
	Delivered time.Time
	// Left is the interval of its name's time, if that was closed before it was
	// delivered and left it out: a backfill digest lists it.
	Left *Span `json:",omitempty"`
	digest.LogFile
}

// Span is a stretch of time, in whole seconds.
type Span struct{ Start, End time.Time }

// Pending is a row of log files that wait to be listed.
type Pending struct {
	// TrailID is the trail's id.
	TrailID string
	// Files are log files, in the order of their delivery.
	Files []LogFile
}

// Digests is how far the digest files of a trail are. There is one interval that
// is open: what is delivered is listed in its digests, one for each account and
// region. When it ends it is closed, and its digests are written. All are in whole
// seconds, and none begins before the last one ended, so that no two digests of a
// trail have the same name.
type Digests struct {
	// Changes counts changes.
	Changes uint64
	// Start is when the open interval began; zero if none is open. End is when it
	// ends, or when the last one ended.
	Start time.Time `json:",omitzero"`
	End   time.Time `json:",omitzero"`
	// Began is when the first interval of the chains began.
	Began time.Time `json:",omitzero"`
	// Closed are the intervals whose digests are not all written, oldest first.
	Closed []Interval `json:",omitempty"`

	// Rows are the rows of Tables.Pending that hold log files, oldest first; the
	// first Listed files of the first row are listed already. Files are those that
	// were delivered after.
	Rows   []PendingRow `json:",omitempty"`
	Listed int          `json:",omitempty"`
	Files  []LogFile    `json:",omitempty"`

	// Attempted, Succeeded, Error and Message are as in Progress.
	Attempted time.Time
	Succeeded time.Time
	Error     string `json:",omitempty"`
	Message   string `json:",omitempty"`
}

// PendingRow refers to a row of Tables.Pending by its number.
type PendingRow struct {
	Number int
	// Files is how many log files it holds.
	Files int
}

// Interval is a closed interval.
type Interval struct {
	Start time.Time
	End   time.Time
	// Files is how many log files it takes, of those that wait.
	Files int
	// Last is true if its digests are the last of their chains.
	Last bool `json:",omitempty"`
}

// on reports whether digests are to be written of what is delivered.
func (d *Digests) on() bool { return d != nil && !d.Start.IsZero() }

// version tells one state of a trail's digests from another.
func (d *Digests) version() uint64 {
	if d == nil {
		return 0
	}
	return d.Changes
}

// waiting is how many log files no closed interval takes.
func (d *Digests) waiting() int {
	n := len(d.Files) - d.Listed
	for _, r := range d.Rows {
		n += r.Files
	}
	for _, c := range d.Closed {
		n -= c.Files
	}
	return n
}

// begin opens the first interval of new chains.
func (d *Digests) begin(now time.Time, interval time.Duration) {
	d.Changes++
	d.Start = now.UTC().Truncate(time.Second)
	if d.Start.Before(d.End) {
		d.Start = d.End
	}
	d.Began = d.Start
	// Two seconds, because the final digest of a deleted trail of the same name may
	// have a name of up to a second from now.
	d.End = d.first(interval)
}

// first is when the first interval ends.
func (d *Digests) first(interval time.Duration) time.Time {
	return d.Began.Add(min(firstDigest, max(interval, 2*time.Second)))
}

// leftOut returns the interval that a time lies in, if that was closed before; nil
// if it is open or the chains began later. Intervals that were closed as one are
// told apart again.
func (d *Digests) leftOut(at time.Time, interval time.Duration) *Span {
	first := d.first(interval)
	switch {
	case d.Began.IsZero() || at.Before(d.Began) || !at.Before(d.Start):
		return nil
	case at.Before(first):
		return &Span{d.Began, first}
	}
	start := first.Add(at.Sub(first).Truncate(interval))
	end := start.Add(interval)
	if end.After(d.Start) { // the interval was another one then
		end = d.Start
	}
	return &Span{start, end}
}

// finish closes the open interval now, with all that waits, and opens no other:
// it ends the chains.
func (d *Digests) finish(now time.Time) {
	d.Changes++
	for n := d.waiting(); ; n -= maxDigestFiles {
		end := now.UTC().Truncate(time.Second).Add(time.Second) // after all that was delivered
		if first := d.Start.Add(time.Second); end.Before(first) {
			end = first
		}
		d.Closed = append(d.Closed, Interval{Start: d.Start, End: end, Files: min(n, maxDigestFiles), Last: n <= maxDigestFiles})
		d.Start, d.End = end, end
		if n <= maxDigestFiles {
			break
		}
	}
	d.Start = time.Time{}
}

// due reports whether the open interval is over, and those before it are done.
func (d *Digests) due(now time.Time) bool {
	return d.on() && len(d.Closed) == 0 && !now.Before(d.End)
}

// turn closes the open interval and opens the next one. Intervals that went by
// meanwhile, because nothing ran or the bucket refused the digests before, become
// part of it: one digest then covers several hours, rather than many none. files
// are all that wait.
func (d *Digests) turn(now time.Time, interval time.Duration, files []LogFile) {
	d.Changes++
	end := d.End.Add(now.Sub(d.End).Truncate(interval))
	n, _ := slices.BinarySearchFunc(files, end, func(f LogFile, end time.Time) int { return f.Delivered.Compare(end) })
	d.Closed = append(d.Closed, Interval{Start: d.Start, End: end, Files: min(n, maxDigestFiles)})
	d.Start, d.End = end, end.Add(interval)
}

// written drops the oldest closed interval, whose digests are written, and the log
// files they list. It returns the rows that are not needed any more.
func (d *Digests) written(now time.Time) (free []PendingRow) {
	d.Changes++
	d.Succeeded, d.Error, d.Message = now, "", ""
	d.Listed += d.Closed[0].Files
	d.Closed = d.Closed[1:]
	for len(d.Rows) > 0 && d.Listed >= d.Rows[0].Files {
		d.Listed -= d.Rows[0].Files
		free, d.Rows = append(free, d.Rows[0]), d.Rows[1:]
	}
	if len(d.Rows) == 0 {
		d.Files, d.Listed = d.Files[d.Listed:], 0
	}
	return free
}

// freeRow returns the least number that is no row's.
func freeRow(rows []PendingRow) int {
	n := 0
	for slices.ContainsFunc(rows, func(r PendingRow) bool { return r.Number == n }) {
		n++
	}
	return n
}

// pendingKey returns the key of a row of log files that wait.
func (p *pump) pendingKey(number int) []string {
	return slices.Concat(p.key, []string{strconv.Itoa(number)})
}
