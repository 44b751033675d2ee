package value

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Period is a span of time such as 5m. Months, quarters and years have no fixed
// length; the others are in milliseconds.
type Period struct {
	millis float64
	months int
	weeks  bool // whole weeks, which begin on Monday
}

// units are the names of periods (spec 6.6; the guide's page on stats). A name
// of more than one letter may have an s.
var units = map[string]Period{
	"ms": {millis: 1}, "msec": {millis: 1}, "millisecond": {millis: 1},
	"s": {millis: 1000}, "sec": {millis: 1000}, "second": {millis: 1000},
	"m": {millis: 60e3}, "min": {millis: 60e3}, "minute": {millis: 60e3},
	"h": {millis: 3600e3}, "hr": {millis: 3600e3}, "hour": {millis: 3600e3},
	"d": {millis: 86400e3}, "day": {millis: 86400e3},
	"w": {millis: 7 * 86400e3, weeks: true}, "week": {millis: 7 * 86400e3, weeks: true},
	"mo": {months: 1}, "mon": {months: 1}, "month": {months: 1},
	"q": {months: 3}, "qtr": {months: 3}, "quarter": {months: 3},
	"y": {months: 12}, "yr": {months: 12}, "year": {months: 12},
}

// ParsePeriod reads a whole number and a unit.
func ParsePeriod(s string) (Period, bool) {
	digits := digits(s)
	n, err := strconv.Atoi(digits)
	unit := strings.ToLower(s[len(digits):])
	p, ok := units[unit]
	if !ok && len(unit) > 2 {
		p, ok = units[strings.TrimSuffix(unit, "s")]
	}
	const most = 1_000_000_000
	if err != nil || !ok || n < 1 || n > most {
		return Period{}, false
	}
	p.millis *= float64(n)
	p.months *= n
	return p, true
}

// Floor returns the beginning of the period t lies in, in milliseconds.
// Periods are counted from 1970 in UTC, weeks from the Monday before.
func (p Period) Floor(t float64) float64 {
	switch {
	case p.months > 0:
		at := time.UnixMilli(int64(t)).UTC()
		n := (at.Year()-1970)*12 + int(at.Month()) - 1
		n = int(math.Floor(float64(n)/float64(p.months))) * p.months
		return float64(time.Date(1970, time.Month(1+n), 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	case p.weeks:
		const monday = -3 * 86400e3 // 1970 began on a Thursday
		return math.Floor((t-monday)/p.millis)*p.millis + monday
	}
	return math.Floor(t/p.millis) * p.millis
}

// Ceil returns the beginning of the first period at or after t.
func (p Period) Ceil(t float64) float64 {
	start := p.Floor(t)
	if start == t {
		return t
	}
	if p.months == 0 {
		return start + p.millis
	}
	return float64(time.UnixMilli(int64(start)).UTC().AddDate(0, p.months, 0).UnixMilli())
}
