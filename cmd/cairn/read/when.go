package read

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxSpan is the longest span that is read: more is a mistake, and sums of
// years overflow a duration.
const maxSpan = 100 * 365 * 24 * time.Hour

// units are the units of a span, the longest first.
var units = []struct {
	letter byte
	size   time.Duration
}{{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// parseSpan reads a length of time such as 90s, 15m, 2h, 1h30m, 3d or 2w. It is
// longer than nothing.
func parseSpan(s string) (time.Duration, error) {
	var sum time.Duration
	rest := s
	for _, u := range units {
		i := strings.IndexByte(rest, u.letter)
		if i < 0 {
			continue
		}
		n, err := strconv.ParseUint(rest[:i], 10, 31)
		if err != nil || time.Duration(n) > (maxSpan-sum)/u.size {
			return 0, errSpan
		}
		sum += time.Duration(n) * u.size
		rest = rest[i+1:]
	}
	if rest != "" || sum == 0 {
		return 0, errSpan
	}
	return sum, nil
}

var errSpan = fmt.Errorf("want a length of time: a number and s, m, h, d or w, such as 90s, 2h, 1h30m or 3d")

// layouts are the forms of a time; what names no zone is UTC, as records are.
var layouts = []string{
	time.RFC3339, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
	time.DateTime, "2006-01-02 15:04",
}

// parseTime reads a point in time: RFC 3339, a day (its beginning), a day and a
// time, a time of today, today, yesterday, now, or how long ago: 2h.
func parseTime(s string, now time.Time) (time.Time, error) {
	now = now.UTC()
	today := now.Truncate(24 * time.Hour)
	switch s {
	case "now":
		return now, nil
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return today.Add(t.Sub(t.Truncate(24 * time.Hour))), nil
		}
	}
	span := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(s, "-"), "ago"))
	if d, err := parseSpan(span); err == nil {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("want a time: 2025-03-01, 2025-03-01T10:00 (UTC), 2025-03-01T10:00:00+01:00, 10:00, today, yesterday, now, or how long ago: 90m, 2h, 3d")
}
