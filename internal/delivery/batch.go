package delivery

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"cairn/internal/journal"
	"cairn/internal/trail"
)

// window is the stretch of the journal one plan may take records from, and how
// they are selected.
type window struct {
	trail     *trail.Trail
	selection *trail.Selection // nil: the trail's own
	kind      Kind
	// to is the first position outside, if bounded.
	to      journal.Position
	bounded bool
	// The record of the StopLogging call with this request id is the last one;
	// without it, the last one before stopBy.
	stopRequest []byte
	stopBy      time.Time
	// limit is how many bytes may be taken; 0 is no limit.
	limit int
}

// windowOf returns the window of a span. next is the span after it, or nil.
func windowOf(t *trail.Trail, span, next *trail.Span, k Kind, limit int) *window {
	w := &window{trail: t, selection: span.Selection, kind: k, limit: limit}
	switch {
	case span.Cut:
		w.to, w.bounded = position(span.To), true
	case next != nil: // stopped, and started again
		w.to, w.bounded = position(next.From), true
	}
	if span.StopRequest != "" {
		w.stopRequest = []byte(`"requestID":"` + span.StopRequest + `"`)
		w.stopBy = span.Stopped.Add(trail.StopGrace)
	}
	return w
}

// windowFor returns the window that a plan took its records from: exactly those.
// Neither bounds nor limits are looked at again, because they may have changed
// since; the selection of the span has not.
func windowFor(t *trail.Trail, span *trail.Span, k Kind, p *Plan) *window {
	return &window{trail: t, selection: span.Selection, kind: k, to: p.To, bounded: true}
}

func (w *window) ends(at journal.Position) bool { return w.bounded && !at.Less(w.to) }

// excludes reports whether the window ends before a record.
func (w *window) excludes(r *journal.Located) bool {
	return w.ends(r.Pos) || w.stopRequest != nil && r.Header.Time.After(w.stopBy)
}

// endsWith reports whether a record is the last of the window: that of the
// StopLogging call. The id cannot be forged: the engine chooses it, and within
// strings of the record the quotes around it would be escaped.
func (w *window) endsWith(r *journal.Located) bool {
	return w.stopRequest != nil && r.Header.Name == "StopLogging" && r.Header.Source == "cloudtrail.amazonaws.com" &&
		bytes.Contains(r.JSON, w.stopRequest)
}

// batch is the records of one plan, selected and grouped.
type batch struct {
	// to is where the batch ends in the journal.
	to journal.Position
	// over is true if the window ends there too, full if the limit was reached.
	over bool
	full bool
	// groups are sorted by account and region.
	groups  []*group
	records int
	bytes   int
	// gaps describes the gaps that were met; rewound is true if the journal ends
	// earlier than it did.
	gaps    []string
	rewound bool
}

// group is the records of one log file, or all of them for a log group. Records
// are copied: the bytes they come from hold those of others too.
type group struct {
	account, region string
	// text is the records, joined with commas, after the head; ends are the
	// offsets of their ends.
	text []byte
	ends []int
	// oldest and newest are the times of its first and last events.
	oldest, newest time.Time
}

const (
	head = `{"Records":[`
	tail = `]}`
)

// take adds records, of which next is the end, until the window ends or is full.
func (b *batch) take(w *window, recs []journal.Located, next journal.Position) {
	for i := range recs {
		r := &recs[i]
		if w.excludes(r) {
			b.to, b.over = r.Pos, true
			return
		}
		if w.trail.SelectsAs(w.selection, &r.Header) {
			if w.limit > 0 && b.records > 0 && b.bytes+len(r.JSON) > w.limit {
				b.to, b.full = r.Pos, true
				return
			}
			b.add(w.kind, r)
		}
		if w.endsWith(r) {
			b.to, b.over = after(r.Pos), true
			return
		}
	}
	b.to = next
}

func after(p journal.Position) journal.Position {
	return journal.Position{Seq: p.Seq, Index: p.Index + 1}
}

func (b *batch) add(k Kind, r *journal.Located) {
	var account, region string
	if k == Bucket {
		account, region = r.Header.Account, r.Header.Region
	}
	g := b.group(account, region)
	if need := len(r.JSON) + len(",") + len(tail); cap(g.text)-len(g.text) < need {
		g.text = slices.Grow(g.text, max(need, len(g.text))) // doubles: append alone copies five times as much
	}
	if len(g.ends) > 0 {
		g.text = append(g.text, ',')
	}
	g.text = append(g.text, r.JSON...)
	g.ends = append(g.ends, len(g.text))
	if at := r.Header.Time; g.oldest.IsZero() || at.Before(g.oldest) {
		g.oldest = at
	}
	if at := r.Header.Time; at.After(g.newest) {
		g.newest = at
	}
	b.records++
	b.bytes += len(r.JSON) + 1
}

func (b *batch) group(account, region string) *group {
	i, ok := slices.BinarySearchFunc(b.groups, group{account: account, region: region}, func(g *group, k group) int {
		if c := strings.Compare(g.account, k.account); c != 0 {
			return c
		}
		return strings.Compare(g.region, k.region)
	})
	if !ok {
		g := &group{account: account, region: region, text: []byte(head)}
		b.groups = slices.Insert(b.groups, i, g)
	}
	return b.groups[i]
}

// record returns the JSON of a record.
func (g *group) record(i int) []byte {
	from := len(head)
	if i > 0 {
		from = g.ends[i-1] + 1
	}
	return g.text[from:g.ends[i]]
}

// file returns the content of a log file that holds the records.
func (g *group) file() []byte { return append(g.text, tail...) }
