package index

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"cairn/internal/duck"
	"cairn/internal/index/ddl"
	"cairn/internal/logquery"
)

// fileColumn is a column as DuckDB reads it from a Parquet file.
type fileColumn struct {
	name, kind string
}

// fileColumns reads the columns of a Parquet file: what is written there, not
// what they become in DuckDB.
func fileColumns(t *testing.T, db *duck.DB, path string) (columns []fileColumn) {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT name, type, repetition_type, coalesce(converted_type, ''), coalesce(logical_type, '')
		FROM parquet_schema(`+duck.Quote(path)+`) WHERE num_children IS NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, physical, repetition, converted, logical string
		if err := rows.Scan(&name, &physical, &repetition, &converted, &logical); err != nil {
			t.Fatal(err)
		}
		kind := physical + " " + converted + " " + logical
		switch {
		case repetition != "OPTIONAL":
			kind = repetition
		case physical == "BOOLEAN":
			kind = "boolean"
		case physical == "INT64" && strings.Contains(logical, "isAdjustedToUTC=0") && strings.Contains(logical, "MICROS=MicroSeconds"):
			kind = "microseconds"
		case physical == "BYTE_ARRAY" && (converted == "UTF8" || converted == "JSON"):
			kind = "text"
		}
		columns = append(columns, fileColumn{name, kind})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}

// TestDDLIsThatOfTheFiles reads parts with a Parquet reader that is not the one
// they are written with, and compares their columns with each table definition.
func TestDDLIsThatOfTheFiles(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(3, 40, 9*time.Hour)
	s.fillRandom(5, 3, 40)
	s.build(dir, Options{})
	db, paths := openParts(t, dir)
	kinds := map[string]string{
		"string": "text", "varchar": "text", "Nullable(String)": "text", "boolean": "boolean", "Nullable(Bool)": "boolean",
		"timestamp": "microseconds", "timestamp(6)": "microseconds", "Nullable(DateTime64(6, 'UTC'))": "microseconds",
	}
	for _, dialect := range ddl.Dialects {
		for _, location := range []string{"s3://lake/events", "/data/index"} {
			text, err := ddl.Table(dialect, location+"/")
			if err != nil {
				t.Fatal(err)
			}
			columns := definedColumns(text)
			if last := columns[len(columns)-1]; dialect == "trino" && last == [2]string{"day", "date"} {
				columns = columns[:len(columns)-1]
			}
			if !strings.Contains(text, "'"+location+"/") {
				t.Errorf("%s: the location is missing:\n%s", dialect, text)
			}
			for _, path := range paths {
				file := fileColumns(t, db, path)
				if len(file) != len(columns) {
					t.Fatalf("%s defines %d columns, the file has %d:\n%s", dialect, len(columns), len(file), text)
				}
				for i, c := range columns {
					if want := (fileColumn{c[0], kinds[c[1]]}); file[i] != want {
						t.Errorf("%s: column %s %s is in the file %v", dialect, c[0], c[1], file[i])
					}
				}
			}
		}
	}
	if _, err := ddl.Table("oracle", "x"); err == nil {
		t.Error("there is a definition for oracle")
	}
}

// openParts opens a database that may read the parts of an index.
func openParts(t *testing.T, dir string) (*duck.DB, []string) {
	t.Helper()
	paths := openIndex(t, dir).Parts()
	db, err := duck.Open(t.Context(), duck.Options{Files: paths})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, paths
}

var definition = regexp.MustCompile("(?m)^ *[`\"]?([a-z_0-9]+)[`\"]? ([A-Za-z]+(?:\\((?:[^()]|\\([^()]*\\))*\\))?)(?:,|'\\);)?$")

// definedColumns reads the names and types of columns from a table definition.
func definedColumns(text string) (columns [][2]string) {
	if strings.Contains(text, "CREATE VIEW") {
		text = strings.NewReplacer("'Parquet',\n'", "\n", ", `", ",\n`", `\'`, "'").Replace(text)
	}
	text, _, _ = strings.Cut(text, "PARTITIONED BY")
	for _, m := range definition.FindAllStringSubmatch(text, -1) {
		columns = append(columns, [2]string{m[1], m[2]})
	}
	return columns
}

// TestWhatReadersSkipBy looks for what lets other readers pass over row groups:
// order, statistics, Bloom filters.
func TestWhatReadersSkipBy(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(3, 400, 2*time.Minute)
	s.build(dir, Options{})
	db, paths := openParts(t, dir)
	for _, path := range paths {
		for _, c := range logquery.Columns() {
			var codec string
			var low, high *string
			var bloom *int64
			var empty bool
			one(t, db, `SELECT compression, stats_min_value, stats_max_value, bloom_filter_offset, coalesce(stats_null_count, 0) = num_values FROM parquet_metadata(`+duck.Quote(path)+`) WHERE path_in_schema = '`+c.Name+"'", &codec, &low, &high, &bloom, &empty)
			if codec != "ZSTD" {
				t.Errorf("%s is compressed by %s", c.Name, codec)
			}
			if empty {
				continue // nothing to skip
			}
			sought := map[string]bool{"event_name": true, "source_ip_address": true, "error_code": true, "request_id": true, "event_id": true, "user_arn": true, "user_name": true, "user_access_key_id": true, "session_issuer_arn": true}[c.Name]
			if (bloom != nil) != sought {
				t.Errorf("%s has a Bloom filter: %v", c.Name, bloom != nil)
			}
			if (c.Name == "event_time" || c.Name == "event_name") && (low == nil || high == nil || *low > *high) {
				t.Errorf("%s has no statistics", c.Name)
			}
		}
		var sorted, excluded bool
		one(t, db, "SELECT bool_and(t >= b) FROM (SELECT event_time AS t, lag(event_time) OVER (ORDER BY file_row_number) AS b FROM "+readParquet([]string{path}, "file_row_number = true")+") WHERE b IS NOT NULL", &sorted)
		one(t, db, "SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe("+duck.Quote(path)+", 'event_id', 'not there')", &excluded)
		if !sorted || !excluded {
			t.Errorf("%s: sorted %v, excluded %v", path, sorted, excluded)
		}
	}
}

// one reads the one row of a query.
func one(t *testing.T, db *duck.DB, query string, to ...any) {
	t.Helper()
	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("%s has no rows: %v", query, rows.Err())
	}
	if err := rows.Scan(to...); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
}
