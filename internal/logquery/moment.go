package logquery

import (
	"fmt"
	"time"

	"cairn/internal/logquery/needle"
)

// moment is a time at or after, or before, another (ParseTime). Text that is no
// time is neither.
type moment struct {
	at     time.Time // a whole microsecond
	before bool
}

// From is passed by times, as text, at or after t.
func From(t time.Time) Test { return moment{at: whole(t)} }

// Before is passed by times, as text, before t.
func Before(t time.Time) Test { return moment{at: whole(t), before: true} }

// whole is the first whole microsecond at or after t. Times of records are
// whole microseconds, so that it bounds the same of them as t.
func whole(t time.Time) time.Time {
	return t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
}

func (m moment) holds(v *Value) bool {
	text, ok := v.Text()
	if !ok {
		return false
	}
	t, ok := ParseTime(text)
	return ok && t.Before(m.at) == m.before
}

// literals: a time can be written with any offset.
func (m moment) literals() needle.Literals { return nil }

func (m moment) sql(x operand) (string, bool) {
	if x.column == nil || x.column.Type != TimeColumn {
		return x.every(func(text string) string { return text + " IS NOT NULL" }), false
	}
	at := fmt.Sprintf("make_timestamp(%d)", m.at.UnixMicro())
	day := ""
	if y := m.at.Year(); y >= 1 && y <= 9999 {
		at = m.at.Format("TIMESTAMP '2006-01-02 15:04:05.999999'")
		day = m.at.Format("DATE '2006-01-02'")
	}
	op, days := ">=", ">="
	if m.before {
		op, days = "<", "<="
	}
	where := fmt.Sprintf("%s %s %s", x.column.Name, op, at)
	if day == "" {
		return where, true
	}
	return fmt.Sprintf("(%s AND %s %s %s)", where, DayColumn, days, day), true
}
