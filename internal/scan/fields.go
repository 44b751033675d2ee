package scan

import (
	"fmt"
	"time"

	"cairn/internal/logquery/jsonwalk"
)

// fields takes a few values out of records, in one walk each that ends with the
// last of them.
type fields struct {
	tree   *jsonwalk.Tree
	number []int // of each path of the tree
	values []jsonwalk.Value
}

// The numbers of fields; those counted by follow.
const (
	eventTime = iota
	eventID
	countedBy
)

var fixed = map[int]jsonwalk.Path{eventTime: {{Key: "eventTime"}}, eventID: {{Key: "eventID"}}}

// newFields returns some of the first fields, and those of paths.
func newFields(paths []string, some ...int) (*fields, error) {
	f := &fields{number: some, values: make([]jsonwalk.Value, countedBy+len(paths))}
	var list []jsonwalk.Path
	for _, n := range some {
		list = append(list, fixed[n])
	}
	for i, text := range paths {
		p, err := jsonwalk.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("count by: %w", err)
		}
		list = append(list, p)
		f.number = append(f.number, countedBy+i)
	}
	f.tree = jsonwalk.NewTree(list)
	return f, nil
}

// find walks over a record.
func (f *fields) find(record []byte) {
	clear(f.values)
	f.tree.Find(record, f)
}

// Value implements [jsonwalk.Visitor].
func (f *fields) Value(path int, v jsonwalk.Value) bool {
	if at := &f.values[f.number[path]]; at.Kind == jsonwalk.Absent {
		*at = v
	}
	return true
}

// time returns the event time; zero if there is none.
func (f *fields) time() time.Time {
	v := &f.values[eventTime]
	if v.Kind != jsonwalk.String {
		return time.Time{}
	}
	text, _ := v.Text()
	if t, ok := plainTime(text); ok {
		return t
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// plainTime reads 2006-01-02T15:04:05Z, as all but a few records write it.
func plainTime(b []byte) (time.Time, bool) {
	const form = "0000-00-00T00:00:00Z"
	if len(b) != len(form) {
		return time.Time{}, false
	}
	var n [len(form)]int
	for i, c := range b {
		n[i] = int(c - '0')
		if form[i] == '0' && (c < '0' || c > '9') || form[i] != '0' && c != form[i] {
			return time.Time{}, false
		}
	}
	two := func(i int) int { return 10*n[i] + n[i+1] }
	month, day, hour, minute, second := two(5), two(8), two(11), two(14), two(17)
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(100*two(0)+two(2), time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day // there is no 30 February
}

// text appends a value as text: a string decoded, objects and lists as their
// JSON, nothing for null or no value.
func (f *fields) text(dst []byte, field int) []byte {
	v := &f.values[field]
	if text, ok := v.Text(); ok {
		return append(dst, text...)
	}
	if v.Kind == jsonwalk.Object || v.Kind == jsonwalk.Array {
		return append(dst, v.Raw...)
	}
	return dst
}
