package part

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"cairn/internal/grams"
	"cairn/internal/logquery/querytest"
)

// files are the two files of a part.
type files struct{ name, pages string }

// write writes a part with records, whose times are their numbers.
func write(tb testing.TB, records [][]byte) (f files) {
	tb.Helper()
	f = files{filepath.Join(tb.TempDir(), "a.parquet"), filepath.Join(tb.TempDir(), "a.pages")}
	var b bytes.Buffer
	w := NewWriter(&b)
	for i, r := range records {
		if err := w.Add(Row{Time: int64(i), Record: r, Source: fmt.Sprintf("file %d", i/100)}); err != nil {
			tb.Fatal(err)
		}
	}
	index, err := w.Close()
	if err != nil {
		tb.Fatal(err)
	}
	for path, content := range map[string][]byte{f.name: b.Bytes(), f.pages: index} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return f
}

// open opens a part until the test ends.
func open(tb testing.TB, f files) *Part {
	tb.Helper()
	p, err := Open(f.name, f.pages)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// readAll returns all records of a part.
func readAll(tb testing.TB, p *Part) (records [][]byte) {
	tb.Helper()
	for i := range p.NumPages() {
		if err := p.Read(i, nil, func(r Row) error {
			if want := fmt.Sprintf("file %d", len(records)/100); r.Source != want {
				tb.Fatalf("record %d is said to be of %q", len(records), r.Source)
			}
			records = append(records, bytes.Clone(r.Record))
			return nil
		}); err != nil {
			tb.Fatal(err)
		}
	}
	return records
}

func demandSame(tb testing.TB, got, want [][]byte) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%d records came out of %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			tb.Fatalf("record %d went in as\n%s\nand came out as\n%s", i, want[i], got[i])
		}
	}
}

// TestEveryByteComesBack is about records written in any way that JSON allows,
// and in some that it does not.
func TestEveryByteComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var records [][]byte
	for range 5000 {
		records = append(records, querytest.Hostile(r))
	}
	records = append(records, odd()...)
	demandSame(t, readAll(t, open(t, write(t, records))), records)
}

// odd are records that each need some care.
func odd() (records [][]byte) {
	for _, s := range []string{
		`{}`, ` {} `, `{"a":1}`, `{"eventName":"A","eventName":"B"}`, `{"eventName":"B","x":{},"eventName":null}`, `{"eventName":null}`,
		`{"eventName":1}`, `{"eventName":{"a":[]}}`, `{"eventName":"\u0041"}`, `{"eventName":"a\/b"}`, `{"eventName":"\u003c\u003e"}`, `{"eventName":"\n\t\r\b\f\u0001\"\\"}`,
		`{"\u0065ventName":"A"}`, `{"a,b=null*":1,"*":2,"eventName=null":3}`, `{"eventTime":"2026-05-20T12:00:00Z"}`, `{"eventTime":"2026-05-20T12:00:00.0Z"}`,
		`{"eventTime":"2026-02-30T12:00:00Z"}`, `{"eventTime":"2026-05-20T24:00:00Z"}`, `{"eventTime":"2026-05-20T12:00:60Z"}`, `{"eventTime":"0000-01-01T00:00:00Z"}`, `{"eventTime":"9999-12-31T23:59:59Z"}`, `{"eventTime":17}`, `{"eventTime":null}`,
		`{"readOnly":true,"managementEvent":"false"}`, `{"readOnly":null}`, `{"readOnly":"x"}`,
		`{"requestParameters": {"a": 1}}`, `{"requestParameters":{ "a" : [1 , 2] }}`, `{"requestParameters":null,"responseElements":"text"}`, `{"resources":[]}`,
		`{"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"true"}}}}`, `{"userIdentity":"x"}`,
		"{\"eventName\":\"\xff\"}", "{\"requestParameters\":{\"\xff\":\"\\ud800\"}}", "{\"\xff\":1}", `{"x":"\ud83d\ude00"}`, `{"rest":{},"layout":1,"record":2}`,
		"base64:e30=", "null", `"text"`, "plain text", `{"a":1}{"b":2}`, `{"unfinished":`, "\x00",
		`{"eventName":"A"} `, "\n{\"eventName\":\"A\"}", `{"eventName" :"A"}`, `{ "eventName":"A"}`, `{"eventName":"A" }`, `{"eventName":"A", "x":1}`,
		`{"big":"` + strings.Repeat("x", 300_000) + `"}`,
	} {
		records = append(records, []byte(s))
	}
	return records
}

func TestGenuineRecordsComeBack(t *testing.T) {
	records := genuine(t)
	p := open(t, write(t, records))
	demandSame(t, readAll(t, p), records)
	// Genuine records are put together from columns, not kept whole.
	if err := errors.Join(p.open(), p.openGroup(0)); err != nil {
		t.Fatal(err)
	}
	c := &p.columns[recordColumn]
	if err := c.load(0, p.pages[0].rows, nil); err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, v := range c.values {
		if !v.IsNull() {
			whole++
		}
	}
	if whole > len(c.values)/100 {
		t.Errorf("%d of %d records were kept whole", whole, len(c.values))
	}
}

func genuine(tb testing.TB) (records [][]byte) {
	tb.Helper()
	files, err := filepath.Glob("../../../../shared/data/*.ndjson.gz")
	if err != nil {
		tb.Fatal(err)
	}
	if len(files) == 0 {
		tb.Skip("genuine records are not here")
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			records = append(records, bytes.Clone(s.Bytes()))
		}
		if err := s.Err(); err != nil {
			tb.Fatal(err)
		}
	}
	return records
}

// many returns records with numbers, in more than one row group.
func many(n int) (records [][]byte) {
	for i := range n {
		records = append(records, fmt.Appendf(nil, `{"eventName":"E%d","requestID":"R%d","requestParameters":{"n":%d},"extra%d":1}`, i%7, i, i, i%3))
	}
	return records
}

func TestPagesAndRows(t *testing.T) {
	const n = groupPages*PageRows + 3*PageRows + 17
	records := many(n)
	p := open(t, write(t, records))
	if want := groupPages + 4; p.NumPages() != want {
		t.Fatalf("%d pages, want %d", p.NumPages(), want)
	}
	for i, page := range p.Pages() {
		if page.Row != i*PageRows || page.First != int64(page.Row) || page.Last != int64(page.Row+page.Rows-1) {
			t.Errorf("page %d is %+v", i, page)
		}
	}
	// Pages out of order, some rows of each.
	r := rand.New(rand.NewPCG(7, 8))
	for _, number := range r.Perm(p.NumPages()) {
		rows := p.Pages()[number].Rows
		some := r.Perm(rows)[:min(rows, 5)]
		slices.Sort(some)
		i := 0
		if err := p.Read(number, some, func(row Row) error {
			if want := records[number*PageRows+some[i]]; !bytes.Equal(row.Record, want) {
				t.Errorf("row %d of page %d is %s, want %s", some[i], number, row.Record, want)
			}
			i++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	needle := grams.Compile([][][]byte{{[]byte(`"requestID":"R70000"`)}})
	maybe := 0
	for i := range p.NumPages() {
		if p.May(i, needle) {
			maybe++
		} else if i == 70000/PageRows {
			t.Error("the page that has the needle may not have it")
		}
	}
	if maybe > 20 {
		t.Errorf("%d pages may have the needle", maybe)
	}
}

func TestSources(t *testing.T) {
	p := open(t, write(t, many(3000)))
	for key, want := range map[string]bool{"file 0": true, "file 29": true, "file 30": false} {
		if got, err := p.HasSource(map[string]bool{key: true}); err != nil || got != want {
			t.Errorf("%s: %v, %v", key, got, err)
		}
	}
}

// TestDamagedPart demands an error, or the right records, of a part of which a
// byte was changed.
func TestDamagedPart(t *testing.T) {
	records := many(2000)
	f := write(t, records)
	for _, path := range []string{f.name, f.pages} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(9, 9))
		for range 100 {
			bad := bytes.Clone(whole)
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			if r.IntN(4) == 0 {
				bad = bad[:r.IntN(len(bad))]
			}
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			readDamaged(t, f, records)
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// readDamaged reads a part that may be damaged.
func readDamaged(t *testing.T, f files, records [][]byte) {
	t.Helper()
	p, err := Open(f.name, f.pages)
	if err != nil {
		return
	}
	defer p.Close()
	n := 0
	for i := range p.NumPages() {
		if err := p.Read(i, nil, func(r Row) error {
			if !bytes.Equal(r.Record, records[n]) {
				t.Fatalf("record %d came out as %s", n, r.Record)
			}
			n++
			return nil
		}); err != nil {
			return
		}
	}
}

// FuzzRecord: any bytes come back.
func FuzzRecord(f *testing.F) {
	for _, r := range odd() {
		if len(r) < 1000 {
			f.Add(r)
		}
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		s, j := newSplitter(), newJoiner()
		whole := s.split(record)
		if whole {
			return
		}
		w := NewWriter(&bytes.Buffer{})
		if err := w.Add(Row{Record: record}); err != nil {
			t.Fatal(err)
		}
		got, err := j.join(nil, func(column int) parquet.Value { return w.values[column][0] })
		if err != nil || !bytes.Equal(got, record) {
			t.Fatalf("%q came back as %q, %v", record, got, err)
		}
	})
}

// FuzzPages: no bytes make the decoder fail but by an error.
func FuzzPages(f *testing.F) {
	f.Add(encodePages(ending{}, []page{{rows: 3, first: 1, last: 2, filter: grams.Filter("xyz")}}))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _ = decodePages(b)
		if len(b) >= pagesHeader { // behind a checksum that is right
			_, _, _ = decodePages(seal(bytes.Clone(b)))
		}
	})
}

// seal makes the checksum of a map of pages right.
func seal(b []byte) []byte {
	copy(b, pagesMagic)
	binary.LittleEndian.PutUint32(b[len(pagesMagic):], crc32.Checksum(b[pagesSummed:], castagnoli))
	return b
}
