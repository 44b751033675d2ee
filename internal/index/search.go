package index

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"cairn/internal/grams"
	"cairn/internal/index/part"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// Query is what to look for in an index.
type Query struct {
	// Where chooses records; nil takes every one.
	Where *logquery.Predicate
	// From and To bound the event time: From is in, To is out. Zero: no bound. A
	// record without a time is in no window with a bound.
	From, To time.Time
	// Newest gives the newest records first, else the oldest come first.
	Newest bool
	// Limit ends the search after so many records; 0 means no limit.
	Limit int64
	// Except are keys of log files whose records are left out.
	Except map[string]bool
	// Workers is how many pages are read at once; 0 means GOMAXPROCS.
	Workers int
}

// Found says what a search looked at.
type Found struct {
	// Pages is how many pages were read, of All in the window.
	Pages, All int64
	// Matches is how many records were given.
	Matches int64
}

// Search calls emit, from one goroutine at a time, for each record that is
// chosen, in order of time. A record's bytes are valid until emit returns; of
// its file only the key is known. It returns the first error of emit as it is.
//
// Pages are chosen by time and by the byte strings every record looked for
// contains; if that leaves many, DuckDB tells in which rows the fields are as
// asked. (It is not asked for the records: it reads all pages of a column to
// skip to a row.) What is read is matched by Where itself: an index finds exactly what
// reading the log files finds.
func (x *Index) Search(ctx context.Context, q Query, emit func(scan.Match) error) (Found, error) {
	return x.search(ctx, q, x.log.sorted(), emit)
}

// search is Search in some of the parts, which are sorted.
func (x *Index) search(ctx context.Context, q Query, parts []*partInfo, emit func(scan.Match) error) (Found, error) {
	q.Workers = cmp.Or(q.Workers, runtime.GOMAXPROCS(0))
	s := &search{index: x, q: q, emit: emit, where: "TRUE"}
	if q.Where != nil {
		s.needles = grams.Compile(q.Where.Needles())
		s.where, _ = q.Where.SQL()
	}
	err := s.run(ctx, parts)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return s.found, err
}

var errEnough = errors.New("index: limit reached")

// search is one run of Search.
type search struct {
	index   *Index
	q       Query
	emit    func(scan.Match) error
	needles grams.Query
	where   string // SQL that is true of every record looked for
	found   Found
}

// run goes through the days, many of them together. With a limit it begins with
// one and goes on to more: whoever wants the newest records does not wait for
// all days.
func (s *search) run(ctx context.Context, parts []*partInfo) error {
	parts = slices.DeleteFunc(slices.Clone(parts), func(p *partInfo) bool { return !s.overlaps(p.First, p.Last) })
	if s.q.Newest {
		slices.Reverse(parts)
	}
	days := maxDays
	if s.q.Limit > 0 {
		days = 1
	}
	for ; len(parts) > 0; days = min(days*2, maxDays) {
		n, rows := 0, int64(0)
		for last, seen := "", 0; n < len(parts); n++ {
			if p := parts[n]; p.Day != last {
				if last = p.Day; seen == days || rows > maxRows {
					break
				}
				seen++
			}
			rows += parts[n].Rows
		}
		if err := s.days(ctx, parts[:n]); err != nil {
			return err
		}
		parts = parts[n:]
	}
	return nil
}

const (
	// maxDays and maxRows bound how many days are looked at together, and so the
	// memory for lists of pages and rows.
	maxDays = 1 << 12
	maxRows = 4 << 20
)

// overlaps says whether times from first to last may be in the window.
func (s *search) overlaps(first, last int64) bool {
	if !s.q.From.IsZero() && (last == part.NoTime || last < s.q.From.UnixMicro()) {
		return false
	}
	return s.q.To.IsZero() || first < ceilMicro(s.q.To)
}

// contains says whether a time is in the window.
func (s *search) contains(us int64) bool {
	if us == part.NoTime {
		return s.q.From.IsZero() && s.q.To.IsZero()
	}
	t := time.UnixMicro(us)
	return (s.q.From.IsZero() || !t.Before(s.q.From)) && (s.q.To.IsZero() || t.Before(s.q.To))
}

// target is a page to be read.
type target struct {
	part  *openPart
	page  int
	first int64
	last  int64
	rows  []int // those that may match; nil means all
}

// openPart is a part with its map of pages. Its handles are passed around:
// each is used by one goroutine at a time.
type openPart struct {
	info  *partInfo
	pages []part.Page
	free  chan *part.Part
	path  string
	x     *Index
}

// manyPages is how many pages are read without asking DuckDB first.
const manyPages = 8

// days searches the parts of some days.
func (s *search) days(ctx context.Context, list []*partInfo) error {
	var targets []*target
	var parts []*openPart
	defer func() {
		for _, p := range parts {
			p.close()
		}
	}()
	for _, info := range list {
		p, err := s.index.openPart(info, s.q.Workers)
		if err != nil {
			return err
		}
		parts = append(parts, p)
		targets = append(targets, s.choose(p)...)
	}
	if len(targets) > manyPages && s.where != "TRUE" {
		var err error
		if targets, err = s.ask(ctx, parts, targets); err != nil {
			return err
		}
	}
	slices.SortFunc(targets, func(a, b *target) int {
		if s.q.Newest {
			return cmp.Compare(b.last, a.last)
		}
		return cmp.Compare(a.first, b.first)
	})
	return s.read(ctx, targets)
}

// choose returns the pages of a part that may have what is looked for.
func (s *search) choose(p *openPart) (targets []*target) {
	handle := <-p.free
	defer func() { p.free <- handle }()
	for i, page := range p.pages {
		if !s.overlaps(page.First, page.Last) {
			continue
		}
		s.found.All++
		if handle.May(i, s.needles) {
			targets = append(targets, &target{part: p, page: i, first: page.First, last: page.Last})
		}
	}
	return targets
}

func (x *Index) openPart(info *partInfo, handles int) (*openPart, error) {
	p := &openPart{info: info, x: x, path: x.parquetPath(info), free: make(chan *part.Part, handles)}
	first, err := part.Open(p.path, pagesPath(x.dir, info.Name))
	if err != nil {
		return nil, err
	}
	p.pages = first.Pages()
	p.free <- first
	for range handles - 1 {
		p.free <- nil
	}
	return p, nil
}

// handle takes a handle of the part, giveBack returns it.
func (p *openPart) handle() (*part.Part, error) {
	h := <-p.free
	if h != nil {
		return h, nil
	}
	h, err := part.Open(p.path, pagesPath(p.x.dir, p.info.Name))
	if err != nil {
		p.free <- nil
	}
	return h, err
}

func (p *openPart) giveBack(h *part.Part) { p.free <- h }

func (p *openPart) close() {
	for range cap(p.free) {
		if h := <-p.free; h != nil {
			_ = h.Close() // it was only read
		}
	}
}
