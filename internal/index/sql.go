package index

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cairn/internal/duck"
)

// ask returns those of the targets that have rows for which the condition
// holds, with those rows. DuckDB gives the rows of each file in their order.
func (s *search) ask(ctx context.Context, parts []*openPart, targets []*target) (left []*target, err error) {
	db, err := s.index.duck(ctx)
	if err != nil {
		return nil, err
	}
	byPath := map[string]map[int]*target{}
	var paths []string
	for _, t := range targets {
		if byPath[t.part.path] == nil {
			byPath[t.part.path] = map[int]*target{}
			paths = append(paths, t.part.path)
		}
		byPath[t.part.path][t.page] = t
	}
	rows, err := db.Query(ctx, "SELECT filename, file_row_number FROM "+readParquet(paths, "filename = true, file_row_number = true")+
		" WHERE ("+s.where+")"+timeCondition(s.q))
	if err != nil {
		return nil, fmt.Errorf("ask DuckDB: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	firsts := map[string][]int{}
	for _, p := range parts {
		for _, pg := range p.pages {
			firsts[p.path] = append(firsts[p.path], pg.Row)
		}
	}
	page, last := 0, ""
	for rows.Next() {
		var path string
		var row int
		if err := rows.Scan(&path, &row); err != nil {
			return nil, fmt.Errorf("ask DuckDB: %w", err)
		}
		first := firsts[path]
		if path != last {
			page, last = 0, path
		}
		for page+1 < len(first) && row >= first[page+1] {
			page++
		}
		t := byPath[path][page]
		if t == nil {
			continue
		}
		if t.rows == nil {
			left = append(left, t)
		}
		t.rows = append(t.rows, row-first[page])
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("ask DuckDB: %w", err)
	}
	return left, nil
}

// readParquet is the table of some files, with the columns that conditions are
// about. The day is that of the time, wherever a part is.
func readParquet(paths []string, options string) string {
	return "(SELECT *, CAST(coalesce(event_time, TIMESTAMP 'epoch') AS DATE) AS day FROM read_parquet(" + duck.Quotes(paths) + ", hive_partitioning = false, " + options + "))"
}

// ceilMicro returns the first microsecond that is not before t.
func ceilMicro(t time.Time) int64 {
	us := t.UnixMicro()
	if time.UnixMicro(us).Before(t) {
		us++
	}
	return us
}

// timeCondition is the window of a query, as SQL that follows a condition.
func timeCondition(q Query) string {
	var b strings.Builder
	if !q.From.IsZero() {
		b.WriteString(" AND event_time >= make_timestamp(" + strconv.FormatInt(q.From.UnixMicro(), 10) + ")")
	}
	if !q.To.IsZero() {
		b.WriteString(" AND event_time < make_timestamp(" + strconv.FormatInt(ceilMicro(q.To), 10) + ")")
	}
	return b.String()
}
