package scan

import (
	"slices"
	"strings"
	"time"
)

// role is what a folder is in a bucket of log files.
type role uint8

const (
	unknown role = iota
	root         // AWSLogs, or an organization in it
	account
	kind   // CloudTrail and those beside it
	region // has years
	year   // has months
	month  // has days
	day
)

// place is a folder on the way to log files.
type place struct {
	prefix string // ends with a slash, or is empty
	role   role
	date   string // YYYY, YYYY/MM or YYYY/MM/DD, below a region
}

// slack is how much earlier than its events a file may be named. CloudTrail
// names files by their delivery; others may name them by their first event.
const slack = time.Hour

// span bounds the names of the files that can hold a window's records. A zero
// bound is none.
type span struct {
	first, last time.Time
	days        [2]string // of first and last, YYYY/MM/DD
}

func (w *Window) span() span {
	s := span{days: [2]string{"", "9999/99/99"}}
	if !w.From.IsZero() {
		s.first = w.From.UTC().Add(-slack)
		s.days[0] = s.first.Format("2006/01/02")
	}
	if !w.To.IsZero() {
		late := w.Late
		if late == 0 {
			late = DefaultLate
		}
		s.last = w.To.UTC().Add(late)
		s.days[1] = s.last.Format("2006/01/02")
	}
	return s
}

// has says whether a file with this name's time can hold a record of the window.
func (s *span) has(t time.Time) bool {
	return (s.first.IsZero() || !t.Before(s.first)) && (s.last.IsZero() || !t.After(s.last))
}

// hasDate says whether a folder of a year, month or day can.
func (s *span) hasDate(date string) bool {
	first, last := s.days[0], s.days[1]
	return date >= first[:min(len(first), len(date))] && date <= last[:len(date)]
}

// enter returns the folder of a name in another one; ok is false if it cannot
// hold what is looked for.
func (w *Window) enter(s *span, p place, name string) (in place, ok bool) {
	in = place{prefix: p.prefix + name + "/"}
	switch {
	case p.role == account && !strings.HasPrefix(name, logs):
		return in, false // logs of other services
	case p.role == account, p.role == unknown && strings.HasPrefix(name, logs+"-"), p.role == unknown && name == logs:
		in.role = kind
		return in, w.holdsRecords(name)
	case p.role == root && isAccount(name):
		in.role = account
		return in, allows(w.Accounts, name)
	case p.role == root && strings.HasPrefix(name, "o-"), name == logsRoot:
		in.role = root
		return in, true
	case (p.role == kind || p.role == unknown) && isRegion(name):
		in.role = region
		return in, allows(w.Regions, name)
	case p.role >= region && p.role < day:
		if date, isDate := p.dated(name); isDate {
			in.role, in.date = p.role+1, date
			return in, s.hasDate(date)
		}
	case p.role == day:
		in.role, in.date = day, p.date
		return in, true
	}
	return in, true
}

// dated returns the date of a year, month or day below a folder.
func (p *place) dated(name string) (date string, ok bool) {
	if p.role == region {
		return name, len(name) == 4 && digits(name) >= 0
	}
	return p.date + "/" + name, len(name) == 2 && digits(name) >= 0
}

// start returns the place that a prefix of folders leads to, whatever the window
// says of them: who names a folder wants it read.
func start(prefix string) place {
	p := place{}
	everything := Window{Insights: true}
	s := everything.span()
	for name := range strings.SplitSeq(strings.Trim(prefix, "/"), "/") {
		if name != "" {
			p, _ = everything.enter(&s, p, name)
		}
	}
	p.prefix = prefix
	return p
}

func allows(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }

// wants says whether a file can hold records of the window, as far as its name
// tells.
func (w *Window) wants(s *span, f *File) bool {
	return canHold(f.Key) && w.holdsRecords(f.Kind) &&
		(f.Account == "" || allows(w.Accounts, f.Account)) &&
		(f.Region == "" || allows(w.Regions, f.Region)) &&
		(f.Time.IsZero() || s.has(f.Time))
}
