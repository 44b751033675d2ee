package index

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// maxGroups is how many groups are kept unless asked otherwise, as in package
// scan.
const maxGroups = 1_000_000

// Count counts the records that are chosen, as [scan.Count] does with the log
// files. The query's Newest and Limit mean nothing to it. DuckDB counts if its
// columns say the same as the records; else the records are read and counted.
func (x *Index) Count(ctx context.Context, q Query, by scan.Grouping) (*scan.Counts, error) {
	q.Limit = 0
	parts := slices.DeleteFunc(x.log.sorted(), func(p *partInfo) bool { return !(&search{q: q}).overlaps(p.First, p.Last) })
	if len(parts) == 0 {
		return &scan.Counts{}, nil
	}
	if query, ok := x.countSQL(parts, q, by); ok {
		return x.countBySQL(ctx, query, by)
	}
	counts, report, err := scan.Count(ctx, &byDay{index: x, q: q, parts: parts}, scan.Query{}, by)
	if err == nil && len(report.Damaged) > 0 {
		err = fmt.Errorf("read the records of %s in index %s: %w", report.Damaged[0].File.Key, x.dir, report.Damaged[0].Err)
	}
	return counts, err
}

// countSQL returns the query that counts; ok is false if the columns cannot
// tell.
func (x *Index) countSQL(parts []*partInfo, q Query, by scan.Grouping) (query string, ok bool) {
	where := "TRUE"
	if q.Where != nil {
		var exact bool
		if where, exact = q.Where.SQL(); !exact {
			return "", false
		}
	}
	if by.Every%time.Microsecond != 0 || len(q.Except) > 0 {
		return "", false
	}
	values := []string{}
	if by.Every > 0 {
		// Time is rounded down from the year 1 on, as time.Time.Truncate does.
		every, year1 := strconv.FormatInt(by.Every.Microseconds(), 10), "62135596800000000"
		values = append(values, "coalesce((epoch_us(event_time) + "+year1+") // "+every+" * "+every+" - "+year1+", 0)")
	}
	for _, path := range by.By {
		v, ok := columnText(path, parts)
		if !ok {
			return "", false
		}
		values = append(values, v)
	}
	paths := make([]string, len(parts))
	for i, p := range parts {
		paths[i] = x.parquetPath(p)
	}
	group := ""
	if len(values) > 0 {
		group = " GROUP BY ALL"
	}
	return "SELECT " + strings.Join(append(values, "count(*)"), ", ") + " FROM " + readParquet(paths, "union_by_name = false") +
		" WHERE " + where + timeCondition(q) + exactTime(q) + group, true
}

// exactTime leaves out records without a time from windows with a bound.
func exactTime(q Query) string {
	if q.From.IsZero() && q.To.IsZero() {
		return ""
	}
	return " AND event_time IS NOT NULL"
}

// columnText is the text of the values at a path, as SQL, NULL if there is none;
// ok is false if no column has it for all records of the parts.
func columnText(path string, parts []*partInfo) (text string, ok bool) {
	columns := logquery.Columns()
	i := slices.IndexFunc(columns, func(c logquery.Column) bool { return c.Path == path })
	if i < 0 || slices.ContainsFunc(parts, func(p *partInfo) bool { return slices.Contains(p.Odd, columns[i].Name) }) {
		return "", false
	}
	switch c := columns[i]; c.Type {
	case logquery.TextColumn:
		return c.Name, true
	case logquery.BoolColumn:
		return "CAST(" + c.Name + " AS VARCHAR)", true
	case logquery.TimeColumn, logquery.JSONColumn:
	}
	return "", false
}

func (x *Index) countBySQL(ctx context.Context, query string, by scan.Grouping) (_ *scan.Counts, err error) {
	db, err := x.duck(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("count by DuckDB: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	counts := &scan.Counts{}
	nulls := map[string]int{} // groups with values that are NULL, or empty
	for rows.Next() {
		g, empty, err := scanGroup(rows, by)
		if err != nil {
			return nil, fmt.Errorf("count by DuckDB: %w", err)
		}
		if g.Count == 0 {
			continue
		}
		if empty {
			key := fmt.Sprint(g.Time.Unix(), len(g.Values)) + strings.Join(g.Values, "\x00")
			if i, ok := nulls[key]; ok {
				counts.Groups[i].Count += g.Count
				continue
			}
			nulls[key] = len(counts.Groups)
		}
		counts.Groups = append(counts.Groups, g)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count by DuckDB: %w", err)
	}
	slices.SortFunc(counts.Groups, func(a, b scan.Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Time.Compare(b.Time), slices.Compare(a.Values, b.Values))
	})
	if most := cmp.Or(by.MaxGroups, maxGroups); len(counts.Groups) > most {
		for _, g := range counts.Groups[most:] {
			counts.Other += g.Count
		}
		counts.Groups = counts.Groups[:most]
	}
	return counts, nil
}

// scanGroup reads a group; NULL is counted as no text is. empty says that there
// may be another row for the same group.
func scanGroup(rows *sql.Rows, by scan.Grouping) (g scan.Group, empty bool, err error) {
	g.Values = make([]string, len(by.By))
	texts := make([]sql.NullString, len(by.By))
	var at int64
	to := []any{}
	if by.Every > 0 {
		to = append(to, &at)
	}
	for i := range texts {
		to = append(to, &texts[i])
	}
	if err := rows.Scan(append(to, &g.Count)...); err != nil {
		return g, false, err
	}
	for i, t := range texts {
		g.Values[i] = t.String
		empty = empty || t.String == ""
	}
	if seconds := time.UnixMicro(at).Unix(); seconds != 0 {
		g.Time = time.Unix(seconds, 0).UTC()
	}
	return g, empty, nil
}

// byDay gives what a query chooses as log files, one a day, so that it can be
// counted like those.
type byDay struct {
	index *Index
	q     Query
	parts []*partInfo
}

var _ scan.Source = (*byDay)(nil)

// List implements scan.Source.
func (d *byDay) List(_ context.Context, _ scan.Window, _ bool, each func(scan.File) error) error {
	last := ""
	for _, p := range d.parts {
		if p.Day == last {
			continue
		}
		last = p.Day
		if err := each(scan.File{Key: p.Day}); err != nil {
			return err
		}
	}
	return nil
}

// Open implements scan.Source.
func (d *byDay) Open(ctx context.Context, f scan.File) (io.ReadCloser, error) {
	parts := slices.DeleteFunc(slices.Clone(d.parts), func(p *partInfo) bool { return p.Day != f.Key })
	r, w := io.Pipe()
	go func() {
		out := bufio.NewWriterSize(w, 1<<18)
		separator := `{"Records":[`
		q := d.q
		q.Workers = 1
		_, err := d.index.search(ctx, q, parts, func(m scan.Match) error {
			_, err := out.WriteString(separator)
			separator = ","
			if err == nil {
				_, err = out.Write(m.Record)
			}
			return err
		})
		if err == nil && separator != "," {
			_, err = out.WriteString(separator)
		}
		if err == nil {
			_, err = out.WriteString("]}")
		}
		w.CloseWithError(cmp.Or(err, out.Flush()))
	}()
	return r, nil
}
