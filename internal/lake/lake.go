// Package lake keeps timed messages in Parquet segments: what log groups and the
// event history are read from once it is too much for a journal.
//
//	DIR/TABLE/MANIFEST          which segments there are, and the mark
//	DIR/TABLE/NUMBER.parquet    rows sorted by Position, in pages of about 1,024
//	DIR/TABLE/NUMBER.index      of each page: times and gram filter; of each
//	                            stream: a summary; of each 16 KiB of the Parquet
//	                            file: a checksum
//
// A table only ever changes by its manifest being replaced: new segments are
// written and synced under numbers no manifest names, then the manifest is
// written beside the old one, synced and renamed over it, then the folder is
// synced. Files that no manifest names are what a crash left, and deleted when
// the table is next opened.
//
// Nothing is served that was not checked: every byte read from a segment is part
// of a block whose checksum was compared, the checksums are in the index, the
// index's own is in the manifest, and the manifest ends with one. Reading what is
// damaged fails with a *DamageError that names the file.
package lake

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn/internal/lake/segment"
)

var (
	// ErrMark says that rows do not continue where the table ends.
	ErrMark = errors.New("rows do not continue where the table ends")
	// ErrDropped says that the table was dropped, or its lake closed.
	ErrDropped = errors.New("table was dropped")
	// ErrNone says that the lake keeps nothing.
	ErrNone = errors.New("this lake keeps nothing")
	// ErrName says that a table cannot have this name.
	ErrName = errors.New("a table's name consists of letters, digits, '-' and '_'")
)

type (
	// Position is the place of a row in its table.
	Position = segment.Position
	// Row is one timed message.
	Row = segment.Row
	// StreamInfo sums up the rows of a stream.
	StreamInfo = segment.StreamInfo
	// StreamNote is what a writer wants to find again of a stream.
	StreamNote = segment.StreamNote
	// DamageError says that a file of a table is not as it was written.
	DamageError = segment.DamageError
)

// Options configure a Lake.
type Options struct {
	// Dir is the folder of the tables; made if it is not there. One Lake at a
	// time may use it.
	Dir string
	// Log receives what is wrong with stored data; nil drops it.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// PageReads is how many pages are in memory at once, of all readers
	// together: 2 MiB each, or a message if that is larger. Default: twice the
	// processors.
	PageReads int
	// OpenSegments is about how many segments are kept open between reads.
	// Default 64: 128 files and a few hundred kilobytes each.
	OpenSegments int
	// SegmentBytes is about how many bytes of messages the largest segments
	// have; those of more than a quarter of it are not merged. Default 256 MiB.
	SegmentBytes int64
}

// Lake is a folder of tables. Its methods may be called concurrently.
type Lake struct {
	o     Options
	reads chan struct{} // one for each page in memory
	open  opened
	fault func(step string) error // in tests: fails a durable step

	mu     sync.Mutex
	tables map[string]*Table
	closed bool
}

// Open opens the folder. Tables are read when they are first used; what a crash
// left of dropped ones goes now.
func Open(o Options) (*Lake, error) {
	o = defaults(o)
	l := &Lake{o: o, reads: make(chan struct{}, o.PageReads), tables: map[string]*Table{}}
	l.open.limit = o.OpenSegments
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of segments: %w", err)
	}
	names, err := l.folders()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(o.Dir, name, manifestName)); errors.Is(err, os.ErrNotExist) {
			if err := l.Drop(name); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

func defaults(o Options) Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PageReads <= 0 {
		o.PageReads = 2 * runtime.GOMAXPROCS(0)
	}
	if o.OpenSegments <= 0 {
		o.OpenSegments = 64
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 256 << 20
	}
	return o
}

// None returns a lake that keeps nothing: its tables are empty and cannot be
// appended to, but blocks can be read through them.
func None() *Lake {
	return &Lake{o: defaults(Options{}), reads: make(chan struct{}, defaults(Options{}).PageReads), tables: map[string]*Table{}}
}

// Close closes all files. Tables fail with ErrDropped afterwards.
func (l *Lake) Close() {
	l.mu.Lock()
	l.closed = true
	tables := l.tables
	l.tables = map[string]*Table{}
	l.mu.Unlock()
	for _, t := range tables {
		t.end()
	}
}

// folders returns the names of the folders of tables.
func (l *Lake) folders() ([]string, error) {
	entries, err := os.ReadDir(l.o.Dir)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && checkName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Tables returns the names of the tables that were ever written and not dropped,
// sorted.
func (l *Lake) Tables() ([]string, error) {
	names, err := l.folders()
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Stat(filepath.Join(l.o.Dir, name, manifestName))
		return err != nil
	}), err
}

func checkName(name string) error {
	for _, c := range []byte(name) {
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Errorf("%w: %q", ErrName, name)
		}
	}
	if name == "" || strings.HasPrefix(name, "-") || len(name) > 128 {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

// Table returns a table; it is empty if it was never written. A name consists of
// up to 128 letters, digits, '-' and '_'.
func (l *Lake) Table(name string) (*Table, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrDropped
	}
	if t := l.tables[name]; t != nil {
		return t, nil
	}
	t := &Table{lake: l, dir: filepath.Join(l.o.Dir, name), log: l.o.Log.With("table", name)}
	if l.o.Dir != "" {
		if err := t.load(true); err != nil {
			return nil, err
		}
	}
	l.tables[name] = t
	return t, nil
}

// Drop deletes a table with all its files, for good: when it returns they are
// gone. It is no error if there is none.
func (l *Lake) Drop(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	l.mu.Lock()
	t := l.tables[name]
	delete(l.tables, name)
	l.mu.Unlock()
	if t != nil {
		t.end()
	}
	if l.o.Dir == "" {
		return nil
	}
	f := segment.Folder{Dir: filepath.Join(l.o.Dir, name), Fault: l.fault}
	// A crash before this leaves the table. After it, a folder without manifest:
	// its rows are gone for every reader, and Open deletes the rest.
	if err := f.Remove(manifestName); err != nil {
		return fmt.Errorf("drop table %s: %w", name, err)
	}
	if err := f.RemoveAll(); err != nil {
		return fmt.Errorf("drop table %s: %w", name, err)
	}
	return nil
}
