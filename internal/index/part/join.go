package part

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"

	"cairn/internal/logquery"
	"cairn/internal/logquery/jsonwalk"
)

// token is one member of a layout.
type token struct {
	column int // -1 for the next member of rest
	name   string
}

// joiner puts records together again.
type joiner struct {
	layouts map[string][]token
	rest    memberEnds
}

func newJoiner() *joiner { return &joiner{layouts: map[string][]token{}} }

// join appends the record of a row. value gives the row's columns.
func (j *joiner) join(dst []byte, value func(column int) parquet.Value) ([]byte, error) {
	if v := value(recordColumn); !v.IsNull() {
		if encoded, ok := bytes.CutPrefix(v.ByteArray(), []byte(encodedPrefix)); ok {
			return base64.StdEncoding.AppendDecode(dst, encoded)
		}
		return append(dst, v.ByteArray()...), nil
	}
	tokens, err := j.tokens(value(layoutColumn))
	if err != nil {
		return dst, err
	}
	members := j.restMembers(value(restColumn))
	dst = append(dst, '{')
	for i, t := range tokens {
		if i > 0 {
			dst = append(dst, ',')
		}
		if t.column < 0 {
			if len(members) == 0 {
				return dst, fmt.Errorf("column rest has fewer members than the layout says")
			}
			dst, members = append(dst, members[0]...), members[1:]
			continue
		}
		dst = append(append(append(dst, '"'), t.name...), `":`...)
		if dst, err = appendCell(dst, t.column, value(t.column)); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendCell(dst []byte, column int, v parquet.Value) ([]byte, error) {
	c := columns[column]
	if v.IsNull() {
		return dst, fmt.Errorf("column %s has no value and the layout says it has", c.Name)
	}
	switch c.Type {
	case logquery.TextColumn:
		return quote(dst, v.ByteArray()), nil
	case logquery.BoolColumn:
		if v.Boolean() {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	case logquery.TimeColumn:
		return quoteTime(dst, v.Int64()), nil
	case logquery.JSONColumn:
	}
	return append(dst, v.ByteArray()...), nil
}

// maxLayouts bounds how many parsed layouts are kept: a trail has a few dozen.
const maxLayouts = 10_000

func (j *joiner) tokens(v parquet.Value) ([]token, error) {
	if v.IsNull() {
		return nil, fmt.Errorf("column layout has no value")
	}
	if t, ok := j.layouts[string(v.ByteArray())]; ok {
		return t, nil
	}
	var tokens []token
	for name := range strings.SplitSeq(string(v.ByteArray()), ",") {
		if name == "*" {
			tokens = append(tokens, token{column: -1})
			continue
		}
		c, ok := memberColumns[name]
		if !ok {
			return nil, fmt.Errorf("column layout names %q, which no column holds", name)
		}
		tokens = append(tokens, token{c, name})
	}
	if len(j.layouts) >= maxLayouts {
		clear(j.layouts)
	}
	j.layouts[string(v.ByteArray())] = tokens
	return tokens, nil
}

// everyMember finds all members of an object.
var everyMember = jsonwalk.NewTree([]jsonwalk.Path{{{Wildcard: true}}})

// memberEnds is told where the members of an object end.
type memberEnds struct {
	object []byte
	ends   []int
}

// Value implements jsonwalk.Visitor.
func (m *memberEnds) Value(_ int, v jsonwalk.Value) bool {
	m.ends = append(m.ends, cap(m.object)-cap(v.Raw)+len(v.Raw))
	return true
}

// restMembers returns the members of rest, each with its name.
func (j *joiner) restMembers(v parquet.Value) (members [][]byte) {
	if v.IsNull() {
		return nil
	}
	rest := v.ByteArray()
	j.rest.object, j.rest.ends = rest, j.rest.ends[:0]
	everyMember.Walk(rest, &j.rest)
	start := 0
	for _, end := range j.rest.ends {
		members = append(members, rest[start+1:end])
		start = end
	}
	return members
}
