//go:build bench

package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cairn/bench/corpus"
	"cairn/internal/lake"
	"cairn/internal/loggroup"
	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state/statetest"
)

var groupRef = loggroup.Ref{Account: "111122223333", Region: "eu-west-1", Name: "trail"}

// logGroup is a store of log groups with one group, filled like the export of a
// trail fills it.
type logGroup struct {
	*loggroup.Store
	b   *testing.B
	dir string
	raw int64
	// first and last are the earliest and latest timestamps.
	first, last int64
}

func newLogGroup(b *testing.B, segments bool) *logGroup {
	g := &logGroup{b: b, dir: b.TempDir()}
	js := natsdtest.StartDir(b, filepath.Join(g.dir, "nats")).JetStream()
	o := loggroup.Options{}
	if segments {
		l, err := lake.Open(lake.Options{Dir: filepath.Join(g.dir, "lake")})
		g.must(err)
		b.Cleanup(l.Close)
		o.Lake = l
	}
	var err error
	g.Store, err = loggroup.Open(b.Context(), js, statetest.Open(b, js), o)
	g.must(err)
	g.must(g.CreateGroup(b.Context(), groupRef, loggroup.Group{Class: "STANDARD"}))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	b.Cleanup(func() { stop(); <-done })
	return g
}

func (g *logGroup) must(err error) {
	g.b.Helper()
	if err != nil {
		g.b.Fatal(err)
	}
}

// fill puts a corpus into the group, a stream for each account and region, and
// returns how long the appends took: making records does not count.
func (g *logGroup) fill(records int) time.Duration {
	g.b.Helper()
	var took time.Duration
	batches := map[string][]loggroup.Event{}
	put := func(stream string) {
		events := batches[stream]
		delete(batches, stream)
		slices.SortStableFunc(events, func(a, b loggroup.Event) int { return int(a.Timestamp - b.Timestamp) })
		start := time.Now()
		if !g.HasStream(groupRef, stream) {
			g.must(g.CreateStream(g.b.Context(), groupRef, stream))
		}
		_, err := g.Append(g.b.Context(), groupRef, stream, events, fmt.Sprint(stream, g.raw))
		g.must(err)
		took += time.Since(start)
	}
	_, err := corpus.Each(corpus.Large(records), func(_ string, content []byte) error {
		var file struct{ Records []json.RawMessage }
		if err := json.Unmarshal(content, &file); err != nil {
			return err
		}
		for _, r := range file.Records {
			var h struct {
				EventTime                   time.Time
				AWSRegion, RecipientAccount string
			}
			if err := json.Unmarshal(r, &h); err != nil {
				return err
			}
			at := h.EventTime.UnixMilli()
			if g.first == 0 || at < g.first {
				g.first = at
			}
			g.last = max(g.last, at)
			g.raw += int64(len(r))
			batches[h.AWSRegion] = append(batches[h.AWSRegion], loggroup.Event{Timestamp: at, Message: string(r)})
		}
		for stream, events := range batches {
			if len(events) > 250 { // as much as delivery puts at once: a third of a megabyte
				put(stream)
			}
		}
		return nil
	})
	g.must(err)
	for stream := range batches {
		put(stream)
	}
	return took
}

// maxPages is how many pages of a query are read: some patterns match most of
// the group.
const maxPages = 40

// question is what a query took.
type question struct {
	first, whole time.Duration // its first page, all pages
	cpu          time.Duration // of this process, which is also the server, for all
	pages, found int
	more         bool // there were further pages
}

func (q question) String() string {
	more := ""
	if q.more {
		more = " and more"
	}
	return fmt.Sprintf("first page %v, all %v, CPU %v (%d pages%s, %d events)", q.first.Round(time.Millisecond), q.whole.Round(time.Millisecond), q.cpu.Round(time.Millisecond), q.pages, more, q.found)
}

// ask reads up to so many pages of a query.
func (g *logGroup) ask(q loggroup.Query, most int) question {
	g.b.Helper()
	q.Group, q.Limit, q.MaxBytes = groupRef, 10_000, 1<<20
	var out question
	start, used := time.Now(), cpuTime()
	for {
		p, err := g.Read(g.b.Context(), &q)
		g.must(err)
		if out.pages++; out.pages == 1 {
			out.first = time.Since(start)
		}
		out.found += len(p.Events)
		out.more = p.More
		if out.whole, out.cpu = time.Since(start), cpuTime()-used; !p.More || out.pages == most {
			return out
		}
		q.From = &p.Next
	}
}

// size returns what a folder takes.
func (g *logGroup) size(dir string) (bytes int64) {
	g.must(filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			info, err := e.Info()
			g.must(err)
			bytes += info.Size()
		}
		return err
	}))
	return bytes
}

// BenchmarkLogGroup asks a log group of as many records as corpusRecords says for
// every CIS pattern: the first page of all of it, and one day. Of 2 million
// records the first should come within a second, the day within a tenth. A
// pattern that matches half of the day has many pages of a megabyte; of such only
// the first counts.
func BenchmarkLogGroup(b *testing.B) {
	g := newLogGroup(b, true)
	start := time.Now()
	records := corpusRecords(b)
	took := g.fill(records)
	b.Logf("%d records, %d MB put in %v (%.0f records/s), with their making in %v", records, g.raw>>20, took.Round(time.Millisecond), float64(records)/took.Seconds(), time.Since(start).Round(time.Second))
	// The rest of the tail, and merges: what is asked is a group at rest.
	for start = time.Now(); time.Since(start) < 3*time.Minute; {
		before := g.size(filepath.Join(g.dir, "lake"))
		time.Sleep(3 * time.Second)
		if g.size(filepath.Join(g.dir, "lake")) == before {
			break
		}
	}
	stored, journal := g.size(filepath.Join(g.dir, "lake")), g.size(filepath.Join(g.dir, "nats"))
	b.Logf("segments take %d MB, JetStream %d MB: %.3f of the raw bytes", stored>>20, journal>>20, float64(stored+journal)/float64(g.raw))
	b.ReportMetric(float64(stored+journal)/float64(g.raw), "stored/raw")
	for b.Loop() {
		g.askAll()
	}
}

// askAll asks every CIS pattern, and prints and reports what it took.
func (g *logGroup) askAll() {
	var first, day, whole time.Duration
	table := os.Stdout // the testing package cuts off many lines
	middle := g.first + (g.last-g.first)/2
	for _, c := range querytest.CIS() {
		p, err := logquery.Parse(c.Pattern)
		g.must(err)
		where := logquery.Compile(p.Expr())
		all := g.ask(loggroup.Query{End: 1 << 50, Where: where}, 1)
		one := g.ask(loggroup.Query{Start: middle, End: middle + 86_400_000 - 1, Where: where}, maxPages)
		fmt.Fprintf(table, "%-13s %v; one day: %v\n", c.ID, all, one)
		first, day = max(first, all.first), max(day, one.first)
		if one.pages == 1 {
			whole = max(whole, one.whole)
		}
	}
	for name, e := range map[string]logquery.Expr{"rare user": logquery.Text(corpus.RareUser), "rare IP": logquery.Text(corpus.RareIP), "nothing": logquery.Text("no record has this")} {
		fmt.Fprintf(table, "%-13s %v\n", name, g.ask(loggroup.Query{End: 1 << 50, Where: logquery.Compile(e)}, maxPages))
	}
	t := targets{g.b}
	t.atMost("log group, worst CIS pattern: first page", first.Seconds(), 1, "s")
	t.atMost("log group, worst CIS pattern: first page of one day", day.Seconds(), 0.1, "s")
	t.atMost("log group, worst CIS pattern of one page: all of one day", whole.Seconds(), 0.1, "s")
	g.b.ReportMetric(first.Seconds(), "worst-first-page-s")
	g.b.ReportMetric(day.Seconds(), "worst-day-s")
}

// BenchmarkPutLogEvents puts the same records into a log group that moves them
// into segments meanwhile, and one that leaves them in JetStream.
func BenchmarkPutLogEvents(b *testing.B) {
	const records = 200_000
	for b.Loop() {
		plain, moving := newLogGroup(b, false).fill(records), newLogGroup(b, true).fill(records)
		b.Logf("%d records: %v without segments, %v with", records, plain.Round(time.Millisecond), moving.Round(time.Millisecond))
		b.ReportMetric(records/moving.Seconds(), "records/s")
		b.ReportMetric(plain.Seconds()/moving.Seconds(), "times-the-rate-without-segments")
	}
}
