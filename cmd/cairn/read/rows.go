package read

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/duck"
)

// printRows prints the result of a query. What is in it comes from records, and
// is made fit for a terminal.
func printRows(env *cli.Env, rows *duck.Rows, as form) error {
	w := bufio.NewWriterSize(env.Stdout, 1<<16)
	out := newRowWriter(env, w, as, rows.Columns)
	values := make([]any, len(rows.Columns))
	for rows.Next() {
		if err := rows.Values(values); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		if err := out.row(values); err != nil {
			return fmt.Errorf("print rows: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return errors.Join(fmt.Errorf("query: %w", err), out.end(), w.Flush())
	}
	if err := errors.Join(out.end(), w.Flush()); err != nil {
		return fmt.Errorf("print rows: %w", err)
	}
	return nil
}

// rowWriter prints rows in one form.
type rowWriter interface {
	row(values []any) error
	end() error
}

func newRowWriter(env *cli.Env, w *bufio.Writer, as form, columns []duck.Column) rowWriter {
	switch as {
	case asCSV:
		return &csvRows{w: csv.NewWriter(w), columns: columns}
	case asTable:
		heads := make([]string, len(columns))
		for i, c := range columns {
			if heads[i] = show.Text(c.Name); c.Form == duck.Number {
				heads[i] = ">" + heads[i]
			}
		}
		return &tableRows{table: show.NewTable(w, look(env), heads...), columns: columns}
	case asJSON:
	}
	return newJSONRows(w, columns)
}

// cellText is a value as text for tables and CSV.
func cellText(c duck.Column, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		if c.Type == "DATE" {
			return v.UTC().Format(time.DateOnly)
		}
		return v.UTC().Format(time.RFC3339Nano)
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	}
	return fmt.Sprint(v)
}

type tableRows struct {
	table   *show.Table
	columns []duck.Column
}

func (t *tableRows) row(values []any) error {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = cellText(t.columns[i], v)
	}
	t.table.Add(texts)
	const most = 1000 // so many decide how wide the columns are
	if t.table.Waiting() >= most {
		return t.table.Flush()
	}
	return nil
}

func (t *tableRows) end() error { return t.table.Flush() }

type csvRows struct {
	w       *csv.Writer
	columns []duck.Column
	began   bool
}

func (c *csvRows) head() error {
	if c.began {
		return nil
	}
	c.began = true
	names := make([]string, len(c.columns))
	for i, col := range c.columns {
		names[i] = show.Cell(col.Name)
	}
	return c.w.Write(names)
}

func (c *csvRows) row(values []any) error {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = show.Cell(cellText(c.columns[i], v))
	}
	return errors.Join(c.head(), c.w.Write(texts))
}

func (c *csvRows) end() error {
	err := c.head()
	c.w.Flush()
	return errors.Join(err, c.w.Error())
}

// jsonRows prints an object a line; members have the names of the columns, a
// name that occurs again with a number behind it.
type jsonRows struct {
	w       *bufio.Writer
	columns []duck.Column
	names   [][]byte
	line    []byte
}

func newJSONRows(w *bufio.Writer, columns []duck.Column) *jsonRows {
	j := &jsonRows{w: w, columns: columns}
	seen := map[string]bool{}
	for _, c := range columns {
		name := c.Name
		for n := 1; seen[name]; n++ {
			name = c.Name + "_" + strconv.Itoa(n)
		}
		seen[name] = true
		j.names = append(j.names, append(jsonText(nil, name), ':'))
	}
	return j
}

func (j *jsonRows) row(values []any) error {
	j.line = append(j.line[:0], '{')
	for i, v := range values {
		if i > 0 {
			j.line = append(j.line, ',')
		}
		j.line = appendJSON(append(j.line, j.names[i]...), j.columns[i], v)
	}
	_, err := j.w.Write(append(j.line, '}', '\n'))
	return err
}

func (j *jsonRows) end() error { return nil }

func appendJSON(dst []byte, c duck.Column, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return jsonText(dst, cellText(c, v))
		}
	case float32:
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return jsonText(dst, cellText(c, v))
		}
	case string:
		if c.Form == duck.JSON && json.Valid([]byte(v)) {
			return show.JSON(dst, []byte(v))
		}
	}
	text := cellText(c, v)
	if c.Form == duck.Number {
		return append(dst, text...)
	}
	return jsonText(dst, text)
}

// jsonText appends text as a JSON string that is fit for a terminal.
func jsonText(dst []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return append(dst, `""`...) // no string fails
	}
	return show.JSON(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// printTexts prints rows of text.
func printTexts(env *cli.Env, as form, names []string, rows [][]string) error {
	columns := make([]duck.Column, len(names))
	for i, n := range names {
		columns[i].Name = n
	}
	w := bufio.NewWriter(env.Stdout)
	out := newRowWriter(env, w, as, columns)
	for _, r := range rows {
		values := make([]any, len(r))
		for i, text := range r {
			values[i] = text
		}
		if err := out.row(values); err != nil {
			return err
		}
	}
	return errors.Join(out.end(), w.Flush())
}
