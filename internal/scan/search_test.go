package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"cairn/bench/corpus"
	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

// hostile formats records in any way JSON allows.
func hostile(r *rand.Rand, records [][]byte) []byte {
	for range r.IntN(20) {
		records = append(records, querytest.Record(r))
	}
	var b bytes.Buffer
	space := func() {
		for range r.IntN(3) {
			b.WriteByte(" \n\t\r"[r.IntN(4)])
		}
	}
	list := func() {
		for i, record := range records {
			if i > 0 {
				b.WriteByte(',')
			}
			space()
			if r.IntN(4) == 0 && json.Valid(record) {
				_ = json.Indent(&b, record, "", " ")
			} else {
				b.Write(record)
			}
			space()
		}
	}
	switch space(); r.IntN(4) {
	case 0:
		b.WriteString(`{ "Owner" : {"Records":{}}, "Records":[`)
		list()
		b.WriteString(`], "Count" : [1,"]"] }`)
	case 1:
		b.WriteString(`{"Records" :[`)
		list()
		b.WriteString(`]}`)
		space()
	default:
		b.WriteString(`{"Records":[`)
		list()
		b.WriteString(`]}`)
	}
	return b.Bytes()
}

// slowRecords returns every record below a folder the obvious way.
func slowRecords(t *testing.T, dir string) (records [][]byte) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		var file struct{ Records []json.RawMessage }
		if err := json.NewDecoder(z).Decode(&file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, raw := range file.Records {
			records = append(records, raw)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// slowTime is a record's time the slow way: that of the first member of the name.
func slowTime(m *querytest.Message) time.Time {
	for _, member := range m.Object {
		if member.Name == "eventTime" {
			text, _ := member.Value.(string)
			at, _ := time.Parse(time.RFC3339, text)
			return at
		}
	}
	return time.Time{}
}

// TestAgainstSlow compares searches with the obvious evaluation of every record
// by encoding/json, over files in any formatting.
func TestAgainstSlow(t *testing.T) {
	cases := querytest.Cases(11, 100)
	for _, text := range []string{corpus.RareUser, corpus.RareIP, "pipeline\u003e", "AccessDenied", `"eventName":"PutObject"`} {
		cases = append(cases, querytest.Case{Text: text, Expr: logquery.Text(text), Slow: func(m *querytest.Message) bool { return bytes.Contains(m.Bytes, []byte(text)) }})
	}
	for _, formatting := range []func(*rand.Rand, [][]byte) []byte{nil, hostile} {
		dir := t.TempDir()
		o := corpus.Large(1000)
		o.Median, o.Formatting, o.Days = 20, formatting, 9
		if _, err := corpus.Write(dir, o); err != nil {
			t.Fatal(err)
		}
		var all []*querytest.Message
		for _, raw := range slowRecords(t, dir) {
			all = append(all, querytest.Read(raw))
		}
		src, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range cases {
			q := Query{Where: logquery.Compile(c.Expr), Order: Order(i % 3), Workers: 1 + i%4}
			if i%5 == 0 {
				q.From, q.To = corpus.Start.AddDate(0, 0, 3), corpus.Start.AddDate(0, 0, 3).Add(time.Duration(i)*time.Hour)
			}
			var want, got []string
			for _, m := range all {
				if c.Slow(m) && (q.From.IsZero() || q.contains(slowTime(m))) {
					want = append(want, string(m.Bytes))
				}
			}
			report, err := Search(t.Context(), src, q, func(m Match) error {
				got = append(got, string(m.Record))
				return nil
			})
			if err != nil || len(report.Damaged) > 0 {
				t.Fatalf("%s: %v, damaged %v", c.Text, err, report.Damaged)
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s, from %v to %v: %d records, want %d", c.Text, q.From, q.To, len(got), len(want))
			}
		}
	}
}

// TestCount compares with counting by maps.
func TestCount(t *testing.T) {
	dir := t.TempDir()
	o := corpus.Large(1000)
	o.Median, o.Formatting = 20, hostile
	if _, err := corpus.Write(dir, o); err != nil {
		t.Fatal(err)
	}
	src, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	where := logquery.Compile(logquery.Field("readOnly", logquery.IsTrue()))
	want := map[string]int64{}
	var total int64
	values := logquery.Select("eventName", "userIdentity.type", "requestParameters")
	for _, raw := range slowRecords(t, dir) {
		if !where.Match(raw) {
			continue
		}
		total++
		var key []string
		for _, v := range values.Values(raw, nil) {
			text, ok := v.Text()
			if !ok && bytes.ContainsAny(v.Raw[:min(1, len(v.Raw))], "{[") {
				text = v.Raw
			}
			key = append(key, string(text))
		}
		at := slowTime(querytest.Read(raw))
		if !at.IsZero() {
			at = at.UTC().Truncate(24 * time.Hour)
		}
		want[fmt.Sprint(at, key)]++
	}
	by := Grouping{By: []string{"eventName", "userIdentity.type", "requestParameters"}, Every: 24 * time.Hour}
	counts, report, err := Count(t.Context(), src, Query{Where: where}, by)
	if err != nil || len(report.Damaged) > 0 || report.Matches != total {
		t.Fatalf("%v, damaged %v, %d of %d", err, report.Damaged, report.Matches, total)
	}
	got := map[string]int64{}
	for i, g := range counts.Groups {
		got[fmt.Sprint(g.Time, g.Values)] += g.Count
		if i > 0 && g.Count > counts.Groups[i-1].Count {
			t.Errorf("group %d is larger than the one before", i)
		}
	}
	if d := cmp.Diff(want, got); d != "" || counts.Other != 0 {
		t.Errorf("other %d; groups (-want +got):\n%.2000s", counts.Other, d)
	}

	by.MaxGroups = 10
	counts, _, err = Count(t.Context(), src, Query{Where: where}, by)
	if err != nil {
		t.Fatal(err)
	}
	sum := counts.Other
	for _, g := range counts.Groups {
		sum += g.Count
	}
	if sum != total || len(counts.Groups) != 10 {
		t.Errorf("bounded: %d groups, %d of %d records", len(counts.Groups), sum, total)
	}
	if _, _, err := Count(t.Context(), src, Query{}, Grouping{By: []string{"a[["}}); err == nil {
		t.Error("a path that cannot be read was counted by")
	}
}

// TestOrder delivers records late and out of order, and wants them in exact
// order both ways.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	m := &memoryStore{files: map[string][]byte{}}
	type timed struct {
		at time.Time
		id string
	}
	var all []timed
	for i := range 300 {
		delivered := date(1+r.IntN(5), r.IntN(24), 5*r.IntN(12))
		var records []string
		for j := range r.IntN(6) {
			at := delivered.Add(-time.Duration(r.IntN(3500)) * time.Second)
			id := fmt.Sprintf("%d-%d", i, j)
			all = append(all, timed{at, id})
			records = append(records, record(at, id))
		}
		m.files[key("", "111122223333", []string{"us-east-1", "eu-west-1"}[i%2], delivered, fmt.Sprint(i))] = logFile(records...)
	}
	for _, newest := range []bool{false, true} {
		for _, limit := range []int64{0, 1, 40, 5000} {
			q := Query{Order: OldestFirst, Limit: limit, Workers: 3}
			if newest {
				q.Order = NewestFirst
			}
			var got []time.Time
			report, err := Search(t.Context(), m.source(), q, func(m Match) error {
				got = append(got, m.Time)
				return nil
			})
			if err != nil || report.Late != 0 {
				t.Fatalf("%v, late %d", err, report.Late)
			}
			slices.SortFunc(all, func(a, b timed) int {
				if newest {
					return b.at.Compare(a.at)
				}
				return a.at.Compare(b.at)
			})
			var want []time.Time
			for _, x := range all[:min(len(all), int(cmpOr(limit, 5000)))] {
				want = append(want, x.at)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("newest %v, limit %d (-want +got):\n%.1000s", newest, limit, d)
			}
			if opened := len(m.opened); limit == 1 && opened > 120 {
				t.Errorf("newest %v: %d files were opened for one record", newest, opened)
			}
			m.opened = nil
		}
	}
	one, _ := findIn(t, m.source(), Query{Order: OldestFirst})
	other, _ := findIn(t, m.source(), Query{Order: NewestFirst})
	slices.Reverse(other)
	if !slices.Equal(one, other) {
		t.Error("newest first is not oldest first backwards")
	}
}

func cmpOr(a, b int64) int64 {
	if a != 0 {
		return a
	}
	return b
}

// TestLate gives records that come too late, or too many to wait, at once, and
// says so.
func TestLate(t *testing.T) {
	m := &memoryStore{files: map[string][]byte{}}
	for hour := range 10 {
		records := []string{record(date(2, hour, 1), fmt.Sprintf("on time %d", hour))}
		if hour == 5 {
			records = append(records, record(date(2, 1, 30), "late"))
		}
		m.files[key("", "111122223333", "us-east-1", date(2, hour, 5), "A")] = logFile(records...)
	}
	ids, report := findIn(t, m.source(), Query{Order: OldestFirst, InFlight: 1, Workers: 1})
	if len(ids) != 11 || report.Late != 1 || slices.Index(ids, "late") < 3 {
		t.Errorf("%q, late %d", ids, report.Late)
	}
	if ids, report = findIn(t, m.source(), Query{Order: OldestFirst, Ahead: 4 * time.Hour}); len(ids) != 11 || report.Late != 0 || ids[2] != "late" {
		t.Errorf("with four hours ahead: %q, late %d", ids, report.Late)
	}
	if ids, report = findIn(t, m.source(), Query{Order: NewestFirst}); report.Late != 0 || ids[8] != "late" {
		t.Errorf("newest first: %q, late %d", ids, report.Late)
	}
	if ids, _ = findIn(t, m.source(), Query{Order: OldestFirst, Ahead: 100 * time.Hour, Memory: 200}); len(ids) != 11 {
		t.Errorf("without memory: %q", ids)
	}
}

func TestOnce(t *testing.T) {
	again := record(date(2, 1, 0), "again")
	m := &memoryStore{files: map[string][]byte{
		key("", "111122223333", "us-east-1", date(2, 1, 5), "A"): logFile(again, record(date(2, 1, 1), "one"), `{"eventTime":"2026-05-02T01:00:00Z"}`),
		key("", "111122223333", "us-east-1", date(2, 1, 5), "B"): logFile(again, record(date(2, 1, 2), "two"), `{"eventTime":"2026-05-02T01:00:00Z"}`),
	}}
	if ids, _ := findIn(t, m.source(), Query{}); len(ids) != 6 {
		t.Errorf("%q", ids)
	}
	ids, report := findIn(t, m.source(), Query{Once: true, Order: OldestFirst, Limit: 5})
	if len(ids) != 5 || report.Twice != 1 || slices.Index(ids[1:], "again") >= 0 && ids[0] == "again" {
		t.Errorf("once: %q, left out %d", ids, report.Twice)
	}
}

// TestOnceForged has a record with the eventID of a genuine one, in a file before.
func TestOnceForged(t *testing.T) {
	genuine := record(date(2, 1, 1), "one")
	forged := strings.Replace(genuine, `{`, `{"forged":true,`, 1)
	m := &memoryStore{files: map[string][]byte{
		key("", "111122223333", "us-east-1", date(2, 1, 5), "A"): logFile(forged),
		key("", "111122223333", "us-east-1", date(2, 1, 5), "B"): logFile(genuine, genuine),
	}}
	if ids, report := findIn(t, m.source(), Query{Once: true}); !slices.Equal(ids, []string{"one", "one"}) || report.Twice != 1 {
		t.Errorf("%q, left out %d", ids, report.Twice)
	}
}

// TestDamage reports what is wrong with files, and gives what can be read.
func TestDamage(t *testing.T) {
	good := logFile(record(date(2, 1, 0), "good"))
	var many []string
	for i := range 20_000 {
		many = append(many, record(date(2, 1, 0), fmt.Sprint(rand.Uint64(), i)))
	}
	large := logFile(many...)
	m := &memoryStore{files: map[string][]byte{
		"a/good.json.gz":    good,
		"b/empty.json":      nil,
		"c/cut.json.gz":     large[:len(large)/2],
		"d/two.json.gz":     append(bytes.Clone(good), good...),
		"e/garbage.json.gz": append(bytes.Clone(good), "garbage"...),
		"f/text.json":       []byte("hello"),
		"g/digest.json":     []byte(`{"awsAccountId":"111122223333","logFiles":[]}`),
		"h/fields.ndjson":   []byte(record(date(2, 1, 0), "line one") + "\n" + record(date(2, 1, 0), "line two") + "\n"),
		"i/list.json":       []byte("[" + record(date(2, 1, 0), "listed") + "]"),
		"j/gone.json":       good,
		"k/deep.json":       []byte(`{"Records":[` + strings.Repeat(`{"a":`, 1000)),
		"l/long.json":       []byte(`{"Records":[{"a":"` + strings.Repeat("x", 100_000) + `"}]}`),
		"m/secret.json":     good,
	}}
	m.fail = func(_ context.Context, key string) error {
		switch key {
		case "j/gone.json":
			return os.ErrNotExist
		case "m/secret.json":
			return errSecret
		}
		return nil
	}
	ids, report := findIn(t, m.source(), Query{MaxRecord: 50_000})
	if report.Files != 13 || report.DamagedFiles != 10 || len(ids) < 1000 {
		t.Errorf("%d records, report %+v", len(ids), report)
	}
	for _, id := range []string{"good", "line one", "line two", "listed"} {
		if !slices.Contains(ids, id) {
			t.Errorf("the record %q was not given", id)
		}
	}
	want := []struct {
		key string
		err error
	}{
		{"b/empty.json", ErrForeign},
		{"c/cut.json.gz", ErrCompression},
		{"d/two.json.gz", ErrMembers},
		{"e/garbage.json.gz", ErrTrailing},
		{"f/text.json", ErrForeign},
		{"g/digest.json", ErrForeign},
		{"j/gone.json", os.ErrNotExist},
		{"k/deep.json", ErrTooDeep},
		{"l/long.json", ErrTooLarge},
		{"m/secret.json", errSecret},
	}
	for i, d := range report.Damaged {
		if i >= len(want) || d.File.Key != want[i].key || !errors.Is(d.Err, want[i].err) {
			t.Errorf("damaged %d: %v", i, d)
		}
	}
}

var errSecret = errors.New("access denied")

// TestTryAgain reads a file's beginning again if the connection breaks.
func TestTryAgain(t *testing.T) {
	m := &brokenSource{content: logFile(record(date(2, 1, 0), "good"))}
	for range 2 {
		if ids, report := findIn(t, m, Query{}); len(ids) != 1 || report.DamagedFiles != 0 {
			t.Errorf("%q, damaged %v", ids, report.Damaged)
		}
	}
	m.broken = 10
	if _, report := findIn(t, m, Query{}); report.DamagedFiles != 1 {
		t.Errorf("a file that cannot be read is not damaged")
	}
}

// brokenSource has one file; reading it fails some times.
type brokenSource struct {
	content []byte
	opened  int
	broken  int
}

func (b *brokenSource) List(_ context.Context, _ Window, _ bool, each func(File) error) error {
	b.opened = 0
	return each(File{Key: "x.json.gz", Size: int64(len(b.content))})
}

func (b *brokenSource) Open(context.Context, File) (io.ReadCloser, error) {
	b.opened++
	if b.opened <= max(b.broken, 2) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b.content[:9]), iotest.ErrReader(errSecret))), nil
	}
	return io.NopCloser(bytes.NewReader(b.content)), nil
}

// TestStop ends a search by its context, by an error of emit, by an error of
// listing, and leaves no goroutine behind.
func TestStop(t *testing.T) {
	m := &memoryStore{files: map[string][]byte{}}
	for i := range 200 {
		m.files[key("", "111122223333", "us-east-1", date(2, 1, i%60), fmt.Sprint(i))] = logFile(record(date(2, 1, 0), fmt.Sprint(i)))
	}
	synctest.Test(t, func(t *testing.T) { // ends only if all goroutines do
		for _, order := range []Order{AsRead, OldestFirst, NewestFirst} {
			ctx, cancel := context.WithCancel(t.Context())
			m.fail = func(ctx context.Context, _ string) error {
				time.Sleep(time.Second)
				return ctx.Err()
			}
			time.AfterFunc(3*time.Second, cancel)
			if _, err := Search(ctx, m.source(), Query{Order: order, Progress: func(Progress) {}}, func(Match) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			if report, err := Search(t.Context(), m.source(), Query{Order: order}, func(Match) error { return errSecret }); !errors.Is(err, errSecret) || report.Matches > 1 {
				t.Errorf("emit failed: %v, %d", err, report.Matches)
			}
			if report, err := Search(t.Context(), m.source(), Query{Order: order, Limit: 3}, func(Match) error { return nil }); err != nil || report.Matches != 3 {
				t.Errorf("limit: %v, %d", err, report.Matches)
			}
			if _, err := Search(t.Context(), noList{}, Query{Order: order}, func(Match) error { return nil }); !errors.Is(err, errSecret) {
				t.Errorf("listing failed: %v", err)
			}
			if _, _, err := Count(ctx, m.source(), Query{}, Grouping{}); !errors.Is(err, context.Canceled) {
				t.Errorf("count, cancelled: %v", err)
			}
		}
	})
}

// noList is a source that cannot be listed to its end.
type noList struct{}

func (noList) List(_ context.Context, _ Window, _ bool, each func(File) error) error {
	return errors.Join(each(File{Key: "a.json"}), errSecret)
}

func (noList) Open(context.Context, File) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(`{"Records":[]}`)), nil
}

func TestProgress(t *testing.T) {
	m := &memoryStore{files: map[string][]byte{}}
	for i := range 50 {
		m.files[key("", "111122223333", "us-east-1", date(2, 1, i), "A")] = logFile(record(date(2, 1, i), fmt.Sprint(i)))
	}
	m.fail = func(context.Context, string) error {
		time.Sleep(time.Second)
		return nil
	}
	synctest.Test(t, func(t *testing.T) {
		var last Progress
		times := 0
		_, err := Search(t.Context(), m.source(), Query{InFlight: 5, Workers: 1, Progress: func(p Progress) {
			if times++; p.Files < last.Files || p.FilesFound < p.Files || p.Elapsed < last.Elapsed {
				t.Errorf("%+v after %+v", p, last)
			}
			if left, ok := p.Left(); ok && p.Files == 25 && (left < 3*time.Second || left > 7*time.Second) {
				t.Errorf("after %v of 10 s, %v are left", p.Elapsed, left)
			}
			last = p
		}}, func(Match) error { return nil })
		if err != nil || last.Files != 50 || last.Matches != 50 || !last.Complete || last.Bytes != last.BytesFound || times < 40 {
			t.Errorf("%v, %d times, last %+v", err, times, last)
		}
	})
}
