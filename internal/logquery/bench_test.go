package logquery_test

import (
	"testing"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

// BenchmarkMatch runs predicates over genuine records: over each as often.
func BenchmarkMatch(b *testing.B) {
	yes := true
	for _, bb := range []struct {
		name   string
		search logquery.Search
	}{
		{"event name", logquery.Search{Names: []string{"StopLogging"}}},
		{"user", logquery.Search{Users: []string{"nobody-here"}}},
		{"failed", logquery.Search{Failed: true}},
		{"read-only", logquery.Search{ReadOnly: &yes}},
		{"text", logquery.Search{Texts: []string{"203.0.113.77"}}},
		{"resource", logquery.Search{Resources: []string{"no-such-thing"}}},
		{"cis 4.3", logquery.Search{Patterns: []string{querytest.CIS()[6].Pattern}}},
		{"cis 4.5", logquery.Search{Patterns: []string{querytest.CIS()[8].Pattern}}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			e, err := bb.search.Expr()
			if err != nil {
				b.Fatal(err)
			}
			p := logquery.Compile(e)
			overRecords(b, func(record []byte) { p.Match(record) })
		})
	}
}

// BenchmarkValues reads values out of genuine records.
func BenchmarkValues(b *testing.B) {
	var columns []string
	for _, c := range logquery.Columns() {
		if c.Path != "" {
			columns = append(columns, c.Path)
		}
	}
	for name, paths := range map[string][]string{"event name": {"eventName"}, "columns": columns} {
		b.Run(name, func(b *testing.B) {
			p := logquery.Select(paths...)
			var room []logquery.Value
			overRecords(b, func(record []byte) { room = p.Values(record, room[:0]) })
		})
	}
}

// overRecords calls run with one genuine record after the other.
func overRecords(b *testing.B, run func(record []byte)) {
	records := querytest.Genuine(b, "../../../shared/data")
	size := 0
	for _, r := range records {
		size += len(r.Bytes)
	}
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		run(records[i].Bytes)
		if i++; i == len(records) {
			i = 0
		}
	}
}
