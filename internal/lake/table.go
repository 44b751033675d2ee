package lake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"cairn/internal/lake/segment"
)

// Table is a set of rows with a mark. Rows are added, never changed; they go by
// age or with their stream. Its methods may be called concurrently.
type Table struct {
	lake *Lake
	dir  string
	log  *slog.Logger

	// compacting is held while segments are replaced by others: only who holds
	// it may remove some.
	compacting sync.Mutex
	// changing is held while the manifest is replaced.
	changing sync.Mutex

	mu       sync.Mutex // the fields below
	m        manifest
	segments []*handle // those of the manifest, in its order
	next     uint64    // the number of the next segment
	ended    bool
	summary  map[string]StreamInfo // of all segments; nil if not known
	damaged  map[uint64]bool       // segments that cannot be merged
}

// Batch is what one Append adds.
type Batch struct {
	// Rows in any order; Append sorts them. No two rows of a table have the same
	// Position.
	Rows []Row
	// From is the mark these rows continue from, To the mark after them: the
	// place in the log the rows come from, in the caller's own words. The mark
	// of a new table is "".
	From, To string
	// Notes are what is to be known of streams beyond their rows. Those of a
	// stream without rows are dropped.
	Notes map[string]StreamNote
}

// Size is what a table takes.
type Size struct {
	Segments int
	// Raw is the bytes of all messages, Stored those of the files.
	Rows, Raw, Stored int64
}

// folder returns where the table's files are.
func (t *Table) folder() *segment.Folder { return &segment.Folder{Dir: t.dir, Fault: t.lake.fault} }

// load reads the manifest; clean deletes what a crash left beside it.
func (t *Table) load(clean bool) error {
	f := t.folder()
	m, err := readManifest(f)
	if err != nil {
		return err
	}
	known := map[string]bool{manifestName: true}
	var segments []*handle
	for _, info := range m.Segments {
		known[info.Parquet()], known[info.Index()] = true, true
		segments = append(segments, &handle{info: info, folder: f, holders: 1})
	}
	if clean {
		entries, err := os.ReadDir(t.dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("list the files of a table: %w", err)
		}
		for _, e := range entries {
			if known[e.Name()] || !ours(e.Name()) {
				continue
			}
			if err := os.Remove(f.Path(e.Name())); err != nil {
				return fmt.Errorf("delete what a crash left: %w", err)
			}
		}
	}
	t.m, t.segments, t.next, t.damaged = *m, segments, m.Next, map[uint64]bool{}
	return nil
}

// ours reports whether a file may be one of a table's.
func ours(name string) bool {
	return name == newManifestName || strings.HasSuffix(name, ".parquet") || strings.HasSuffix(name, ".index")
}

// end closes the table for good.
func (t *Table) end() {
	t.mu.Lock()
	t.ended = true
	segments := t.segments
	t.segments = nil
	t.mu.Unlock()
	for _, s := range segments {
		t.retire(s, false)
	}
	// Whoever still changes the table finds that it ended.
	t.compacting.Lock()
	t.changing.Lock()
	t.changing.Unlock() //nolint:staticcheck // waited for, that is all
	t.compacting.Unlock()
}

// Append adds rows and moves the mark in one step: when it returns nil both are
// durable, and a crash leaves both or neither. It writes one segment, or more if
// there is much, and syncs four times, so callers gather rows first: megabytes,
// or minutes. It may be repeated after an error: if the mark is To already,
// nothing happens. ErrMark says that it is neither From nor To.
func (t *Table) Append(ctx context.Context, b *Batch) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	mark, err := t.mark()
	switch {
	case err != nil:
		return err
	case t.lake.o.Dir == "":
		return ErrNone
	case mark == b.To && b.To != b.From:
		return t.folder().Sync() // the last attempt may have failed just here
	case mark != b.From:
		return fmt.Errorf("append from %q to %q to table %s, which is at %q: %w", b.From, b.To, t.dir, mark, ErrMark)
	}
	f := t.folder()
	if err := f.Make(); err != nil {
		return fmt.Errorf("make the folder of a table: %w", err)
	}
	slices.SortFunc(b.Rows, func(a, c Row) int { return a.Pos.Compare(c.Pos) })
	o := output{t: t, folder: f, notes: b.Notes}
	for i := range b.Rows {
		if err := o.add(ctx, &b.Rows[i]); err != nil {
			o.abort()
			return fmt.Errorf("write a segment: %w", err)
		}
	}
	if err := o.finish(); err != nil {
		o.abort()
		return fmt.Errorf("write a segment: %w", err)
	}
	return t.commit(&o, func(m *manifest) { m.Mark = b.To })
}

// commit makes the segments of o part of the table, with what else is to change.
// t.changing is held.
func (t *Table) commit(o *output, change func(m *manifest)) error {
	t.mu.Lock()
	m := t.m
	m.Segments, m.Next = slices.Clone(t.m.Segments), t.next
	t.mu.Unlock()
	m.Segments = append(m.Segments, o.infos...)
	change(&m)
	f := t.folder()
	if err := m.write(f); err != nil {
		// The manifest may be in place all the same.
		if now, readErr := readManifest(f); readErr == nil && now.Next == m.Next && now.Mark == m.Mark && slices.Equal(now.Segments, m.Segments) {
			t.adopt(&m, o)
		} else {
			o.abort()
		}
		return fmt.Errorf("write the manifest of a table: %w", err)
	}
	t.adopt(&m, o)
	return nil
}

// adopt makes m the table's manifest in memory.
func (t *Table) adopt(m *manifest, o *output) {
	t.mu.Lock()
	old := map[uint64]*handle{}
	for _, s := range t.segments {
		old[s.info.Number] = s
	}
	t.segments = nil
	for _, info := range m.Segments {
		s := old[info.Number]
		if s == nil {
			s = &handle{info: info, folder: t.folder(), holders: 1}
		}
		delete(old, info.Number)
		t.segments = append(t.segments, s)
	}
	t.m = *m
	if t.summary != nil {
		t.summary = segment.Merge(t.summary, o.streams)
	}
	if len(old) > 0 {
		t.summary = nil
	}
	t.mu.Unlock()
	for _, s := range old {
		t.retire(s, true)
	}
}

// retire lets go of a segment that the table has no more; dropped if its files
// are to go too, when its last reader has ended.
func (t *Table) retire(s *handle, dropped bool) {
	s.mu.Lock()
	s.retired, s.dropped = true, dropped
	s.mu.Unlock()
	t.let(s)
}

// let gives up one hold on a segment.
func (t *Table) let(s *handle) {
	s.mu.Lock()
	s.holders--
	last, dropped := s.holders == 0, s.dropped
	retired := s.retired
	s.mu.Unlock()
	if retired {
		t.lake.open.shut(s)
	}
	if !last || !dropped {
		return
	}
	// A crash before this leaves files that no manifest names.
	for _, name := range []string{s.info.Parquet(), s.info.Index()} {
		if err := os.Remove(s.folder.Path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.log.Error("cannot delete a segment; the next start will try again", "error", err)
		}
	}
}

func (t *Table) mark() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return "", ErrDropped
	}
	return t.m.Mark, nil
}

// Mark returns the mark of the last Append.
func (t *Table) Mark() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m.Mark
}

// Size returns what the table takes.
func (t *Table) Size() Size {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := Size{Segments: len(t.m.Segments)}
	for i := range t.m.Segments {
		s := &t.m.Segments[i]
		size.Rows += s.Rows
		size.Raw += s.Raw
		size.Stored += s.Size + s.IndexSize
	}
	return size
}

// Streams returns what the table holds of each stream that is not deleted. If
// some segment is damaged it returns what the others hold, and an error.
func (t *Table) Streams() (map[string]StreamInfo, error) {
	s, err := t.Snapshot()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	t.mu.Lock()
	all := maps.Clone(t.summary)
	t.mu.Unlock()
	if all == nil {
		all = map[string]StreamInfo{}
		var failed error
		for _, seg := range s.segments {
			r, err := t.lake.open.use(seg)
			if err != nil {
				failed = errors.Join(failed, t.report(seg, err))
				continue
			}
			all = segment.Merge(all, r.Streams())
			t.lake.open.done(seg)
		}
		if failed != nil {
			return s.visible(all), failed
		}
		t.mu.Lock()
		if slices.Equal(t.segments, s.segments) {
			t.summary = maps.Clone(all)
		}
		t.mu.Unlock()
	}
	return s.visible(all), nil
}

// visible takes deleted streams away.
func (s *Snapshot) visible(all map[string]StreamInfo) map[string]StreamInfo {
	for name := range s.deleted {
		delete(all, name)
	}
	return all
}

// DeleteStream makes all rows of a stream disappear: from answers at once and
// durably, from disk with the next Compact. No rows of it may be appended
// afterwards.
func (t *Table) DeleteStream(stream string) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	t.mu.Lock()
	_, has := t.summary[stream]
	ended, known := t.ended, len(t.segments) == 0 || slices.Contains(t.m.Deleted, stream) || t.summary != nil && !has
	t.mu.Unlock()
	if ended {
		return ErrDropped
	}
	if known {
		return nil
	}
	return t.commit(&output{t: t}, func(m *manifest) { m.Deleted = append(slices.Clone(m.Deleted), stream) })
}

// report logs damage, once for each segment, and passes it on.
func (t *Table) report(s *handle, err error) error {
	var d *DamageError
	if !errors.As(err, &d) {
		return err
	}
	t.mu.Lock()
	ended, known := t.ended, t.damaged[s.info.Number]
	t.damaged[s.info.Number] = true
	t.mu.Unlock()
	if ended {
		return ErrDropped
	}
	if !known {
		t.log.Error("a segment is damaged: what needs it fails", "file", d.File, "offset", d.Offset, "why", d.Why)
	}
	return d
}
