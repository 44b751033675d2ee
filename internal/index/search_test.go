package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/internal/duck"
	"cairn/internal/index/part"
	"cairn/internal/index/tally"
	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
	"cairn/internal/scan"
)

// TestDifferential compares, over random records, every way to ask: the index,
// the log files, SQL, and the slow and obvious one.
func TestDifferential(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	var messages []*querytest.Message
	for _, r := range s.fillRandom(11, 40, 50) {
		messages = append(messages, querytest.Read(r))
	}
	s.build(dir, Options{})
	compareAll(t, s, dir, messages, querytest.Cases(12, 150))
}

// TestDifferentialGenuine does the same over genuine records, if they are there.
func TestDifferentialGenuine(t *testing.T) {
	records := genuine(t)
	s, dir := newSource(t), t.TempDir()
	var messages []*querytest.Message
	for chunk := range slices.Chunk(records, 100) {
		s.file(start, chunk...)
		for _, r := range chunk {
			messages = append(messages, querytest.Read(r))
		}
	}
	s.build(dir, Options{})
	compareAll(t, s, dir, messages, querytest.Cases(13, 25))
}

func compareAll(t *testing.T, s *source, dir string, messages []*querytest.Message, cases []querytest.Case) {
	t.Helper()
	x := openIndex(t, dir)
	rows := newTable(t, messages)
	exact, matches := 0, 0
	for _, c := range cases {
		where := logquery.Compile(c.Expr)
		var slow []bool
		n := 0
		for _, m := range messages {
			slow = append(slow, c.Slow(m))
			if slow[len(slow)-1] {
				n++
			}
		}
		matches += n
		got := ask(t, x, Query{Where: where})
		if len(got) != n {
			t.Fatalf("%s\nfinds %d records in the index, %d slowly", c.Text, len(got), n)
		}
		demandSame(t, c.Text, got, s.raw(where, scan.Window{}))
		if rows.compare(t, c.Text, where, slow) {
			exact++
		}
	}
	t.Logf("%d conditions, of which %d exact in SQL, with %d matches", len(cases), exact, matches)
	if matches < len(cases) || exact < len(cases)/10 {
		t.Error("that proves little")
	}
}

// table is one part whose rows are messages, in their order.
type table struct {
	db   *duck.DB
	path string
}

func newTable(t *testing.T, messages []*querytest.Message) *table {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := part.NewWriter(f)
	for _, m := range messages {
		if err := w.Add(part.Row{Record: m.Bytes}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.Close()
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := duck.Open(t.Context(), duck.Options{Files: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &table{db, path}
}

// compare holds the SQL of a condition to what is slowly found: no match is
// missed, and if it says it is exact there is no other.
func (tb *table) compare(t *testing.T, text string, where *logquery.Predicate, slow []bool) (exact bool) {
	t.Helper()
	condition, exact := where.SQL()
	rows, err := tb.db.Query(t.Context(), "SELECT file_row_number FROM "+readParquet([]string{tb.path}, "file_row_number = true")+" WHERE "+condition)
	if err != nil {
		t.Fatalf("%s\nis in SQL %s\n%v", text, condition, err)
	}
	defer rows.Close()
	in := make([]bool, len(slow))
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		in[n] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s\nis in SQL %s\n%v", text, condition, err)
	}
	for i := range slow {
		if slow[i] && !in[i] || exact && in[i] != slow[i] {
			t.Fatalf("%s\nis in SQL, exact %v, %s\nand row %d is in it: %v, slowly %v", text, exact, condition, i, in[i], slow[i])
		}
	}
	return exact
}

// TestWindowsAndOrder looks at windows of time, order and limits.
func TestWindowsAndOrder(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(12, 60, 5*time.Hour)
	s.file(start.Add(24*time.Hour), []byte(`{"eventName":"no time"}`), []byte(`{"eventName":"E1","eventTime":"2026-05-20T10:00:00.000001Z"}`), []byte(`{"eventName":"E1","eventTime":"2026-05-20T12:00:00+02:00"}`))
	s.build(dir, Options{})
	s.fill(6, 60, 7*time.Hour)
	s.build(dir, Options{}) // parts that overlap in time
	x := openIndex(t, dir)
	at := func(h, us int) time.Time {
		return start.Add(time.Duration(h)*time.Hour + time.Duration(us)*time.Microsecond)
	}
	where := logquery.Compile(logquery.Field("eventName", logquery.Equal("E1")))
	for _, w := range []scan.Window{{}, {From: at(10, 0)}, {To: at(10, 0)}, {From: at(10, 0), To: at(10, 1)}, {From: at(10, 1), To: at(10, 2)}, {From: at(-20, 0), To: at(30, 0)}, {From: at(900, 0)}} {
		for name, p := range map[string]*logquery.Predicate{"all": nil, "some": where} {
			var raw scan.Where
			if p != nil {
				raw = p
			}
			want := s.raw(raw, scan.Window{From: w.From, To: w.To, Late: 1000 * time.Hour})
			for _, newest := range []bool{false, true} {
				what := fmt.Sprintf("%s from %v to %v, newest %v", name, w.From, w.To, newest)
				got := ask(t, x, Query{Where: p, From: w.From, To: w.To, Newest: newest})
				demandSame(t, what, got, want)
				demandOrder(t, what, got, newest)
				const limit = 7
				few := ask(t, x, Query{Where: p, From: w.From, To: w.To, Newest: newest, Limit: limit})
				if len(few) != min(limit, len(got)) {
					t.Fatalf("%s: %d with a limit of %d", what, len(few), limit)
				}
				for i := range few {
					if !few[i].time.Equal(got[i].time) {
						t.Errorf("%s: with a limit record %d is of %v, not %v", what, i, few[i].time, got[i].time)
					}
				}
			}
		}
	}
}

func demandOrder(t *testing.T, what string, list []found, newest bool) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		if c := list[i-1].time.Compare(list[i].time); c > 0 && !newest || c < 0 && newest {
			t.Fatalf("%s: record %d is of %v and comes after one of %v", what, i, list[i].time, list[i-1].time)
		}
	}
}

// TestManyPages makes a day of many pages, so that DuckDB is asked for rows.
func TestManyPages(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	var records [][]byte
	for i := range 20 * part.PageRows {
		records = append(records, record(i, start.Add(time.Duration(i)*time.Second)))
	}
	s.file(start, records...)
	s.build(dir, Options{})
	x := openIndex(t, dir)
	for text, e := range map[string]logquery.Expr{
		"one in seven": logquery.Field("eventName", logquery.Equal("E3")),
		"one":          logquery.Field("requestID", logquery.Equal("R7777")),
		"by its key":   logquery.Field("requestParameters.key", logquery.Equal("k12345")),
		"half":         logquery.Field("readOnly", logquery.IsTrue()),
		"text":         logquery.Text(`"key":"k20000"`),
		"none":         logquery.Field("eventName", logquery.Equal("nothing")),
	} {
		where := logquery.Compile(e)
		got := ask(t, x, Query{Where: where})
		demandSame(t, text, got, s.raw(where, scan.Window{}))
		demandOrder(t, text, got, false)
	}
	f, err := x.Search(t.Context(), Query{Where: logquery.Compile(logquery.Text(`"key":"k20000"`))}, func(scan.Match) error { return nil })
	if err != nil || f.Pages > f.All/4 {
		t.Errorf("a text in one page: %d of %d were read, %v", f.Pages, f.All, err)
	}
}

// TestSearchEnds is about errors of emit and cancelled contexts.
func TestSearchEnds(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(20, 100, time.Hour)
	s.build(dir, Options{})
	x := openIndex(t, dir)
	stop := errors.New("stop")
	n := 0
	if _, err := x.Search(t.Context(), Query{}, func(scan.Match) error {
		if n++; n == 150 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) || n != 150 {
		t.Errorf("error %v after %d records", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := x.Search(ctx, Query{}, func(scan.Match) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after cancel", err)
	}
}

// TestCountsAreThoseOfTheFiles compares counts, by columns and by fields that
// have none.
func TestCountsAreThoseOfTheFiles(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(10, 50, 7*time.Hour)
	ordinary := t.TempDir()
	s.build(ordinary, Options{})
	s.fillRandom(21, 20, 50)
	s.build(dir, Options{})
	where := logquery.Compile(logquery.Any(logquery.Field("eventName", logquery.Glob("*e*")), logquery.Field("readOnly", logquery.IsTrue())))
	for _, by := range []scan.Grouping{
		{},
		{By: []string{"eventName"}},
		{By: []string{"userIdentity.arn", "readOnly"}},
		{By: []string{"requestParameters.key"}},
		{By: []string{"userIdentity"}},
		{Every: time.Hour},
		{Every: 24 * time.Hour, By: []string{"eventName"}},
		{Every: 7 * 24 * time.Hour},
		{Every: 90 * time.Second},
		{By: []string{"eventTime"}},
		{By: []string{"nothing"}},
	} {
		for _, q := range []Query{{}, {Where: where}, {From: start.Add(3 * time.Hour), To: start.Add(20 * time.Hour)}} {
			rq := scan.Query{Window: scan.Window{From: q.From, To: q.To, Late: 1000 * time.Hour}}
			if q.Where != nil {
				rq.Where = q.Where
			}
			want, _, err := scan.Count(t.Context(), s.open(), rq, by)
			if err != nil {
				t.Fatal(err)
			}
			got, err := openIndex(t, dir).Count(t.Context(), q, by)
			if err != nil {
				t.Fatal(err)
			}
			if g, w := fmt.Sprint(got.Other, got.Groups), fmt.Sprint(want.Other, want.Groups); g != w {
				t.Errorf("by %v: the index counts\n%.500s\nthe files\n%.500s", by, g, w)
			}
		}
	}
	// Ordinary records are counted by DuckDB.
	x := openIndex(t, ordinary)
	for _, by := range []scan.Grouping{{}, {By: []string{"eventName", "userIdentity.arn", "readOnly"}}, {Every: time.Hour}} {
		if _, ok := x.countSQL(x.log.sorted(), Query{Where: logquery.Compile(logquery.Field("eventName", logquery.Equal("E1")))}, by); !ok {
			t.Errorf("DuckDB does not count by %v", by)
		}
	}
}

// TestTallies demands that what parts have tallies of is counted without reading
// them, and the parts of the rest by DuckDB, with one result.
func TestTallies(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(10, 50, 7*time.Hour)
	s.build(dir, Options{})
	byName := scan.Grouping{By: []string{"eventName"}}
	count := func(q Query, by scan.Grouping) string {
		t.Helper()
		counts, err := openIndex(t, dir).Count(t.Context(), q, by)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(counts.Other, counts.Groups)
	}
	days := openIndex(t, dir).log.sorted()
	cut := Query{From: time.UnixMicro(days[0].First + 1), To: time.UnixMicro(days[len(days)-1].Last + 1)}
	questions := []func() string{
		func() string { return count(Query{}, byName) },
		func() string { return count(cut, byName) },
		func() string { return count(cut, scan.Grouping{By: []string{"readOnly"}, Every: 24 * time.Hour}) },
		func() string {
			return count(Query{}, scan.Grouping{By: []string{"userIdentity.arn"}, Every: time.Hour})
		},
	}
	var want []string
	for _, q := range questions {
		want = append(want, q())
	}
	tallies, err := filepath.Glob(filepath.Join(dir, "_cairn", "*"+tally.Extension))
	if err != nil || len(tallies) != len(days) {
		t.Fatalf("%d parts have %d files of tallies, %v", len(days), len(tallies), err)
	}

	// Without the tallies, as an index has none that was written before them.
	old := &Index{dir: dir, source: s.dir, log: openIndex(t, dir).log}
	for _, p := range old.log.parts {
		p.Counts = 0
	}
	if got, err := old.Count(t.Context(), Query{}, byName); err != nil || fmt.Sprint(got.Other, got.Groups) != want[0] {
		t.Errorf("without tallies: %v, %v, want %s", got, err, want[0])
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}

	// With the tallies alone: those of the first and the last part are not asked
	// for, as the window cuts them.
	for _, p := range days[1 : len(days)-1] {
		if err := os.WriteFile(partPath(dir, p), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, q := range questions[1:3] {
		if got := q(); got != want[i+1] {
			t.Errorf("question %d:\n%s, with the parts at hand\n%s", i+1, got, want[i+1])
		}
	}

	if err := os.WriteFile(tallies[0], []byte("CRNTALY1 and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openIndex(t, dir).Count(t.Context(), Query{}, byName); err == nil || !strings.Contains(err.Error(), "delete the index and build it again") {
		t.Errorf("a damaged tally: %v", err)
	}
}

func TestCountsAreBounded(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(4, 50, time.Hour)
	s.build(dir, Options{})
	got, err := openIndex(t, dir).Count(t.Context(), Query{}, scan.Grouping{By: []string{"requestID"}, MaxGroups: 10})
	if err != nil || len(got.Groups) != 10 || got.Other != 190 {
		t.Errorf("%+v, %v", got, err)
	}
}
