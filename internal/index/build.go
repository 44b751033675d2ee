package index

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"cairn/internal/index/arena"
	"cairn/internal/scan"
)

// DefaultMemory is the most memory for records unless told otherwise. More makes
// fewer parts of a day, of which each costs every question a little.
const DefaultMemory = 384 << 20

// Options say how an index is built.
type Options struct {
	// Source is the identity of the source (Identity).
	Source string
	// Memory bounds the records that are in memory, in bytes; 0 means DefaultMemory.
	// Reading and writing take about 80 MiB more for each worker.
	Memory int64
	// Workers is how many files are read, and parts written, at once; 0 means
	// GOMAXPROCS.
	Workers int
	// InFlight is how many log files are opened at once; 0 means what suits the
	// source.
	InFlight int
	// Window says which log files to read; the zero window is all. It is for
	// indexes of one use: what is left out is read when it is asked for without.
	Window scan.Window
	// Progress, if set, is called about five times a second.
	Progress func(Progress)

	fault func(step string) error // for tests: called before every durable step
}

// Progress is how far building an index has come.
type Progress struct {
	// Listed log files were found, of which Known are in the index already.
	Listed, Known int64
	// Files and Bytes (as stored) were read; Records were found in them and
	// Written to the index.
	Files, Bytes, Records, Written int64
	// Merging says that all files were read.
	Merging bool
	Elapsed time.Duration
}

// Report is what building an index did.
type Report struct {
	// Listed log files are in the source, Known of them were in the index before,
	// Read were read now.
	Listed, Known, Read int64
	// Bytes were read, with Records in them.
	Bytes, Records int64
	// Merged is how many parts were put together to fewer.
	Merged int
	// Damaged are log files that are not in the index because they cannot be
	// read as log files are, now or before; Failed are those that could not be
	// read at all, which the next Build tries again.
	Damaged, Failed []scan.Damage
	// Index is how much the index holds now.
	Index Stats
}

// Build brings the index in dir up to date with a source: it reads the log files
// that are not in it yet. One Build at a time may change an index. After an
// error, a crash or an interruption the next Build goes on where this one
// stopped. The report is never nil.
func Build(ctx context.Context, src scan.Source, dir string, o Options) (_ *Report, err error) {
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	o.Workers = cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	c, err := begin(dir, o.Source, o.fault)
	if err != nil {
		return &Report{}, err
	}
	b := &builder{change: c, src: src, o: o, began: time.Now(), slots: make(chan struct{}, o.Workers), memory: make(chan struct{}, inMemory), report: &Report{}}
	b.number.Store(int64(c.state.next))
	stop := b.tell(ctx)
	defer func() {
		stop()
		err = errors.Join(err, b.arena.Close())
		b.report.Listed, b.report.Known = b.listed.Load(), b.known.Load()
		b.report.Index = c.state.stats()
		err = errors.Join(err, c.close())
	}()
	changed, err := b.readAll(ctx)
	if err != nil {
		return b.report, fmt.Errorf("index %s: %w", o.Source, err)
	}
	if len(changed) > 0 {
		if err := b.replace(ctx, changed); err != nil {
			return b.report, fmt.Errorf("index %s: %w", o.Source, err)
		}
	}
	b.merging.Store(true)
	if err := b.merge(ctx); err != nil {
		return b.report, fmt.Errorf("merge parts of index %s: %w", dir, err)
	}
	return b.report, nil
}

// builder is one run of Build.
type builder struct {
	*change
	src    scan.Source
	o      Options
	began  time.Time
	arena  arena.Arena
	number atomic.Int64  // of the next part
	slots  chan struct{} // taken by whoever writes a part
	memory chan struct{} // taken by every batch that is in memory

	report *Report

	// For the progress.
	listed, known, files, bytes, records, written atomic.Int64
	merging                                       atomic.Bool
}

func (b *builder) nextName() string { return partName(int(b.number.Add(1) - 1)) }

// readAll lists the source, and reads what is new in it, batch by batch. It
// returns the files that are in the index and have changed since.
//
// Two batches are in memory at a time, so that no processor waits for the last
// day of one: while that is written, the next, which was read meanwhile, begins
// to be. A batch that is written and has yet to be committed takes no memory.
// They are committed in order.
func (b *builder) readAll(ctx context.Context) (changed []scan.File, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches, flushed := make(chan *batch), make(chan *batch)
	committed := make(chan struct{})
	go func() {
		defer close(flushed)
		for ba := range batches {
			ba.flushed = make(chan error, 1)
			go func() {
				err := ba.flush(ctx)
				<-b.memory
				ba.flushed <- err
			}()
			flushed <- ba
		}
	}()
	go func() {
		defer close(committed)
		var err error
		for ba := range flushed { // after an error, too: none may be at work when this ends
			if err = cmp.Or(err, <-ba.flushed); err == nil {
				err = b.finish(ba)
			}
			if err != nil {
				cancel(err)
			}
		}
	}()
	changed, err = b.readBatches(ctx, batches)
	close(batches)
	<-committed
	return changed, cmp.Or(context.Cause(ctx), err)
}

// readBatches reads the log files that are not in the index yet.
func (b *builder) readBatches(ctx context.Context, batches chan<- *batch) (changed []scan.File, err error) {
	ba, err := b.newBatch(ctx)
	if err != nil {
		return nil, err
	}
	err = b.src.List(ctx, b.o.Window, false, func(f scan.File) error {
		b.listed.Add(1)
		switch b.status(f) {
		case known:
			b.known.Add(1)
			return nil
		case outdated:
			changed = append(changed, f)
			return nil
		case unread:
		}
		ba.queue(f)
		if !ba.full() {
			return nil
		}
		if err := b.pass(ctx, ba, batches); err != nil {
			return err
		}
		var err error
		ba, err = b.newBatch(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, b.pass(ctx, ba, batches)
}

// pass reads the files of a batch and gives it to the one who writes.
func (b *builder) pass(ctx context.Context, ba *batch, batches chan<- *batch) error {
	if err := ba.read(ctx); err != nil {
		return err
	}
	select {
	case batches <- ba:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type status uint8

const (
	unread   status = iota
	known           // it is in the index, or damaged as before
	outdated        // another file of this name is in the index
)

func (b *builder) status(f scan.File) status {
	key, stamp := keyOf(f.Key), stampOf(f)
	b.mu.Lock()
	defer b.mu.Unlock()
	if had, ok := b.state.read[key]; ok {
		if had == stamp {
			return known
		}
		return outdated
	}
	if d, ok := b.state.damaged[key]; ok && d.Stamp == stamp {
		b.report.Damaged = append(b.report.Damaged, scan.Damage{File: f, Err: errors.New(d.Why)})
		return known
	}
	return unread
}

// readLine encodes the files that were read, for the log.
func readLine(files []scan.File) string {
	b := make([]byte, 0, len(files)*readEntry)
	for _, f := range files {
		key := keyOf(f.Key)
		b = binary.LittleEndian.AppendUint64(append(b, key[:]...), stampOf(f))
	}
	return base64.StdEncoding.EncodeToString(b)
}

// tell calls Progress until the function it returns is called.
func (b *builder) tell(ctx context.Context) (stop func()) {
	if b.o.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(200 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				b.o.Progress(b.progress())
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (b *builder) progress() Progress {
	return Progress{
		Listed: b.listed.Load(), Known: b.known.Load(), Files: b.files.Load(), Bytes: b.bytes.Load(),
		Records: b.records.Load(), Written: b.written.Load(), Merging: b.merging.Load(), Elapsed: time.Since(b.began),
	}
}
