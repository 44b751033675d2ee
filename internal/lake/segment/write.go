package segment

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"

	"cairn/internal/grams"
	"cairn/internal/pagezstd"
)

const (
	// A page is closed when it has this many rows, or would have more bytes of
	// messages than this.
	pageRows  = 1024
	pageBytes = 2 << 20
	// groupPages is how many pages a row group has, which the writer keeps in
	// memory, compressed.
	groupPages = 64
	// keptTokens is how many tokens of a stream are kept.
	keptTokens = 256
)

// Writer writes one segment, sorted: Rows are added in order of Position.
type Writer struct {
	folder *Folder
	info   Info
	dir    directory

	data    *os.File
	buffer  *bufio.Writer
	sums    sumWriter
	parquet *parquet.GenericWriter[row]
	index   *os.File
	grams   grams.Builder

	// The page that is being filled.
	messages []byte
	rows     []pageRow
	// inGroup counts the row group's pages and rows.
	pagesInGroup int
	rowsInGroup  int64
	values       []parquet.Value
	seen         map[string]*StreamInfo
}

// pageRow is a row whose message ends at end in the page's messages.
type pageRow struct {
	pos       Position
	ingestion int64
	stream    string
	end       int
}

// NewWriter begins a segment. Add gives it rows in order of Position; Finish or
// Abort ends it.
func NewWriter(f *Folder, number uint64) (_ *Writer, err error) {
	w := &Writer{folder: f, info: Info{Number: number}, seen: map[string]*StreamInfo{}}
	// A crash from here to the manifest leaves files that it does not name.
	if w.data, err = f.Create(w.info.Parquet()); err != nil {
		return nil, err
	}
	if w.index, err = f.Create(w.info.Index()); err != nil {
		w.Abort()
		return nil, err
	}
	w.sums.w = w.data
	w.buffer = bufio.NewWriterSize(&w.sums, 256<<10)
	w.parquet = parquet.NewGenericWriter[row](w.buffer, parquet.PageBufferSize(64<<10), parquet.Compression(new(pagezstd.Codec)),
		parquet.SkipPageBounds("message"), parquet.SkipPageStatistics("message"), parquet.CreatedBy("cairn", "", ""),
		parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("time"), parquet.Ascending("seq"), parquet.Ascending("index"))))
	return w, nil
}

// Abort lets go of a segment that is not finished.
func (w *Writer) Abort() {
	for _, f := range []*os.File{w.data, w.index} {
		if f != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}
}

// Add adds a row; it keeps no part of it.
func (w *Writer) Add(r *Row) error {
	if n := len(w.rows); n > 0 && (n == pageRows || len(w.messages)+len(r.Message) > pageBytes) {
		if err := w.flushPage(); err != nil {
			return err
		}
	}
	w.grams.Add(r.Message)
	w.messages = append(w.messages, r.Message...)
	w.rows = append(w.rows, pageRow{pos: r.Pos, ingestion: r.Ingestion, stream: r.Stream, end: len(w.messages)})
	s := w.seen[r.Stream]
	if s == nil {
		s = &StreamInfo{First: r.Pos.Timestamp, Last: r.Pos.Timestamp}
		w.seen[r.Stream] = s
	}
	s.Add(StreamInfo{Rows: 1, Bytes: int64(len(r.Message)), First: r.Pos.Timestamp, Last: r.Pos.Timestamp, LastIngestion: r.Ingestion})
	return nil
}

// flushPage writes one page of every column, and its filter.
func (w *Writer) flushPage() error {
	first, last := w.rows[0].pos.Timestamp, w.rows[len(w.rows)-1].pos.Timestamp
	filter := w.grams.Bytes()
	if _, err := w.index.WriteAt(filter, w.info.Directory); err != nil {
		return err
	}
	w.dir.Pages = append(w.dir.Pages, Page{
		Group: len(w.dir.Pages) / groupPages, Row: w.rowsInGroup, Rows: len(w.rows), Raw: int64(len(w.messages)), First: first, Last: last,
		Filter: w.info.Directory, FilterSize: len(filter), FilterSum: crc32.Checksum(filter, castagnoli),
	})
	w.info.Directory += int64(len(filter))
	start := 0
	value := [...]func(r *pageRow) parquet.Value{
		colTime:      func(r *pageRow) parquet.Value { return parquet.Int64Value(r.pos.Timestamp) },
		colIngestion: func(r *pageRow) parquet.Value { return parquet.Int64Value(r.ingestion) },
		colStream:    func(r *pageRow) parquet.Value { return parquet.ByteArrayValue([]byte(r.stream)) },
		colSeq:       func(r *pageRow) parquet.Value { return parquet.Int64Value(int64(r.pos.Seq)) },
		colIndex:     func(r *pageRow) parquet.Value { return parquet.Int32Value(int32(r.pos.Index)) },
		colMessage: func(r *pageRow) parquet.Value {
			m := w.messages[start:r.end]
			start = r.end
			return parquet.ByteArrayValue(m)
		},
	}
	for i, c := range w.parquet.ColumnWriters() {
		w.values = w.values[:0]
		for j := range w.rows {
			w.values = append(w.values, value[i](&w.rows[j]))
		}
		if _, err := c.WriteRowValues(w.values); err != nil {
			return err
		}
		if err := c.Flush(); err != nil {
			return err
		}
	}
	w.count(first, last)
	w.messages, w.rows = w.messages[:0], w.rows[:0]
	if w.pagesInGroup++; w.pagesInGroup == groupPages {
		w.pagesInGroup, w.rowsInGroup = 0, 0
		return w.parquet.Flush()
	}
	return nil
}

// count adds the page to what the segment says of itself.
func (w *Writer) count(first, last int64) {
	if w.info.Rows == 0 {
		w.info.First = first
	}
	w.info.Last = last
	w.info.Rows += int64(len(w.rows))
	w.info.Raw += int64(len(w.messages))
	w.rowsInGroup += int64(len(w.rows))
}

// Raw returns how many bytes of messages are in finished pages.
func (w *Writer) Raw() int64 { return w.info.Raw }

// Streams returns what the finished segment has of each stream.
func (w *Writer) Streams() map[string]StreamInfo { return w.dir.Streams }

// Finish makes the segment durable. It is part of no table yet. notes are those
// of its streams; a stream may have notes and no row.
func (w *Writer) Finish(notes map[string]StreamNote) (Info, error) {
	err := w.close(notes)
	if err != nil {
		w.Abort()
	}
	return w.info, err
}

func (w *Writer) close(notes map[string]StreamNote) error {
	if len(w.rows) > 0 {
		if err := w.flushPage(); err != nil {
			return err
		}
	}
	if err := w.parquet.Close(); err != nil {
		return err
	}
	if err := w.buffer.Flush(); err != nil {
		return err
	}
	w.dir.Sums = w.sums.finish()
	w.info.Size = w.sums.size
	w.dir.Streams = make(map[string]StreamInfo, len(w.seen))
	for name, s := range w.seen {
		s.Note = notes[name]
		w.dir.Streams[name] = *s
	}
	b, err := json.Marshal(&w.dir)
	if err != nil {
		return err
	}
	if _, err := w.index.WriteAt(b, w.info.Directory); err != nil {
		return err
	}
	w.info.IndexSize, w.info.Sum = w.info.Directory+int64(len(b)), crc32.Checksum(b, castagnoli)
	return errors.Join(w.folder.Finish(w.data), w.folder.Finish(w.index))
}

// sumWriter writes to w and sums up every block.
type sumWriter struct {
	w    io.Writer
	size int64
	sum  uint32
	sums []byte
}

// Write implements io.Writer.
func (s *sumWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), int(blockSize-s.size%blockSize))
		s.sum = crc32.Update(s.sum, castagnoli, rest[:n])
		s.size += int64(n)
		rest = rest[n:]
		if s.size%blockSize == 0 {
			s.end()
		}
	}
	return s.w.Write(p)
}

func (s *sumWriter) end() {
	s.sums = binary.LittleEndian.AppendUint32(s.sums, s.sum)
	s.sum = 0
}

func (s *sumWriter) finish() []byte {
	if s.size%blockSize != 0 {
		s.end()
	}
	return s.sums
}
