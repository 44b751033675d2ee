package logquery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/needle"
	"cairn/internal/logquery/sqltext"
)

// operand is where the events table has the values of a path, as SQL: a column,
// or a path in one that holds JSON. Its expressions may be NULL.
type operand struct {
	column *Column // that holds just this value; nil if none does
	// text is the value's text. If it comes out of JSON (json), it is not always
	// the one Match compares: numbers are written anew, and objects and arrays
	// have a text too.
	text string
	json bool
	// In the JSON column from, where is the path. It has the values; if column
	// is of a top-level member, only those that the column does not give back.
	from, where string
	partly      bool
	// list is whether a wildcard makes the values a list.
	list bool
	// nowhere is whether the table cannot be asked; never, whether no record has
	// such a value.
	nowhere, never bool
}

// stampFormat is how TimeColumns write times as records do.
const stampFormat = "%Y-%m-%dT%H:%M:%SZ"

// locate finds the place of a path.
func locate(path jsonwalk.Path) operand {
	if len(path) == 0 || path[0].Wildcard && !path[0].Array {
		return operand{nowhere: true} // a wildcard over columns
	}
	if path[0].Array {
		return operand{never: true}
	}
	x := operand{from: RestColumn, list: !path.Single()}
	inside := path
	for i := range columns {
		c := &columns[i]
		switch {
		case c.Path == path.String():
			if c.Type != JSONColumn {
				x.column = c
			} else {
				x.from, inside = c.Name, nil
			}
		case c.Path == path[0].Key && c.Type == JSONColumn:
			x.from, inside = c.Name, path[1:]
		}
	}
	var ok bool
	if x.where, ok = sqltext.Path(inside); !ok {
		return operand{nowhere: true}
	}
	x.partly = x.column != nil && len(path) == 1
	x.text, x.json = fmt.Sprintf("json_extract_string(%s, %s)", x.from, x.where), true
	switch {
	case x.column == nil:
	case x.column.Type == TextColumn:
		x.text, x.json = x.column.Name, false
	case x.column.Type == TimeColumn:
		x.text = fmt.Sprintf("coalesce(%s, strftime(%s, '%s'))", x.text, x.column.Name, stampFormat)
	case x.partly: // of a BoolColumn
		x.text = fmt.Sprintf("coalesce(%s, CAST(%s AS VARCHAR))", x.text, x.column.Name)
	}
	return x
}

// test returns the condition that a value at the operand passes a test.
func (x operand) test(t Test) (string, bool) {
	switch {
	case x.never:
		_, ok := t.(notExists)
		if ok {
			return "TRUE", true
		}
		return "FALSE", true
	case x.nowhere:
		return "TRUE", false
	}
	return t.sql(x)
}

// every returns a condition on each of the values: on the only one, or on those
// of a list. make is given the expression of a value's text.
func (x operand) every(make func(text string) string) string {
	if !x.list {
		return make(x.text)
	}
	return fmt.Sprintf("len(list_filter(%s, lambda v: %s)) > 0", x.text, make("v"))
}

// kind is the type of the JSON value: VARCHAR, BOOLEAN, NULL, OBJECT, ARRAY, or
// of a number. For a list it is a list.
func (x operand) kind() string { return fmt.Sprintf("json_type(%s, %s)", x.from, x.where) }

// orNumber adds to a condition on text that comes out of JSON that the value
// may be a number, which JSON can write in other ways.
func (x operand) orNumber(where string) string {
	switch {
	case !x.json:
		return where
	case x.list:
		return fmt.Sprintf("(%s OR list_has_any(%s, ['UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE']))", where, x.kind())
	}
	return fmt.Sprintf("(%s OR %s NOT IN ('VARCHAR', 'BOOLEAN', 'NULL', 'OBJECT', 'ARRAY'))", where, x.kind())
}

// ofType is the condition that the value is null, true or false.
func (x operand) ofType(kind, text string) (string, bool) {
	where := fmt.Sprintf("%s = '%s'", x.kind(), kind)
	switch {
	case x.list:
		return fmt.Sprintf("list_contains(%s, '%s')", x.kind(), kind), text == ""
	case text == "":
		return where, true
	case x.partly && x.column.Type == BoolColumn:
		is := x.column.Name
		if text == "false" {
			is = "NOT " + is
		}
		return fmt.Sprintf("(%s AND %s IS NULL)", is, x.kind()), true
	}
	return fmt.Sprintf("(%s AND json_extract_string(%s, %s) = '%s')", where, x.from, x.where, text), true
}

// exists is the condition that there is a value.
func (x operand) exists() (string, bool) {
	switch {
	case x.list:
		return fmt.Sprintf("len(%s) > 0", x.kind()), true
	case x.partly:
		return fmt.Sprintf("(%s IS NOT NULL OR %s IS NOT NULL)", x.column.Name, x.kind()), true
	}
	return x.kind() + " IS NOT NULL", true
}

// number is a condition that is true of numbers that compare so, and maybe of
// others.
func (x operand) number(op string, n float64) string {
	if x.column != nil && x.column.Type != TextColumn {
		return x.kind() + " IS NOT NULL"
	}
	return x.every(func(text string) string {
		return fmt.Sprintf("TRY_CAST(%s AS DOUBLE) %s CAST('%s' AS DOUBLE)", text, op, strconv.FormatFloat(n, 'e', -1, 64))
	})
}

// contains is a condition that is true of values that have the literals, and
// maybe of others.
func (x operand) contains(all needle.Literals) string {
	return x.orNumber(x.every(func(text string) string {
		terms := []string{text + " IS NOT NULL"}
		for _, alternatives := range all {
			var or []string
			for _, a := range alternatives {
				if q, ok := sqltext.Quote(a.Text); ok && !strings.Contains(a.Text, "\ufffd") {
					or = append(or, fmt.Sprintf("contains(%s, %s)", text, q))
				}
			}
			if len(or) == len(alternatives) {
				terms = append(terms, "("+strings.Join(or, " OR ")+")")
			}
		}
		return "(" + strings.Join(terms, " AND ") + ")"
	}))
}

// sql returns the condition that a value's text matches the glob, or, with
// negate, that it has a text that does not.
func (g *glob) sql(x operand, negate bool) (string, bool) {
	if where, ok := g.boolSQL(x, negate); ok {
		return where, true
	}
	where := x.every(func(text string) string { return g.textSQL(text, negate) })
	if !x.json {
		return where, true
	}
	if g.fits("0123456789+-.eE") {
		return x.orNumber(where), false
	}
	if negate {
		if x.list {
			return where, false
		}
		return fmt.Sprintf("(%s AND %s IS DISTINCT FROM 'OBJECT' AND %s IS DISTINCT FROM 'ARRAY')", where, x.kind(), x.kind()), true
	}
	// Not exact if the text of an object or array might match.
	first, last := g.parts[0], g.parts[len(g.parts)-1]
	scalar := len(first) > 0 && first[0] != '{' && first[0] != '[' || len(last) > 0 && last[len(last)-1] != '}' && last[len(last)-1] != ']'
	return where, scalar
}

// boolSQL is the condition on a BoolColumn that it is the glob's one text.
func (g *glob) boolSQL(x operand, negate bool) (string, bool) {
	if x.column == nil || x.column.Type != BoolColumn || negate || len(g.parts) > 1 {
		return "", false
	}
	switch string(g.parts[0]) {
	case "true":
		return x.column.Name, true
	case "false":
		return "NOT " + x.column.Name, true
	}
	return "", false
}

// fits reports whether the glob's text has only these characters.
func (g *glob) fits(characters string) bool {
	return !slices.ContainsFunc(g.parts, func(p []byte) bool { return strings.Trim(string(p), characters) != "" })
}

// textSQL is the condition on an expression that is a text or NULL.
func (g *glob) textSQL(text string, negate bool) string {
	if len(g.parts) == 1 {
		q, ok := sqltext.Quote(string(g.parts[0]))
		switch {
		case !ok && negate:
			return text + " IS NOT NULL"
		case !ok:
			return "FALSE"
		case negate:
			return text + " <> " + q
		}
		return text + " = " + q
	}
	q, ok := sqltext.Like(g.parts)
	all := g.fits("")
	switch {
	case all && negate:
		return "FALSE"
	case all || !ok && negate:
		return text + " IS NOT NULL"
	case !ok:
		return "FALSE"
	case negate:
		return fmt.Sprintf(`%s NOT LIKE %s ESCAPE '\'`, text, q)
	}
	like := fmt.Sprintf(`%s LIKE %s ESCAPE '\'`, text, q)
	if from, to, ok := sqltext.PrefixRange(string(g.parts[0])); ok {
		like = fmt.Sprintf("(%s AND %s >= %s AND %s < %s)", like, text, from, text, to)
	}
	return like
}
