package duck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openTest opens a database with a table and a Parquet file it may read.
func openTest(t *testing.T, o Options) *DB {
	t.Helper()
	o.Setup = append(o.Setup, "CREATE TABLE events AS SELECT range AS n, 'text ' || range AS text FROM range(1000)")
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// parquet makes a file for SQL to read.
func parquet(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "it's.parquet")
	db, err := Open(t.Context(), Options{Files: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.sql.ExecContext(t.Context(), "COPY (SELECT 1 AS a) TO "+Quote(path)+" (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, db *DB, query string) ([][]any, error) {
	t.Helper()
	rows, err := db.Select(t.Context(), query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		v := make([]any, len(rows.Columns))
		if err := rows.Values(v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// TestAttacks is a list of ways out of the database. Each must be refused, and
// leave no trace.
func TestAttacks(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.csv")
	if err := os.WriteFile(secret, []byte("a,b\n1,hush-hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	allowed := parquet(t)
	db := openTest(t, Options{Files: []string{allowed}})
	out := filepath.Join(dir, "out")
	for _, attack := range []string{
		// Reading files.
		"SELECT * FROM read_csv('SECRET')", "SELECT * FROM read_csv_auto('SECRET')", "SELECT * FROM 'SECRET'", "FROM 'SECRET'", `SELECT * FROM "SECRET"`,
		"SELECT * FROM read_text('SECRET')", "SELECT * FROM read_blob('SECRET')", "SELECT * FROM read_json('SECRET')", "SELECT * FROM read_ndjson_objects('SECRET')",
		"SELECT * FROM read_parquet('SECRET')", "SELECT * FROM parquet_metadata('SECRET')", "SELECT * FROM parquet_schema('SECRET')", "SELECT * FROM sniff_csv('SECRET')",
		"SELECT * FROM glob('DIR/*')", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_text('/proc/self/environ')", "SELECT * FROM read_parquet('DIR/../**/*.parquet')",
		"SELECT (SELECT content FROM read_text('SECRET'))", "WITH x AS (FROM read_text('SECRET')) FROM x", "SELECT * FROM query('FROM read_text(''SECRET'')')",
		"SELECT * FROM events WHERE text IN (SELECT content FROM read_text('SECRET'))", "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''SECRET'')'))",
		"DESCRIBE FROM read_csv('SECRET')", "SUMMARIZE FROM read_csv('SECRET')", "SUMMARIZE 'SECRET'",
		// The network and extensions.
		"SELECT * FROM read_csv('http://127.0.0.1:1/x')", "SELECT * FROM 's3://bucket/x.parquet'", "INSTALL httpfs", "LOAD httpfs", "LOAD 'SECRET'", "FORCE INSTALL spatial FROM community",
		"SELECT * FROM sqlite_scan('SECRET', 't')", "SELECT * FROM postgres_scan('host=127.0.0.1', 's', 't')",
		// Writing.
		"COPY events TO 'OUT'", "COPY (SELECT 1) TO 'OUT' (FORMAT parquet)", "COPY events TO 'ALLOWED'", "EXPORT DATABASE 'OUT'", "ATTACH 'OUT' AS o", "CREATE TABLE t (a INT)", "CREATE TABLE t AS SELECT 1",
		"INSERT INTO events VALUES (1, '')", "UPDATE events SET n = 0", "DELETE FROM events", "DROP TABLE events", "TRUNCATE events", "ALTER TABLE events ADD COLUMN x INT", "CREATE VIEW events2 AS SELECT 1",
		"CREATE MACRO m() AS 1", "CREATE SECRET (TYPE S3)", "WITH d AS (DELETE FROM events RETURNING 1) SELECT * FROM d", "MERGE INTO events USING (SELECT 1 AS n) s ON events.n = s.n WHEN MATCHED THEN DELETE",
		"COPY events FROM 'SECRET'", "IMPORT DATABASE 'DIR'", "CHECKPOINT", "VACUUM", "CREATE TEMP TABLE t AS SELECT 1",
		// Configuration.
		"SET memory_limit = '100GB'", "SET enable_external_access = true", "SET lock_configuration = false", "RESET lock_configuration", "PRAGMA enable_profiling", "PRAGMA database_list", "SET threads = 64",
		"SET temp_directory = 'OUT'", "SET log_query_path = 'OUT'", "SET allowed_paths = ['SECRET']", "SET allowed_directories = ['/']", "CALL pragma_version()", "SET VARIABLE x = 1", "USE memory", "BEGIN", "DETACH memory",
		"SELECT getenv('HOME')", "SELECT getvariable('x') FROM read_text('SECRET')",
		// More than one statement, and other kinds.
		"SELECT 1; SELECT 2", "SELECT 1; DROP TABLE events", "DROP TABLE events; SELECT 1", "SET memory_limit = '100GB'; SELECT 1", "COPY events TO 'OUT'; SELECT 1", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE COPY events TO 'OUT'",
		"PREPARE p AS SELECT 1", "EXECUTE p", "SELECT 1) UNION (SELECT 2", "SELECT 1 /*", "", ";", "-- nothing", "SHOW ALL TABLES; DROP TABLE events",
	} {
		query := strings.NewReplacer("SECRET", secret, "DIR", dir, "OUT", out, "ALLOWED", allowed).Replace(attack)
		rows, err := run(t, db, query)
		if err == nil {
			t.Errorf("%s was done: %.200v", attack, rows)
		}
		if err != nil && strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("%s tells the secret: %v", attack, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Fatalf("%s left %v behind, %v", attack, entries, err)
		}
	}
	if rows, err := run(t, db, "SELECT count(*) FROM events"); err != nil || fmt.Sprint(rows) != "[[1000]]" {
		t.Errorf("afterwards the table has %v rows, %v", rows, err)
	}
	if rows, err := run(t, db, "SELECT value FROM duckdb_settings() WHERE name IN ('enable_external_access', 'lock_configuration', 'autoload_known_extensions') ORDER BY name"); err != nil || fmt.Sprint(rows) != "[[false] [false] [true]]" {
		t.Errorf("afterwards the settings are %v, %v", rows, err)
	}
	if rows, err := run(t, db, "SELECT * FROM read_parquet("+Quote(allowed)+")"); err != nil || fmt.Sprint(rows) != "[[1]]" {
		t.Errorf("the file that may be read has %v, %v", rows, err)
	}
}

func TestQueries(t *testing.T) {
	db := openTest(t, Options{})
	for _, c := range []struct{ query, want string }{
		{"SELECT 1", "[[1]]"},
		{"select 1;", "[[1]]"},
		{"SELECT 1 -- one", "[[1]]"},
		{"SELECT ';' AS a; -- two", "[[;]]"},
		{"FROM events SELECT count(*)", "[[1000]]"},
		{"WITH x AS (SELECT 7 AS seven) SELECT * FROM x", "[[7]]"},
		{"VALUES (1, 'a'), (2, NULL)", "[[1 a] [2 <nil>]]"},
		{"SELECT n FROM events ORDER BY n DESC LIMIT 2", "[[999] [998]]"},
		{"SELECT 'a' AS x, 'b' AS x", "[[a b]]"},
		{`SELECT '{"b":1,"a":12345678901234567890}'::JSON`, `[[{"b":1,"a":12345678901234567890}]]`},
		{"SELECT [1, 2], {'a': 'x'}, MAP {'k': 1}, NULL::INT[]", `[[[1,2] {"a":"x"} {"k":1} <nil>]]`},
		{"SELECT 170141183460469231731687303715884105727::HUGEINT, 1.50::DECIMAL(4,2), 2.5::DOUBLE, true, sum(n) FROM events", "[[170141183460469231731687303715884105727 1.50 2.5 true 499500]]"},
		{"SELECT TIMESTAMP '2026-05-20 12:00:00.5', DATE '2026-05-20'", "[[2026-05-20 12:00:00.5 +0000 UTC 2026-05-20 00:00:00 +0000 UTC]]"},
		{"SELECT INTERVAL 3 DAY, 'x'::BLOB, TIME '10:00:00', uuid() IS NOT NULL", "[[3 days x 10:00:00 true]]"},
		{"SELECT column_name FROM (DESCRIBE events)", "[[n] [text]]"},
	} {
		rows, err := run(t, db, c.query)
		if got := fmt.Sprint(rows); err != nil || got != c.want {
			t.Errorf("%s: %s, want %s, %v", c.query, got, c.want, err)
		}
	}
}

func TestColumns(t *testing.T) {
	rows, err := openTest(t, Options{}).Select(t.Context(), "SELECT n, text AS \"a b\", n > 1 AS c, [n] AS c, n::DECIMAL(9,1) AS d, now()::TIMESTAMP AS e, '{}'::JSON AS f FROM events")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	want := []Column{{"n", "BIGINT", Number}, {"a b", "VARCHAR", Text}, {"c", "BOOLEAN", Bool}, {"c", "BIGINT[]", JSON}, {"d", "DECIMAL(9,1)", Number}, {"e", "TIMESTAMP", Time}, {"f", "JSON", JSON}}
	if fmt.Sprint(rows.Columns) != fmt.Sprint(want) {
		t.Errorf("columns %v, want %v", rows.Columns, want)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	db := openTest(t, Options{})
	for query, want := range map[string]string{"SELECT nothing FROM events": "nothing", "SELEC 1": "syntax error", "SELECT * FROM nowhere": "nowhere"} {
		if _, err := run(t, db, query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// endless is a query that does not end by itself for years.
const endless = "SELECT sum(a.range * b.range % c.range) FROM range(1, 1000000) a, range(1, 1000000) b, range(1, 1000000) c"

func TestInterrupt(t *testing.T) {
	db := openTest(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := db.Select(ctx, endless); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if rows, err := run(t, db, "SELECT 1"); err != nil || fmt.Sprint(rows) != "[[1]]" {
		t.Errorf("afterwards: %v, %v", rows, err)
	}
}

// TestBoundedMemory sorts more than fits in memory, on disk, and then demands
// more disk than is allowed.
func TestBoundedMemory(t *testing.T) {
	const sort = "SELECT count(*) FROM (SELECT md5(CAST(range AS VARCHAR)) AS h FROM range(3000000) ORDER BY h LIMIT 2900000)"
	spill := t.TempDir()
	db := openTest(t, Options{Memory: 64 << 20, Spill: spill, Threads: 2})
	if rows, err := run(t, db, sort); err != nil || fmt.Sprint(rows) != "[[2900000]]" {
		t.Errorf("%v, %v", rows, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(spill); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	small := openTest(t, Options{Memory: 64 << 20, MaxSpill: 4 << 20, Threads: 2})
	if _, err := run(t, small, sort); err == nil || !strings.Contains(err.Error(), "Out of Memory") {
		t.Errorf("error %v with no room", err)
	}
}
