package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn/internal/scan"
)

func TestBuildAddsWhatIsNew(t *testing.T) {
	s, dir := newSource(t), filepath.Join(t.TempDir(), "a", "b")
	s.fill(10, 20, 5*time.Hour)
	r := s.build(dir, Options{})
	if r.Read != 10 || r.Known != 0 || r.Records != 200 || r.Index.Records != 200 {
		t.Errorf("first: %+v", r)
	}
	demandWhole(t, s, dir)
	if r := s.build(dir, Options{}); r.Read != 0 || r.Known != 10 || r.Records != 0 || r.Index.Records != 200 {
		t.Errorf("again: %+v", r)
	}
	s.fill(3, 20, 5*time.Hour)
	x := openIndex(t, dir)
	if r := s.build(dir, Options{}); r.Read != 3 || r.Known != 10 || r.Index.Files != 13 {
		t.Errorf("with more files: %+v", r)
	}
	demandWhole(t, s, dir)
	if got := ask(t, x, Query{}); len(got) != 200 {
		t.Errorf("an index opened before has %d records", len(got))
	}
}

// TestPartitions looks at the files as other readers see them.
func TestPartitions(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(4, 30, 24*time.Hour)
	s.file(start, []byte(`{"eventName":"without a time"}`), record(1, start))
	s.build(dir, Options{})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "_cairn day=1970-01-01 day=2026-05-19 day=2026-05-20 day=2026-05-21 day=2026-05-22 day=2026-05-23"; got != want {
		t.Errorf("the folder has %s, want %s", got, want)
	}
	staged, err := filepath.Glob(filepath.Join(ownDir(dir), "*.parquet"))
	if err != nil || len(staged) > 0 {
		t.Errorf("left behind: %v, %v", staged, err)
	}
	for _, path := range openIndex(t, dir).Parts() {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	demandWhole(t, s, dir)
}

// TestLittleMemory makes batches of a file, and flushes within files.
func TestLittleMemory(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(12, 100, 2*time.Hour)
	s.build(dir, Options{Memory: 20 << 10})
	demandWhole(t, s, dir)
}

// TestDamagedFiles is about files that are left out, and come in when they are
// replaced; with little memory their records are written before it shows.
func TestDamagedFiles(t *testing.T) {
	for _, memory := range []int64{0, 20 << 10} {
		t.Run(fmt.Sprint(memory), func(t *testing.T) {
			s, dir := newSource(t), t.TempDir()
			s.fill(4, 100, 10*time.Minute)
			var records [][]byte
			for i := range 200 {
				records = append(records, record(5000+i, start))
			}
			whole := compress(t, records)
			name := s.file(start.Add(time.Minute))
			s.write(name, whole[:len(whole)-20])
			s.write("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/05/20/other.json", []byte("not a log file"))
			r := s.build(dir, Options{Memory: memory})
			if r.Read != 4 || len(r.Damaged) != 2 || r.Index.Records != 400 || r.Index.Damaged != 2 {
				t.Errorf("first: %+v", r)
			}
			if r := s.build(dir, Options{Memory: memory}); r.Read != 0 || len(r.Damaged) != 2 || r.Known != 6 {
				t.Errorf("again: %+v", r)
			}
			x := openIndex(t, dir)
			if err := s.open().List(t.Context(), scan.Window{}, false, func(f scan.File) error {
				if bad := f.Key == filepath.ToSlash(name) || strings.HasSuffix(f.Key, "other.json"); x.Has(f) == bad || x.Outdated(f) {
					t.Errorf("the index has %s: %v", f.Key, x.Has(f))
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			s.write(name, whole)
			if r := s.build(dir, Options{Memory: memory}); r.Read != 1 || len(r.Damaged) != 1 || r.Index.Records != 600 || r.Index.Damaged != 1 {
				t.Errorf("repaired: %+v", r)
			}
			demandWhole(t, s, dir)
		})
	}
}

func TestChangedFile(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(6, 30, 3*time.Hour)
	name := s.file(start.Add(time.Hour), record(9000, start), record(9001, start.Add(-24*time.Hour)))
	s.build(dir, Options{})
	x := openIndex(t, dir)
	s.write(name, compress(t, [][]byte{record(9002, start), record(9003, start)}))
	var outdated string
	if err := s.open().List(t.Context(), scan.Window{}, false, func(f scan.File) error {
		if x.Outdated(f) {
			outdated = f.Key
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if outdated != filepath.ToSlash(name) {
		t.Errorf("outdated is %q", outdated)
	}
	if got := ask(t, x, Query{Except: map[string]bool{outdated: true}}); len(got) != 180 {
		t.Errorf("%d records without the changed file", len(got))
	}
	if r := s.build(dir, Options{}); r.Index.Records != 182 || r.Index.Files != 7 {
		t.Errorf("%+v", r)
	}
	demandWhole(t, s, dir)
}

func TestSmallPartsAreMerged(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	merged := 0
	for range 12 {
		s.fill(2, 10, time.Hour)
		merged += s.build(dir, Options{}).Merged
	}
	x := openIndex(t, dir)
	if n := x.Stats().Parts; n > 2*maxDayParts || merged == 0 {
		t.Errorf("%d parts of two days, %d were merged", n, merged)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "day=*", "*.parquet")); err != nil || len(files) != x.Stats().Parts {
		t.Errorf("%d files, %d parts, %v", len(files), x.Stats().Parts, err)
	}
	demandWhole(t, s, dir)
	// Who opened the index before a merge can still read it.
	s.fill(1, 10, time.Hour)
	old := openIndex(t, dir)
	want := ask(t, old, Query{})
	for old.Stats().Parts < 2*maxDayParts && s.build(dir, Options{}).Merged == 0 {
		old = openIndex(t, dir)
		want = ask(t, old, Query{})
		s.fill(1, 10, time.Hour)
	}
	demandSame(t, "the index as it was before parts were merged", ask(t, old, Query{}), want)
}

// errCrash stops a Build as a crash would.
var errCrash = errors.New("crash")

// TestCrashAtEveryStep stops Build before each durable step in turn, and demands
// that a reader finds no record twice then, and that the next Build finds all
// once.
func TestCrashAtEveryStep(t *testing.T) {
	s := newSource(t)
	s.fill(2, 12, 6*time.Hour)
	changed := s.file(start.Add(time.Hour), record(9000, start))
	before := t.TempDir()
	for range maxDayParts { // one more makes too many parts of a day
		s.fill(1, 3, time.Hour)
		s.build(before, Options{})
	}
	s.write(changed, compress(t, [][]byte{record(9001, start), record(9002, start)}))
	s.fill(4, 30, 9*time.Hour)
	want := s.raw(nil, scan.Window{})
	for crash := 1; ; crash++ {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
			t.Fatal(err)
		}
		steps, last := 0, ""
		var counting sync.Mutex // a batch is begun while the last one ends
		_, err := Build(t.Context(), s.open(), dir, Options{Source: s.dir, Memory: 40 << 10, Workers: 1, fault: func(step string) error {
			counting.Lock()
			defer counting.Unlock()
			if steps++; steps >= crash {
				last = step
				return errCrash
			}
			return nil
		}})
		if err == nil {
			if crash < 50 {
				t.Errorf("only %d steps", crash)
			}
			t.Logf("%d steps", crash-1)
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("step %d: %v", crash, err)
		}
		seen := map[string]int{}
		for _, f := range ask(t, openIndex(t, dir), Query{}) {
			if seen[f.key+f.record]++; seen[f.key+f.record] > 1 {
				t.Fatalf("after a crash before step %d (%s) a record is there twice: %s", crash, last, f.record)
			}
		}
		s.build(dir, Options{Workers: 1})
		demandSame(t, last, ask(t, openIndex(t, dir), Query{}), want)
		s.build(dir, Options{})
		if rest, err := filepath.Glob(filepath.Join(ownDir(dir), "*.parquet")); err != nil || len(rest) > 0 {
			t.Fatalf("after a crash before step %d (%s) is left: %v, %v", crash, last, rest, err)
		}
		if files, err := filepath.Glob(filepath.Join(dir, "day=*", "*.parquet")); err != nil || len(files) != openIndex(t, dir).Stats().Parts {
			t.Fatalf("after a crash before step %d (%s) there are %d files, %v", crash, last, len(files), err)
		}
	}
}

// TestInterrupted cancels a Build and goes on.
func TestInterrupted(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(30, 50, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	var steps atomic.Int64
	if _, err := Build(ctx, s.open(), dir, Options{Source: s.dir, Memory: 20 << 10, fault: func(string) error {
		if steps.Add(1) == 40 {
			cancel()
		}
		return nil
	}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	s.build(dir, Options{})
	demandWhole(t, s, dir)
}

func TestOneBuildAtATime(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(1, 1, time.Hour)
	c, err := begin(dir, s.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), s.open(), dir, Options{Source: s.dir}); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want %v", err, ErrBusy)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	s.build(dir, Options{})
	if _, err := Build(t.Context(), s.open(), dir, Options{Source: "another"}); err == nil || !strings.Contains(err.Error(), "not of another") {
		t.Errorf("error %v of another source", err)
	}
}

func TestBadLog(t *testing.T) {
	s, dir := newSource(t), t.TempDir()
	s.fill(3, 3, 24*time.Hour)
	s.build(dir, Options{})
	whole, err := os.ReadFile(logPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		if err := os.WriteFile(logPath(dir), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil && bad[i] != '\v' { // the newline at the end: half a line
			t.Fatalf("byte %d of the log was changed, and nobody said so", i)
		}
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Errorf("error %v of no index", err)
	}
}

// FuzzLog: no bytes make the reader fail but by an error.
func FuzzLog(f *testing.F) {
	c := &commit{Format: format, Source: "s", Add: []*partInfo{{Name: partName(3), Day: "2026-05-20"}}, Read: "AAAA", Damaged: []damagedFile{{Key: "k"}}}
	line, err := c.line()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _ = readLog(b)
		if c, err := parseLine(b); err == nil {
			_ = newState().apply(c, true)
		}
	})
}
