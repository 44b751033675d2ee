package show

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
)

// Writer writes records in one form.
type Writer interface {
	// Record writes one; what it holds on to, Flush writes. The record's bytes
	// are not kept.
	Record(file string, record []byte) error
	Flush() error
}

// Fields returns the JSON of the fields of a record that a writer's columns are
// made of, nil where it has no such field; they may share the record's bytes.
type Fields func(record []byte) [][]byte

// Paths are the fields that columns are made of, in the order in which [Fields]
// returns them.
func Paths(columns []Column) (paths []string) {
	for _, c := range columns {
		paths = append(paths, c.Paths...)
	}
	return paths
}

// values returns a record's values in the columns.
func values(columns []Column, fields [][]byte, file string) []string {
	vs := make([]string, len(columns))
	for i, c := range columns {
		if c.Name == File {
			vs[i] = file
			continue
		}
		vs[i] = c.Text(fields[:len(c.Paths)])
		fields = fields[len(c.Paths):]
	}
	return vs
}

// NewJSON returns a writer of records as they are, one a line. On a terminal
// what is not visible is escaped, as it may in JSON.
func NewJSON(w io.Writer, terminal bool) Writer { return &jsonWriter{w: w, terminal: terminal} }

type jsonWriter struct {
	w        io.Writer
	terminal bool
	line     []byte
}

func (j *jsonWriter) Record(_ string, record []byte) error {
	if j.terminal || bytes.ContainsAny(record, "\n\r") {
		j.line = j.line[:0]
		if j.terminal {
			j.line = JSON(j.line, record)
		} else {
			j.line = oneLine(j.line, record)
		}
	} else {
		j.line = append(j.line[:0], record...)
	}
	j.line = append(j.line, '\n')
	if _, err := j.w.Write(j.line); err != nil {
		return fmt.Errorf("print record: %w", err)
	}
	return nil
}

// oneLine appends JSON without its line breaks, which stand between values:
// inside strings they are escaped.
func oneLine(dst, text []byte) []byte {
	for _, c := range text {
		if c != '\n' && c != '\r' {
			dst = append(dst, c)
		}
	}
	return dst
}

func (j *jsonWriter) Flush() error { return nil }

// NewCSV returns a writer of CSV (RFC 4180), the names of the columns first.
func NewCSV(w io.Writer, columns []Column, fields Fields) Writer {
	return &csvWriter{w: csv.NewWriter(w), columns: columns, fields: fields}
}

type csvWriter struct {
	w       *csv.Writer
	columns []Column
	fields  Fields
	began   bool
}

func (c *csvWriter) Record(file string, record []byte) error {
	c.head()
	row := values(c.columns, c.fields(record), file)
	for i, v := range row {
		row[i] = Cell(v)
	}
	if err := c.w.Write(row); err != nil {
		return fmt.Errorf("print record: %w", err)
	}
	return nil
}

func (c *csvWriter) head() {
	if c.began {
		return
	}
	c.began = true
	names := make([]string, len(c.columns))
	for i, col := range c.columns {
		names[i] = col.Name
	}
	_ = c.w.Write(names) // an error stays, and Flush tells it
}

// Flush also writes the heads if there is nothing below them: an empty table is
// a table.
func (c *csvWriter) Flush() error {
	c.head()
	c.w.Flush()
	if err := c.w.Error(); err != nil {
		return fmt.Errorf("print records: %w", err)
	}
	return nil
}

// NewRecordTable returns a writer of an aligned table, in which calls that
// failed stand out.
func NewRecordTable(w io.Writer, look Look, columns []Column, fields Fields) Writer {
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.Name
	}
	t := &tableWriter{table: NewTable(w, look, heads...), columns: columns, fields: fields}
	for i, c := range columns {
		if c.Name == "time" || c.Name == "what" {
			t.table.Keep(i)
		}
	}
	return t
}

type tableWriter struct {
	table   *Table
	columns []Column
	fields  Fields
}

func (t *tableWriter) Record(file string, record []byte) error {
	row := values(t.columns, t.fields(record), file)
	marks := make([]Mark, len(row))
	for i, c := range t.columns {
		switch {
		case c.Name == "time":
			marks[i] = Dim
		case c.Name == "result" && row[i] != "ok", c.Name == "error" && row[i] != "":
			marks[i] = Bad
		}
	}
	t.table.Add(row, marks...)
	const most = 1000 // so many decide how wide the columns are
	if t.table.Waiting() >= most {
		return t.table.Flush()
	}
	return nil
}

func (t *tableWriter) Flush() error { return t.table.Flush() }
