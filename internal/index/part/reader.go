package part

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"cairn/internal/grams"
)

// Extensions of the two files of a part.
const (
	Extension      = ".parquet"
	PagesExtension = ".pages"
)

// Part is an open part. It is not safe for concurrent use.
type Part struct {
	name  string
	file  *os.File
	end   ending
	pages []page

	// The Parquet file is opened when the first page is read.
	parquet *parquet.File
	group   int // the row group that columns read
	columns []columnReader
	joiner  *joiner
	buffer  []byte
}

// Open opens a part by the paths of its two files. Only the map of its pages is
// read.
func Open(name, pagesName string) (*Part, error) {
	b, err := os.ReadFile(pagesName)
	if err != nil {
		return nil, fmt.Errorf("open part of index: %w", err)
	}
	end, pages, err := decodePages(b)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w; delete the index and build it again", pagesName, err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open part of index: %w", err)
	}
	return &Part{name: name, file: f, end: end, pages: pages, group: -1, joiner: newJoiner()}, nil
}

// Close closes the part.
func (p *Part) Close() error {
	return errors.Join(p.closeColumns(), p.file.Close())
}

// Page is what is known of a page before it is read.
type Page struct {
	Rows int
	// Row is the number of its first row in the part.
	Row int
	// First and Last are the first and last event time, in microseconds since
	// 1970; First is NoTime if there are records without one.
	First, Last int64
}

// Pages returns the pages of the part in order of time.
func (p *Part) Pages() []Page {
	pages := make([]Page, len(p.pages))
	row := 0
	for i, pg := range p.pages {
		pages[i] = Page{Rows: pg.rows, Row: row, First: pg.first, Last: pg.last}
		row += pg.rows
	}
	return pages
}

// NumPages returns how many pages the part has.
func (p *Part) NumPages() int { return len(p.pages) }

// HasSource says whether the part has records of one of these log files.
func (p *Part) HasSource(keys map[string]bool) (has bool, err error) {
	defer guard(&err)
	if err := p.open(); err != nil {
		return false, fmt.Errorf("read %s: %w", p.name, err)
	}
	for number := range p.pages {
		if err := p.openGroup(number / groupPages); err != nil {
			return false, fmt.Errorf("read %s: %w", p.name, err)
		}
		c := &p.columns[sourceColumn]
		if err := c.load(int64(number%groupPages)*PageRows, p.pages[number].rows, nil); err != nil {
			return false, fmt.Errorf("read %s: %w", p.name, err)
		}
		for _, v := range c.values {
			if keys[string(v.ByteArray())] {
				return true, nil
			}
		}
	}
	return false, nil
}

// May returns false only if no record of a page has the query's needles.
func (p *Part) May(page int, q grams.Query) bool { return p.pages[page].filter.May(q) }

// Read gives the records of a page in order of time, or those of the given rows
// (counted from the page's first, rising). A record's bytes are valid until the
// function it is given to returns.
func (p *Part) Read(number int, rows []int, each func(Row) error) error {
	if err := p.load(number, rows); err != nil {
		return fmt.Errorf("read page %d of %s: %w", number, p.name, err)
	}
	n := p.pages[number].rows
	if rows != nil {
		n = len(rows)
	}
	for i := range n {
		row := i
		if rows != nil {
			row = rows[i]
		}
		value := func(column int) parquet.Value { return p.columns[column].values[row] }
		var err error
		if p.buffer, err = p.joiner.join(p.buffer[:0], value); err != nil {
			return fmt.Errorf("read row %d of page %d of %s: %w", row, number, p.name, err)
		}
		r := Row{Time: NoTime, Record: p.buffer}
		if at := value(timeColumn); !at.IsNull() {
			r.Time = at.Int64()
		}
		if s := value(sourceColumn); !s.IsNull() {
			r.Source = string(s.ByteArray())
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// open opens the Parquet file.
func (p *Part) open() error {
	if p.parquet != nil {
		return nil
	}
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != p.end.size || p.end.tail < 0 || p.end.tail > p.end.size {
		return fmt.Errorf("%w: it has %d bytes, not %d", errDamaged, info.Size(), p.end.size)
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(p.file, p.end.tail, p.end.size-p.end.tail)); err != nil {
		return err
	}
	if sum.Sum32() != p.end.sum {
		return fmt.Errorf("%w: the checksum of its metadata is wrong", errDamaged)
	}
	p.parquet, err = parquet.OpenFile(p.file, info.Size(), parquet.SkipBloomFilters(true), parquet.FileReadMode(parquet.ReadModeSync))
	return err
}

// errDamaged says that a part is not as it was written.
var errDamaged = errors.New("the index is damaged, delete it and build it again")

// guard turns a panic into an error: parquet-go checks the content of pages, but
// takes their headers as they come.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", errDamaged, r)
	}
}

// read says whether a record is put together from a column: all but those of
// values within a member.
func read(column int) bool {
	return !strings.Contains(columns[column].Path, ".")
}

// load reads the values of a page, or of some of its rows.
func (p *Part) load(number int, rows []int) (err error) {
	defer guard(&err)
	if err := p.open(); err != nil {
		return err
	}
	if err := p.openGroup(number / groupPages); err != nil {
		return err
	}
	first := int64(number%groupPages) * PageRows
	for i := range p.columns {
		if read(i) {
			if err := p.columns[i].load(first, p.pages[number].rows, rows); err != nil {
				return fmt.Errorf("column %s: %w", columns[i].Name, err)
			}
		}
	}
	return nil
}

func (p *Part) openGroup(group int) error {
	if p.group == group {
		return nil
	}
	if err := p.closeColumns(); err != nil {
		return err
	}
	groups := p.parquet.RowGroups()
	if group >= len(groups) {
		return errors.New("the file has fewer row groups than its map of pages says")
	}
	chunks := groups[group].ColumnChunks()
	if len(chunks) != len(columns) {
		return fmt.Errorf("the file has %d columns, not %d", len(chunks), len(columns))
	}
	p.columns = make([]columnReader, len(columns))
	for i, c := range chunks {
		p.columns[i].chunk = c
	}
	p.group = group
	return nil
}

func (p *Part) closeColumns() error {
	var errs []error
	for i := range p.columns {
		errs = append(errs, p.columns[i].close())
	}
	p.columns, p.group = nil, -1
	return errors.Join(errs...)
}

// columnReader reads ranges of rows of one column of one row group.
type columnReader struct {
	chunk parquet.ColumnChunk
	pages parquet.Pages
	// held is the page of the column that was read last: rows from from on. next
	// is the row that pages gives next.
	held       parquet.Page
	from, next int64
	// values are the rows asked for; they point into held and before.
	values []parquet.Value
	before []parquet.Page
}

// fewRows is how many rows of a page are better read one by one.
const fewRows = 64

// load reads n values from a row on; if some are given, which count from that
// row, only their values have to be right.
func (c *columnReader) load(row int64, n int, some []int) error {
	c.release()
	if c.pages == nil {
		c.pages = c.chunk.Pages()
	}
	if c.held == nil || row < c.from || row >= c.next {
		if row != c.next {
			if err := c.pages.SeekToRow(row); err != nil {
				return err
			}
			c.next = row
		}
		if err := c.read(); err != nil {
			return err
		}
	}
	c.values = slices.Grow(c.values[:0], n)[:n]
	for done := 0; ; {
		rows := min(c.next-row, int64(n-done))
		if err := readSome(c.held.Slice(row-c.from, row-c.from+rows), c.values[done:done+int(rows)], done, some); err != nil {
			return err
		}
		row, done = row+rows, done+int(rows)
		if done == n {
			return nil
		}
		c.before, c.held = append(c.before, c.held), nil
		if err := c.read(); err != nil {
			return err
		}
	}
}

// readSome reads the values of a page, or of those of some rows that are in it;
// its first is number from among them.
func readSome(page parquet.Page, dst []parquet.Value, from int, some []int) error {
	if some == nil || len(some) > fewRows {
		return readValues(page, dst)
	}
	for _, row := range some {
		if i := row - from; i >= 0 && i < len(dst) {
			if err := readValues(page.Slice(int64(i), int64(i)+1), dst[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func readValues(page parquet.Page, dst []parquet.Value) error {
	values := page.Values()
	for len(dst) > 0 {
		n, err := values.ReadValues(dst)
		if dst = dst[n:]; len(dst) > 0 && (err != nil || n == 0) {
			return fmt.Errorf("read values: %w", cmp.Or(err, io.ErrUnexpectedEOF))
		}
	}
	return nil
}

// read reads the next page of the column.
func (c *columnReader) read() error {
	parquet.Release(c.held)
	c.held = nil
	page, err := c.pages.ReadPage()
	switch {
	case errors.Is(err, io.EOF) || err == nil && page.NumRows() == 0:
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	}
	c.held, c.from = page, c.next
	c.next += page.NumRows()
	return nil
}

func (c *columnReader) release() {
	for _, p := range c.before {
		parquet.Release(p)
	}
	c.before = c.before[:0]
}

func (c *columnReader) close() error {
	if c.pages == nil {
		return nil
	}
	c.release()
	parquet.Release(c.held)
	c.held = nil
	return c.pages.Close()
}
