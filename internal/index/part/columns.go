package part

import (
	"slices"

	"cairn/internal/logquery"
)

// columns are the columns of a part, in the order of the events table.
var columns = logquery.Columns()

// Columns that do not hold a value of the record.
var (
	sourceColumn = columnNamed(logquery.SourceColumn)
	restColumn   = columnNamed(logquery.RestColumn)
	layoutColumn = columnNamed(logquery.LayoutColumn)
	recordColumn = columnNamed(logquery.RecordColumn)
)

// timeColumn is the column a part is sorted by.
var timeColumn = columnNamed("event_time")

func columnNamed(name string) int {
	return slices.IndexFunc(columns, func(c logquery.Column) bool { return c.Name == name })
}

// paths are the columns that hold a value of the record.
var paths = func() (list []int) {
	for i, c := range columns {
		if c.Path != "" {
			list = append(list, i)
		}
	}
	return list
}()

// unique are the columns whose values occur once or twice: a dictionary would
// only hold them all.
var unique = map[string]bool{"event_id": true, "request_id": true, "shared_event_id": true}

// sought are the columns with a Bloom filter: what people look for one of.
var sought = []string{
	"event_name", "source_ip_address", "error_code", "request_id", "event_id",
	"user_arn", "user_name", "user_access_key_id", "session_issuer_arn",
}

// tallied gives the columns that are counted while they are written their number
// among these, the others -1; talliedNames are their names.
var tallied, talliedNames = func() (numbers []int, names []string) {
	for _, c := range columns {
		number := -1
		if c.Path != "" && !unique[c.Name] && (c.Type == logquery.TextColumn || c.Type == logquery.BoolColumn) {
			number = len(names)
			names = append(names, c.Name)
		}
		numbers = append(numbers, number)
	}
	return numbers, names
}()
