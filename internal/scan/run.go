package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// withDefaults returns the query with every bound set.
func (q Query) withDefaults(src Source) Query {
	q.Workers = cmp.Or(q.Workers, runtime.GOMAXPROCS(0))
	if q.InFlight == 0 {
		q.InFlight = remoteInFlight
		if s, ok := src.(interface{ filesAtOnce() int }); ok {
			q.InFlight = s.filesAtOnce()
		}
	}
	q.InFlight = max(q.InFlight, q.Workers)
	q.Memory = cmp.Or(q.Memory, 64<<20)
	q.MaxRecord = cmp.Or(q.MaxRecord, 16<<20)
	q.MaxFile = cmp.Or(q.MaxFile, 16<<30)
	q.Ahead = cmp.Or(q.Ahead, DefaultAhead)
	return q
}

// job is a file to be read, with its place in the order of files.
type job struct {
	index int64
	file  *File
}

// run reads the files of one query. Goroutines: one lists, InFlight read files,
// of which as many as there are engines search, and one tells the progress.
// finish waits for all.
type run struct {
	src     Source
	q       Query
	cancel  context.CancelFunc
	began   time.Time
	engines chan *engine

	jobs    chan job
	readers sync.WaitGroup
	others  sync.WaitGroup

	// Counted while reading.
	listed, listedBytes, files, bytes, matches atomic.Int64
	complete                                   atomic.Bool

	mu      sync.Mutex
	report  Report
	listErr error
}

// maxDamaged is how many damaged files a report names.
const maxDamaged = 1000

// prepare makes what a query needs.
func prepare(src Source, q Query, by *Grouping) (*run, error) {
	q = q.withDefaults(src)
	r := &run{src: src, q: q, began: time.Now(), engines: make(chan *engine, q.Workers), jobs: make(chan job, maxListed)}
	for range q.Workers {
		e, err := newEngine(&q, by)
		if err != nil {
			return nil, err
		}
		r.engines <- e
	}
	return r, nil
}

// begin starts to list, and InFlight goroutines that read by calling read.
func (r *run) begin(ctx context.Context, read func(context.Context)) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.others.Go(func() { r.list(ctx) })
	if r.q.Progress != nil {
		r.others.Go(func() { r.tell(ctx) })
	}
	for range r.q.InFlight {
		r.readers.Go(func() { read(ctx) })
	}
}

// maxListed is how many files listing may be ahead of reading.
const maxListed = 1 << 16

func (r *run) list(ctx context.Context) {
	defer close(r.jobs)
	var n int64
	err := r.src.List(ctx, r.q.Window, r.q.Order == NewestFirst, func(f File) error {
		select {
		case r.jobs <- job{n, &f}:
		case <-ctx.Done():
			return ctx.Err()
		}
		n++
		r.listed.Add(1)
		r.listedBytes.Add(f.Size)
		return nil
	})
	if err == nil {
		r.complete.Store(true)
		return
	}
	r.mu.Lock()
	r.listErr = err
	r.mu.Unlock()
	r.cancel()
}

// file reads and searches one file. room is a buffer that is used again.
func (r *run) file(ctx context.Context, j job, room []byte, each func(*engine, []byte) error) (_ []byte, err error) {
	body, head, rest, err := r.open(ctx, j.file, room)
	if ctx.Err() != nil {
		return room, ctx.Err()
	}
	if err != nil {
		r.done(j.file, 0, tally{err: err})
		return room, nil
	}
	if body != nil {
		defer body.Close()
	}
	var e *engine
	select {
	case e = <-r.engines:
	case <-ctx.Done():
		return head, ctx.Err()
	}
	defer func() { r.engines <- e }()
	counted := &counter{r: rest, n: int64(len(head))}
	var more io.Reader
	if rest != nil {
		more = counted
	}
	t, err := e.search(ctx, head, more, func(record []byte) error {
		r.matches.Add(1)
		return each(e, record)
	})
	if err == nil {
		r.done(j.file, counted.n, t)
	}
	return head, err
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

// Read implements [io.Reader].
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// done counts a file that was read.
func (r *run) done(f *File, bytes int64, t tally) {
	r.files.Add(1)
	r.bytes.Add(bytes)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Files++
	r.report.Bytes += bytes
	r.report.Inflated += t.inflated
	r.report.Records += t.records
	if t.err != nil {
		if r.report.DamagedFiles++; len(r.report.Damaged) < maxDamaged {
			r.report.Damaged = append(r.report.Damaged, Damage{File: *f, Err: t.err})
		}
	}
}

// attempts is how often the beginning of a file is read if that fails.
const attempts = 3

// headRoom is how much of a file is read before it is searched: all of most
// files. Larger ones are searched while they are read. Files in flight take 64
// MiB, but not less than one each.
func (r *run) headRoom() int { return min(max(64<<20/r.q.InFlight, 1<<20), 16<<20) }

// open reads the beginning of a file into room, or a larger buffer. body is nil
// if that is all of it; else rest is the rest, and body has to be closed.
func (r *run) open(ctx context.Context, f *File, room []byte) (body io.Closer, head []byte, rest io.Reader, err error) {
	for range attempts {
		var in io.ReadCloser
		if in, err = r.src.Open(ctx, *f); err != nil {
			return nil, nil, nil, err // whoever opens it tries again
		}
		var whole bool
		head, whole, err = readHead(in, room, f.Size, r.headRoom())
		if err == nil && !whole {
			return in, head, in, nil
		}
		_ = in.Close() // it was only read
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read: %w", err)
	}
	return nil, head, nil, nil
}

// readHead reads up to most bytes; whole says that they are all there are.
func readHead(in io.Reader, room []byte, size int64, most int) (head []byte, whole bool, err error) {
	if want := int(min(size+1, int64(most))); cap(room) < want {
		room = make([]byte, 0, want)
	}
	head = room[:0]
	for {
		if len(head) == cap(head) {
			if len(head) >= most {
				return head, false, nil
			}
			head = slices.Grow(head, min(max(len(head), 4096), most-len(head)))
		}
		n, err := in.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		// Of a local file the end is behind all that comes at once, and to ask
		// for it again takes as long as to inflate a small file.
		if _, local := in.(*rawFile); errors.Is(err, io.EOF) || local && err == nil && len(head) < cap(head) {
			return head, true, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
}

// finish ends the goroutines and completes the report. err is why it ended, nil
// if everything was read; ctx is what [run.begin] was given.
func (r *run) finish(ctx context.Context, err error) (*Report, error) {
	r.cancel()
	r.readers.Wait()
	r.others.Wait()
	switch {
	case errors.Is(err, errEnough):
		err = nil
	case err == nil && ctx.Err() != nil:
		err = ctx.Err()
	case err == nil:
		err = r.listErr
	}
	r.report.Matches = r.matches.Load()
	slices.SortFunc(r.report.Damaged, func(a, b Damage) int { return strings.Compare(a.File.Key, b.File.Key) })
	if r.q.Progress != nil {
		r.q.Progress(r.progress())
	}
	return &r.report, err
}

// errEnough ends a search whose limit is reached.
var errEnough = errors.New("scan: limit reached")

func (r *run) progress() Progress {
	return Progress{
		Files: r.files.Load(), Bytes: r.bytes.Load(), Matches: r.matches.Load(),
		FilesFound: r.listed.Load(), BytesFound: r.listedBytes.Load(), Complete: r.complete.Load(),
		Elapsed: time.Since(r.began),
	}
}

// tell calls Progress until the context ends.
func (r *run) tell(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.q.Progress(r.progress())
		case <-ctx.Done():
			return
		}
	}
}
