// Package history keeps the event history: the management records and Insights
// events of every account and region, for 90 days, whether or not a trail logs
// them. LookupEvents answers from it.
//
//	journal ──▶ tail (memory) ──▶ table of the lake
//	              └────────┬───────────┘
//	                    Lookup
//
// Records are read from the journal in order and gathered in memory. Every few
// megabytes, or every minute, they become a segment of a lake table; the same
// step moves the table's mark, which is the place in the journal up to which it
// holds everything. So each record is in the table once: what a crash leaves
// unwritten is read from the journal again, from the mark on. A lookup reads the
// table and the tail as one, after waiting for the tail to reach the end the
// journal had when the lookup began.
//
// Source: "Working with CloudTrail Event history" in the CloudTrail User Guide
// (spec 4.9).
package history

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cairn/event"
	"cairn/internal/journal"
	"cairn/internal/lake"
)

// Retention is how long records are kept.
const Retention = 90 * 24 * time.Hour

// TableName is the name of the lake table.
const TableName = "history"

// Journal is where records come from.
type Journal interface {
	// End is the first position not yet written.
	End() journal.Position
	// Read returns records from a position on, some megabytes at the most, and where
	// to go on.
	Read(ctx context.Context, from journal.Position) ([]journal.Located, journal.Position, error)
	// Wait returns when there is a record at or after a position.
	Wait(ctx context.Context, from journal.Position) error
}

// Options configure a Store.
type Options struct {
	// Journal and Lake are required.
	Journal Journal
	Lake    *lake.Lake
	// FlushBytes and FlushEvery are how many bytes of records, and for how long,
	// are gathered before they become a segment; defaults 8 MiB and 1 minute.
	FlushBytes int
	FlushEvery time.Duration
	// Log receives failures and gaps; nil drops them.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is the event history. Lookup may be called concurrently.
type Store struct {
	o     Options
	table *lake.Table
	log   *slog.Logger

	// pos is where Run goes on reading; owned by Run.
	pos journal.Position
	// tidied is when old records were last removed; owned by Run.
	tidied time.Time

	mu sync.Mutex
	// read is the place in the journal up to which everything is in the table or
	// the tail, and moved is closed when that changes.
	read  journal.Position
	moved chan struct{}
	// tail holds what is not in the table yet. flushing holds what is being
	// written to it; the table has it once its mark is flushing.to.
	tail     *tail
	flushing *tail
}

// Open opens the event history. Nothing is read from the journal until Run.
func Open(o Options) (*Store, error) {
	if o.FlushBytes == 0 {
		o.FlushBytes = 8 << 20
	}
	if o.FlushEvery == 0 {
		o.FlushEvery = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	table, err := o.Lake.Table(TableName)
	if err != nil {
		return nil, fmt.Errorf("open event history: %w", err)
	}
	s := &Store{o: o, table: table, log: o.Log, moved: make(chan struct{})}
	if s.pos, err = parseMark(table.Mark()); err != nil {
		return nil, fmt.Errorf("open event history: %w", err)
	}
	s.read, s.tail = s.pos, &tail{from: table.Mark(), began: o.Now()}
	return s, nil
}

// Mark returns the place in the journal up to which the table holds every
// record: what is before it may go from the journal.
func (s *Store) Mark() journal.Position {
	pos, err := parseMark(s.table.Mark())
	if err != nil {
		return journal.Position{}
	}
	return pos
}

// markText writes a place in the journal as the table's mark.
func markText(p journal.Position) string { return p.String() }

// parseMark reads what markText wrote; "" is the mark of a new table.
func parseMark(text string) (p journal.Position, err error) {
	if text == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(text, "%d/%d", &p.Seq, &p.Index); err != nil || markText(p) != text {
		return p, fmt.Errorf("read mark %q: want SEQUENCE/INDEX; the table was not written by this program", text)
	}
	return p, nil
}

// streamOf returns the stream of the table that holds a record, or "" if the
// event history does not.
func streamOf(h *event.Header) string {
	switch h.Category {
	case event.Management:
		return stream(h.Account, h.Region, false)
	case event.Insight:
		return stream(h.Account, h.Region, true) + h.InsightSource()
	}
	return ""
}

func stream(account, region string, insight bool) string {
	name := account + "/" + region
	if insight {
		name += "/insight"
	}
	return name
}

// tail is records that are in memory only.
type tail struct {
	// from and to are the marks before and after it.
	from, to string
	// began is when the first of its records was read, or the one before it was
	// written.
	began time.Time
	bytes int
	rows  []lake.Row
}

// add adds a record. The row refers to the journal's memory, which is immutable.
func (t *tail) add(r *journal.Located, stream string, now time.Time) {
	if len(t.rows) == 0 {
		t.began = now
	}
	t.rows = append(t.rows, lake.Row{
		Pos:       lake.Position{Timestamp: r.Header.Time.UnixMilli(), Seq: r.Pos.Seq, Index: r.Pos.Index},
		Ingestion: now.UnixMilli(), Stream: stream, Message: r.JSON,
	})
	t.bytes += len(r.JSON)
}
