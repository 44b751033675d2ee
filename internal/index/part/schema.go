package part

import (
	"github.com/parquet-go/parquet-go"

	"cairn/internal/logquery"
	"cairn/internal/pagezstd"
)

// inOrder is a group whose fields have an order of their own: parquet.Group
// sorts them by name.
type inOrder struct {
	parquet.Group
	fields []parquet.Field
}

// Fields returns the fields in the order of the table.
func (g inOrder) Fields() []parquet.Field { return g.fields }

// schema is the schema of all parts.
var schema = func() *parquet.Schema {
	g := inOrder{Group: parquet.Group{}}
	var names []string
	add := func(name string, n parquet.Node) {
		g.Group[name] = parquet.Optional(n)
		names = append(names, name)
	}
	for _, c := range columns {
		add(c.Name, node(c))
	}
	byName := map[string]parquet.Field{}
	for _, f := range g.Group.Fields() {
		byName[f.Name()] = f
	}
	for _, n := range names {
		g.fields = append(g.fields, byName[n])
	}
	return parquet.NewSchema("event", g)
}()

func node(c logquery.Column) parquet.Node {
	switch c.Type {
	case logquery.BoolColumn:
		return parquet.Leaf(parquet.BooleanType)
	case logquery.TimeColumn:
		return parquet.Encoded(parquet.TimestampAdjusted(parquet.Microsecond, false), &parquet.DeltaBinaryPacked)
	case logquery.JSONColumn:
		return parquet.Encoded(parquet.JSON(), &parquet.DeltaLengthByteArray)
	case logquery.TextColumn:
		if unique[c.Name] || c.Name == logquery.RecordColumn {
			return parquet.Encoded(parquet.String(), &parquet.DeltaLengthByteArray)
		}
	}
	return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
}

// pageEvery is how many pages of rows are one page of a column: values that
// come from a dictionary are small, and a page costs every reader something.
func pageEvery(column int) int {
	if c := columns[column]; c.Type == logquery.JSONColumn || unique[c.Name] || column == recordColumn {
		return 1
	}
	return 16
}

func writerConfig() []parquet.WriterOption {
	var blooms []parquet.BloomFilterColumn
	for _, name := range sought {
		blooms = append(blooms, parquet.SplitBlockFilter(10, name))
	}
	options := []parquet.WriterOption{
		schema,
		parquet.Compression(new(pagezstd.Codec)),
		parquet.BloomFilters(blooms...),
		parquet.PageBufferSize(256 << 10), // looked at after whole pages only; memory is taken for it
		parquet.DictionaryMaxBytes(1 << 20),
		parquet.DataPageVersion(1),
		parquet.CreatedBy("cairn", "1", ""),
	}
	for i, c := range columns {
		if pageEvery(i) == 1 { // no query is about a range of JSON or ids
			options = append(options, parquet.SkipPageBounds(c.Name))
		}
	}
	return options
}
