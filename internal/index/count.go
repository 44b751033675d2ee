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

	"cairn/internal/index/part"
	"cairn/internal/index/tally"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// Count counts the records that are chosen, as [scan.Count] does with the log
// files. The query's Newest and Limit mean nothing to it. DuckDB counts if its
// columns say the same as the records; else the records are read and counted.
func (x *Index) Count(ctx context.Context, q Query, by scan.Grouping) (*scan.Counts, error) {
	q.Limit = 0
	parts := slices.DeleteFunc(x.log.sorted(), func(p *partInfo) bool { return !(&search{q: q}).overlaps(p.First, p.Last) })
	sum := &tally.Sum{}
	rest, err := x.addTallied(sum, parts, q, by)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		return sum.Counts(by.Most()), nil
	}
	if query, ok := x.countSQL(rest, q, by); ok {
		if err := x.addBySQL(ctx, sum, query, by, len(rest) == len(parts)); err != nil {
			return nil, fmt.Errorf("count by DuckDB: %w", err)
		}
		return sum.Counts(by.Most()), nil
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
		" WHERE " + where + timeCondition(q) + group, true
}

// columnText is the text of the values at a path, as SQL, NULL if there is none;
// ok is false if no column has it for all records of the parts.
func columnText(path string, parts []*partInfo) (text string, ok bool) {
	c, ok := columnOf(path, parts...)
	if c.Type == logquery.BoolColumn {
		return "CAST(" + c.Name + " AS VARCHAR)", ok
	}
	return c.Name, ok
}

// columnOf is the column that has the text of the values at a path; ok is false
// if there is none, or a part has records whose value is not in it.
func columnOf(path string, parts ...*partInfo) (c logquery.Column, ok bool) {
	columns := logquery.Columns()
	i := slices.IndexFunc(columns, func(c logquery.Column) bool { return c.Path == path })
	if i < 0 {
		return c, false
	}
	c = columns[i]
	odd := slices.ContainsFunc(parts, func(p *partInfo) bool { return slices.Contains(p.Odd, c.Name) })
	return c, !odd && (c.Type == logquery.TextColumn || c.Type == logquery.BoolColumn)
}

// addTallied adds up the parts that have tallies of what is asked, and returns
// the others. A part tells if it is in the window as a whole, and in one step of
// time.
func (x *Index) addTallied(sum *tally.Sum, parts []*partInfo, q Query, by scan.Grouping) (rest []*partInfo, err error) {
	if q.Where != nil || len(q.Except) > 0 || len(by.By) > 1 {
		return parts, nil
	}
	for _, p := range parts {
		at, told := p.within(q, by.Every)
		if told {
			if told, err = x.addTally(sum, p, at, by.By); err != nil {
				return nil, fmt.Errorf("count by the tallies of index %s: %w; delete the index and build it again", x.dir, err)
			}
		}
		if !told {
			rest = append(rest, p)
		}
	}
	return rest, nil
}

// within says whether all records of a part are in the window of a query and,
// if every is not 0, in one step of time, which begins at the time returned.
func (p *partInfo) within(q Query, every time.Duration) (at time.Time, ok bool) {
	if p.First == part.NoTime {
		return at, every == 0 && q.From.IsZero() && q.To.IsZero()
	}
	first, last := time.UnixMicro(p.First).UTC(), time.UnixMicro(p.Last).UTC()
	if !q.From.IsZero() && first.Before(q.From) || !q.To.IsZero() && !last.Before(q.To) {
		return at, false
	}
	if every == 0 {
		return at, true
	}
	at = first.Truncate(every)
	return at, at.Equal(last.Truncate(every)) && at.Unix() != 0 // that would be the step of records without a time
}

// addTally adds up one part; told is false if it has no tally of the column.
func (x *Index) addTally(sum *tally.Sum, p *partInfo, at time.Time, by []string) (told bool, err error) {
	if len(by) == 0 {
		sum.Add(scan.Group{Time: at, Values: []string{}, Count: p.Rows})
		return true, nil
	}
	column, ok := columnOf(by[0], p)
	if !ok || p.Counts == 0 {
		return false, nil
	}
	return tally.Read(countsPath(x.dir, p.Name), column.Name, func(value []byte, count int64) { sum.AddValue(at, value, count) })
}

// addBySQL adds up the groups that a query gives; alone says that there are no
// others.
func (x *Index) addBySQL(ctx context.Context, sum *tally.Sum, query string, by scan.Grouping, alone bool) (err error) {
	db, err := x.duck(ctx)
	if err != nil {
		return err
	}
	rows, err := db.Query(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		g, empty, err := scanGroup(rows, by)
		switch {
		case err != nil:
			return err
		case g.Count == 0:
		case empty || !alone: // NULL and no text are one group
			sum.Add(g)
		default:
			sum.AddOnce(g)
		}
	}
	return rows.Err()
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
