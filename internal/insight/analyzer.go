// Package insight finds unusual activity in the records of the journal, and makes
// the Insights events that tell of it: CloudTrail Insights.
//
//	journal ──▶ count by minute ──▶ compare with seven days ──▶ Start, End ──▶ journal
//
// What is counted is calls to one operation in one account and region: management
// events that change something, and data events (ApiCallRateInsight), and those that
// fail with one error code (ApiErrorRateInsight). Data events are counted for each
// trail that wants Insights of them, as it selects them. An Insights event is a
// record of the journal like any other: trails that ask for its type deliver it, and
// the event history keeps it.
//
// Source: "Logging Insights events" and "CloudTrail Insights insightDetails
// element" in the CloudTrail User Guide (spec 2.8, 4.7). How AWS tells unusual
// from usual is not documented; see Analyzer for how it is told here.
package insight

import (
	"maps"
	"slices"
	"strings"
	"time"

	"cairn/event"
	"cairn/internal/trail"
)

// Subject is what is counted.
type Subject struct {
	Account, Region string
	// Source and Name are the operation's eventSource and eventName.
	Source, Name string
	// ErrorCode is the error that is counted; empty if calls are.
	ErrorCode string
	// Trail is the ARN of the trail whose data events are counted; empty for
	// management events.
	Trail string
}

// Type returns the type of the Insights events about a subject.
func (s *Subject) Type() string {
	if s.ErrorCode != "" {
		return trail.ErrorRate
	}
	return trail.CallRate
}

// The defaults of Rules that those who run an engine may want to change.
const (
	DefaultBaseline = 24 * time.Hour
	DefaultCalls    = 10
)

// Rules say what is unusual.
type Rules struct {
	// MinBaseline is how long an account and region must have been watched before
	// anything is unusual; default DefaultBaseline. AWS takes up to 36 hours. Whole
	// minutes count.
	MinBaseline time.Duration
	// MinCount is how many calls there must be in a minute; default DefaultCalls.
	MinCount int
	// Deviations is by how many standard deviations a minute must lie above the
	// average; default 5.
	Deviations float64
	// Quiet is how many usual minutes end unusual activity; default 5.
	Quiet int
	// Longest is how many minutes unusual activity lasts at most: it is usual
	// from then on. Default one day.
	Longest int
}

func (r Rules) withDefaults() Rules {
	if r.MinBaseline == 0 {
		r.MinBaseline = DefaultBaseline
	}
	if r.MinCount == 0 {
		r.MinCount = DefaultCalls
	}
	if r.Deviations == 0 {
		r.Deviations = 5
	}
	if r.Quiet == 0 {
		r.Quiet = 5
	}
	if r.Longest == 0 {
		r.Longest = minutesADay
	}
	return r
}

const minutesADay = 24 * 60

// maxSubjects bounds what is counted at once: error codes and operations are many,
// but not that many.
const maxSubjects = 20_000

// Analyzer counts records and tells what is unusual. It is pure: time is that of
// the records and of Close. It is not for use by several goroutines.
//
// A minute is unusual if it has at least MinCount calls, more than Deviations
// standard deviations above the average of a minute, and if there was less than
// one minute a day like it or above, or one in all. The last keeps what comes every hour or every
// night from being reported each time: its averages are low, its deviations
// small. The baseline is the days before, as many as seven, and the day itself up
// to the minute. Unusual activity begins with the first unusual minute and ends
// with the last one before Quiet usual ones; all minutes become part of the
// baseline.
type Analyzer struct {
	rules Rules
	state
}

// state is what an Analyzer knows.
type state struct {
	// Closed is the last minute that is closed, since 1970; those after it are
	// open.
	Closed int64
	// Since is, for each account and region, the first minute that was seen.
	Since map[place]int64
	// Minutes are the counts of the open minutes.
	Minutes map[int64]map[Subject]*tally
	// Series are the counts of the closed minutes.
	Series map[Subject]*series
	// Active is the unusual activity there is.
	Active map[Subject]*activity
}

// place is an account and region, as a whole or as a trail sees its data events.
type place struct {
	Account, Region string
	// Trail is as in Subject.
	Trail string
}

// NewAnalyzer returns an Analyzer that has seen nothing.
func NewAnalyzer(r Rules) *Analyzer {
	return &Analyzer{rules: r.withDefaults(), state: state{
		Since: map[place]int64{}, Minutes: map[int64]map[Subject]*tally{},
		Series: map[Subject]*series{}, Active: map[Subject]*activity{},
	}}
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func timeOf(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }

// Add counts a record; agent is its user agent. One whose minute is closed counts
// for the next one that is open. Management events count, and data events for the
// trails given, by ARN.
func (a *Analyzer) Add(h *event.Header, agent string, trails ...string) {
	switch {
	case h.Type != event.APICall:
	case h.Category == event.Management:
		a.add(h, agent, "")
	case h.Category == event.Data:
		for _, t := range trails {
			a.add(h, agent, t)
		}
	}
}

// add counts a record for a trail, or as a management event.
func (a *Analyzer) add(h *event.Header, agent, trail string) {
	m := max(minuteOf(h.Time), a.Closed+1)
	at := place{h.Account, h.Region, trail}
	if _, ok := a.Since[at]; !ok {
		a.Since[at] = m
	}
	s := Subject{Account: h.Account, Region: h.Region, Source: h.Source, Name: h.Name, Trail: trail}
	if !h.ReadOnly || trail != "" {
		a.count(m, s, h, agent)
	}
	if h.ErrorCode != "" {
		s.ErrorCode = h.ErrorCode
		a.count(m, s, h, agent)
	}
}

func (a *Analyzer) count(minute int64, s Subject, h *event.Header, agent string) {
	in := a.Minutes[minute]
	if in == nil {
		in = map[Subject]*tally{}
		a.Minutes[minute] = in
	}
	t := in[s]
	if t == nil {
		if len(in) == maxSubjects || a.Series[s] == nil && len(a.Series) >= maxSubjects {
			return
		}
		t = &tally{}
		in[s] = t
	}
	code := h.ErrorCode
	if code == "" {
		code = noError
	}
	t.add([attributes]string{caller(h), agent, code})
}

// noError is the error code of calls without one, in attributions.
const noError = "null"

// caller returns who made a call: sessions of a role are one, as in AWS's events.
func caller(h *event.Header) string {
	if h.UserARN == "" {
		return h.InvokedBy
	}
	if head, tail, ok := strings.Cut(h.UserARN, ":assumed-role/"); ok {
		role, _, _ := strings.Cut(tail, "/")
		return head + ":assumed-role/" + role
	}
	return h.UserARN
}

// Close closes the minutes before a time, and returns what it found, by time.
func (a *Analyzer) Close(before time.Time) []Finding {
	end := minuteOf(before) - 1
	var found []Finding
	for a.Closed < end {
		m := a.next(end)
		found = append(found, a.close(m)...)
	}
	return found
}

// next returns the next minute there is anything to do in, up to end: activity
// needs every minute, and days are turned at midnight.
func (a *Analyzer) next(end int64) int64 {
	first := a.Closed + 1
	if len(a.Active) > 0 {
		return first
	}
	m := end
	for at := range a.Minutes {
		m = min(m, at)
	}
	return max(m, first)
}

func (a *Analyzer) close(m int64) (found []Finding) {
	in := a.Minutes[m]
	delete(a.Minutes, m)
	if turned := a.Closed/minutesADay != m/minutesADay; turned {
		a.forget(m)
	}
	a.Closed = m
	for _, s := range slices.SortedFunc(maps.Keys(a.Active), Subject.compare) {
		if f := a.goOn(s, m, in[s]); f != nil {
			found = append(found, *f)
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(in), Subject.compare) {
		t := in[s]
		if a.Active[s] == nil {
			if f := a.begin(s, m, t); f != nil {
				found = append(found, *f)
			}
		}
		if a.Series[s] == nil {
			a.Series[s] = &series{}
		}
		a.Series[s].add(m, t)
	}
	return found
}

// forget drops the series whose days are all too old.
func (a *Analyzer) forget(m int64) {
	for s, x := range a.Series {
		if !x.recent(m) {
			delete(a.Series, s)
		}
	}
}

// compare orders subjects, so that the same records make the same findings.
func (s Subject) compare(o Subject) int {
	for _, p := range [][2]string{{s.Account, o.Account}, {s.Region, o.Region}, {s.Source, o.Source}, {s.Name, o.Name}, {s.Trail, o.Trail}} {
		if c := strings.Compare(p[0], p[1]); c != 0 {
			return c
		}
	}
	return strings.Compare(s.ErrorCode, o.ErrorCode)
}
