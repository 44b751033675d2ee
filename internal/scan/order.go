package scan

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// found is a record that waits to be given.
type found struct {
	file   *File
	time   time.Time
	record []byte
	id     eventKey
	// at is its place in the order of files and in its file.
	index int64
	n     int
}

// overhead is what a waiting record takes beside its bytes.
const overhead = 120

// waiting are records that wait to be put in order, as a heap with the next one
// in front.
type waiting struct {
	list   []found
	newest bool
	bytes  int64
}

// Len implements [heap.Interface].
func (w *waiting) Len() int { return len(w.list) }

// Less implements [heap.Interface].
func (w *waiting) Less(i, j int) bool { return w.compare(&w.list[i], &w.list[j]) < 0 }

// Swap implements [heap.Interface].
func (w *waiting) Swap(i, j int) { w.list[i], w.list[j] = w.list[j], w.list[i] }

// Push implements [heap.Interface].
func (w *waiting) Push(x any) { w.list = append(w.list, *x.(*found)) }

// Pop implements [heap.Interface].
func (w *waiting) Pop() any { panic("scan: records are taken by take") }

// compare orders records by time and, at the same time, by where they are:
// newest first is exactly oldest first backwards.
func (w *waiting) compare(a, b *found) int {
	c := a.time.Compare(b.time)
	if c == 0 {
		c = cmp.Compare(a.index, b.index)
		if w.newest {
			c = -c // files are counted in the order they are read in
		}
	}
	if c == 0 {
		c = a.n - b.n
	}
	if w.newest {
		return -c
	}
	return c
}

// add puts records among the waiting. If only limit more are wanted, it drops
// those that come too late to be among them.
func (w *waiting) add(list []found, limit int64) {
	for i := range list {
		w.bytes += int64(len(list[i].record)) + overhead
		heap.Push(w, &list[i])
	}
	if limit > 0 && int64(len(w.list)) > 2*limit+1000 {
		slices.SortFunc(w.list, func(a, b found) int { return w.compare(&a, &b) })
		for _, f := range w.list[limit:] {
			w.bytes -= int64(len(f.record)) + overhead
		}
		clear(w.list[limit:])
		w.list = w.list[:limit] // sorted, it is a heap
	}
}

// take takes the next record.
func (w *waiting) take() found {
	f := w.list[0]
	last := len(w.list) - 1
	w.list[0] = w.list[last]
	w.list[last] = found{}
	if w.list = w.list[:last]; last > 0 {
		heap.Fix(w, 0)
	}
	w.bytes -= int64(len(f.record)) + overhead
	return f
}

// ready says whether the next record can be given: no file that is still to be
// read, the first of which is named with this time, has an earlier one.
func (w *waiting) ready(nextFile time.Time, ahead time.Duration) bool {
	if len(w.list) == 0 || nextFile.IsZero() {
		return false
	}
	if w.newest {
		return w.list[0].time.After(nextFile)
	}
	return w.list[0].time.Before(nextFile.Add(-ahead))
}
