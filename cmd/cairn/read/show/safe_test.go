package show_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"cairn/cmd/cairn/read/show"
)

// TestText escapes what controls a terminal or hides.
func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":              "plain text",
		"a\x1b[31mred":            `a\u001b[31mred`,
		"\x1b]0;title\x07":        `\u001b]0;title\u0007`,
		"two\nlines\r\n\tand":     `two\nlines\r\n\tand`,
		"c1 \u009b31m":            `c1 \u009b31m`,
		"right\u202eleft":         `right\u202eleft`,
		"zero\u200bwidth\ufeff":   `zero\u200bwidth\ufeff`,
		"not utf-8 \xff\xfe":      `not utf-8 \xff\xfe`,
		"\ufffd stays":            "\ufffd stays",
		"tags \U000e0041":         `tags \U000e0041`,
		"Zürich 東京 😀":             "Zürich 東京 😀",
		"no-break\u00a0space\x7f": `no-break\u00a0space\u007f`,
	} {
		if got := show.Text(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// TestCell keeps spreadsheets from calculating.
func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"ann": "ann", "": "", "-1.5": "-1.5", "-": "'-", "-1-1": "'-1-1", "=1+1": "'=1+1", "+41": "'+41", "@SUM(A1)": "'@SUM(A1)",
		"  =cmd|'/c calc'!A0": "'  =cmd|'/c calc'!A0", "＝1": "'＝1", "\t=1": `\t=1`, "a=b": "a=b", "%0A": "'%0A",
	} {
		if got := show.Cell(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// FuzzText wants nothing but visible characters, whatever comes, and no loss of
// what was visible.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2Jb", "\xff", "\u202e", "é", "\\n", "東京"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{show.Text(s), show.Cell(s)} {
			if !utf8.ValidString(out) || strings.IndexFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
				t.Errorf("%q is %q", s, out)
			}
		}
		if again := show.Text(show.Text(s)); again != show.Text(s) {
			t.Errorf("%q is escaped twice: %q", s, again)
		}
		if w := show.Width(show.Fit(show.Text(s), 10)); w > 10 {
			t.Errorf("%q takes %d columns of 10", s, w)
		}
	})
}

// FuzzJSON wants the same meaning on one visible line.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":"b"}`, "{\"a\" :\n\t\"\u202e\u009b\\u001b \\\" 東\"}", `["😀",1, null ]`, "\"\U000e0041\"", `"\\"`, "\"\\\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := show.JSON(nil, []byte(s))
		if bytes.ContainsFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q is %q", s, out)
		}
		var before, after any
		if json.Unmarshal([]byte(s), &before) != nil {
			return
		}
		if err := json.Unmarshal(out, &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%q is %q (%v)", s, out, err)
		}
	})
}

// FuzzCSV reads back what a CSV writer wrote: as many cells in as many rows.
func FuzzCSV(f *testing.F) {
	f.Add("a,b", "c\"d")
	f.Add("=1\n2", "")
	f.Fuzz(func(t *testing.T, user, event string) {
		record, err := json.Marshal(map[string]string{"eventName": event, "userAgent": user})
		if err != nil {
			t.Skip()
		}
		var out bytes.Buffer
		w := show.NewCSV(&out, show.Columns([]string{"event", "agent", "file"}), plainFields("eventName", "userAgent"))
		if err := w.Record("f", record); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != 3 || rows[1][2] != "f" {
			t.Errorf("%q: %v", rows, err)
		}
	})
}

// plainFields reads members of records the slow way.
func plainFields(paths ...string) show.Fields {
	return func(record []byte) (fields [][]byte) {
		for _, path := range paths {
			raw := json.RawMessage(record)
			for key := range strings.SplitSeq(path, ".") {
				var m map[string]json.RawMessage
				if json.Unmarshal(raw, &m) != nil {
					raw = nil
					break
				}
				raw = m[key]
			}
			fields = append(fields, raw)
		}
		return fields
	}
}
