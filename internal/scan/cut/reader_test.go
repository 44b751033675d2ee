package cut

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
)

// all cuts a file, the first bytes of which are read already.
func all(t testing.TB, r *Reader, file []byte, read int) (records []string, err error) {
	t.Helper()
	read = min(read, len(file))
	var rest io.Reader
	if read < len(file) {
		rest = iotest.HalfReader(bytes.NewReader(file[read:]))
	}
	r.Start(file[:read], rest)
	for {
		record, err := r.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = r.Appended()
			}
			return records, err
		}
		buf, from, to, _ := r.Piece(record)
		if string(buf[from:to]) != string(record) {
			t.Fatalf("Piece says %q, Next %q", buf[from:to], record)
		}
		records = append(records, string(record))
	}
}

func packed(content string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	return b.Bytes()
}

func TestForms(t *testing.T) {
	long := `{"a":"` + strings.Repeat(`x\"]}`, 300_000) + `"}` // six pieces
	for _, c := range []struct {
		name, content string
		want          []string
		err           error
	}{
		{"as CloudTrail", `{"Records":[{"a":1},{"b":[2,{"c":"}"}]}]}`, []string{`{"a":1}`, `{"b":[2,{"c":"}"}]}`}, nil},
		{"formatted", "\n {\t\"Records\" :\r\n [ {\"a\" : 1} \n, {} ]\n}\n", []string{`{"a" : 1}`, `{}`}, nil},
		{"no records", `{"Records":[]}`, nil, nil},
		{"records last", `{"Owner":{"Records":[{"no":1}]},"Records":[{"a":1}]}`, []string{`{"a":1}`}, nil},
		{"more members", `{"Records":[{"a":1}],"x":"y","z":{"Records":[{"no":1}]},"n":-1.5e3}`, []string{`{"a":1}`}, nil},
		{"two lists", `{"Records":[],"Records":[{"hidden":1}]}`, []string{`{"hidden":1}`}, nil},
		{"records is no list", `{"Records":"none","a":1}`, []string{`{"Records":"none","a":1}`}, nil},
		{"list", `[{"a":1} , {"b":2}]`, []string{`{"a":1}`, `{"b":2}`}, nil},
		{"one record", `{"a":{"b":"\\"}}`, []string{`{"a":{"b":"\\"}}`}, nil},
		{"NDJSON", "{\"a\":1}\n{\"b\":2}\n", []string{`{"a":1}`, `{"b":2}`}, nil},
		{"files in a row", `{"Records":[{"a":1}]}` + "\n" + `{"Records":[{"b":2}]}`, []string{`{"a":1}`, `{"b":2}`}, nil},
		{"long", `{"Records":[{"a":1},` + long + `,{"b":2}]}`, []string{`{"a":1}`, long, `{"b":2}`}, nil},
		{"empty", "", nil, nil},
		{"text", "hello", nil, ErrForeign},
		{"cut in a list", `{"Records":[{"a":1},{"b":`, []string{`{"a":1}`}, ErrSyntax},
		{"cut behind a list", `{"Records":[{"a":1}]`, []string{`{"a":1}`}, ErrSyntax},
		{"cut in the beginning", `{"Reco`, nil, ErrSyntax},
		{"number in a list", `{"Records":[{"a":1},7]}`, []string{`{"a":1}`}, ErrSyntax},
		{"no comma", `{"Records":[{"a":1}{"b":2}]}`, []string{`{"a":1}`}, ErrSyntax},
		{"comma at the end", `{"Records":[{"a":1},]}`, []string{`{"a":1}`}, ErrSyntax},
		{"text behind", `{"Records":[{"a":1}]} and`, []string{`{"a":1}`}, ErrSyntax},
		{"letters", `{"Records":[{"a":y}]}`, nil, ErrSyntax},
		{"deep", `{"Records":[{"a":` + strings.Repeat("[", 600), nil, ErrTooDeep},
		{"too long", `{"Records":[{"a":1},{"a":"` + strings.Repeat("x", 5<<20) + `"}]}`, []string{`{"a":1}`}, ErrTooLarge},
		{"endless white space", `{` + strings.Repeat(" ", 5<<20) + `"Records":[]}`, nil, ErrTooLarge},
		{"white space between", `{"Records":[` + strings.Repeat(" \n", 3<<20) + `{"a":1}]}`, []string{`{"a":1}`}, nil},
		{"endless file", `{"Records":[{"a":1}` + strings.Repeat(`,{"b":2}`, 3<<20) + `]}`, nil, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(4<<20, 16<<20)
			for _, file := range [][]byte{[]byte(c.content), packed(c.content)} {
				for _, read := range []int{1 << 30, 2, 20} {
					got, err := all(t, r, file, read)
					if c.name == "endless file" {
						got = nil
					}
					if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
						t.Errorf("read %d first: %d records %.100q, error %v; want %d %.100q, %v", read, len(got), got, err, len(c.want), c.want, c.err)
					}
				}
			}
			if room := len(r.buf); room > 16<<20 {
				t.Errorf("the buffer has grown to %d bytes", room)
			}
		})
	}
}

func TestCompression(t *testing.T) {
	one, two := packed(`{"Records":[{"a":1},{"a":2}]}`), packed(`{"Records":[{"evil":1}]}`)
	var long strings.Builder
	long.WriteString(`{"Records":[{"a":1}`)
	for i := range 100_000 {
		long.WriteString(`,{"n":"`)
		long.WriteString(strings.Repeat(string(rune('a'+i%26)), i%90))
		long.WriteString(`"}`)
	}
	long.WriteString(`]}`)
	large := packed(long.String())
	flipped := bytes.Clone(large)
	flipped[len(flipped)-6] ^= 1 // of the checksum
	for _, c := range []struct {
		name string
		file []byte
		want int // records, at least
		err  error
	}{
		{"whole", one, 2, nil},
		{"two members", append(bytes.Clone(one), two...), 3, ErrMembers},
		{"garbage behind", append(bytes.Clone(one), "garbage"...), 2, ErrTrailing},
		{"half a header behind", append(bytes.Clone(one), 0x1f, 0x8b), 2, ErrTrailing},
		{"cut in the second member", append(bytes.Clone(one), two[:len(two)-12]...), 2, ErrCompression},
		{"cut", large[:len(large)/2], 10_000, ErrCompression},
		{"cut in the trailer", one[:len(one)-3], 2, ErrCompression},
		{"wrong checksum", flipped, 100_000, ErrCompression},
		{"header only", one[:10], 0, ErrCompression},
		{"half a header", one[:5], 0, ErrCompression},
		{"no deflate", []byte{0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 0}, 0, ErrCompression},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(1<<20, 1<<30)
			for _, read := range []int{1 << 30, 4} {
				got, err := all(t, r, c.file, read)
				if len(got) < c.want || !errors.Is(err, c.err) {
					t.Errorf("read %d first: %d records, error %v; want %d, %v", read, len(got), err, c.want, c.err)
				}
			}
		})
	}
}

// TestBomb inflates a gigabyte in the memory for one piece of a file.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(`{"Records":[{"a":1},{"x":"`))
	for range 1 << 10 {
		_, _ = w.Write(bytes.Repeat([]byte{'0'}, 1<<20))
	}
	_ = w.Close()
	r := NewReader(1<<20, 1<<40)
	got, err := all(t, r, b.Bytes(), 1<<20)
	if len(got) != 1 || !errors.Is(err, ErrTooLarge) || len(r.buf) > 4<<20 {
		t.Errorf("%d records, error %v, buffer of %d bytes", len(got), err, len(r.buf))
	}
}

// slow cuts content the obvious way; ok is false if it is not of the kinds
// known, or has a list of records that is hard to tell.
func slow(content []byte) (records []string, ok bool) {
	d := json.NewDecoder(bytes.NewReader(content))
	for {
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return records, errors.Is(err, io.EOF)
		}
		var list []json.RawMessage
		switch {
		case value[0] == '[':
			_ = json.Unmarshal(value, &list)
		case value[0] != '{':
			return nil, false
		case bytes.Count(value, []byte("ecords")) > 1 || bytes.Contains(value, []byte(`\u`)):
			return nil, false
		default:
			var members map[string]json.RawMessage
			_ = json.Unmarshal(value, &members)
			if list = []json.RawMessage{value}; len(members["Records"]) > 0 && members["Records"][0] == '[' {
				_ = json.Unmarshal(members["Records"], &list)
			}
		}
		for _, record := range list {
			if record[0] != '{' {
				return nil, false
			}
			records = append(records, string(record))
		}
	}
}

// FuzzReader holds what is cut to what encoding/json reads, wherever a file is
// divided, and looks for hangs and panics on what it does not read.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		`{"Records":[{"a":"\"}{"},{"b":[1,2]}],"c":1}`, "{\"a\":1}\n[{\"b\":2}]", ` { "x" : 1 , "Records" : [ {} ] } `,
		`{"Records":[{"a":1}`, `[`, `{"Records":["` + strings.Repeat("z", 200) + `"]}`,
	} {
		f.Add([]byte(s), uint16(3))
		f.Add(packed(s), uint16(15))
	}
	r := NewReader(1<<16, 1<<20)
	f.Fuzz(func(t *testing.T, file []byte, read uint16) {
		got, err := all(t, r, file, int(read))
		if gzipped(file) {
			if len(file) > 4 {
				_, _ = all(t, r, file[:len(file)-4], int(read))
			}
			return
		}
		want, ok := slow(file)
		if !ok || len(file) >= 1<<16 {
			return
		}
		if errors.Is(err, ErrTooDeep) {
			return
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, divided at %d: %q, error %v; want %q", file, read, got, err, want)
		}
	})
}
