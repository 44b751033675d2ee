// Package journal keeps every record durably, in order, from the moment a call
// is answered until everybody who wants the record has read it.
//
//	Append ─┐                 ┌─ batch ─ fsync ─┐
//	Append ─┼─▶ what gathers ─┤                 ├─▶ stream JOURNAL ─▶ Read
//	Append ─┘   meanwhile     └─ all return ────┘
//
// The journal is a JetStream stream of batches (batch.go shows their layout).
// Appends share batches: an fsync costs the same for one record as for hundreds,
// so whatever arrives while one batch is being made durable is the next one. The
// place of a record is its batch's sequence number in the stream and its index
// in the batch. Positions only grow.
//
// What is promised, on the assumptions package natsd lists:
//
//  1. When Append returns nil, its records are durable, once each, side by side,
//     after all records of every Append that returned before it began.
//  2. When Append returns ErrUnknown, its records may or may not be there, and
//     never twice. After any other error they are not there.
//  3. Read returns every record in order. Where the store has lost or damaged
//     some, Read returns a *GapError that names the range instead of passing
//     over it; going on behind the gap is the caller's decision.
//  4. Records go only with age (Options.MaxAge). A full journal refuses new
//     records; it never drops old ones to make room.
//
// Several processes may append to one stream in a cluster. Each sees the others'
// records within about a second.
package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/event"
)

var (
	// ErrClosed says that the journal was closed.
	ErrClosed = errors.New("journal closed")
	// ErrUnknown says that it is not known whether the records were written:
	// the store did not answer in time. They may appear later, once.
	ErrUnknown = errors.New("unknown whether the records were written")
	// ErrTooLarge says that records of one Append do not fit in one message.
	ErrTooLarge = errors.New("records too large for one batch")
	// ErrRefused says that the store refused the records, as when it is full.
	ErrRefused = errors.New("records refused by the store")
)

// Position is the place of one record. The zero Position is before everything.
// It may be kept as JSON.
type Position struct {
	// Seq is the batch's sequence number in the stream, from 1.
	Seq uint64 `json:"seq"`
	// Index is the record's index in its batch, from 0.
	Index uint32 `json:"index"`
}

// Compare returns -1, 0 or 1 as p is before, at or after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Index, q.Index))
}

// Less reports whether p is before q.
func (p Position) Less(q Position) bool { return p.Compare(q) < 0 }

// String returns "seq/index".
func (p Position) String() string { return fmt.Sprintf("%d/%d", p.Seq, p.Index) }

// Located is a record with its place.
type Located struct {
	Pos Position
	event.Entry
	// Intent is true for an intent, which only ReadAll returns.
	Intent bool
}

// Options tunes a journal. The zero value is what most want.
type Options struct {
	// MaxBatchBytes and MaxBatchRecords end a batch when it has as much;
	// defaults 512 KiB and 4096. One Append that is larger is a batch of its own.
	MaxBatchBytes   int
	MaxBatchRecords int
	// Linger is how long a batch waits for more records than there are; default
	// 0: a batch is what gathered while the last one was being made durable.
	Linger time.Duration
	// MaxAge is how long records are kept, and so how far a reader may lag
	// before records are lost to it (Read tells); default 30 days.
	MaxAge time.Duration
	// MaxBytes bounds the stream on disk; default 0: only the disk does. When it
	// is full, Append fails with ErrRefused until records have aged.
	MaxBytes int64
	// MaxPending bounds the bytes of records that wait to be written; Append
	// blocks above it. Default 64 MiB.
	MaxPending int
	// Replicas is how many servers of a cluster keep the stream; default 3 in a
	// cluster, 1 with the embedded server.
	Replicas int
	// TailBytes bounds the newest batches kept in memory for readers that follow
	// closely; default 16 MiB.
	TailBytes int
	// Log receives warnings; nil drops them.
	Log *slog.Logger

	// How long one try to write may take, and how long a batch is tried.
	tryTimeout, giveUp time.Duration
	// poll is how often the stream is asked for other processes' records.
	poll time.Duration
}

const (
	day = 24 * time.Hour
	// duplicateWindow is how long the stream remembers message ids. A batch is
	// tried for an eighth of it, so that a repeated one is always recognized.
	duplicateWindow = 2 * time.Minute
	// envelope is room for subject and headers beside a batch in a message.
	envelope = 1024
)

func (o Options) withDefaults() (Options, error) {
	o.MaxBatchBytes = cmp.Or(o.MaxBatchBytes, 512<<10)
	o.MaxBatchRecords = cmp.Or(o.MaxBatchRecords, 4096)
	o.MaxAge = cmp.Or(o.MaxAge, 30*day)
	o.MaxPending = cmp.Or(o.MaxPending, 64<<20)
	o.TailBytes = cmp.Or(o.TailBytes, 16<<20)
	o.tryTimeout = cmp.Or(o.tryTimeout, 5*time.Second)
	o.giveUp = cmp.Or(o.giveUp, duplicateWindow/8)
	o.poll = cmp.Or(o.poll, time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBatchBytes < 0 || o.MaxBatchRecords < 0 || o.Linger < 0 || o.MaxBytes < 0 || o.MaxPending < 0 || o.Replicas < 0 || o.TailBytes < 0 {
		return o, errors.New("journal option is negative")
	}
	if o.MaxAge < duplicateWindow {
		return o, fmt.Errorf("journal option MaxAge is %s: it must be at least %s", o.MaxAge, duplicateWindow)
	}
	return o, nil
}

// Journal is an open journal. Its methods may be called concurrently.
type Journal struct {
	o      Options
	js     jetstream.JetStream
	nc     *nats.Conn
	stream jetstream.Stream
	limit  int // bytes of records one message can hold
	cancel context.CancelFunc
	done   sync.WaitGroup

	queue queue
	tail  tail
	tally tally
	// counting lets one count back at a time.
	counting sync.Mutex
	marked   uint64 // owned by follow, and by Open and Close around it

	mu      sync.Mutex
	first   uint64        // oldest batch, as far as known: it may have aged since
	last    uint64        // newest batch, as far as known
	grown   chan struct{} // closed and replaced when last grows, closed for good by Close
	closed  bool
	records uint64 // appended by this process
	batches uint64
	durable time.Time
}

// Open opens the journal, creating its streams if there are none yet, and brings
// the stream's limits in line with the options. If the store has lost its newest
// batches, Open fills their places (Reached says why).
func Open(ctx context.Context, js jetstream.JetStream, o Options) (*Journal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	j := &Journal{o: o, js: js, nc: js.Conn(), grown: make(chan struct{})}
	if j.stream, err = openStream(ctx, js, o); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	cached := j.stream.CachedInfo()
	j.first, j.last = max(cached.State.FirstSeq, 1), cached.State.LastSeq
	m, err := openMark(ctx, js, cached.Config.Replicas)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j.marked = m.Seq
	j.tally.start(m.Seq+1, m.Records)
	if err := j.Reached(ctx, Position{Seq: j.marked + 1}); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j.limit = int(j.nc.MaxPayload()) - envelope - headSize - sumSize
	j.queue.init(&j.o)
	j.tail.init(o.TailBytes)
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j.cancel = cancel
	j.done.Go(j.write)
	j.done.Go(func() { j.follow(life) })
	return j, nil
}

// Close refuses new records, waits until those already handed over are written
// or given up, and ends Wait calls. It leaves the connection open.
func (j *Journal) Close() {
	j.queue.close()
	j.cancel()
	j.done.Wait()
	j.mu.Lock()
	closed := j.closed
	if !closed {
		j.closed = true
		close(j.grown)
	}
	j.mu.Unlock()
	if closed || j.nc.IsClosed() {
		return
	}
	if err := j.setMark(context.Background()); err != nil {
		j.o.Log.Warn("journal: closed without moving the mark", "error", err)
	}
}

// End returns the first position not yet written: every record appended before
// the call by this process is below it.
func (j *Journal) End() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Position{Seq: j.last + 1}
}

// First returns the position of the oldest record kept, or End if there is none.
// Records may have aged since, by seconds.
func (j *Journal) First() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Position{Seq: min(j.first, j.last+1)}
}

// Stats is what a journal has done since it was opened by this process.
type Stats struct {
	// Records and Batches have been appended by this process and are durable.
	Records, Batches uint64
	// PendingRecords and PendingBytes wait to be written.
	PendingRecords, PendingBytes int
	// LastDurable is when a batch was last acknowledged; zero if none was.
	LastDurable time.Time
}

// Stats returns what the journal has done.
func (j *Journal) Stats() Stats {
	var s Stats
	s.PendingRecords, s.PendingBytes = j.queue.pending()
	j.mu.Lock()
	defer j.mu.Unlock()
	s.Records, s.Batches, s.LastDurable = j.records, j.batches, j.durable
	return s
}

// Wait returns nil when there is a record (or a gap) at or after from, and
// otherwise when ctx or the journal ends.
func (j *Journal) Wait(ctx context.Context, from Position) error {
	for {
		j.mu.Lock()
		at := from
		if at.Seq == 0 {
			at.Seq = j.first
		}
		// Every batch holds at least one record, so the end is always {n, 0}. A
		// position beyond the end is a gap.
		there, closed, next := at.Seq <= j.last || at.Seq > j.last+1, j.closed, j.grown
		j.mu.Unlock()
		if there {
			return nil
		}
		if closed {
			return ErrClosed
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// advance notes what is known of the stream and wakes waiters.
func (j *Journal) advance(first, last uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.first = max(j.first, first)
	if last > j.last && !j.closed {
		j.last = last
		close(j.grown)
		j.grown = make(chan struct{})
	}
}
