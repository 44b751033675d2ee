package delivery

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"cairn/event"
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
	// end is where the journal ended when the trail was read: what comes after may
	// have been made when the trail was another already. Zero is no bound.
	end journal.Position
	// The record of the StopLogging call with this request id is the last one;
	// without it, the last one before stopBy, but those before stopFrom all count.
	stopRequest []byte
	stopBy      time.Time
	stopFrom    journal.Position
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
		w.stopBy, w.stopFrom = span.Stopped.Add(trail.StopGrace), position(span.StopFrom)
	}
	return w
}

// windowFor returns the window that a plan took its records from: exactly those.
// Neither bounds nor limits are looked at again, because they may have changed
// since; the selection of the span has not.
func windowFor(t *trail.Trail, span *trail.Span, k Kind, p *Plan) *window {
	return &window{trail: t, selection: span.Selection, kind: k, to: p.To, bounded: true}
}

// organization returns the id of the organization whose records are selected, or
// "".
func (w *window) organization() string {
	if w.selection != nil {
		return w.selection.OrganizationID
	}
	return w.trail.OrganizationID
}

func (w *window) ends(at journal.Position) bool { return w.bounded && !at.Less(w.to) }

// unseen reports whether a place is beyond what may be looked at now.
func (w *window) unseen(at journal.Position) bool {
	return w.end != (journal.Position{}) && !at.Less(w.end)
}

// excludes reports whether the window ends before a record.
func (w *window) excludes(r *journal.Located) bool {
	return w.ends(r.Pos) || w.stopRequest != nil && !r.Pos.Less(w.stopFrom) && r.Header.Time.After(w.stopBy)
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
	// organization is the id of the organization whose records these are, or "".
	organization string
	// to is where the batch ends in the journal.
	to journal.Position
	// over is true if the window ends there too, full if the limit was reached.
	over bool
	full bool
	// groups are sorted by account, region and kind of record.
	groups  []*group
	records int
	bytes   int
	// passed are records that were not selected, and lost those in gaps, as far as
	// it is known how many there were.
	passed, lost uint64
	// gaps describes the gaps that were met; rewound is true if the journal ends
	// earlier than it did.
	gaps    []string
	rewound bool
}

// group is the records of one log file, or all of them for a log group.
type group struct {
	account, region string
	// insights is true for Insights events, which have files of their own.
	insights bool
	// records are their JSON, in order, and size is how long they are together.
	records [][]byte
	size    int
	// oldest and newest are the times of its first and last events.
	oldest, newest time.Time
}

// take adds records, of which next is the end, until the window ends or is full.
// Those that are added share the journal's memory with all others that were read
// with them, unless they are only a small part of it: then they are copied, so that
// a batch never holds more than twice what it has.
func (b *batch) take(w *window, recs []journal.Located, next journal.Position) {
	before, read := b.bytes, 0
	chosen := b.choose(w, recs, next)
	for i := range recs {
		read += len(recs[i].JSON)
	}
	few := 2*(b.bytes-before) < read
	for _, r := range chosen {
		text := r.JSON
		if few {
			text = bytes.Clone(text)
		}
		b.group(groupFor(w.kind, b.organization != "", &r.Header)).add(&r.Header, text)
	}
}

// choose counts records in until the window ends or is full, and returns them.
func (b *batch) choose(w *window, recs []journal.Located, next journal.Position) []*journal.Located {
	chosen := make([]*journal.Located, 0, len(recs))
	for i := range recs {
		r := &recs[i]
		if w.unseen(r.Pos) {
			b.to = r.Pos
			return chosen
		}
		if w.excludes(r) {
			b.to, b.over = r.Pos, true
			return chosen
		}
		if w.trail.SelectsAs(w.selection, &r.Header) {
			if w.limit > 0 && b.records > 0 && b.bytes+len(r.JSON) > w.limit {
				b.to, b.full = r.Pos, true
				return chosen
			}
			chosen = append(chosen, r)
			b.records++
			b.bytes += len(r.JSON) + 1
		} else {
			b.passed++
		}
		if w.endsWith(r) {
			b.to, b.over = after(r.Pos), true
			return chosen
		}
	}
	b.to = next
	if w.unseen(next) {
		b.to = w.end
	}
	return chosen
}

func after(p journal.Position) journal.Position {
	return journal.Position{Seq: p.Seq, Index: p.Index + 1}
}

// groupFor returns the group of a record: those of a log file, or those of a log
// stream, of which a trail has one, and an organization's trail one for each
// account.
func groupFor(k Kind, organization bool, h *event.Header) group {
	switch {
	case k == Bucket:
		return group{account: h.Account, region: h.Region, insights: h.Category == event.Insight}
	case organization:
		return group{account: h.Account}
	}
	return group{}
}

func (g *group) add(h *event.Header, text []byte) {
	g.records = append(g.records, text)
	g.size += len(text)
	if g.oldest.IsZero() || h.Time.Before(g.oldest) {
		g.oldest = h.Time
	}
	if h.Time.After(g.newest) {
		g.newest = h.Time
	}
}

func (g *group) compare(k group) int {
	kind := map[bool]int{true: 1}
	return cmp.Or(strings.Compare(g.account, k.account), strings.Compare(g.region, k.region), cmp.Compare(kind[g.insights], kind[k.insights]))
}

func (b *batch) group(k group) *group {
	i, ok := slices.BinarySearchFunc(b.groups, k, (*group).compare)
	if !ok {
		b.groups = slices.Insert(b.groups, i, &k)
	}
	return b.groups[i]
}

// writeTo writes the content of a log file that holds the records: one JSON object
// (spec 1.2).
func (g *group) writeTo(w io.Writer) error {
	_, err := w.Write([]byte(`{"Records":[`))
	for i, text := range g.records {
		if i > 0 && err == nil {
			_, err = w.Write([]byte{','})
		}
		if err == nil {
			_, err = w.Write(text)
		}
	}
	if err == nil {
		_, err = w.Write([]byte(`]}`))
	}
	return err
}
