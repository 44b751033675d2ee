// Package sqltext writes text and paths into SQL as DuckDB reads it, so that
// nothing in them can be taken for SQL.
package sqltext

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"cairn/internal/logquery/jsonwalk"
)

// Path writes a path as DuckDB's JSON functions read it, as a string. ok is false
// for a path that they cannot be asked for.
func Path(path jsonwalk.Path) (literal string, ok bool) {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range path {
		switch {
		case s.Array && s.Wildcard:
			b.WriteString("[*]")
		case s.Array:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case s.Wildcard:
			b.WriteString(".*")
		case s.Key == "" || !utf8.ValidString(s.Key) || strings.ContainsFunc(s.Key, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == '\ufffd' }):
			return "", false
		default:
			b.WriteString(`."` + s.Key + `"`)
		}
	}
	return Quote(b.String())
}

// Quote writes text as a string in SQL. ok is false for text that no string in
// the table can be equal to, because it is not UTF-8.
func Quote(text string) (literal string, ok bool) {
	if !utf8.ValidString(text) {
		return "", false
	}
	parts := strings.Split(strings.ReplaceAll(text, "'", "''"), "\x00")
	if len(parts) == 1 {
		return "'" + parts[0] + "'", true
	}
	// A zero byte would end the statement.
	return "('" + strings.Join(parts, "' || chr(0) || '") + "')", true
}

// Like writes literal parts with any text between them as a pattern of LIKE with
// ESCAPE '\'.
func Like(parts [][]byte) (literal string, ok bool) {
	pattern := make([]string, len(parts))
	for i, p := range parts {
		pattern[i] = likeEscape.Replace(string(p))
	}
	return Quote(strings.Join(pattern, "%"))
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// PrefixRange returns the bounds of the texts with a prefix, by which files and
// row groups can be passed over.
func PrefixRange(prefix string) (from, to string, ok bool) {
	if prefix == "" || prefix[len(prefix)-1] >= '~' {
		return "", "", false
	}
	from, ok = Quote(prefix)
	to, ok2 := Quote(prefix[:len(prefix)-1] + string(rune(prefix[len(prefix)-1]+1)))
	return from, to, ok && ok2
}
