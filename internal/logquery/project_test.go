package logquery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cairn/internal/logquery"
	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/jsonwalk/walktest"
	"cairn/internal/logquery/querytest"
)

// TestValues compares projections of all columns with the slow way.
func TestValues(t *testing.T) {
	var names []string
	var paths []jsonwalk.Path
	for _, c := range logquery.Columns() {
		if c.Path == "" {
			continue
		}
		names = append(names, c.Path)
		p, err := jsonwalk.Parse(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	all := logquery.Select(names...)
	r := rand.New(rand.NewPCG(1, 2))
	var values []logquery.Value
	for range 2000 {
		record := querytest.Record(r)
		doc, ok := walktest.Decode(record)
		if !ok {
			t.Fatalf("%s is no object", record)
		}
		values = all.Values(record, values[:0])
		for i, p := range paths {
			one := logquery.Select(names[i]).Values(record, nil)[0]
			want := walktest.Find(doc, p)
			got, isText := values[i].Text()
			if values[i].Exists() != (len(want) == 1) || one.Kind != values[i].Kind || string(one.Raw) != string(values[i].Raw) {
				t.Fatalf("%s of %s: %s %s, alone %s %s, want %v", names[i], record, values[i].Kind, values[i].Raw, one.Kind, one.Raw, want)
			}
			if len(want) == 0 {
				continue
			}
			if text, ok := walktest.Text(want[0]); ok != isText || text != string(got) {
				t.Fatalf("%s of %s is %q, want %q", names[i], record, got, text)
			}
		}
	}
}

func TestValuesAppend(t *testing.T) {
	dst := make([]logquery.Value, 1, 8)
	dst = logquery.Select("b", "a[*].x", "no").Values([]byte(`{"a":[{},{"x":1},{"x":2}],"b":"y","b":"z"}`), dst)
	var got []string
	for _, v := range dst {
		got = append(got, fmt.Sprintf("%s %s", v.Kind, v.Raw))
	}
	if s := strings.Join(got, ", "); s != `absent , string "y", number 1, absent ` {
		t.Errorf("values are %s", s)
	}
}

func TestColumns(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range logquery.Columns() {
		if seen[c.Name] || seen["path "+c.Path] {
			t.Errorf("%s or %s is there twice", c.Name, c.Path)
		}
		seen[c.Name] = true
		if c.Path != "" {
			seen["path "+c.Path] = true
			if err := logquery.CheckPath(c.Path); err != nil {
				t.Error(err)
			}
		}
		if c.About == "" || c.Name != strings.ToLower(c.Name) || c.Type.SQL() == "" {
			t.Errorf("column %+v", c)
		}
	}
	for _, name := range []string{logquery.RestColumn, logquery.LayoutColumn, logquery.RecordColumn, logquery.SourceColumn} {
		if !seen[name] {
			t.Errorf("no column %s", name)
		}
	}
	if c := logquery.Columns(); !slices.Equal(c, logquery.Columns()) {
		t.Error("columns change")
	}
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-02T03:04:05Z":           "2026-01-02 03:04:05 +0000 UTC",
		"2026-01-02T03:04:05.1234567Z":   "2026-01-02 03:04:05.123456 +0000 UTC",
		"2026-01-02T03:04:05+02:00":      "2026-01-02 01:04:05 +0000 UTC",
		"2026-01-02 03:04:05":            "",
		"2026-02-30T03:04:05Z":           "",
		"":                               "",
		"2026-01-02T03:04:05":            "",
		"Jul 10, 2023, 12:09:47 PM":      "",
		"9999-12-31T23:59:59.9999999Z":   "9999-12-31 23:59:59.999999 +0000 UTC",
		"0000-01-01T00:00:00.000000001Z": "0000-01-01 00:00:00 +0000 UTC",
	} {
		got, ok := logquery.ParseTime([]byte(text))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("ParseTime(%q) = %s, %v, want %s", text, got, ok, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-01-02T03:04:05Z")
	f.Add("2026-01-02T03:04:05.999999999+23:59")
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := logquery.ParseTime([]byte(text))
		if !ok {
			return
		}
		again, ok := logquery.ParseTime([]byte(at.Format("2006-01-02T15:04:05.999999Z07:00")))
		if at.Year() <= 9999 && at.Year() >= 0 && (!ok || !again.Equal(at)) {
			t.Errorf("%q is %s, which is read as %s, %v", text, at, again, ok)
		}
	})
}
