package scan

import (
	"context"
	"slices"
	"strings"
	"time"
)

// FindEvery is how often a [Watch] looks for new folders of accounts and regions.
const FindEvery = time.Minute

// Watch lists a source again and again as files arrive, with few requests: of a
// bucket it remembers the folders of regions and lists those of their days by
// name. It is for one goroutine.
type Watch struct {
	src    Source
	tree   *tree // nil: everything is listed each time
	within Window

	regions []place
	loose   []listing
	found   time.Time // when folders were looked for
}

// NewWatch returns a watch on the files that can hold records of a window, of
// which To is to be zero and From means nothing.
func NewWatch(src Source, within Window) *Watch {
	w := &Watch{src: src, within: within}
	if t, ok := src.(*tree); ok {
		if _, local := t.store.(folder); !local && t.start.role <= region {
			w.tree = t
		}
	}
	return w
}

// List calls each for the files named with a time from since on; it may give
// more. Files in a folder that is new are among them within [FindEvery]. With
// whole, all folders are looked through: also files that are in none of a day,
// nor in one where such were before. It returns the first error of each as it
// is.
func (w *Watch) List(ctx context.Context, since time.Time, whole bool, each func(File) error) error {
	in := w.within
	in.From = since
	if w.tree == nil {
		return w.src.List(ctx, in, false, each)
	}
	now := time.Now()
	whole = whole || since.IsZero()
	find := whole || len(w.regions) == 0 || now.Sub(w.found) >= FindEvery
	f := w.tree.finding(&in)
	if !whole {
		// Files came to a new folder before it was found: slack, by which the
		// span begins earlier, is much longer than FindEvery.
		f.direct = func(p place) { f.byDay(p, now, false) }
	}
	var kept []listing // below regions, which are not looked into
	err := f.run(ctx, false, each, func(ctx context.Context, cancel context.CancelFunc) {
		if find {
			f.enter(ctx, cancel, w.tree.start)
		} else {
			for _, p := range w.regions {
				f.byDay(p, now, true)
			}
		}
		for _, l := range w.loose {
			if whole || find && !w.belowRegion(l.folder) {
				continue
			}
			kept = append(kept, l)
			f.try(cancel, func() error {
				files, _, err := f.files(ctx, l)
				f.keep(files)
				return err
			})
		}
	})
	// What a look that failed has found is found again by the next, which begins
	// where this one did.
	if err == nil && find {
		w.regions, w.loose, w.found = f.regions, append(kept, f.loose...), now
	}
	return err
}

// belowRegion says whether a folder is one of a region known so far, or in one.
func (w *Watch) belowRegion(folder string) bool {
	return slices.ContainsFunc(w.regions, func(p place) bool { return strings.HasPrefix(folder, p.prefix) })
}

// ahead is how far in the future a file may be named: some minutes by CloudTrail,
// and a quarter of an hour, which signed requests allow, by clocks that differ.
const ahead = 20 * time.Minute

// byDay adds the folders of a region's days in the window. If asked to skip, it
// passes over the keys of log files with an earlier time in their names, and
// with them other names before those.
func (f *finding) byDay(p place, now time.Time, skip bool) {
	first := f.span.first
	for at := first.Truncate(24 * time.Hour); !at.After(now.Add(ahead)); at = at.Add(24 * time.Hour) {
		date := at.Format("2006/01/02")
		l := listing{folder: p.prefix + date + "/", all: true}
		if stem := p.stem(); skip && stem != "" && at.Before(first) {
			l.after = l.folder + stem + first.Format("20060102T1504")
		}
		f.addDay(date, l)
	}
}

// stem is what the names of log files below a region's folder begin with:
// ACCOUNT_KIND_REGION_ (spec 1.1); empty if the folder's path does not say.
func (p *place) stem() string {
	names := strings.Split(strings.TrimSuffix(p.prefix, "/"), "/")
	if len(names) < 3 {
		return ""
	}
	names = names[len(names)-3:]
	if !isAccount(names[0]) || !strings.HasPrefix(names[1], logs) {
		return ""
	}
	return strings.Join(names, "_") + "_"
}
