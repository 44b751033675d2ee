package part

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cairn/internal/logquery"
	"cairn/internal/logquery/jsonwalk"
)

// splitter takes records apart, one after the other.
type splitter struct {
	values  []jsonwalk.Value // of the columns, in the current record
	members []span           // top-level members of the current record
	record  []byte

	layout, rest []byte
	column       int  // whose value was seen last, -1 if none was
	strict       bool // the record is JSON that every reader takes
}

// span is where a value is in a record.
type span struct {
	kind       jsonwalk.Kind
	start, end int
	column     int // that the first member of this name is for; -1 if none
}

func newSplitter() *splitter {
	return &splitter{values: make([]jsonwalk.Value, len(columns))}
}

// columnTree finds the values of the columns, and then every top-level value.
var columnTree = func() *jsonwalk.Tree {
	list := make([]jsonwalk.Path, 0, len(paths)+1)
	for _, i := range paths {
		p, err := jsonwalk.Parse(columns[i].Path)
		if err != nil {
			panic(err) // a mistake in the table
		}
		list = append(list, p)
	}
	return jsonwalk.NewTree(append(list, jsonwalk.Path{{Wildcard: true}}))
}()

// memberColumns are the columns that hold a top-level member, by its name.
var memberColumns = func() map[string]int {
	m := map[string]int{}
	for _, i := range paths {
		if !strings.Contains(columns[i].Path, ".") {
			m[columns[i].Path] = i
		}
	}
	return m
}()

// topLevel says of columns whether they hold a top-level member.
var topLevel = func() []bool {
	list := make([]bool, len(columns))
	for _, c := range memberColumns {
		list[c] = true
	}
	return list
}()

// Value implements jsonwalk.Visitor. Where a value is follows from its slice's
// capacity, which reaches to the end of the record's.
func (s *splitter) Value(path int, v jsonwalk.Value) bool {
	if path < len(paths) {
		column := paths[path]
		s.values[column] = v
		if topLevel[column] {
			s.column = column // the same value follows as that of a member
		}
		return true
	}
	start := cap(s.record) - cap(v.Raw)
	s.members = append(s.members, span{v.Kind, start, start + len(v.Raw), s.column})
	s.column = -1
	return true
}

// split takes a record apart into s.values, s.layout and s.rest; whole says that
// they do not make the same bytes again.
func (s *splitter) split(record []byte) (whole bool) {
	clear(s.values)
	s.members, s.record, s.column = s.members[:0], record, -1
	s.strict = !mayBeLoose(record) || bytes.Equal(logquery.Strict(record), record)
	s.layout, s.rest = s.layout[:0], s.rest[:0]
	if !columnTree.Walk(record, s) || !s.strict {
		whole = true
	}
	end := 0
	for i, m := range s.members {
		between := record[end:m.start]
		open, last := bytes.IndexByte(between, '"'), bytes.LastIndexByte(between, '"')
		if open != 1 || last != len(between)-2 || (i == 0) != (between[0] == '{') {
			whole = true
		}
		if !s.member(between[open+1:last], m) {
			whole = true
		}
		end = m.end
	}
	if len(s.rest) > 0 {
		s.rest = append(s.rest, '}')
	}
	return whole || len(s.members) == 0 || string(record[end:]) != "}"
}

// mayBeLoose says whether text may need logquery.Strict: it is not UTF-8, or may
// have half of a surrogate pair.
func mayBeLoose(record []byte) bool {
	for rest := record; ; {
		i := bytes.Index(rest, []byte(`\u`))
		if i < 0 {
			return !utf8.Valid(record)
		}
		if rest = rest[i+2:]; len(rest) > 0 && rest[0]|0x20 == 'd' {
			return true
		}
	}
}

// member adds one top-level member to the layout, and to the rest unless its
// column gives it back; described is false if the layout cannot make its bytes
// again.
func (s *splitter) member(name []byte, m span) (described bool) {
	if len(s.layout) > 0 {
		s.layout = append(s.layout, ',')
	}
	value := s.record[m.start:m.end]
	c := m.column
	if c < 0 {
		if repeats(name) {
			return false // of members with one name only the first counts
		}
	} else if givenBack(columns[c].Type, m.kind, value) {
		s.layout = append(s.layout, columns[c].Path...)
		return string(name) == columns[c].Path && (m.kind != jsonwalk.String || columns[c].Type != logquery.TextColumn || canonical(value))
	}
	s.layout = append(s.layout, '*')
	if len(s.rest) == 0 {
		s.rest = append(s.rest, '{')
	} else {
		s.rest = append(s.rest, ',')
	}
	if !s.strict {
		name, value = logquery.Strict(name), logquery.Strict(value)
	}
	s.rest = append(append(append(s.rest, '"'), name...), `":`...)
	s.rest = append(s.rest, value...)
	return true
}

// repeats says whether a member is not the first one of a column's name.
func repeats(name []byte) bool {
	if bytes.IndexByte(name, '\\') >= 0 {
		name = jsonwalk.Unquote(slices.Concat([]byte{'"'}, name, []byte{'"'}))
	}
	_, ok := memberColumns[string(name)]
	return ok
}

// givenBack says whether a value is one that its column gives back, as
// logquery.RestColumn says it.
func givenBack(t logquery.Type, value jsonwalk.Kind, raw []byte) bool {
	switch t {
	case logquery.TextColumn:
		return value == jsonwalk.String
	case logquery.BoolColumn:
		return value == jsonwalk.True || value == jsonwalk.False
	case logquery.TimeColumn:
		_, ok := plainTime(raw)
		return ok
	case logquery.JSONColumn:
	}
	return true
}

// canonical says whether a string is written as quote writes it.
func canonical(raw []byte) bool {
	return bytes.IndexByte(raw, '\\') < 0 || bytes.Equal(quote(nil, jsonwalk.Unquote(raw)), raw)
}

// quote appends text as a JSON string with the escapes it needs, in the form
// most writers give them.
func quote(dst, text []byte) []byte {
	dst = append(dst, '"')
	if !slices.ContainsFunc(text, escaped) {
		return append(append(dst, text...), '"')
	}
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// escaped says whether a byte is not written as it is.
func escaped(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// parseTime returns the event time of a JSON string such as
// "2026-05-20T12:00:00Z", in microseconds since 1970; ok is false if it is none.
func parseTime(raw []byte) (us int64, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return NoTime, false
	}
	if us, ok := plainTime(raw); ok {
		return us, true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return NoTime, false
	}
	t, ok := logquery.ParseTime([]byte(s))
	if !ok {
		return NoTime, false
	}
	return t.UnixMicro(), true
}

// plainTime parses "2006-01-02T15:04:05Z", in quotes.
func plainTime(raw []byte) (us int64, ok bool) {
	const form = `"dddd-dd-ddTdd:dd:ddZ"`
	if len(raw) != len(form) {
		return 0, false
	}
	for i := range len(form) {
		if c := raw[i]; form[i] == 'd' && (c < '0' || c > '9') || form[i] != 'd' && c != form[i] {
			return 0, false
		}
	}
	two := func(i int) int { return int(raw[i]-'0')*10 + int(raw[i+1]-'0') }
	month, day, hour, minute, second := two(6), two(9), two(12), two(15), two(18)
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(two(1)*100+two(3), time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t.UnixMicro(), t.Day() == day
}

func quoteTime(dst []byte, us int64) []byte {
	return time.UnixMicro(us).UTC().AppendFormat(dst, `"2006-01-02T15:04:05Z"`)
}
