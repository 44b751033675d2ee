package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// write makes a segment of rows.
func write(t testing.TB, f *Folder, rows []Row, notes map[string]StreamNote) Info {
	t.Helper()
	w, err := NewWriter(f, 7)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := w.Add(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	info, err := w.Finish(notes)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// read returns all rows of a segment.
func read(t *testing.T, f *Folder, info *Info) (rows []Row, pages int) {
	t.Helper()
	r, err := Open(f, info)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range r.Pages() {
		p := NewRows(r, &r.Pages()[i])
		if err := p.ReadAll(); err != nil {
			t.Fatal(err)
		}
		for j := range p.Page().Rows {
			row := p.Row(j)
			row.Message = bytes.Clone(row.Message)
			rows = append(rows, row)
		}
		p.Close()
	}
	return rows, len(r.Pages())
}

// TestRoundTrip writes and reads segments of several row groups, of messages
// larger than a page, and of one row.
func TestRoundTrip(t *testing.T) {
	many := make([]Row, (groupPages+2)*pageRows+5)
	for i := range many {
		many[i] = Row{Pos: Position{Timestamp: int64(i / 3), Seq: uint64(i), Index: uint32(i % 7)}, Ingestion: int64(i + 1), Stream: fmt.Sprint("s", i%5), Message: fmt.Append(nil, "message ", i)}
	}
	large := make([]Row, 5)
	for i := range large {
		large[i] = Row{Pos: Position{Timestamp: int64(i)}, Stream: "s", Message: bytes.Repeat([]byte{byte('a' + i)}, pageBytes/2+i*pageBytes/3)}
	}
	for _, tt := range []struct {
		name  string
		rows  []Row
		pages int
	}{
		{"many", many, groupPages + 3},
		{"large", large, 5},
		{"one", []Row{{Pos: Position{Timestamp: -5, Seq: 1<<63 - 1, Index: 1<<32 - 1}, Stream: "s", Message: []byte{}}}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &Folder{Dir: t.TempDir()}
			info := write(t, f, tt.rows, nil)
			rows, pages := read(t, f, &info)
			if pages != tt.pages || info.Rows != int64(len(tt.rows)) || info.First != tt.rows[0].Pos.Timestamp || info.Last != tt.rows[len(tt.rows)-1].Pos.Timestamp {
				t.Errorf("%d pages, %+v", pages, info)
			}
			for i := range tt.rows {
				a, b := tt.rows[i], rows[i]
				if a.Pos != b.Pos || a.Ingestion != b.Ingestion || a.Stream != b.Stream || !bytes.Equal(a.Message, b.Message) {
					t.Fatalf("row %d: %s", i, cmp.Diff(a, b))
				}
			}
		})
	}
}

// TestParquet reads a segment as any Parquet reader does.
func TestParquet(t *testing.T) {
	f := &Folder{Dir: t.TempDir()}
	info := write(t, f, []Row{
		{Pos: Position{Timestamp: 1, Seq: 2, Index: 3}, Ingestion: 4, Stream: "s", Message: []byte("one")},
		{Pos: Position{Timestamp: 5, Seq: 6, Index: 7}, Ingestion: 8, Stream: "t", Message: []byte("two")},
	}, nil)
	got, err := parquet.ReadFile[row](f.Path(info.Parquet()))
	if err != nil {
		t.Fatal(err)
	}
	want := []row{{1, 4, "s", 2, 3, "one"}, {5, 8, "t", 6, 7, "two"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	b, err := os.ReadFile(f.Path(info.Parquet()))
	if err != nil || int64(len(b)) != info.Size {
		t.Errorf("the file has %d bytes, %d are said: %v", len(b), info.Size, err)
	}
}

// TestNotes checks what is kept of streams, and that joining repeats no token.
func TestNotes(t *testing.T) {
	f := &Folder{Dir: t.TempDir()}
	info := write(t, f, []Row{{Pos: Position{Timestamp: 1}, Stream: "s", Message: []byte("xx")}}, map[string]StreamNote{"s": {3, []string{"a", "b"}}, "none": {Number: 1}})
	r, err := Open(f, &info)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := Merge(Merge(nil, r.Streams()), map[string]StreamInfo{
		"s": {Rows: 1, Bytes: 5, First: -2, Last: 0, LastIngestion: 9, Note: StreamNote{2, []string{"z", "a"}}}, "t": {Rows: 1},
	})
	want := map[string]StreamInfo{"s": {Rows: 2, Bytes: 7, First: -2, Last: 1, LastIngestion: 9, Note: StreamNote{3, []string{"z", "a", "b"}}}, "t": {Rows: 1}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	old := StreamNote{Number: 1, Tokens: make([]string, keptTokens)}
	for i := range old.Tokens {
		old.Tokens[i] = fmt.Sprint(i)
	}
	if n := old.merge(StreamNote{2, []string{"new"}}); len(n.Tokens) != keptTokens || n.Tokens[0] != "1" || n.Tokens[keptTokens-1] != "new" {
		t.Errorf("of %d tokens and a new one %d are kept", keptTokens, len(n.Tokens))
	}
}

// TestNeedles chooses what to look for in a page's messages, and in which order.
func TestNeedles(t *testing.T) {
	b := func(texts ...string) (list [][]byte) {
		for _, text := range texts {
			list = append(list, []byte(text))
		}
		return list
	}
	many := b("1", "2", "3", "4", "5", "6", "7", "8", "9")
	for _, tt := range []struct {
		needles [][][]byte
		want    string
	}{
		{nil, ""},
		{[][][]byte{many}, ""},
		{[][][]byte{many, b("x", "y"), b("z")}, "z; x y; "},
		{[][][]byte{b("name", `\u004`, `\u006`, `\u0030`), b("x", "y", "z")}, `name \u00; x y z; `},
		{[][][]byte{b("short"), b("much longer"), b("longer")}, "much longer; longer; short; "},
		{[][][]byte{b("short", `\u0030`), b(`\u0030`, "longer")}, `\u00 longer; short \u00; `},
		{[][][]byte{b("x", ""), {}}, ""},
	} {
		got := ""
		if n := NewNeedles(tt.needles); n != nil {
			for _, clause := range n.clauses {
				texts := make([]string, len(clause))
				for i := range clause {
					texts[i] = string(clause[i].Bytes())
				}
				got += strings.Join(texts, " ") + "; "
			}
		}
		if got != tt.want {
			t.Errorf("of %q: %q, want %q", tt.needles, got, tt.want)
		}
	}
}

// TestSearch compares Search with looking into each message: none that has a
// byte string of each clause may be unwanted, and few others wanted.
func TestSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() []byte {
		b := make([]byte, 1+r.IntN(3))
		for i := range b {
			b[i] = "ab\""[r.IntN(3)]
		}
		return b
	}
	kept, extra := 0, 0
	for range 3000 {
		p := &Rows{offsets: []uint32{0}}
		for range 1 + r.IntN(40) {
			for range r.IntN(6) {
				p.messages = append(p.messages, "abab\""[r.IntN(5)])
			}
			p.offsets = append(p.offsets, uint32(len(p.messages)))
		}
		clauses := [][][]byte{{word(), word()}}
		for range r.IntN(3) {
			clauses = append(clauses, [][]byte{word()})
		}
		wanted := make([]bool, len(p.offsets)-1)
		for i := range wanted {
			wanted[i] = r.IntN(5) > 0
		}
		got, left := slices.Clone(wanted), false
		any := p.Search(NewNeedles(clauses), got)
		for i := range got {
			has := true
			for _, c := range clauses {
				has = has && slices.ContainsFunc(c, func(text []byte) bool { return bytes.Contains(p.Message(i), text) })
			}
			if got[i] && !wanted[i] || has && wanted[i] && !got[i] {
				t.Fatalf("%q at %v: message %d with %q: %v", p.messages, p.offsets, i, clauses, got[i])
			}
			if left = left || got[i]; got[i] {
				kept++
			}
			if got[i] && !has {
				extra++
			}
		}
		if any != left {
			t.Fatalf("search says %v of %v", any, got)
		}
	}
	if kept < 1000 || extra > kept/4 {
		t.Errorf("%d kept, %d of them in vain", kept, extra)
	}
}

func FuzzPosition(f *testing.F) {
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Position
		if p.UnmarshalBinary(b) != nil {
			return
		}
		if again, err := p.AppendBinary(nil); err != nil || string(again) != string(b) {
			t.Errorf("%x read as %v, written as %x", b, p, again)
		}
	})
}
