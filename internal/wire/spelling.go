package wire

import (
	"strconv"
	"time"
)

// Spelling says how records write the members of a service's inputs and
// outputs (spec 2.5). The zero value writes every member that is set, in
// struct order, under its wire name with a lower-case first letter. Keys are
// "Type.Field" of the SDK unless said otherwise.
type Spelling struct {
	// Names replaces a member's name; the key may also be just "Field".
	Names map[string]string
	// Order gives, by type, the fields that come first; the others follow in
	// struct order.
	Order map[string][]string
	// Omit leaves a member out: secrets, and what AWS does not record.
	Omit map[string]bool
	// Hide writes this text in place of a member that is set.
	Hide map[string]string
	// Times is how times are written.
	Times TimeStyle
	// Items writes lists as {"items":[...]} (EC2), and empty ones as {}.
	Items bool
	// Lists replaces "items" for one list; "" writes a plain array.
	Lists map[string]string
	// Wrap makes each element of a list of plain values an object with this one
	// member.
	Wrap map[string]string
	// Nest gathers neighbouring members of a struct into a list of one object
	// with this name.
	Nest map[string]string
	// Always writes a member that is not set as false, 0, {} or an empty list,
	// as some services record defaults. A plain bool or number of an *Input* is
	// otherwise taken for unset when it is zero.
	Always map[string]bool
	// Sparse leaves a member out that is set to its zero value, where the answer
	// holds an empty element and records hold nothing (EC2).
	Sparse map[string]bool
}

// TimeStyle is a way to write times in records, always in UTC.
type TimeStyle int

// The ways records write times (spec 2.5).
const (
	TimeISO    TimeStyle = iota // "2006-01-02T15:04:05Z"
	TimeIAM                     // "Jan 2, 2006 3:04:05 PM"
	TimeSTS                     // "Jan 2, 2006, 3:04:05 PM"
	TimeMillis                  // milliseconds since 1970, a number (EC2)
)

// append writes t as a JSON value.
func (s TimeStyle) append(dst []byte, t time.Time) []byte {
	t = t.UTC()
	form := "2006-01-02T15:04:05Z"
	switch s {
	case TimeMillis:
		return strconv.AppendInt(dst, t.UnixMilli(), 10)
	case TimeIAM:
		form = "Jan 2, 2006 3:04:05 PM"
	case TimeSTS:
		form = "Jan 2, 2006, 3:04:05 PM"
	case TimeISO:
	}
	dst = append(dst, '"')
	dst = t.AppendFormat(dst, form)
	return append(dst, '"')
}
