package index

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"cairn/internal/logquery/querytest"
	"cairn/internal/scan"
)

// source is a folder of log files, for tests.
type source struct {
	tb  testing.TB
	dir string
	n   int
}

func newSource(tb testing.TB) *source { return &source{tb: tb, dir: tb.TempDir()} }

// start is when the first file of a source is delivered.
var start = time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)

// file adds a log file that is delivered at a time.
func (s *source) file(at time.Time, records ...[]byte) (name string) {
	s.n++
	name = filepath.Join("AWSLogs", "111122223333", "CloudTrail", "eu-west-1", at.Format("2006/01/02"),
		fmt.Sprintf("111122223333_CloudTrail_eu-west-1_%s_%016d.json.gz", at.Format("20060102T1504Z"), s.n))
	s.write(name, compress(s.tb, records))
	return name
}

func (s *source) write(name string, content []byte) {
	s.tb.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.tb.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.tb.Fatal(err)
	}
}

func compress(tb testing.TB, records [][]byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := fmt.Fprintf(z, `{"Records":[%s]}`, bytes.Join(records, []byte(",")))
	if err := cmp.Or(err, z.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// open returns the source.
func (s *source) open() scan.Source {
	s.tb.Helper()
	src, err := scan.Open(s.tb.Context(), s.dir, scan.Options{})
	if err != nil {
		s.tb.Fatal(err)
	}
	return src
}

// build brings an index up to date.
func (s *source) build(dir string, o Options) *Report {
	s.tb.Helper()
	o.Source = s.dir
	r, err := Build(s.tb.Context(), s.open(), dir, o)
	if err != nil {
		s.tb.Fatal(err)
	}
	return r
}

// record returns an ordinary record.
func record(n int, at time.Time) []byte {
	return fmt.Appendf(nil, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u%d"},"eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"E%d","awsRegion":"eu-west-1","sourceIPAddress":"10.0.%d.%d","requestParameters":{"key":"k%d"},"responseElements":null,"requestID":"R%d","eventID":"00000000-0000-4000-8000-%012d","readOnly":%v}`,
		n%50, at.Format(time.RFC3339), n%7, n>>8&255, n&255, n, n, n, n%2 == 0)
}

// fill adds files with ordinary records: some of each file are of the day
// before.
func (s *source) fill(files, each int, step time.Duration) {
	n := s.n * 1000
	for i := range files {
		at := start.Add(time.Duration(i) * step)
		var records [][]byte
		for j := range each {
			records = append(records, record(n, at.Add(-time.Duration(j)*7*time.Minute)))
			n++
		}
		s.file(at, records...)
	}
}

// fillRandom adds files with random records.
func (s *source) fillRandom(seed uint64, files, each int) (all [][]byte) {
	r := rand.New(rand.NewPCG(seed, seed))
	for i := range files {
		var records [][]byte
		for range each {
			records = append(records, querytest.Record(r))
		}
		all = append(all, records...)
		s.file(start.Add(time.Duration(i)*time.Hour), records...)
	}
	return all
}

// found is a record that a search gave.
type found struct {
	key, record string
	time        time.Time
}

func (s *source) raw(where scan.Where, window scan.Window) []found {
	s.tb.Helper()
	var list []found
	if _, err := scan.Search(s.tb.Context(), s.open(), scan.Query{Where: where, Window: window}, func(m scan.Match) error {
		list = append(list, found{m.File.Key, string(m.Record), m.Time})
		return nil
	}); err != nil {
		s.tb.Fatal(err)
	}
	return list
}

func openIndex(tb testing.TB, dir string) *Index {
	tb.Helper()
	x, err := Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := x.Close(); err != nil {
			tb.Error(err)
		}
	})
	return x
}

func ask(tb testing.TB, x *Index, q Query) []found {
	tb.Helper()
	var list []found
	f, err := x.Search(tb.Context(), q, func(m scan.Match) error {
		list = append(list, found{m.File.Key, string(m.Record), m.Time})
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	if int(f.Matches) != len(list) {
		tb.Fatalf("the search says it gave %d records, not %d", f.Matches, len(list))
	}
	return list
}

// sorted returns what was found in an order of its own.
func sorted(list []found) []found {
	return slices.SortedFunc(slices.Values(list), func(a, b found) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.record, b.record))
	})
}

func demandSame(tb testing.TB, what string, got, want []found) {
	tb.Helper()
	got, want = sorted(got), sorted(want)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i].key != want[i].key || got[i].record != want[i].record || !got[i].time.Equal(want[i].time) {
			g, w := found{}, found{}
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			tb.Fatalf("%s: %d records, want %d; the first difference is at %d:\n%+v, want\n%+v", what, len(got), len(want), i, g, w)
		}
	}
}

// demandWhole demands that the index gives what the log files have.
func demandWhole(tb testing.TB, s *source, dir string) {
	tb.Helper()
	demandSame(tb, "index", ask(tb, openIndex(tb, dir), Query{}), s.raw(nil, scan.Window{}))
}
