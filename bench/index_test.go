//go:build bench

package bench

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/bench/corpus"
	"cairn/internal/index"
	"cairn/internal/index/home"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// BenchmarkIndex builds an index of log files, and compares with DuckDB's own
// conversion of the same files to Parquet: how fast, how large, and how long
// questions take on the one and on the other.
func BenchmarkIndex(b *testing.B) {
	dir, o := b.TempDir(), corpus.Large(corpusRecords(b))
	sum, err := corpus.Write(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	ours, theirs := filepath.Join(b.TempDir(), "index"), filepath.Join(b.TempDir(), "duckdb")
	src, err := scan.Open(b.Context(), dir, scan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var building, converting, again times
		command := cairn(b, "index", dir, "--to", ours)
		building.took(command.wall, command.cpu)
		converting.add(func() { convert(b, dir, theirs) })
		identity, err := home.Identity(dir, os.Getenv)
		if err != nil {
			b.Fatal(err)
		}
		again.add(func() {
			if _, err := index.Build(b.Context(), src, ours, index.Options{Source: identity}); err != nil {
				b.Fatal(err)
			}
		})
		x, err := index.Open(ours)
		if err != nil {
			b.Fatal(err)
		}
		st := x.Stats()
		if st.Records != int64(sum.Records) {
			b.Fatalf("the index has %d records of %d", st.Records, sum.Records)
		}
		n := float64(sum.Records)
		b.Logf("%d records in %d files, %.0f MB: cairn index %.1f s, %.0f records/s, %.1f µs of CPU each, %.1f MB in %d parts, again %.2f s, %d MiB of memory; DuckDB %.1f s, %.0f records/s, %.1f µs of CPU each, %.1f MB",
			sum.Records, sum.Files, float64(sum.Compressed)/1e6, building.wall.Seconds(), n/building.wall.Seconds(), building.cpu.Seconds()*1e6/n,
			float64(st.Stored)/1e6, st.Parts, again.wall.Seconds(), command.peak>>20,
			converting.wall.Seconds(), n/converting.wall.Seconds(), converting.cpu.Seconds()*1e6/n, float64(folderSize(b, theirs))/1e6)
		t := targets{b}
		t.atLeast("cairn index: DuckDB's own conversion / it", ratio(converting.wall, building.wall), 1, "wall")
		t.atLeast("cairn index: DuckDB's own conversion / it", ratio(converting.cpu, building.cpu), 1, "CPU")
		t.atMost("cairn index: size / gzip files", float64(st.Stored)/float64(sum.Compressed), 1, "bytes")
		b.ReportMetric(n/building.wall.Seconds(), "records/s")
		b.ReportMetric(ratio(converting.wall, building.wall), "times-DuckDB's-conversion")
		b.ReportMetric(ratio(converting.cpu, building.cpu), "times-DuckDB's-conversion-by-CPU")
		b.ReportMetric(float64(st.Stored)/float64(sum.Compressed), "of-gzip-size")
		askIndex(b, x, theirs, sum)
	}
}

// indexQuestion is what is asked of an index, and in SQL of DuckDB's files.
type indexQuestion struct {
	name  string
	where logquery.Expr
	day   time.Time // of this day only
	sql   string
	want  int64
	text  bool // it is about text anywhere
}

func indexQuestions(sum corpus.Summary) []indexQuestion {
	day := corpus.Start.AddDate(0, 0, 19)
	everywhere := "contains(concat_ws(' ', event_source, event_name, aws_region, source_ip_address, user_agent, error_code, error_message, request_id, event_id, " +
		"user_arn, user_identity, request_parameters, response_elements, additional_event_data, resources), '" + corpus.RareIP + "')"
	return []indexQuestion{
		{"rare user", logquery.Field("userIdentity.arn", logquery.Equal(corpus.RareUser)), time.Time{}, "SELECT * FROM t WHERE user_arn = '" + corpus.RareUser + "'", int64(sum.RareUser), false},
		{"rare address", logquery.Field("sourceIPAddress", logquery.Equal(corpus.RareIP)), time.Time{}, "SELECT * FROM t WHERE source_ip_address = '" + corpus.RareIP + "'", int64(sum.RareIP), false},
		{"denied on a day", logquery.Field("errorCode", logquery.Equal("AccessDenied")), day, "SELECT * FROM t WHERE error_code = 'AccessDenied' AND day = DATE '" + day.Format(time.DateOnly) + "'", -1, false},
		{"address as text", logquery.Text(corpus.RareIP), time.Time{}, "SELECT * FROM t WHERE " + everywhere, int64(sum.RareIP), true},
		{"count by event", nil, time.Time{}, "SELECT event_name, count(*) FROM t GROUP BY 1", -1, false},
	}
}

// askIndex asks both and prints the times beside each other.
func askIndex(b *testing.B, x *index.Index, theirs string, sum corpus.Summary) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(b.Context(), "CREATE VIEW t AS FROM read_parquet('"+theirs+"/*/*.parquet', hive_partitioning = true)"); err != nil {
		b.Fatal(err)
	}
	for _, q := range indexQuestions(sum) {
		var our, their times
		var n, m int64
		for range 5 { // by turns: the machine may have something else to do
			our.add(func() { n = q.ask(b, x) })
			their.add(func() { m = countRows(b, db, q.sql) })
		}
		if n != m || q.want >= 0 && n != q.want {
			b.Fatalf("%s: the index says %d, DuckDB %d, made were %d", q.name, n, m, q.want)
		}
		b.Logf("%s: %d, index %.1f ms (CPU %.1f), DuckDB on its files %.1f ms (CPU %.1f): %.2f of its time, %.2f by CPU", q.name, n,
			our.wall.Seconds()*1000, our.cpu.Seconds()*1000, their.wall.Seconds()*1000, their.cpu.Seconds()*1000, ratio(our.wall, their.wall), ratio(our.cpu, their.cpu))
		wall, cpu := our.over(&their)
		if t := (targets{b}); q.text {
			t.atLeast("index, "+q.name+": DuckDB on its files / index", 1/wall, 4, "wall")
		} else {
			t.atMost("index, "+q.name+": index / DuckDB on its files", wall, 1.2, "wall")
			t.atMost("index, "+q.name+": index / DuckDB on its files", cpu, 1.2, "CPU")
		}
		b.ReportMetric(wall, strings.ReplaceAll(q.name, " ", "-")+"-x-DuckDB")
	}
}

// ask asks the index; a count has as many answers as groups.
func (q *indexQuestion) ask(b *testing.B, x *index.Index) int64 {
	if q.where == nil {
		counts, err := x.Count(b.Context(), index.Query{}, scan.Grouping{By: []string{"eventName"}})
		if err != nil {
			b.Fatal(err)
		}
		return int64(len(counts.Groups))
	}
	iq := index.Query{Where: logquery.Compile(q.where)}
	if !q.day.IsZero() {
		iq.From, iq.To = q.day, q.day.AddDate(0, 0, 1)
	}
	found, err := x.Search(b.Context(), iq, func(scan.Match) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	return found.Matches
}

func countRows(b *testing.B, db *sql.DB, query string) (n int64) {
	rows, err := db.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}

// convert lets DuckDB write Parquet, a folder a day, with the columns one would
// make by hand.
func convert(b *testing.B, dir, to string) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var fields, columns []string
	for _, c := range logquery.Columns() {
		switch {
		case c.Path == "":
		case strings.Contains(c.Path, "."):
			path := strings.TrimPrefix(c.Path, "userIdentity")
			columns = append(columns, fmt.Sprintf("CAST(r.userIdentity->>'$%s' AS %s) AS %s", path, c.Type.SQL(), c.Name))
		case c.Type == logquery.JSONColumn:
			fields = append(fields, `"`+c.Path+`" JSON`)
			columns = append(columns, fmt.Sprintf(`r."%s" AS %s`, c.Path, c.Name))
		default:
			fields = append(fields, `"`+c.Path+`" VARCHAR`)
			columns = append(columns, fmt.Sprintf(`CAST(r."%s" AS %s) AS %s`, c.Path, c.Type.SQL(), c.Name))
		}
	}
	if _, err := db.ExecContext(b.Context(), fmt.Sprintf(`COPY (SELECT %s, CAST(r.eventTime[:10] AS DATE) AS day FROM
		(SELECT unnest(Records) AS r FROM read_json('%s/**/*.json.gz', columns = {Records: 'STRUCT(%s)[]'}, maximum_object_size = 100000000)))
		TO '%s' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day), OVERWRITE)`,
		strings.Join(columns, ", "), dir, strings.ReplaceAll(strings.Join(fields, ", "), "'", "''"), to)); err != nil {
		b.Fatal(err)
	}
}

func folderSize(b *testing.B, dir string) (size int64) {
	if err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return size
}
