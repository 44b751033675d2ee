package lake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/lake/segment"
)

// contains is a predicate: the message contains this text.
type contains string

func (c contains) Match(m []byte) bool { return bytes.Contains(m, []byte(c)) }

func (c contains) Needles() [][][]byte { return [][][]byte{{[]byte(c)}} }

// world is a lake on a folder that can be opened again.
type world struct {
	*Lake
	t    *testing.T
	dir  string
	logs bytes.Buffer
	o    Options
}

func start(t *testing.T, o Options) *world {
	w := &world{t: t, o: o, dir: filepath.Join(t.TempDir(), "lake")}
	w.reopen()
	return w
}

func (w *world) reopen() {
	w.t.Helper()
	if w.Lake != nil {
		w.Close()
	}
	w.o.Dir, w.o.Log = w.dir, slog.New(slog.NewTextHandler(&w.logs, nil))
	var err error
	w.Lake, err = Open(w.o)
	w.must(err)
	w.t.Cleanup(w.Close)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) table(name string) *Table {
	w.t.Helper()
	t, err := w.Table(name)
	w.must(err)
	return t
}

// rows reads all of a query's pages.
func (w *world) rows(t *Table, q Query, more ...Block) []Row {
	w.t.Helper()
	s, err := t.Snapshot()
	w.must(err)
	defer s.Close()
	if q.End == 0 {
		q.End = 1 << 60
	}
	var all []Row
	for {
		p, err := s.Read(w.t.Context(), &q, more...)
		w.must(err)
		all = append(all, p.Rows...)
		if !p.More {
			return all
		}
		if q.From != nil && *q.From == p.Next {
			w.t.Fatalf("no progress from %v", p.Next)
		}
		q.From = &p.Next
	}
}

func at(time int64, seq uint64, stream, message string) Row {
	return Row{Pos: Position{Timestamp: time, Seq: seq}, Ingestion: time + 5, Stream: stream, Message: []byte(message)}
}

// random returns n rows of a few streams, about in order of time.
func random(r *rand.Rand, from uint64, n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		seq := from + uint64(i)
		rows[i] = at(int64(seq)/3+int64(r.IntN(200)), seq, []string{"a", "b", "c"}[r.IntN(3)],
			fmt.Sprintf("{\"n\":%d,\"eventName\":\"Event%dOf%d\",\"pad\":%q}", seq, r.IntN(60), r.IntN(60), strings.Repeat("x", r.IntN(300))))
	}
	return rows
}

// diff tells how rows differ; comparing is quick if they do not.
func diff(want, got []Row) string {
	same := func(a, b Row) bool {
		return a.Pos == b.Pos && a.Ingestion == b.Ingestion && a.Stream == b.Stream && bytes.Equal(a.Message, b.Message)
	}
	if slices.EqualFunc(want, got, same) {
		return ""
	}
	return cmp.Diff(want, got)
}

func inOrder(rows []Row) []Row {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Row) int { return a.Pos.Compare(b.Pos) })
	return rows
}

// inMemory is a block of rows.
type inMemory []Row

func (b inMemory) Bounds() (first, last, size int64) {
	first, last = b[0].Pos.Timestamp, b[0].Pos.Timestamp
	for _, r := range b {
		first, last = min(first, r.Pos.Timestamp), max(last, r.Pos.Timestamp)
		size += int64(len(r.Message))
	}
	return first, last, size
}

func (b inMemory) Read(_ context.Context, each func(r *Row)) error {
	for i := range b {
		r := b[i]
		r.Message = bytes.Clone(r.Message)
		each(&r)
		clear(r.Message)
	}
	return nil
}

// TestReadModel writes rows at random into segments, merges, keeps some aside,
// and compares every kind of reading with a sorted list.
func TestReadModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	w := start(t, Options{SegmentBytes: 1 << 20, OpenSegments: 3, PageReads: 3})
	table := w.table("t")
	var all []Row
	for i := range 24 {
		rows := random(r, uint64(len(all)), 1+r.IntN(1500))
		all = append(all, rows...)
		w.must(table.Append(t.Context(), &Batch{Rows: rows, From: mark(i), To: mark(i + 1)}))
		if i%10 == 9 {
			w.must(table.Compact(t.Context()))
		}
	}
	var blocks []Block
	for range 3 {
		rows := random(r, uint64(len(all)), 100)
		all = append(all, rows...)
		blocks = append(blocks, inMemory(rows))
	}
	w.reopen()
	table = w.table("t")
	t.Logf("%+v", table.Size())
	all = inOrder(all)
	for i := range 60 {
		q := Query{
			Start: int64(r.IntN(4000)), Limit: []int{0, 7, 100, 10000}[r.IntN(4)], MaxBytes: []int{0, 1, 20000, 1 << 20}[r.IntN(4)],
			Backward: r.IntN(2) == 0, Budget: []int64{1, 50_000, 0}[r.IntN(3)], Patience: time.Hour, Overhead: 26,
		}
		q.End = q.Start + int64(r.IntN(4000))
		if q.MaxBytes == 1 || q.Limit == 7 {
			q.End = q.Start + int64(r.IntN(60))
		}
		needle := contains("")
		if r.IntN(3) > 0 {
			needle = contains(fmt.Sprintf("Event%dOf%d", r.IntN(60), r.IntN(6)))
			q.Where = needle
		}
		streams := "abc"
		if r.IntN(3) == 0 {
			streams = []string{"a", "bc", "x"}[r.IntN(3)]
			q.Streams = func(s string) bool { return strings.Contains(streams, s) }
		}
		var want []Row
		for _, e := range all {
			if e.Pos.Timestamp >= q.Start && e.Pos.Timestamp <= q.End && needle.Match(e.Message) && strings.Contains(streams, e.Stream) {
				want = append(want, e)
			}
		}
		if q.Backward {
			slices.Reverse(want)
		}
		if d := diff(want, w.rows(table, q, blocks...)); d != "" {
			t.Fatalf("query %d %+v: %s", i, q, d)
		}
		var scanned []Row
		s, err := table.Snapshot()
		w.must(err)
		w.must(s.Scan(t.Context(), &q, func(r *Row) bool {
			found := *r
			found.Message = bytes.Clone(r.Message)
			scanned = append(scanned, found)
			return true
		}, blocks...))
		s.Close()
		if d := diff(inOrder(want), inOrder(scanned)); d != "" {
			t.Fatalf("scan %d %+v: %s", i, q, d)
		}
	}
	if w.logs.Len() > 0 {
		t.Errorf("logged: %s", w.logs.String())
	}
}

func mark(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprint(i)
}

func TestAppendIsIdempotent(t *testing.T) {
	w := start(t, Options{})
	table := w.table("t")
	b := &Batch{Rows: []Row{at(1, 1, "s", "one")}, To: "1", Notes: map[string]StreamNote{"s": {Number: 7, Tokens: []string{"x"}}}}
	for range 3 {
		w.must(table.Append(t.Context(), b))
		w.reopen()
		table = w.table("t")
	}
	if err := table.Append(t.Context(), &Batch{From: "0", To: "2"}); !errors.Is(err, ErrMark) {
		t.Errorf("append from elsewhere: %v", err)
	}
	w.must(table.Append(t.Context(), &Batch{From: "1", To: "2"})) // only the mark
	w.must(table.Append(t.Context(), &Batch{From: "2", To: "3", Rows: []Row{at(3, 3, "s", "three"), at(2, 2, "s", "two")}, Notes: map[string]StreamNote{"s": {Number: 9, Tokens: []string{"y", "z"}}}}))
	if d := cmp.Diff([]Row{at(1, 1, "s", "one"), at(2, 2, "s", "two"), at(3, 3, "s", "three")}, w.rows(table, Query{})); d != "" {
		t.Error(d)
	}
	want := map[string]StreamInfo{"s": {Rows: 3, Bytes: 11, First: 1, Last: 3, LastIngestion: 8, Note: StreamNote{Number: 9, Tokens: []string{"x", "y", "z"}}}}
	for range 2 {
		got, err := table.Streams()
		w.must(err)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		w.reopen()
		table = w.table("t")
	}
	if got := table.Mark(); got != "3" {
		t.Errorf("mark %q", got)
	}
	if names, err := w.Tables(); err != nil || !slices.Equal(names, []string{"t"}) {
		t.Errorf("tables: %v, %v", names, err)
	}
	for _, name := range []string{"", "../x", "a/b", "-x", strings.Repeat("x", 129)} {
		if _, err := w.Table(name); !errors.Is(err, ErrName) {
			t.Errorf("table %q: %v", name, err)
		}
	}
}

// files returns the names of a table's files.
func (w *world) files(table string) []string {
	entries, err := os.ReadDir(filepath.Join(w.dir, table))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// onDisk reports whether any file of a table, decompressed, has this text.
func (w *world) onDisk(table, text string) bool {
	for _, r := range w.rows(w.table(table), Query{}) {
		if strings.Contains(string(r.Message), text) {
			return true
		}
	}
	return false
}

func TestGoneForGood(t *testing.T) {
	w := start(t, Options{})
	table := w.table("t")
	day := int64(24 * time.Hour / time.Millisecond)
	for i := range 10 {
		when := int64(i) * day
		w.must(table.Append(t.Context(), &Batch{From: mark(i), To: mark(i + 1), Rows: []Row{
			at(when, uint64(2*i), "keep", "keep"), at(when+day/2, uint64(2*i+1), "drop", "drop"),
		}}))
	}
	// A reader that has begun goes on with what it saw.
	s, err := table.Snapshot()
	w.must(err)
	w.must(table.DeleteStream("drop"))
	w.must(table.DeleteStream("drop"))
	for range 2 {
		if w.onDisk("t", "drop") {
			t.Error("a deleted stream is read")
		}
		if got, err := w.table("t").Streams(); err != nil || len(got) != 1 {
			t.Errorf("streams: %v, %v", got, err)
		}
	}
	w.must(table.Compact(t.Context()))
	if p, err := s.Read(t.Context(), &Query{End: 1 << 60}); err != nil || len(p.Rows) != 20 {
		t.Errorf("a snapshot from before has %d rows, %v", len(p.Rows), err)
	}
	s.Close()
	if got := table.Size(); got.Rows != 10 {
		t.Errorf("after the deletion of half the rows there are %+v", got)
	}
	w.must(table.Expire(t.Context(), 3*day))
	if got := table.Size(); got.Rows != 7 && got.Rows != 8 {
		t.Errorf("after expiry there are %+v", got)
	}
	if got := len(w.files("t")); got != 1+2*table.Size().Segments {
		t.Errorf("%d files for %d segments", got, table.Size().Segments)
	}
	w.must(table.Expire(t.Context(), 100*day))
	if got := table.Size(); got != (Size{}) {
		t.Errorf("after all expired: %+v", got)
	}
	if d := cmp.Diff([]string{manifestName}, w.files("t")); d != "" {
		t.Error(d)
	}
	w.must(w.Drop("t"))
	w.must(w.Drop("t"))
	if w.files("t") != nil {
		t.Error("files after the table was dropped")
	}
	if err := table.Append(t.Context(), &Batch{To: "x"}); !errors.Is(err, ErrDropped) {
		t.Errorf("append to a dropped table: %v", err)
	}
	if got := w.table("t").Mark(); got != "" {
		t.Errorf("mark of a new table is %q", got)
	}
}

// TestDamage flips every byte, or cuts, each file: what is read is right or
// fails with the name of the file.
func TestDamage(t *testing.T) {
	w := start(t, Options{})
	table := w.table("t")
	rows := random(rand.New(rand.NewPCG(1, 1)), 0, 40)
	w.must(table.Append(t.Context(), &Batch{Rows: rows, To: "1"}))
	want := w.rows(table, Query{})
	w.Close()
	check := func(name, what string) {
		t.Helper()
		l, err := Open(Options{Dir: w.dir})
		w.must(err)
		defer l.Close()
		got, err := func() ([]Row, error) {
			table, err := l.Table("t")
			if err != nil {
				return nil, err
			}
			s, err := table.Snapshot()
			if err != nil {
				return nil, err
			}
			defer s.Close()
			p, err := s.Read(t.Context(), &Query{End: 1 << 60, Where: contains("eventName")})
			if err != nil {
				return nil, err
			}
			return p.Rows, nil
		}()
		var d *DamageError
		switch {
		case err == nil && cmp.Equal(want, got): // the byte is of no use
		case !errors.As(err, &d) || filepath.Base(d.File) != name:
			t.Errorf("%s: %s: %d rows, %v", name, what, len(got), err)
		}
	}
	for _, name := range w.files("t") {
		path := filepath.Join(w.dir, "t", name)
		good, err := os.ReadFile(path)
		w.must(err)
		for i := 0; i < len(good); i += 1 + len(good)/300 {
			bad := bytes.Clone(good)
			bad[i] ^= 0x10
			w.must(os.WriteFile(path, bad, 0o600))
			check(name, fmt.Sprintf("byte %d flipped", i))
		}
		for _, n := range []int{0, 1, len(good) / 2, len(good) - 1} {
			w.must(os.WriteFile(path, good[:n], 0o600))
			check(name, fmt.Sprintf("cut to %d bytes", n))
		}
		if name != manifestName {
			w.must(os.Remove(path))
			check(name, "removed")
		}
		w.must(os.WriteFile(path, good, 0o600))
	}
	check("", "as it was")
}

// TestCrash copies the folder before every durable step of a table's life, cuts
// what was not synced by then, and opens the copy: every row that was
// acknowledged is there once, and nothing that was deleted.
func TestCrash(t *testing.T) {
	w := start(t, Options{})
	images := t.TempDir()
	day := int64(24 * time.Hour / time.Millisecond)
	type state struct{ acknowledged, maybe map[string]bool }
	now := state{map[string]bool{}, map[string]bool{}}
	var states []state
	unsynced := map[string]bool{}
	var syncing string
	w.fault = func(step string) error {
		if syncing != "" {
			delete(unsynced, syncing)
			syncing = ""
		}
		image := filepath.Join(images, fmt.Sprint(len(states)), "t")
		w.must(os.MkdirAll(image, 0o700))
		for _, name := range w.files("t") {
			b, err := os.ReadFile(filepath.Join(w.dir, "t", name))
			w.must(err)
			if unsynced[name] {
				b = b[:len(b)/2]
			}
			w.must(os.WriteFile(filepath.Join(image, name), b, 0o600))
		}
		if name, ok := strings.CutPrefix(step, "create "); ok {
			unsynced[name] = true
		}
		if name, ok := strings.CutPrefix(step, "sync "); ok {
			syncing = name
		}
		states = append(states, state{maps.Clone(now.acknowledged), maps.Clone(now.maybe)})
		return nil
	}
	table := w.table("t")
	for i := range 17 {
		a, b := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
		now.maybe = map[string]bool{a: true, b: true}
		w.must(table.Append(t.Context(), &Batch{From: mark(i), To: mark(i + 1), Rows: []Row{at(int64(i)*day, uint64(2*i), "a", a), at(int64(i)*day, uint64(2*i+1), "b", b)}}))
		now.acknowledged[a], now.acknowledged[b], now.maybe = true, true, map[string]bool{}
	}
	w.must(table.Compact(t.Context()))
	gone := func(which func(name string) bool, do func() error) {
		for name := range now.acknowledged {
			if which(name) {
				delete(now.acknowledged, name)
				now.maybe[name] = true
			}
		}
		w.must(do())
		now.maybe = map[string]bool{}
	}
	gone(func(name string) bool { return name[0] == 'b' }, func() error { return table.DeleteStream("b") })
	w.must(table.Compact(t.Context()))
	gone(func(name string) bool { return len(name) == 2 }, func() error { return table.Expire(t.Context(), 10*day) })
	gone(func(string) bool { return true }, func() error { return w.Drop("t") })
	t.Logf("%d steps", len(states))
	for i, st := range states {
		l, err := Open(Options{Dir: filepath.Join(images, fmt.Sprint(i))})
		w.must(err)
		copied := &world{Lake: l, t: t, dir: filepath.Join(images, fmt.Sprint(i))}
		table := copied.table("t")
		seen := map[string]int{}
		for _, r := range copied.rows(table, Query{}) {
			seen[string(r.Message)]++
			if name := string(r.Message); seen[name] > 1 || !st.acknowledged[name] && !st.maybe[name] {
				t.Errorf("step %d: row %s, seen %d times", i, name, seen[name])
			}
		}
		for name := range st.acknowledged {
			if seen[name] == 0 {
				t.Errorf("step %d: row %s is lost", i, name)
			}
		}
		if got := len(copied.files("t")); got > 1+2*table.Size().Segments {
			t.Errorf("step %d: files %v are left for %d segments", i, copied.files("t"), table.Size().Segments)
		}
		l.Close()
	}
}

// TestFailure lets every durable step fail once; the caller repeats.
func TestFailure(t *testing.T) {
	for _, what := range []string{"create", "sync 0", "sync MANIFEST", "sync folder", "rename", "mkdir"} {
		for skip := range 6 {
			w := start(t, Options{})
			failed := 0
			w.fault = func(step string) error {
				if strings.HasPrefix(step, what) {
					if failed++; failed == skip+1 {
						return errors.New("disk says no")
					}
				}
				return nil
			}
			table := w.table("t")
			again := func(do func() error) {
				t.Helper()
				err := do()
				if err != nil {
					err = do()
				}
				w.must(err)
			}
			for i := range 9 {
				again(func() error {
					return table.Append(t.Context(), &Batch{From: mark(i), To: mark(i + 1), Rows: []Row{at(int64(i), uint64(i), "s", fmt.Sprint(i))}})
				})
			}
			again(func() error { return table.Compact(t.Context()) })
			for range 2 {
				if got := len(w.rows(table, Query{})); got != 9 || table.Mark() != "9" {
					t.Errorf("%s fails after %d: %d rows, mark %s", what, skip, got, table.Mark())
				}
				if got := len(w.files("t")); got != 1+2*table.Size().Segments {
					t.Errorf("%s fails after %d: files %v", what, skip, w.files("t"))
				}
				w.reopen()
				table = w.table("t")
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	m := manifest{Version: manifestVersion, Mark: "7", Next: 3, Segments: []segment.Info{{Number: 2, Rows: 1, Size: 4, IndexSize: 9, Directory: 3}}}
	good, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n00000000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			return
		}
		if _, err := m.encode(); err != nil {
			t.Error(err)
		}
	})
}
