package part

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"cairn/internal/grams"
	"cairn/internal/index/tally"
	"cairn/internal/logquery"
	"cairn/internal/logquery/jsonwalk"
)

// Writer writes one part. It is not safe for concurrent use.
type Writer struct {
	file    summed
	out     *parquet.GenericWriter[any]
	group   *parquet.ConcurrentRowGroupWriter
	columns []*parquet.ColumnWriter
	values  [][]parquet.Value // of the page that is being gathered, by column
	rows    int               // in that page
	pages   int               // in the row group
	index   []page            // of all pages before
	current page
	grams   grams.Builder
	split   *splitter
	layouts map[string][]byte
	source  []byte // of the last row
	odd     []bool // by column
	tallies *tally.Counter
}

// NewWriter returns a writer of a part's Parquet file to w.
func NewWriter(w io.Writer) *Writer {
	pw := &Writer{file: summed{w: w}, split: newSplitter(), layouts: map[string][]byte{}, odd: make([]bool, len(columns)), tallies: tally.New(talliedNames)}
	pw.out = parquet.NewGenericWriter[any](&pw.file, writerConfig()...)
	pw.group = pw.out.BeginRowGroup()
	pw.columns = pw.group.ColumnWriters()
	pw.values = make([][]parquet.Value, len(columns))
	for i := range pw.values {
		pw.values[i] = make([]parquet.Value, 0, PageRows)
	}
	return pw
}

// Add adds a row; rows come sorted by time. It is kept, not copied, until the
// page is full or the part is closed.
func (w *Writer) Add(r Row) error {
	whole := w.split.split(r.Record)
	for _, i := range paths {
		value := &w.split.values[i]
		if !value.Exists() {
			w.values[i] = append(w.values[i], nulls[i])
			if n := tallied[i]; n >= 0 {
				w.tallies.Add(n, nil)
			}
			continue
		}
		v := w.cell(columns[i].Type, value)
		if v.IsNull() && value.Kind != jsonwalk.Null {
			w.odd[i] = true
		}
		if n := tallied[i]; n >= 0 {
			w.tally(n, v)
		}
		w.put(i, v)
	}
	if r.Source != string(w.source) {
		w.source = []byte(r.Source)
	}
	w.put(sourceColumn, parquet.ByteArrayValue(w.source))
	w.put(restColumn, bytesOrNull(w.split.rest))
	if whole {
		w.put(layoutColumn, parquet.Value{})
		w.put(recordColumn, parquet.ByteArrayValue(text(r.Record)))
	} else {
		w.put(layoutColumn, parquet.ByteArrayValue(w.intern(w.split.layout)))
		w.put(recordColumn, parquet.Value{})
	}
	w.grams.Add(r.Record)
	if w.rows == 0 {
		w.current.first = r.Time
	}
	w.current.last = r.Time
	if w.rows++; w.rows == PageRows {
		return w.endPage()
	}
	return nil
}

// tally counts a value of a column that is counted.
func (w *Writer) tally(number int, v parquet.Value) {
	switch {
	case v.IsNull():
		w.tallies.Add(number, nil)
	case v.Kind() == parquet.Boolean:
		w.tallies.Add(number, strconv.AppendBool(make([]byte, 0, len("false")), v.Boolean()))
	default:
		w.tallies.Add(number, v.ByteArray())
	}
}

// Tallies returns the file of tallies of what was added.
func (w *Writer) Tallies() []byte { return w.tallies.Encode() }

func (w *Writer) put(column int, v parquet.Value) {
	if v.IsNull() {
		w.values[column] = append(w.values[column], nulls[column])
		return
	}
	w.values[column] = append(w.values[column], v.Level(0, 1, column))
}

// nulls are the NULL of each column.
var nulls = func() []parquet.Value {
	list := make([]parquet.Value, len(columns))
	for i := range list {
		list[i] = parquet.Value{}.Level(0, 0, i)
	}
	return list
}()

func (w *Writer) intern(layout []byte) []byte {
	b, ok := w.layouts[string(layout)]
	if !ok {
		b = bytes.Clone(layout)
		w.layouts[string(layout)] = b
	}
	return b
}

func bytesOrNull(b []byte) parquet.Value {
	if len(b) == 0 {
		return parquet.Value{}
	}
	return parquet.ByteArrayValue(bytes.Clone(b))
}

// cell is the value of a column.
func (w *Writer) cell(t logquery.Type, v *jsonwalk.Value) parquet.Value {
	switch t {
	case logquery.JSONColumn:
		if !w.split.strict {
			return parquet.ByteArrayValue(logquery.Strict(v.Raw))
		}
		return parquet.ByteArrayValue(v.Raw)
	case logquery.TimeColumn:
		if us, ok := parseTime(v.Raw); ok {
			return parquet.Int64Value(us)
		}
	case logquery.BoolColumn:
		switch text, _ := v.Text(); string(text) {
		case "true":
			return parquet.BooleanValue(true)
		case "false":
			return parquet.BooleanValue(false)
		}
	case logquery.TextColumn:
		if text, ok := v.Text(); ok {
			return parquet.ByteArrayValue(text)
		}
	}
	return parquet.Value{}
}

// encodedPrefix marks records that are no text.
const encodedPrefix = "base64:"

// text returns a record as the text that the record column holds.
func text(record []byte) []byte {
	if utf8.Valid(record) && !bytes.HasPrefix(record, []byte(encodedPrefix)) {
		return record
	}
	return base64.StdEncoding.AppendEncode([]byte(encodedPrefix), record)
}

// Odd returns the columns that are NULL for a record that has a value there.
func (w *Writer) Odd() []string {
	var names []string
	for i, odd := range w.odd {
		if odd {
			names = append(names, columns[i].Name)
		}
	}
	return names
}

// endPage writes the rows gathered.
func (w *Writer) endPage() error {
	if w.rows == 0 {
		return nil
	}
	w.pages++
	for i, c := range w.columns {
		if _, err := c.WriteRowValues(w.values[i]); err != nil {
			return fmt.Errorf("write column %s: %w", columns[i].Name, err)
		}
		clear(w.values[i])
		w.values[i] = w.values[i][:0]
		if w.pages%pageEvery(i) == 0 {
			if err := c.Flush(); err != nil {
				return fmt.Errorf("write column %s: %w", columns[i].Name, err)
			}
		}
	}
	w.current.rows = w.rows
	w.current.filter = w.grams.Bytes()
	w.index = append(w.index, w.current)
	w.current, w.rows = page{}, 0
	if w.pages == groupPages {
		return w.endGroup()
	}
	return nil
}

func (w *Writer) endGroup() error {
	if w.pages == 0 {
		return nil
	}
	w.pages = 0
	if err := w.group.Flush(); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	if _, err := w.group.Commit(); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	return nil
}

// Close ends the Parquet file and returns the map of its pages.
func (w *Writer) Close() (pages []byte, err error) {
	if err := w.endPage(); err != nil {
		return nil, err
	}
	if err := w.endGroup(); err != nil {
		return nil, err
	}
	e := ending{tail: w.file.size}
	w.file.sum = 0
	if err := w.out.Close(); err != nil {
		return nil, fmt.Errorf("end Parquet file: %w", err)
	}
	e.size, e.sum = w.file.size, w.file.sum
	return encodePages(e, w.index), nil
}

// summed counts and sums up what is written through it.
type summed struct {
	w    io.Writer
	size int64
	sum  uint32
}

// Write implements io.Writer.
func (s *summed) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.size += int64(n)
	s.sum = crc32.Update(s.sum, castagnoli, b[:n])
	return n, err
}
