package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Look is how a table is drawn.
type Look struct {
	// Width is how many columns the terminal has; 0 means that lines may have
	// any length.
	Width int
	Color bool
}

// Mark says how a row or cell stands out where there are colours.
type Mark string

// The marks, as the terminal's own sequences.
const (
	Plain  Mark = ""
	Strong Mark = "\x1b[1m"
	Dim    Mark = "\x1b[2m"
	Bad    Mark = "\x1b[31m"
	end         = "\x1b[0m"
)

// cell is one value of a table's row.
type cell struct {
	text string
	mark Mark
}

// Table aligns rows in columns. Rows are held back until Flush, which writes
// them below each other as wide as they need: tables of any length are written
// piece by piece, and columns then only become wider.
type Table struct {
	w      io.Writer
	look   Look
	heads  []string
	right  []bool // columns of numbers
	keep   []bool // columns that are shortened last
	widths []int
	rows   [][]cell
	began  bool
}

// Keep says that a column is to be shortened only when the others are as narrow
// as they may be.
func (t *Table) Keep(column int) { t.keep[column] = true }

// minimum is how narrow a column may become; a time always fits.
const minimum = 10

// NewTable returns a table with these heads. A head that begins with ">" is that
// of a column of numbers, which are aligned at their ends.
func NewTable(w io.Writer, look Look, heads ...string) *Table {
	t := &Table{w: w, look: look, widths: make([]int, len(heads)), right: make([]bool, len(heads)), keep: make([]bool, len(heads))}
	for i, h := range heads {
		h, t.right[i] = strings.CutPrefix(h, ">")
		t.heads = append(t.heads, h)
	}
	return t
}

// Add adds a row. Values are made fit for a terminal; marks are those of the
// first cells, the others are plain.
func (t *Table) Add(values []string, marks ...Mark) {
	row := make([]cell, len(values))
	for i, v := range values {
		row[i].text = Text(v)
		if i < len(marks) {
			row[i].mark = marks[i]
		}
	}
	t.rows = append(t.rows, row)
}

// Waiting is how many rows Flush would write.
func (t *Table) Waiting() int { return len(t.rows) }

// Flush writes the rows that are held back, before the first ones the heads.
func (t *Table) Flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	if !t.began {
		t.began = true
		heads := make([]cell, len(t.heads))
		for i, h := range t.heads {
			heads[i] = cell{text: h, mark: Strong}
		}
		t.rows = append([][]cell{heads}, t.rows...)
	}
	for _, row := range t.rows {
		for i, c := range row {
			t.widths[i] = max(t.widths[i], Width(c.text))
		}
	}
	widths := fit(t.widths, t.keep, t.look.Width)
	var b strings.Builder
	for _, row := range t.rows {
		t.line(&b, row, widths)
	}
	t.rows = t.rows[:0]
	if _, err := io.WriteString(t.w, b.String()); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

func (t *Table) line(b *strings.Builder, row []cell, widths []int) {
	for i, c := range row {
		text := Fit(c.text, widths[i])
		padding := strings.Repeat(" ", widths[i]-Width(text))
		if t.right[i] {
			b.WriteString(padding)
			padding = ""
		}
		if t.look.Color && c.mark != Plain {
			b.WriteString(string(c.mark) + text + end)
		} else {
			b.WriteString(text)
		}
		if i < len(row)-1 {
			b.WriteString(padding + "  ")
		}
	}
	b.WriteByte('\n')
}

// fit takes from the widest columns until all fit into a line: first from those
// that are not to be kept.
func fit(widths []int, keep []bool, line int) []int {
	fitted := slices.Clone(widths)
	if line <= 0 {
		return fitted
	}
	excess := 2*(len(widths)-1) - line
	for _, w := range widths {
		excess += w
	}
	for _, kept := range []bool{false, true} {
		for ; excess > 0; excess-- {
			widest := -1
			for i, w := range fitted {
				if w > minimum && keep[i] == kept && (widest < 0 || w >= fitted[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			fitted[widest]--
		}
	}
	return fitted
}
