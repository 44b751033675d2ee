// Package combined answers from an index what it knows, and from the log files
// what it does not, as if there were only one of them.
package combined

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn/internal/index"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// Source is a source of which an index holds the records of some files; the
// others are read.
type Source struct {
	files  scan.Source // the files that are not in the index
	index  *index.Index
	except map[string]bool // files that are others than those in the index
	known  int64           // files that are in the index
}

// New finds out which files of a window are in the index of a source. The caller
// closes the result, and with it the index.
func New(ctx context.Context, src scan.Source, x *index.Index, within scan.Window) (*Source, error) {
	s := &Source{index: x, except: map[string]bool{}}
	var rest []scan.File
	err := src.List(ctx, within, false, func(file scan.File) error {
		if x.Has(file) {
			s.known++
			return nil
		}
		if x.Outdated(file) {
			s.except[file.Key] = true
		}
		rest = append(rest, file)
		return nil
	})
	s.files = someFiles{src, rest}
	return s, err
}

// Close closes the index: it gives back what searching has taken.
func (s *Source) Close() error { return s.index.Close() }

// someFiles are the files of a source that were listed before, oldest first.
type someFiles struct {
	scan.Source
	files []scan.File
}

// List implements [scan.Source].
func (s someFiles) List(ctx context.Context, _ scan.Window, newest bool, each func(scan.File) error) error {
	files := s.files
	if newest {
		files = slices.Clone(files)
		if timed := slices.IndexFunc(files, func(f scan.File) bool { return !f.Time.IsZero() }); timed >= 0 {
			slices.Reverse(files[timed:]) // those without a time stay before the others
		}
	}
	for _, f := range files {
		if err := errors.Join(ctx.Err(), each(f)); err != nil {
			return err
		}
	}
	return nil
}

// query is what is looked for in the index.
func (s *Source) query(q scan.Query, where *logquery.Predicate) index.Query {
	return index.Query{Where: where, From: q.From, To: q.To, Newest: q.Order == scan.NewestFirst, Limit: q.Limit, Except: s.except}
}

// Search finds records as [scan.Search] does, whose query's Where is where. Once
// means nothing to it. The report's Files are also those that are in the index.
func (s *Source) Search(ctx context.Context, q scan.Query, where *logquery.Predicate, emit func(scan.Match) error) (*scan.Report, error) {
	report := &scan.Report{}
	var given int64
	give := func(m scan.Match) error {
		if given++; q.Limit > 0 && given > q.Limit {
			return errEnough
		}
		return emit(m)
	}
	inIndex := func(ctx context.Context, emit func(scan.Match) error) error {
		_, err := s.index.Search(ctx, s.query(q, where), emit)
		return err
	}
	inFiles := func(ctx context.Context, emit func(scan.Match) error) (err error) {
		report, err = scan.Search(ctx, s.files, q, emit)
		return err
	}
	err := merge(ctx, q.Order == scan.NewestFirst, give, inIndex, inFiles)
	if errors.Is(err, errEnough) {
		given, err = q.Limit, nil
	}
	report.Matches = given
	report.Files += s.known
	return report, err
}

var errEnough = errors.New("there are enough")

// Count counts records as [scan.Count] does, whose query's Where is where.
func (s *Source) Count(ctx context.Context, q scan.Query, where *logquery.Predicate, by scan.Grouping) (*scan.Counts, *scan.Report, error) {
	counts, report, err := scan.Count(ctx, s.files, q, by)
	report.Files += s.known
	if err != nil {
		return nil, report, err
	}
	more, err := s.index.Count(ctx, s.query(q, where), by)
	if err != nil {
		return nil, report, err
	}
	sum := addCounts(counts, more)
	for _, g := range more.Groups {
		report.Matches += g.Count
	}
	report.Matches += more.Other
	return sum, report, nil
}

// addCounts adds two counts of the same grouping.
func addCounts(a, b *scan.Counts) *scan.Counts {
	type key struct {
		values string
		at     time.Time
	}
	groups := map[key]scan.Group{}
	for _, g := range slices.Concat(a.Groups, b.Groups) {
		k := key{strings.Join(g.Values, "\x00"), g.Time.UTC()}
		g.Count += groups[k].Count
		groups[k] = g
	}
	sum := &scan.Counts{Other: a.Other + b.Other}
	for _, g := range groups {
		sum.Groups = append(sum.Groups, g)
	}
	slices.SortFunc(sum.Groups, func(a, b scan.Group) int {
		if a.Count != b.Count {
			return int(min(1, max(-1, b.Count-a.Count)))
		}
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return slices.Compare(a.Values, b.Values)
	})
	return sum
}

// merge gives what two searches find in one order of time, which each of them
// keeps. It returns the first error of a search or of emit.
func merge(ctx context.Context, newest bool, emit func(scan.Match) error, searches ...func(context.Context, func(scan.Match) error) error) error {
	const ahead = 256 // records a search may be ahead of the other
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	queues := make([]chan scan.Match, len(searches))
	ends := make([]error, len(searches))
	for i, search := range searches {
		queue := make(chan scan.Match, ahead)
		queues[i] = queue
		running.Go(func() {
			defer close(queue)
			ends[i] = search(ctx, func(m scan.Match) error {
				m.Record = slices.Clone(m.Record)
				select {
				case queue <- m:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		})
	}
	heads := make([]*scan.Match, len(searches))
	for {
		first := -1
		for i, queue := range queues {
			if heads[i] == nil && queue != nil {
				m, more := <-queue
				if !more {
					queues[i] = nil
					if ends[i] != nil {
						return ends[i]
					}
					continue
				}
				heads[i] = &m
			}
			if heads[i] != nil && (first < 0 || before(heads[i].Time, heads[first].Time, newest)) {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		if err := emit(*heads[first]); err != nil {
			return err
		}
		heads[first] = nil
	}
}

func before(a, b time.Time, newest bool) bool {
	if newest {
		return a.After(b)
	}
	return a.Before(b)
}
