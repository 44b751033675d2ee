package lake

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn/internal/lake/segment"
)

const (
	// Segments of about one size are merged when there are so many of them.
	fanIn = 8
	// expirySlack is how long rows may stay on disk after they have expired: a
	// segment is rewritten for them once a day at most.
	expirySlack = 24 * time.Hour
)

// output writes rows, in order, into as many segments as it takes.
type output struct {
	t      *Table
	folder *segment.Folder
	notes  map[string]StreamNote

	w       *segment.Writer
	n       int
	infos   []segment.Info
	streams map[string]StreamInfo
}

func (o *output) add(ctx context.Context, r *Row) error {
	if o.n++; o.n%1024 == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := o.t.mark(); err != nil {
			return err // dropped in the meantime
		}
	}
	if o.w != nil && o.w.Raw() >= o.t.lake.o.SegmentBytes {
		if err := o.finish(); err != nil {
			return err
		}
	}
	if o.w == nil {
		o.t.mu.Lock()
		number := o.t.next
		o.t.next++
		o.t.mu.Unlock()
		w, err := segment.NewWriter(o.folder, number)
		if err != nil {
			return err
		}
		o.w = w
	}
	return o.w.Add(r)
}

// finish makes what was added durable.
func (o *output) finish() error {
	if o.w == nil {
		return nil
	}
	info, err := o.w.Finish(o.notes)
	if err != nil {
		return err
	}
	o.infos, o.streams = append(o.infos, info), segment.Merge(o.streams, o.w.Streams())
	o.w = nil
	return nil
}

// abort deletes what was written.
func (o *output) abort() {
	if o.w != nil {
		o.w.Abort()
	}
	for i := range o.infos {
		for _, name := range []string{o.infos[i].Parquet(), o.infos[i].Index()} {
			_ = o.folder.Discard(name)
		}
	}
}

// Compact merges small segments and rewrites those that have rows of deleted
// streams, as much as there is to do now. Readers and Append are not kept
// waiting. A crash leaves the former segments or the merged ones.
func (t *Table) Compact(ctx context.Context) error {
	t.compacting.Lock()
	defer t.compacting.Unlock()
	if err := t.purge(ctx); err != nil {
		return err
	}
	for {
		job := t.mergeable()
		if job == nil {
			return nil
		}
		if err := t.rewrite(ctx, job, nil); err != nil {
			return err
		}
	}
}

// mergeable returns segments to merge, nil if there are none: the oldest ones of
// the smallest size of which there are enough. A quarter of the largest size is
// large enough to be left alone.
func (t *Table) mergeable() []*handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return nil
	}
	limit := t.lake.o.SegmentBytes
	for size := limit >> 12; size < limit*fanIn/2; size *= fanIn {
		var of []*handle
		for _, s := range t.segments {
			if raw := s.info.Raw; raw <= min(size, limit/4) && (raw > size/fanIn || size == limit>>12) && !t.damaged[s.info.Number] {
				of = append(of, s)
			}
		}
		if len(of) >= fanIn {
			return of[:fanIn]
		}
	}
	return nil
}

// purge rewrites the segments that have rows of deleted streams.
func (t *Table) purge(ctx context.Context) error {
	s, err := t.Snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	if len(s.deleted) == 0 {
		return nil
	}
	var damage error
	for _, seg := range s.segments {
		has, err := s.hasDeleted(seg)
		if err == nil && has {
			err = t.rewrite(ctx, []*handle{seg}, nil)
		}
		switch _, damaged := errors.AsType[*DamageError](err); {
		case damaged:
			damage = err // which must not keep the others from being rewritten
		case err != nil:
			return err
		}
	}
	if damage != nil {
		return nil // logged; the streams stay deleted for readers
	}
	t.changing.Lock()
	defer t.changing.Unlock()
	// A crash before this leaves names of which no segment has rows.
	return t.commit(&output{t: t}, func(m *manifest) {
		m.Deleted = slices.DeleteFunc(slices.Clone(m.Deleted), func(name string) bool { return s.deleted[name] })
	})
}

func (s *Snapshot) hasDeleted(seg *handle) (bool, error) {
	r, err := s.table.lake.open.use(seg)
	if err != nil {
		return false, s.table.report(seg, err)
	}
	defer s.table.lake.open.done(seg)
	for name := range s.deleted {
		if _, ok := r.Streams()[name]; ok {
			return true, nil
		}
	}
	return false, nil
}

// Expire deletes the rows before a time, in milliseconds: segments that have no
// others go now, for good; of the rest a row goes at the latest when it is a day
// older than that. Queries see what is not gone yet: they set their Start.
func (t *Table) Expire(ctx context.Context, before int64) error {
	t.compacting.Lock()
	defer t.compacting.Unlock()
	if err := t.dropBefore(before); err != nil {
		return err
	}
	t.mu.Lock()
	segments := slices.Clone(t.segments)
	t.mu.Unlock()
	for _, s := range segments {
		if s.info.First >= before-expirySlack.Milliseconds() || t.isDamaged(s) {
			continue
		}
		if err := t.rewrite(ctx, []*handle{s}, func(r *Row) bool { return r.Pos.Timestamp >= before }); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) isDamaged(s *handle) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.damaged[s.info.Number]
}

// dropBefore removes the segments that are older altogether.
func (t *Table) dropBefore(before int64) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	old := func(s segment.Info) bool { return s.Last < before }
	t.mu.Lock()
	ended, some := t.ended, slices.ContainsFunc(t.m.Segments, old)
	t.mu.Unlock()
	if ended {
		return ErrDropped
	}
	if !some {
		return nil
	}
	return t.commit(&output{t: t}, func(m *manifest) { m.Segments = slices.DeleteFunc(m.Segments, old) })
}

// rewrite replaces segments by ones with the same rows, less those of deleted
// streams and those that keep refuses. t.compacting is held.
func (t *Table) rewrite(ctx context.Context, from []*handle, keep func(*Row) bool) error {
	t.mu.Lock()
	deleted := map[string]bool{}
	for _, name := range t.m.Deleted {
		deleted[name] = true
	}
	t.mu.Unlock()
	o := output{t: t, folder: t.folder()}
	notes := map[string]StreamInfo{}
	m := merger{}
	defer m.close()
	for _, s := range from {
		r, err := t.lake.open.use(s)
		if err != nil {
			return t.report(s, err)
		}
		notes = segment.Merge(notes, r.Streams())
		m.add(&rowReader{t: t, s: s, r: r})
	}
	o.notes = map[string]StreamNote{}
	for name, s := range notes {
		o.notes[name] = s.Note
	}
	err := m.each(func(r *Row) error {
		if deleted[r.Stream] || keep != nil && !keep(r) {
			return nil
		}
		return o.add(ctx, r)
	})
	if err == nil {
		err = o.finish()
	}
	if err != nil {
		o.abort()
		return fmt.Errorf("merge segments of table %s: %w", t.dir, err)
	}
	t.changing.Lock()
	defer t.changing.Unlock()
	if _, err := t.mark(); err != nil {
		o.abort()
		return err
	}
	// A crash before this leaves the former segments, and new files that no
	// manifest names; after it, the new segments, and the files of the former.
	return t.commit(&o, func(m *manifest) {
		m.Segments = slices.DeleteFunc(m.Segments, func(info segment.Info) bool {
			return slices.ContainsFunc(from, func(s *handle) bool { return s.info.Number == info.Number })
		})
	})
}

// merger is a heap of segments whose root has the next row.
type merger struct{ readers []*rowReader }

// Len implements heap.Interface.
func (m *merger) Len() int { return len(m.readers) }

// Less implements heap.Interface.
func (m *merger) Less(i, j int) bool { return m.readers[i].row.Pos.Compare(m.readers[j].row.Pos) < 0 }

// Swap implements heap.Interface.
func (m *merger) Swap(i, j int) { m.readers[i], m.readers[j] = m.readers[j], m.readers[i] }

// Push implements heap.Interface.
func (m *merger) Push(x any) { m.readers = append(m.readers, x.(*rowReader)) }

// Pop implements heap.Interface.
func (m *merger) Pop() any {
	last := m.readers[len(m.readers)-1]
	m.readers = m.readers[:len(m.readers)-1]
	return last
}

func (m *merger) add(r *rowReader) { m.readers = append(m.readers, r) }

func (m *merger) close() {
	for _, r := range m.readers {
		r.close()
	}
}

// each calls do with every row in order.
func (m *merger) each(do func(r *Row) error) error {
	for i := 0; i < len(m.readers); i++ {
		if ok, err := m.readers[i].next(); err != nil {
			return err
		} else if !ok {
			m.readers[i].close()
			m.readers = slices.Delete(m.readers, i, i+1)
			i--
		}
	}
	heap.Init(m)
	for m.Len() > 0 {
		first := m.readers[0]
		if err := do(&first.row); err != nil {
			return err
		}
		ok, err := first.next()
		switch {
		case err != nil:
			return err
		case ok:
			heap.Fix(m, 0)
		default:
			heap.Remove(m, 0)
			first.close()
		}
	}
	return nil
}

// rowReader reads the rows of a segment in order, with one page in memory.
type rowReader struct {
	t    *Table
	s    *handle
	r    *segment.Reader
	page int // the next one
	rows *segment.Rows
	i    int // the next row
	row  Row
}

// next reads the next row, which is good until the next call; false if there is
// none.
func (r *rowReader) next() (bool, error) {
	for r.rows == nil || r.i == r.rows.Page().Rows {
		if r.rows != nil {
			r.rows.Close()
			r.rows = nil
		}
		if r.page == len(r.r.Pages()) {
			return false, nil
		}
		rows := segment.NewRows(r.r, &r.r.Pages()[r.page])
		if err := rows.ReadAll(); err != nil {
			rows.Close()
			return false, r.t.report(r.s, r.r.Damaged(err))
		}
		r.rows, r.i = rows, 0
		r.page++
	}
	r.row = r.rows.Row(r.i)
	r.i++
	return true, nil
}

func (r *rowReader) close() {
	if r.rows != nil {
		r.rows.Close()
		r.rows = nil
	}
	r.t.lake.open.done(r.s)
}
