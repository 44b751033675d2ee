// Package trail knows which records go where: trails, their event selectors,
// the stretches of the journal they log, and the names of their log files. It
// is pure: it reads no state and no clock.
//
// Source: CloudTrail API reference and user guide (spec 1 and 4).
package trail

import (
	"slices"
	"time"

	"cairn/event"
	"cairn/internal/arn"
)

// Trail is all there is to know about a trail: its configuration, and which
// stretches of the journal it logs. A stored Trail is never modified in place.
type Trail struct {
	// ID is unique to this trail, even among trails that had its name before.
	ID string
	// Name, Account and HomeRegion identify the trail; they never change.
	Name       string
	Account    string
	HomeRegion string

	// Bucket and Prefix are where log files go; Prefix may be empty.
	Bucket string
	Prefix string
	// Validate asks for digest files (EnableLogFileValidation).
	Validate bool
	// LogGroupARN and RoleARN are both set or both empty: the log group records
	// are exported to, and the role that is assumed for it.
	LogGroupARN string
	RoleARN     string
	// LogGroupSpan and LogGroupSince are the first span, and the first place in
	// the journal, that are exported to a log group.
	LogGroupSpan  uint64
	LogGroupSince Mark
	// Selection says which records the trail selects.
	Selection
	// CustomSelectors is true once selectors were put.
	CustomSelectors bool

	// Tags are the trail's tags, in the order they were added.
	Tags []Tag
	// Created is when the trail was made; Started and Stopped are when logging
	// was last started and stopped, zero if it never was.
	Created time.Time
	Started time.Time
	Stopped time.Time
	// Deleted is when the trail was deleted; zero while it is there. What it
	// logged until then is still delivered.
	Deleted time.Time `json:",omitzero"`

	// Spans are the stretches of the journal that are logged, oldest first.
	// Those that were delivered are dropped at a later change.
	Spans []Span
	// NextSpan numbers the spans, from 1.
	NextSpan uint64
}

// Tag is a key and a value.
type Tag struct{ Key, Value string }

// Mark is a place in the journal. It has the shape of journal.Position, into
// which it can be converted, because this package stands above the journal.
type Mark struct {
	Seq   uint64
	Index uint32
}

// Less reports whether m comes before n.
func (m Mark) Less(n Mark) bool { return m.Seq < n.Seq || m.Seq == n.Seq && m.Index < n.Index }

// Span is a stretch of the journal whose records a trail logs with one and the
// same selection. Starting to log opens a span, stopping closes it. Changing
// the selection closes it and opens the next, so that records made before the
// change are still selected as they would have been then, however late they
// are delivered.
type Span struct {
	// Number is unique within the trail and grows.
	Number uint64
	// From is the first place that belongs to the span.
	From Mark
	// To is the first place that no longer belongs to it, if Cut is set: the
	// selection changed there.
	To  Mark
	Cut bool
	// StopRequest is the request id of the StopLogging call that ended the span:
	// the span's last record is that call's own, which is appended to the journal
	// only after the call ran. Empty if no such call ended it.
	StopRequest string
	// Stopped is when that call ran, and StopFrom a place in the journal at which no
	// record of a later call was yet.
	Stopped  time.Time
	StopFrom Mark
	// Selection is what was selected, once the trail selects something else; nil
	// means the trail's own.
	Selection *Selection
}

// StopGrace bounds the search for the record of a StopLogging call: a record
// made this much later ends the span too. It matters only after a crash between
// the call and its record, which then never comes.
const StopGrace = time.Minute

// Final reports whether logging ended with the span. next is the span after it, or
// nil: a span that was cut only because the selection changed has one.
func (s *Span) Final(next *Span) bool { return s.StopRequest != "" || s.Cut && next == nil }

// ended reports whether the span no longer grows.
func (s *Span) ended() bool { return s.Cut || s.StopRequest != "" }

// ARN returns the trail's ARN (spec 4.3).
func (t *Trail) ARN() string {
	return arn.New("cloudtrail", t.HomeRegion, t.Account, "trail/"+t.Name).String()
}

// Logging reports whether the trail logs.
func (t *Trail) Logging() bool {
	return len(t.Spans) > 0 && !t.Spans[len(t.Spans)-1].ended()
}

// Start starts to log at a place in the journal. It does nothing if the trail
// logs already.
func (t *Trail) Start(at Mark, now time.Time) {
	if t.Logging() {
		return
	}
	t.Started = now
	t.open(at)
}

// Stop stops logging. The span it ends includes the record of the call itself,
// which carries the given request id. It does nothing if the trail does not log.
// Records before a place in the journal belong to it, whatever the clock said when
// they were made.
func (t *Trail) Stop(requestID string, at Mark, now time.Time) {
	if !t.Logging() {
		return
	}
	last := &t.Spans[len(t.Spans)-1]
	last.StopRequest, last.Stopped, last.StopFrom = requestID, now, at
	t.Stopped = now
}

// End stops logging at a place in the journal, for good: the trail is deleted. It
// does nothing the second time.
func (t *Trail) End(at Mark, now time.Time) {
	if !t.Deleted.IsZero() {
		return
	}
	t.Deleted = now
	if len(t.Spans) == 0 {
		return
	}
	last := &t.Spans[len(t.Spans)-1]
	last.To, last.Cut = at, true
}

// Select changes which records are selected, from a place in the journal on.
func (t *Trail) Select(s Selection, at Mark) {
	old := t.Selection
	for i := range t.Spans {
		if t.Spans[i].Selection == nil {
			t.Spans[i].Selection = &old
		}
	}
	t.Selection = s
	if !t.Logging() {
		return
	}
	last := &t.Spans[len(t.Spans)-1]
	last.To, last.Cut = at, true
	t.open(at)
}

// Export sets the log group and role that records are exported with; both empty
// end the export. A trail that had no log group exports from a place in the
// journal on.
func (t *Trail) Export(groupARN, roleARN string, at Mark) {
	if t.LogGroupARN == "" {
		t.LogGroupSince, t.LogGroupSpan = at, t.NextSpan
		if !t.Logging() {
			t.LogGroupSpan++
		}
	}
	t.LogGroupARN, t.RoleARN = groupARN, roleARN
}

func (t *Trail) open(at Mark) {
	t.NextSpan++
	t.Spans = append(t.Spans, Span{Number: t.NextSpan, From: at})
}

// Prune drops the ended spans numbered below n: they have been delivered
// everywhere.
func (t *Trail) Prune(n uint64) {
	keep := make([]Span, 0, len(t.Spans))
	for _, s := range t.Spans {
		if s.Number >= n || !s.ended() {
			keep = append(keep, s)
		}
	}
	t.Spans = keep
}

// Span returns the oldest span numbered n or above, and the one after it; nil
// where there is none.
func (t *Trail) Span(n uint64) (span, next *Span) {
	for i := range t.Spans {
		if t.Spans[i].Number < n {
			continue
		}
		if i+1 < len(t.Spans) {
			next = &t.Spans[i+1]
		}
		return &t.Spans[i], next
	}
	return nil, nil
}

// Selects reports whether the trail selects a record. Writing a log file is a
// data event of S3 like any other: a trail that selects its own bucket gets a
// record of every delivery, which is delivered in turn, unless its selection says
// NoRecursion (spec 1.4). It allocates nothing.
func (t *Trail) Selects(h *event.Header) bool { return t.SelectsAs(&t.Selection, h) }

// SelectsAs reports whether the trail would select a record if its selection
// were s; nil means its own. It allocates nothing.
func (t *Trail) SelectsAs(s *Selection, h *event.Header) bool {
	if s == nil {
		s = &t.Selection
	}
	if source := h.InsightSource(); source != "" && source != t.ARN() {
		return false
	}
	return (h.Account == t.Account || s.OrganizationID != "") && s.covers(t.HomeRegion, h) && (!s.NoRecursion || !ownDelivery(h)) && s.matches(h)
}

// WantsData is Wants for Insights events about the trail's own data events.
func (t *Trail) WantsData(typ string, minute time.Time) bool {
	end := minute.Add(time.Minute)
	return t.Deleted.IsZero() && t.Logging() && end.After(t.Started) && end.After(t.InsightsSince) && slices.Contains(t.DataInsights, typ)
}

// Watches reports whether Insights events are to be made of a data event. It
// allocates nothing.
func (t *Trail) Watches(h *event.Header) bool {
	return len(t.DataInsights) > 0 && t.Deleted.IsZero() && t.Logging() && t.Selects(h)
}

// Wants reports whether the trail logs Insights events of a type, of an account
// and region, about activity that began in a minute. It does if it logged them by
// the end of that minute.
func (t *Trail) Wants(typ, account, region string, minute time.Time) bool {
	end := minute.Add(time.Minute)
	return t.Deleted.IsZero() && t.Logging() && end.After(t.Started) && end.After(t.InsightsSince) &&
		(account == t.Account || t.OrganizationID != "") && (t.MultiRegion || region == t.HomeRegion) && slices.Contains(t.Insights, typ)
}
