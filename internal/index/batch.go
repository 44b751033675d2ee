package index

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"

	"cairn/internal/index/part"
	"cairn/internal/scan"
)

const (
	// chunkFiles is how many files are read by one scan, whose report then names
	// all of them that are damaged.
	chunkFiles = 1000
	// expansion is about how much log files grow when they are inflated.
	expansion = 8
	// maxBatchFiles bounds a line of the log.
	maxBatchFiles = 100_000
	// inMemory is how many batches are in memory at once.
	inMemory = 2
)

// batch is log files whose records come into the index in one commit, and those
// records until they are written.
type batch struct {
	*builder
	files []scan.File
	size  int64 // of the files, as stored

	rows   []row
	blocks [][]byte // room for records, the last one has some left
	used   int64    // bytes of records in memory

	// parts hold records that did not fit in memory with the others.
	parts []*partInfo
	bad   map[int32]error // damaged files, by index in files
	line  commit
	fails []scan.Damage

	flushed chan error // is sent what came of writing the records
}

// row is a record in memory.
type row struct {
	time   int64
	file   int32 // index in files
	order  int32 // in the batch
	record []byte
}

// newBatch waits until there is memory for another batch.
func (b *builder) newBatch(ctx context.Context) (*batch, error) {
	select {
	case b.memory <- struct{}{}:
		return &batch{builder: b}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *batch) queue(f scan.File) {
	b.files = append(b.files, f)
	b.size += f.Size
}

// full says whether the files will fill the batch's part of the memory.
func (b *batch) full() bool {
	return b.size*expansion >= b.o.Memory/inMemory || len(b.files) >= maxBatchFiles
}

// read reads the batch's files. If records had to be written before it showed
// that their file is damaged, all are read again without that one.
func (b *batch) read(ctx context.Context) error {
	b.bad = map[int32]error{}
	for {
		spoilt, err := b.readOnce(ctx)
		if err != nil {
			return err
		}
		if !spoilt {
			break
		}
		for _, p := range b.parts {
			if err := errors.Join(b.remove(stagedPath(b.dir, p)), b.remove(pagesPath(b.dir, p.Name)), b.remove(countsPath(b.dir, p.Name))); err != nil {
				return err
			}
		}
		b.parts = nil
		b.forget()
	}
	for i := range b.files {
		b.judge(int32(i))
	}
	return nil
}

// readOnce reads all files but those known to be bad.
func (b *batch) readOnce(ctx context.Context) (spoilt bool, err error) {
	for from := 0; from < len(b.files); from += chunkFiles {
		to := min(from+chunkFiles, len(b.files))
		chunk := newChunk(b, from, to)
		before := len(b.parts)
		report, err := scan.Search(ctx, chunk, scan.Query{InFlight: b.o.InFlight, Workers: b.o.Workers, MaxFile: 1 << 50}, func(m scan.Match) error {
			return b.add(ctx, chunk.index[m.File.Key], m)
		})
		if err != nil {
			return false, err
		}
		b.builder.files.Add(report.Files)
		b.bytes.Add(report.Bytes)
		for _, d := range report.Damaged {
			b.bad[chunk.index[d.File.Key]] = d.Err
		}
		if len(report.Damaged) == 0 {
			continue
		}
		if len(b.parts) > before {
			return true, nil
		}
		b.rows = slices.DeleteFunc(b.rows, func(r row) bool { return b.bad[r.file] != nil })
	}
	return false, nil
}

// judge tells what is to be remembered of a file.
func (b *batch) judge(i int32) {
	err, f := b.bad[i], b.files[i]
	switch {
	case err == nil:
		return
	case errors.Is(err, fs.ErrNotExist): // gone since it was listed
	case lasting(err):
		b.line.Damaged = append(b.line.Damaged, damagedFile{Key: f.Key, Stamp: stampOf(f), Why: err.Error()})
	default:
		b.fails = append(b.fails, scan.Damage{File: f, Err: err})
	}
}

// lasting says whether a file will be damaged the next time it is read, too.
func lasting(err error) bool {
	for _, is := range []error{scan.ErrForeign, scan.ErrCompression, scan.ErrMembers, scan.ErrTrailing, scan.ErrSyntax, scan.ErrTooLarge, scan.ErrTooDeep} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// add keeps a copy of a record.
func (b *batch) add(ctx context.Context, file int32, m scan.Match) error {
	if b.used+int64(len(m.Record)) > b.o.Memory/inMemory && len(b.rows) > 0 {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	record, err := b.copied(m.Record)
	if err != nil {
		return err
	}
	r := row{time: part.NoTime, file: file, order: int32(len(b.rows)), record: record}
	if !m.Time.IsZero() {
		r.time = m.Time.UnixMicro()
	}
	b.rows = append(b.rows, r)
	b.used += int64(len(m.Record))
	b.records.Add(1)
	return nil
}

// copied returns a copy of a record in the batch's memory.
func (b *batch) copied(record []byte) ([]byte, error) {
	n := len(b.blocks)
	if n == 0 || len(b.blocks[n-1])+len(record) > cap(b.blocks[n-1]) {
		block, err := b.arena.Take(len(record))
		if err != nil {
			return nil, err
		}
		b.blocks, n = append(b.blocks, block), n+1
	}
	block := b.blocks[n-1]
	start := len(block)
	block = append(block, record...)
	b.blocks[n-1] = block
	return block[start:len(block):len(block)], nil
}

// forget gives the memory of the batch's records back.
func (b *batch) forget() {
	b.arena.Give(b.blocks)
	b.rows, b.blocks, b.used = nil, nil, 0
}

// flush writes the records in memory to parts, days at the same time.
func (b *batch) flush(ctx context.Context) error {
	days := map[string][]row{}
	for _, r := range b.rows {
		d := day(r.time)
		days[d] = append(days[d], r)
	}
	defer b.forget()
	names := slices.SortedFunc(maps.Keys(days), func(a, c string) int { return cmp.Compare(len(days[c]), len(days[a])) })
	var mu sync.Mutex // guards b.parts
	return each(ctx, b.o.Workers, names, func(d string) error {
		b.slots <- struct{}{} // another batch may be at work, too
		defer func() { <-b.slots }()
		rows := days[d]
		slices.SortFunc(rows, func(x, y row) int {
			return cmp.Or(cmp.Compare(x.time, y.time), cmp.Compare(x.file, y.file), cmp.Compare(x.order, y.order))
		})
		parts, err := b.writeParts(d, b.rowsOf(ctx, rows), b.nextName)
		mu.Lock()
		defer mu.Unlock()
		b.parts = append(b.parts, parts...)
		return err
	})
}

func (b *batch) rowsOf(ctx context.Context, rows []row) iter.Seq2[part.Row, error] {
	return func(yield func(part.Row, error) bool) {
		for i, r := range rows {
			var err error
			if i%part.PageRows == 0 {
				err = ctx.Err()
				b.written.Add(int64(min(part.PageRows, len(rows)-i)))
			}
			if !yield(part.Row{Time: r.time, Record: r.record, Source: b.files[r.file].Key}, err) || err != nil {
				return
			}
		}
	}
}

// finish commits a batch that was read and written.
func (b *builder) finish(ba *batch) error {
	var records int64
	for _, p := range ba.parts {
		records += p.Rows
	}
	var good []scan.File
	for i, f := range ba.files {
		if ba.bad[int32(i)] == nil {
			good = append(good, f)
		}
	}
	line := &ba.line
	line.Add, line.Read = ba.parts, readLine(good)
	sortParts(line.Add)
	if len(good)+len(line.Damaged) > 0 {
		if err := b.commit(line); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Read += int64(len(good))
	b.report.Records += records
	for _, f := range good {
		b.report.Bytes += f.Size
	}
	for _, d := range line.Damaged {
		b.report.Damaged = append(b.report.Damaged, scan.Damage{File: scan.File{Key: d.Key}, Err: errors.New(d.Why)})
	}
	b.report.Failed = append(b.report.Failed, ba.fails...)
	return nil
}

// chunk is some of a batch's files as a source.
type chunk struct {
	scan.Source
	files []scan.File
	index map[string]int32 // by key, in the batch
}

func newChunk(b *batch, from, to int) *chunk {
	c := &chunk{Source: b.src, index: map[string]int32{}}
	for i := from; i < to; i++ {
		if b.bad[int32(i)] == nil {
			c.files = append(c.files, b.files[i])
			c.index[b.files[i].Key] = int32(i)
		}
	}
	return c
}

// List implements scan.Source.
func (c *chunk) List(_ context.Context, _ scan.Window, _ bool, each func(scan.File) error) error {
	for _, f := range c.files {
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

// each calls do for every item, some at once, and returns the first error.
func each[T any](ctx context.Context, workers int, items []T, do func(T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T)
	var wg sync.WaitGroup
	for range min(workers, len(items)) {
		wg.Go(func() {
			for item := range next {
				if err := do(item); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for _, item := range items {
		select {
		case next <- item:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
