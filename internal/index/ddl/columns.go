package ddl

import (
	"strings"

	"cairn/internal/logquery"
)

// Column is a column of the table events as cairn sql shows it.
type Column struct {
	logquery.Column
	sql string // its type, if not that of the column
}

// SQL returns the name of its type in DuckDB.
func (c Column) SQL() string {
	if c.sql != "" {
		return c.sql
	}
	return c.Type.SQL()
}

// Columns are the columns of the table events: those of the files, but the ones
// that only put records together again, and the day.
func Columns() []Column {
	var list []Column
	for _, c := range logquery.Columns() {
		if c.Name != logquery.LayoutColumn && c.Name != logquery.RecordColumn {
			list = append(list, Column{Column: c})
		}
	}
	return append(list, Column{Column: logquery.Column{Name: logquery.DayColumn, About: "the UTC day of event_time"}, sql: "DATE"})
}

// NoEvents is the table without rows, as a query of DuckDB.
func NoEvents() string {
	var list []string
	for _, c := range logquery.Columns() {
		list = append(list, "CAST(NULL AS "+c.Type.SQL()+") AS "+c.Name)
	}
	return "SELECT " + strings.Join(list, ", ") + ", DATE 'epoch' AS day WHERE false"
}
