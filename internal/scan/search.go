package scan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"time"
)

// batch are records found in one file, on their way to the collector.
type batch struct {
	index int64
	file  *File
	found []found
	// last is set on a file's last batch.
	last bool
}

// batchRoom is how many bytes of records are passed on at once.
const batchRoom = 128 << 10

// search is [Search].
func search(ctx context.Context, src Source, q Query, emit func(Match) error) (*Report, error) {
	r, err := prepare(src, q, nil)
	if err != nil {
		return &Report{}, err
	}
	c := &collector{run: r, emit: emit, waiting: waiting{newest: r.q.Order == NewestFirst}, finished: map[int64]time.Time{}}
	out := make(chan *batch, r.q.Workers)
	// A reader takes room before it takes a file, so that the first file that
	// is not finished never waits for it.
	room := make(chan struct{}, 4*r.q.InFlight)
	r.begin(ctx, func(ctx context.Context) { r.batches(ctx, room, out) })
	go func() {
		r.readers.Wait()
		close(out)
	}()
	for b := range out {
		if err == nil {
			if err = c.take(b, room); err != nil {
				r.cancel()
			}
		}
	}
	if err == nil && ctx.Err() == nil {
		err = c.flush()
	}
	report, err := r.finish(ctx, err)
	report.Matches, report.Late, report.Twice = c.given, c.late, c.twice
	return report, err
}

// batches reads files and passes on what is found in them.
func (r *run) batches(ctx context.Context, room chan struct{}, out chan<- *batch) {
	var head, scratch []byte
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return
		}
		j, ok := <-r.jobs
		if !ok || ctx.Err() != nil {
			return
		}
		b := &batch{index: j.index, file: j.file}
		n := 0
		send := func(last bool) error {
			b.own(scratch)
			b.last = last
			select {
			case out <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			b, scratch = &batch{index: j.index, file: j.file}, scratch[:0]
			return nil
		}
		var err error
		head, err = r.file(ctx, j, head, func(e *engine, record []byte) error {
			n++
			f := found{file: j.file, time: e.fields.time(), index: j.index, n: n, record: record}
			if r.q.Once {
				f.id = e.fields.eventKey(record)
			}
			scratch = append(scratch, record...)
			if b.found = append(b.found, f); len(scratch) < batchRoom {
				return nil
			}
			return send(false)
		})
		if err != nil || send(true) != nil {
			return
		}
	}
}

// own gives a batch its own copy of its records, which are one after the other
// in scratch.
func (b *batch) own(scratch []byte) {
	rest := bytes.Clone(scratch)
	for i := range b.found {
		n := len(b.found[i].record)
		b.found[i].record, rest = rest[:n:n], rest[n:]
	}
}

// eventKey stands for a record that has an eventID; zero if it has none. It is not
// the eventID alone: who can put a file among the others could give a record of
// their own that of a genuine one, which would then be left out.
type eventKey [16]byte

func (f *fields) eventKey(record []byte) (key eventKey) {
	if _, ok := f.values[eventID].Text(); ok {
		sum := sha256.Sum256(record)
		copy(key[:], sum[:])
	}
	return key
}

// collector gives the records of all files in order. It belongs to one
// goroutine.
type collector struct {
	*run
	waiting waiting
	emit    func(Match) error

	// finished are files that are, though one before them is not, with the time
	// in their names; next is the first one that is not.
	finished map[int64]time.Time
	next     int64
	reached  time.Time // in the name of the last file before next

	given, late, twice int64
	last               time.Time
	seen               memory
}

func (c *collector) take(b *batch, room <-chan struct{}) error {
	if c.q.Order == AsRead {
		for i := range b.found {
			if err := c.give(&b.found[i]); err != nil {
				return err
			}
		}
	} else {
		limit := c.q.Limit - c.given
		if c.q.Limit == 0 || c.q.Once {
			limit = 0
		}
		c.waiting.add(b.found, limit)
	}
	if b.last {
		c.finish(b, room)
	}
	for c.waiting.ready(c.reached, c.q.Ahead) || c.waiting.bytes > c.q.Memory {
		f := c.waiting.take()
		if err := c.give(&f); err != nil {
			return err
		}
	}
	return nil
}

// finish counts a file as finished and moves on as far as all are.
func (c *collector) finish(b *batch, room <-chan struct{}) {
	c.finished[b.index] = b.file.Time
	for {
		t, ok := c.finished[c.next]
		if !ok {
			return
		}
		delete(c.finished, c.next)
		c.next++
		c.reached = t
		<-room
	}
}

// flush gives what waits when everything was read.
func (c *collector) flush() error {
	for len(c.waiting.list) > 0 {
		f := c.waiting.take()
		if err := c.give(&f); err != nil {
			return err
		}
	}
	return nil
}

// give gives one record.
func (c *collector) give(f *found) error {
	if c.q.Once && c.seen.has(f.id) {
		c.twice++
		return nil
	}
	if c.q.Order != AsRead && !f.time.IsZero() {
		if !c.last.IsZero() && (c.waiting.newest && f.time.After(c.last) || !c.waiting.newest && f.time.Before(c.last)) {
			c.late++
		} else {
			c.last = f.time
		}
	}
	c.given++
	if err := c.emit(Match{File: *f.file, Time: f.time, Record: f.record}); err != nil {
		return err
	}
	if c.given == c.q.Limit {
		return errEnough
	}
	return nil
}

// memory remembers the last records with an eventID.
type memory struct {
	keys map[eventKey]struct{}
	ring []eventKey
	next int
}

// remembered is how many are kept.
const remembered = 1 << 20

// has says whether a key was asked for before, and remembers it. The zero key
// never was.
func (m *memory) has(k eventKey) bool {
	if k == (eventKey{}) {
		return false
	}
	if _, ok := m.keys[k]; ok {
		return true
	}
	if m.keys == nil {
		m.keys = map[eventKey]struct{}{}
	}
	m.keys[k] = struct{}{}
	if len(m.ring) < remembered {
		m.ring = append(m.ring, k)
		return false
	}
	delete(m.keys, m.ring[m.next])
	m.ring[m.next] = k
	m.next = (m.next + 1) % remembered
	return false
}
