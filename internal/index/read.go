package index

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cairn/internal/index/part"
	"cairn/internal/scan"
)

// matched is a record found in a page.
type matched struct {
	time   int64
	source string
	record []byte
}

// read reads pages, some at once, and gives what matches in order of time. Pages
// come in the order of their first time (newest first: their last), so a record
// can be given when the next page begins after it.
func (s *search) read(ctx context.Context, targets []*target) error {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		rows []matched
		err  error
	}
	results := make([]chan result, len(targets))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	// ahead bounds how many pages are in memory before they are given.
	ahead := make(chan struct{}, 2*s.q.Workers)
	next := make(chan int)
	done := make(chan struct{})
	running := 0
	for range min(s.q.Workers, len(targets)) {
		running++
		go func() {
			for i := range next {
				rows, err := s.page(ctx, targets[i])
				results[i] <- result{rows, err}
			}
			done <- struct{}{}
		}()
	}
	go func() {
		defer close(next)
		for i := range targets {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return
			}
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		for range running {
			<-done
		}
	}()
	var waiting []matched
	for i := range targets {
		var r result
		select {
		case r = <-results[i]:
		case <-ctx.Done():
			return ctx.Err()
		}
		<-ahead
		if r.err != nil {
			return r.err
		}
		s.found.Pages++
		waiting = s.order(append(waiting, r.rows...))
		n := len(waiting)
		if i+1 < len(targets) {
			n = s.ready(waiting, targets[i+1])
		}
		if err := cmp.Or(s.give(waiting[:n]), ctx.Err()); err != nil { // the next page may be there already
			return err
		}
		waiting = slices.Delete(waiting, 0, n)
	}
	return nil
}

// order sorts records as they are to be given; those of one time as they come.
func (s *search) order(list []matched) []matched {
	slices.SortStableFunc(list, func(a, b matched) int {
		if s.q.Newest {
			return cmp.Compare(b.time, a.time)
		}
		return cmp.Compare(a.time, b.time)
	})
	return list
}

// ready returns how many records come before all of the pages from next on.
func (s *search) ready(list []matched, next *target) int {
	n := slices.IndexFunc(list, func(m matched) bool {
		if s.q.Newest {
			return m.time < next.last
		}
		return m.time > next.first
	})
	if n < 0 {
		return len(list)
	}
	return n
}

func (s *search) give(list []matched) error {
	for _, m := range list {
		match := scan.Match{File: scan.File{Key: m.source}, Record: m.record}
		if m.time != part.NoTime {
			match.Time = time.UnixMicro(m.time).UTC()
		}
		s.found.Matches++
		if err := s.emit(match); err != nil {
			return err
		}
		if s.found.Matches == s.q.Limit {
			return errEnough
		}
	}
	return nil
}

// page returns what matches in one page.
func (s *search) page(ctx context.Context, t *target) (found []matched, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := t.part.handle()
	if err != nil {
		return nil, err
	}
	defer t.part.giveBack(h)
	err = h.Read(t.page, t.rows, func(r part.Row) error {
		if !s.contains(r.Time) || s.q.Except[r.Source] || s.q.Where != nil && !s.q.Where.Match(r.Record) {
			return nil
		}
		found = append(found, matched{r.Time, r.Source, slices.Clone(r.Record)})
		return nil
	})
	return found, err
}
