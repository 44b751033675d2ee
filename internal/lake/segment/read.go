package segment

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/parquet-go/parquet-go"

	"cairn/internal/grams"
)

// blockSize is how many bytes of a Parquet file have a checksum of their own.
const blockSize = 16 << 10

// directory is the end of a segment's index.
type directory struct {
	Pages []Page `json:"pages"`
	// Streams sums up each stream's rows.
	Streams map[string]StreamInfo `json:"streams"`
	// Sums are the checksums of the Parquet file's blocks, 4 bytes each.
	Sums []byte `json:"sums"`
}

// Page describes a run of rows that is one page in every column.
type Page struct {
	// Group is the row group, Row the page's first row in it.
	Group int   `json:"g"`
	Row   int64 `json:"r"`
	Rows  int   `json:"n"`
	Raw   int64 `json:"b"`
	// First and Last are the timestamps of its first and last row.
	First int64 `json:"f"`
	Last  int64 `json:"l"`
	// Filter is where in the index the gram filter begins, FilterSize its bytes
	// and FilterSum their checksum.
	Filter     int64  `json:"o"`
	FilterSize int    `json:"s"`
	FilterSum  uint32 `json:"c"`
}

// columns of the Parquet file, as row declares them.
const (
	colTime = iota
	colIngestion
	colStream
	colSeq
	colIndex
	colMessage
)

// row is the schema, compressed by the writer's codec. Whoever reads a segment with
// another tool sees these names.
type row struct {
	Time      int64  `parquet:"time,delta,timestamp(millisecond)"`
	Ingestion int64  `parquet:"ingestion,delta,timestamp(millisecond)"`
	Stream    string `parquet:"stream,dict"`
	Seq       int64  `parquet:"seq,delta"`
	Index     int32  `parquet:"index,delta"`
	Message   string `parquet:"message"`
}

// Reader is an open segment. Its methods may be called concurrently.
type Reader struct {
	path   string // of the Parquet file
	dir    directory
	data   *checkedFile
	index  *os.File
	groups []parquet.RowGroup
}

// Open opens a segment and checks all that it reads. The caller closes it.
func Open(f *Folder, info *Info) (_ *Reader, err error) {
	r := &Reader{path: f.Path(info.Parquet())}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.index, err = os.Open(f.Path(info.Index())); err != nil {
		return nil, missing(err, f.Path(info.Index()))
	}
	b := make([]byte, info.IndexSize-info.Directory)
	if _, err := r.index.ReadAt(b, info.Directory); err != nil {
		return nil, &DamageError{File: r.index.Name(), Offset: info.Directory, Why: "the directory is cut off"}
	}
	if crc32.Checksum(b, castagnoli) != info.Sum {
		return nil, &DamageError{File: r.index.Name(), Offset: info.Directory, Why: "the directory's checksum differs"}
	}
	if err := json.Unmarshal(b, &r.dir); err != nil {
		return nil, &DamageError{File: r.index.Name(), Offset: info.Directory, Why: err.Error()}
	}
	file, err := os.Open(r.path)
	if err != nil {
		return nil, missing(err, r.path)
	}
	r.data = &checkedFile{file: file, size: info.Size, sums: r.dir.Sums}
	p, err := parquet.OpenFile(r.data, info.Size, parquet.SkipBloomFilters(true), parquet.ReadBufferSize(8<<10))
	if err != nil {
		return nil, r.Damaged(err)
	}
	r.groups = p.RowGroups()
	return r, nil
}

func missing(err error, path string) error {
	if errors.Is(err, os.ErrNotExist) {
		return &DamageError{File: path, Why: "the file is missing"}
	}
	return fmt.Errorf("open a segment: %w", err)
}

// Damaged makes of what reading a page complains about an error that names the
// file; it already does if a checksum differed.
func (r *Reader) Damaged(err error) error {
	if d, ok := errors.AsType[*DamageError](err); ok {
		return d
	}
	return &DamageError{File: r.path, Why: err.Error()}
}

// Pages returns the directory of pages, in order.
func (r *Reader) Pages() []Page { return r.dir.Pages }

// Streams returns what the segment has of each stream: shared, not to be changed.
func (r *Reader) Streams() map[string]StreamInfo { return r.dir.Streams }

// Close closes the files.
func (r *Reader) Close() {
	if r.index != nil {
		_ = r.index.Close() // only read
	}
	if r.data != nil {
		_ = r.data.file.Close()
	}
}

// May reports whether a page may have messages with the needles of q.
func (r *Reader) May(p *Page, q grams.Query) (bool, error) {
	b, err := r.filter(p)
	if err != nil {
		return false, err
	}
	return grams.Filter(b).May(q), nil
}

// column reads one column of a page; the caller releases it.
func (r *Reader) column(p *Page, column int) (parquet.Page, error) {
	pages := r.groups[p.Group].ColumnChunks()[column].Pages()
	defer func() { _ = pages.Close() }()
	if err := pages.SeekToRow(p.Row); err != nil {
		return nil, err
	}
	page, err := pages.ReadPage()
	if err != nil {
		return nil, err
	}
	if page.NumRows() != int64(p.Rows) {
		n := page.NumRows()
		parquet.Release(page)
		return nil, fmt.Errorf("a page has %d rows, not %d", n, p.Rows)
	}
	return page, nil
}

// checkedFile reads a file whose blocks have checksums, and nothing else of it.
type checkedFile struct {
	file *os.File
	size int64
	sums []byte
}

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// ReadAt implements io.ReaderAt. It fails with a *DamageError if a block it
// touches is not as it was written.
func (c *checkedFile) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= c.size {
			return n, io.EOF
		}
		block := at / blockSize
		start := block * blockSize
		size := int(min(blockSize, c.size-start))
		if at == start && len(p)-n >= size {
			if err := c.read(p[n:n+size], block); err != nil {
				return n, err
			}
			n += size
			continue
		}
		buf := blocks.Get().(*[blockSize]byte)
		err := c.read(buf[:size], block)
		if err == nil {
			n += copy(p[n:], buf[at-start:size])
		}
		blocks.Put(buf)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *checkedFile) read(p []byte, block int64) error {
	damage := func(why string) error {
		return &DamageError{File: c.file.Name(), Offset: block * blockSize, Why: why}
	}
	if int64(len(c.sums)) < 4*(block+1) {
		return damage("its index has no checksum of the block")
	}
	if _, err := c.file.ReadAt(p, block*blockSize); errors.Is(err, io.EOF) {
		return damage("it is cut off")
	} else if err != nil {
		return fmt.Errorf("read a segment: %w", err)
	}
	if crc32.Checksum(p, castagnoli) != binary.LittleEndian.Uint32(c.sums[4*block:]) {
		return damage("the checksum differs")
	}
	return nil
}
