package index

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cairn/internal/duck"
	"cairn/internal/index/ddl"
)

// OpenSQL opens a locked database with a view named events: the index's records,
// with the documented columns (logquery.Columns, but those that only put records
// together again) and day. Only events of the window are in it, which may have no bounds.
func (x *Index) OpenSQL(ctx context.Context, o duck.Options, from, to time.Time) (*duck.DB, error) {
	o.Files = x.Parts()
	var columns []string
	for _, c := range ddl.Columns() {
		columns = append(columns, c.Name)
	}
	table := readParquet(o.Files, "union_by_name = false")
	if len(o.Files) == 0 {
		table = "(" + ddl.NoEvents() + ")"
	}
	o.Setup = []string{"CREATE VIEW events AS SELECT " + strings.Join(columns, ", ") + " FROM " + table + " WHERE TRUE" + timeCondition(Query{From: from, To: to})}
	db, err := duck.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open index %s for SQL: %w", x.dir, err)
	}
	return db, nil
}
