package index

import (
	"container/heap"
	"context"
	"encoding/base64"
	"errors"
	"iter"
	"slices"

	"cairn/internal/index/part"
	"cairn/internal/scan"
)

const (
	// maxDayParts is how many parts a day may have before small ones are put
	// together: each costs every query a little, and merging costs reading and
	// writing them again.
	maxDayParts = 4
	// largePart is the number of rows from which a part is left alone.
	largePart = 1 << 18
)

// merge puts small parts of a day together where there are many.
func (b *builder) merge(ctx context.Context) error {
	days := map[string][]*partInfo{}
	var order []string
	for _, p := range b.state.sorted() {
		if days[p.Day] == nil {
			order = append(order, p.Day)
		}
		days[p.Day] = append(days[p.Day], p)
	}
	for _, d := range order {
		small := slices.DeleteFunc(slices.Clone(days[d]), func(p *partInfo) bool { return p.Rows >= largePart })
		if len(small) <= maxDayParts {
			continue
		}
		if err := b.rewrite(ctx, d, small, nil, ""); err != nil {
			return err
		}
		b.report.Merged += len(small)
	}
	return nil
}

// replace takes the records of files that have changed since they were read out
// of the index, and reads those files again.
func (b *builder) replace(ctx context.Context, changed []scan.File) error {
	keys := map[string]bool{}
	var forget []byte
	for _, f := range changed {
		keys[f.Key] = true
		k := keyOf(f.Key)
		forget = append(forget, k[:]...)
	}
	var affected []*partInfo
	for _, info := range b.state.sorted() {
		p, err := part.Open(partPath(b.dir, info), pagesPath(b.dir, info.Name))
		if err != nil {
			return err
		}
		found, err := p.HasSource(keys)
		if err := errors.Join(err, p.Close()); err != nil {
			return err
		}
		if found {
			affected = append(affected, info)
		}
	}
	// All parts in one commit: half of a file's records would be wrong.
	line := &commit{Forget: base64.StdEncoding.EncodeToString(forget)}
	for _, info := range affected {
		added, err := b.copyParts(ctx, info.Day, []*partInfo{info}, keys)
		if err != nil {
			return err
		}
		line.Add, line.Drop = append(line.Add, added...), append(line.Drop, info.Name)
	}
	if err := b.commit(line); err != nil {
		return err
	}
	ba := &batch{builder: b}
	for _, f := range changed {
		ba.queue(f)
	}
	if err := ba.read(ctx); err != nil {
		return err
	}
	if err := ba.flush(ctx); err != nil {
		return err
	}
	return b.finish(ba)
}

// rewrite puts parts of a day together to one.
func (b *builder) rewrite(ctx context.Context, day string, old []*partInfo, without map[string]bool, forget string) error {
	added, err := b.copyParts(ctx, day, old, without)
	if err != nil {
		return err
	}
	line := &commit{Add: added, Forget: forget}
	for _, p := range old {
		line.Drop = append(line.Drop, p.Name)
	}
	return b.commit(line)
}

// copyParts writes the rows of parts to new ones, but those of some log files.
func (b *builder) copyParts(ctx context.Context, day string, old []*partInfo, without map[string]bool) ([]*partInfo, error) {
	return b.writeParts(day, b.merged(ctx, old, without), b.nextName)
}

// merged gives the rows of parts in order of time. They are valid as long as the
// writer needs them: until it has ended a page.
func (b *builder) merged(ctx context.Context, old []*partInfo, without map[string]bool) iter.Seq2[part.Row, error] {
	return func(yield func(part.Row, error) bool) {
		var runs runHeap
		var open []*part.Part
		defer func() {
			for _, p := range open {
				_ = p.Close() // it was only read
			}
		}()
		fail := func(err error) { yield(part.Row{}, err) }
		for _, info := range old {
			p, err := part.Open(partPath(b.dir, info), pagesPath(b.dir, info.Name))
			if err != nil {
				fail(err)
				return
			}
			open = append(open, p)
			r := &run{part: p, without: without}
			if err := r.next(); err != nil {
				fail(err)
				return
			}
			if len(r.rows) > 0 {
				runs = append(runs, r)
			}
		}
		heap.Init(&runs)
		for len(runs) > 0 {
			r := runs[0]
			if !yield(r.rows[0], ctx.Err()) {
				return
			}
			if r.rows = r.rows[1:]; len(r.rows) == 0 {
				if err := r.next(); err != nil {
					fail(err)
					return
				}
			}
			if len(r.rows) == 0 {
				heap.Pop(&runs)
			} else {
				heap.Fix(&runs, 0)
			}
		}
	}
}

// run is a part that is being merged: the rows of one page of it.
type run struct {
	part    *part.Part
	page    int
	rows    []part.Row
	without map[string]bool
}

// next reads pages until there are rows, or no more pages.
func (r *run) next() error {
	r.rows = nil
	for len(r.rows) == 0 && r.page < r.part.NumPages() {
		if err := r.part.Read(r.page, nil, func(row part.Row) error {
			if !r.without[row.Source] {
				row.Record = slices.Clone(row.Record)
				r.rows = append(r.rows, row)
			}
			return nil
		}); err != nil {
			return err
		}
		r.page++
	}
	return nil
}

// runHeap orders runs by the time of their first row.
type runHeap []*run

// Len implements heap.Interface.
func (h runHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h runHeap) Less(i, j int) bool { return h[i].rows[0].Time < h[j].rows[0].Time }

// Swap implements heap.Interface.
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap) Push(x any) { *h = append(*h, x.(*run)) }

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
