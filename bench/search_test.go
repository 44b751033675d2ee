//go:build bench

package bench

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // what searches are compared with
	"github.com/klauspost/compress/gzip"

	"cairn/bench/corpus"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// corpusRecords is the size of the corpus, from CAIRN_BENCH_RECORDS: 200,000,
// unless set, which takes a minute; issue 5 is about 2,000,000. The corpus of
// small files has a tenth of it.
func corpusRecords(b *testing.B) int {
	text := os.Getenv("CAIRN_BENCH_RECORDS")
	if text == "" {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		b.Fatalf("CAIRN_BENCH_RECORDS is %q, which is no number from 1000", text)
	}
	return n
}

// searchQuestion is what is asked of a corpus, of every program in its own words.
type searchQuestion struct {
	name string
	// where chooses records; nil counts all by eventName.
	where logquery.Expr
	args  []string // of cairn
	sql   string   // with the records' type, and a condition or what to count
	jq    string
}

func searchQuestions() []searchQuestion {
	return []searchQuestion{
		{
			"rare user", logquery.Field("userIdentity.arn", logquery.Equal(corpus.RareUser)),
			[]string{"search", "--json", "--user", corpus.RareUser},
			`SELECT count(*) FROM (SELECT unnest(Records) r FROM read_json('%s', columns={Records:'STRUCT(userIdentity STRUCT(arn VARCHAR))[]'}, maximum_object_size=100000000)) WHERE r.userIdentity.arn = '` + corpus.RareUser + `'`,
			`.Records[]|select(.userIdentity.arn=="` + corpus.RareUser + `")`,
		},
		{
			"address as text", logquery.Text(corpus.RareIP),
			[]string{"search", "--json", "", corpus.RareIP},
			`SELECT count(*) FROM (SELECT unnest(Records) r FROM read_json('%s', columns={Records:'JSON[]'}, maximum_object_size=100000000)) WHERE contains(r::VARCHAR, '` + corpus.RareIP + `')`,
			`.Records[]|select(tojson|contains("` + corpus.RareIP + `"))`,
		},
		{
			"count by eventName", nil,
			[]string{"stats", "--by", "eventName", "--json"},
			`SELECT sum(n) FROM (SELECT r.eventName, count(*) n FROM (SELECT unnest(Records) r FROM read_json('%s', columns={Records:'STRUCT(eventName VARCHAR)[]'}, maximum_object_size=100000000)) GROUP BY 1)`,
			`.Records[].eventName`,
		},
	}
}

// BenchmarkSearch asks log files, without an index, and compares with just
// inflating them, with DuckDB, ripgrep, and zcat with jq.
func BenchmarkSearch(b *testing.B) {
	large, small := b.TempDir(), b.TempDir()
	n := corpusRecords(b)
	for _, c := range []struct {
		name, dir string
		o         corpus.Options
	}{{"large files", large, corpus.Large(n)}, {"small files", small, corpus.Small(n / 10)}} {
		sum, err := corpus.Write(c.dir, c.o)
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%s: %d records in %d files, %.0f MB, %.0f MB as JSON", c.name, sum.Records, sum.Files, float64(sum.Compressed)/1e6, float64(sum.Content)/1e6)
		for _, q := range searchQuestions() {
			b.Run(strings.ReplaceAll(c.name+"/"+q.name, " ", "-"), func(b *testing.B) {
				for b.Loop() {
					ask(b, c.name, c.dir, sum, q)
				}
			})
		}
	}
}

// rounds is how often we and what we are held to are measured, by turns: the
// machine may have something else to do. Medians of the ratios count.
const rounds = 3

// ask asks one searchQuestion of everybody and prints the times beside each other.
func ask(b *testing.B, corpusName, dir string, sum corpus.Summary, q searchQuestion) {
	want := int64(sum.Records)
	switch q.name {
	case "rare user":
		want = int64(sum.RareUser)
	case "address as text":
		want = int64(sum.RareIP)
	}
	var inflating, scanning times
	for range rounds {
		inflating.add(func() { inflateAll(b, dir) })
		scanning.add(func() {
			if got := scanAll(b, dir, q.where); got != want {
				b.Fatalf("the scan found %d, not %d", got, want)
			}
		})
	}
	wall, cpu := scanning.over(&inflating)
	name := corpusName + ", " + q.name + ": "
	limit := 1.4
	if corpusName == "small files" {
		limit = 1.3
	}
	t := targets{b}
	t.atMost(name+"scan / inflating", wall, limit, "wall")
	t.atMost(name+"scan / inflating", cpu, limit, "CPU")
	args := placed(q.args, dir)
	command := cairn(b, args...)
	t.atMost(name+"memory of cairn "+args[0], float64(command.peak)/(1<<20), 256, "MiB")

	b.Logf("klauspost inflates in %.2f s (%.0f MB/s, %.0f files/s); scan %.2f s; cairn %s %.2f s",
		inflating.wall.Seconds(), float64(sum.Content)/1e6/inflating.wall.Seconds(), float64(sum.Files)/inflating.wall.Seconds(), scanning.wall.Seconds(), args[0], command.wall.Seconds())
	b.ReportMetric(wall, "x-inflating")
	b.ReportMetric(cpu, "x-inflating-cpu")
	b.ReportMetric(float64(sum.Files)/scanning.wall.Seconds(), "files/s")
	if corpusName == "small files" {
		return // the others take a minute to open the files
	}
	for _, other := range []struct {
		name string
		run  func(b *testing.B, dir string, q searchQuestion) (time.Duration, error)
		// factor is how many times faster we want to be.
		factor float64
	}{{"DuckDB", duckdb, 2}, {"rg -z", ripgrep, 2.5}, {"zcat | jq, 2 processes", jq, 10}} {
		took, err := other.run(b, dir, q)
		if err != nil {
			t.missing(name+other.name+" / scan", err)
			continue
		}
		t.atLeast(name+other.name+" / scan", ratio(took, scanning.wall), other.factor, fmt.Sprintf("wall, %.1f s", took.Seconds()))
	}
}

// placed puts the folder where the command wants it: before text, after flags.
func placed(args []string, dir string) []string {
	if i := slices.Index(args, ""); i >= 0 {
		return slices.Concat(args[:i], []string{dir}, args[i+1:])
	}
	return slices.Concat(args, []string{dir})
}

// times are those of some runs: the best of them each, and all.
type times struct {
	wall, cpu   time.Duration
	walls, cpus []time.Duration
}

func (t *times) add(run func()) {
	began, used := time.Now(), cpuTime()
	run()
	t.took(time.Since(began), cpuTime()-used)
}

func (t *times) took(wall, cpu time.Duration) {
	if t.wall == 0 || wall < t.wall {
		t.wall = wall
	}
	if t.cpu == 0 || cpu < t.cpu {
		t.cpu = cpu
	}
	t.walls, t.cpus = append(t.walls, wall), append(t.cpus, cpu)
}

// over returns the medians of the ratios to runs that took turns with these.
func (t *times) over(o *times) (wall, cpu float64) {
	var walls, cpus []float64
	for i := range t.walls {
		walls, cpus = append(walls, ratio(t.walls[i], o.walls[i])), append(cpus, ratio(t.cpus[i], o.cpus[i]))
	}
	return median(walls), median(cpus)
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

// inflateAll does nothing but inflate, on all cores.
func inflateAll(b *testing.B, dir string) {
	files := make(chan string, 1024)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var z gzip.Reader
			var stored bytes.Buffer
			room := make([]byte, 256<<10)
			for name := range files {
				f, err := os.Open(name)
				if err == nil {
					stored.Reset()
					_, err = stored.ReadFrom(f)
					f.Close()
				}
				if err == nil {
					err = z.Reset(bytes.NewReader(stored.Bytes()))
				}
				for err == nil {
					_, err = z.Read(room)
				}
				if !errors.Is(err, io.EOF) {
					b.Errorf("inflate %s: %v", name, err)
				}
			}
		})
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files <- name
		}
		return err
	})
	close(files)
	wg.Wait()
	if err != nil {
		b.Fatal(err)
	}
}

// scanAll asks this program's own scan.
func scanAll(b *testing.B, dir string, where logquery.Expr) (n int64) {
	src, err := scan.Open(b.Context(), dir, scan.Options{})
	if err != nil {
		b.Fatal(err)
	}
	var report *scan.Report
	if where != nil {
		q := scan.Query{Where: logquery.Compile(where), Order: scan.OldestFirst}
		report, err = scan.Search(b.Context(), src, q, func(scan.Match) error { return nil })
	} else {
		_, report, err = scan.Count(b.Context(), src, scan.Query{}, scan.Grouping{By: []string{"eventName"}})
	}
	if err != nil || report.DamagedFiles > 0 {
		b.Fatalf("%v, damaged %v", err, report.Damaged)
	}
	return report.Matches
}

// duckdb asks DuckDB, with the columns it needs named, which is fastest.
func duckdb(b *testing.B, dir string, q searchQuestion) (time.Duration, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	began := time.Now()
	var n float64
	err = db.QueryRowContext(b.Context(), fmt.Sprintf(q.sql, filepath.Join(dir, "**", "*.json.gz"))).Scan(&n)
	return time.Since(began), err
}

// ripgrep asks ripgrep for the files with a text; it cannot count by a field.
func ripgrep(b *testing.B, dir string, q searchQuestion) (time.Duration, error) {
	path, err := exec.LookPath("rg")
	if err != nil {
		return 0, errors.New("not installed")
	}
	text := map[string]string{"rare user": corpus.RareUser, "address as text": corpus.RareIP, "count by eventName": `"eventName"`}[q.name]
	return run(b, path, "-z", "-c", "-F", text, dir)
}

// jqShare is the part of the files that jq is given: it needs minutes for all.
// What it takes for all of them is extrapolated.
const jqShare = 10

// jq asks zcat and jq, two processes of them.
func jq(b *testing.B, dir string, q searchQuestion) (time.Duration, error) {
	if _, err := exec.LookPath("jq"); err != nil {
		return 0, errors.New("not installed")
	}
	var names []string
	var all, some int64
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if all += info.Size(); some*jqShare <= all {
			names, some = append(names, name), some+info.Size()
		}
		return nil
	})
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("choose files for jq: %d, %w", len(names), err)
	}
	list := filepath.Join(b.TempDir(), "files")
	if err := os.WriteFile(list, []byte(strings.Join(names, "\x00")), 0o600); err != nil {
		return 0, err
	}
	took, err := run(b, "sh", "-c", `xargs -0 -n 20 -P 2 sh -c 'f=$1; shift; zcat "$@" | jq -c "$f" >/dev/null' sh "$2" <"$1"`, "sh", list, q.jq)
	return time.Duration(float64(took) * float64(all) / float64(some)), err
}

func run(b *testing.B, name string, args ...string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	began := time.Now()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %.200s", err, out)
	}
	return time.Since(began), nil
}
