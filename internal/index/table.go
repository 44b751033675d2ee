package index

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cairn/internal/duck"
	"cairn/internal/logquery"
)

// OpenSQL opens a locked database with a view named events: the index's records,
// with the documented columns (logquery.Columns, but those that only put records
// together again) and day. Only events of the window are in it, which may have no bounds.
func (x *Index) OpenSQL(ctx context.Context, o duck.Options, from, to time.Time) (*duck.DB, error) {
	o.Files = x.Parts()
	var columns []string
	for _, c := range SQLColumns() {
		columns = append(columns, c.Name)
	}
	table := readParquet(o.Files, "union_by_name = false")
	if len(o.Files) == 0 {
		table = "(" + noEvents() + ")"
	}
	o.Setup = []string{"CREATE VIEW events AS SELECT " + strings.Join(columns, ", ") + " FROM " + table + " WHERE TRUE" + timeCondition(Query{From: from, To: to})}
	db, err := duck.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open index %s for SQL: %w", x.dir, err)
	}
	return db, nil
}

// SQLColumn is a column of the table events in SQL.
type SQLColumn struct {
	logquery.Column
	sql string // its type, if not that of the column
}

// SQL returns the name of its type.
func (c SQLColumn) SQL() string {
	if c.sql != "" {
		return c.sql
	}
	return c.Type.SQL()
}

// SQLColumns are the columns of the table events in SQL.
func SQLColumns() []SQLColumn {
	var list []SQLColumn
	for _, c := range logquery.Columns() {
		if c.Name != logquery.LayoutColumn && c.Name != logquery.RecordColumn {
			list = append(list, SQLColumn{Column: c})
		}
	}
	return append(list, SQLColumn{Column: logquery.Column{Name: logquery.DayColumn, About: "the UTC day of event_time"}, sql: "DATE"})
}

// noEvents is a table without rows.
func noEvents() string {
	var list []string
	for _, c := range logquery.Columns() {
		list = append(list, "CAST(NULL AS "+c.Type.SQL()+") AS "+c.Name)
	}
	return "SELECT " + strings.Join(list, ", ") + ", DATE 'epoch' AS day WHERE false"
}
