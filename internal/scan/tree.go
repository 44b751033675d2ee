package scan

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
)

// store holds files by keys whose folders end with a slash.
type store interface {
	// list calls each for the files in a folder and returns the names of the
	// folders in it; with all, for the files of those too, and returns none. A
	// folder that is not there may be an error or empty.
	list(ctx context.Context, l listing, each func(File) error) (folders []string, err error)
	open(ctx context.Context, f File) (io.ReadCloser, error)
}

// listing is what is listed of a folder.
type listing struct {
	folder string // with its slash, or empty
	all    bool   // also what is in the folders in it
	after  string // keys up to this one need not be given; empty: all are
}

// tree is a source of files in folders.
type tree struct {
	store    store
	start    place
	inFlight int
}

var _ Source = (*tree)(nil)

// maxFolders is how many folders one may have that is none of a known layout.
// If it has more, all below it is listed at once, instead of one by one.
const maxFolders = 1000

// Open implements [Source].
func (t *tree) Open(ctx context.Context, f File) (io.ReadCloser, error) { return t.store.open(ctx, f) }

func (t *tree) filesAtOnce() int { return t.inFlight }

// List implements [Source]. It first looks for the folders of days, which there
// may be many of, and then lists them day by day, some ahead. Files that are
// not in a folder of a day are kept in memory meanwhile.
func (t *tree) List(ctx context.Context, w Window, newest bool, each func(File) error) error {
	f := t.finding(&w)
	return f.run(ctx, newest, each, func(ctx context.Context, cancel context.CancelFunc) { f.enter(ctx, cancel, t.start) })
}

func (t *tree) finding(w *Window) *finding {
	return &finding{tree: t, window: w, span: w.span(), free: make(chan struct{}, t.inFlight), days: map[string]*dayFiles{}}
}

// run lists the folders of days that begin, and the goroutines it starts, find.
func (f *finding) run(ctx context.Context, newest bool, each func(File) error, begin func(context.Context, context.CancelFunc)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin(ctx, cancel)
	f.wg.Wait()
	if err := cmp.Or(f.err, ctx.Err()); err != nil {
		return err
	}
	dates := slices.SortedFunc(maps.Keys(f.days), func(a, b string) int {
		if newest && a != "" && b != "" { // files without a day come first
			a, b = b, a
		}
		return strings.Compare(a, b)
	})
	ahead := f.ahead(ctx, dates)
	for _, date := range dates {
		files := f.days[date].files
		for range f.days[date].folders {
			l, err := wait(ctx, ahead)
			if err != nil {
				return err
			}
			files = append(files, l.files...)
		}
		delete(f.days, date)
		slices.SortFunc(files, func(a, b File) int {
			c := cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.Key, b.Key))
			if newest && !a.Time.IsZero() && !b.Time.IsZero() {
				return -c
			}
			return c
		})
		for _, file := range files {
			if err := each(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// finding looks for folders of days.
type finding struct {
	*tree
	window *Window
	span   span
	free   chan struct{} // room for requests in flight
	wg     sync.WaitGroup
	// direct, if set, is given the folders of regions instead of looking into
	// them.
	direct func(place)

	mu      sync.Mutex
	err     error
	days    map[string]*dayFiles // by date
	regions []place              // that were found
	loose   []listing            // folders with files that are none of a day
}

// dayFiles are the folders of a day, and the files of that day outside of them.
type dayFiles struct {
	folders []listing
	files   []File
}

// enter visits a folder in a goroutine of its own.
func (f *finding) enter(ctx context.Context, cancel context.CancelFunc, p place) {
	if p.role == day {
		f.addDay(p.date, listing{folder: p.prefix, all: true})
		return
	}
	if p.role == region {
		f.mu.Lock()
		f.regions = append(f.regions, p)
		f.mu.Unlock()
		if f.direct != nil {
			f.direct(p)
			return
		}
	}
	f.try(cancel, func() error { return f.visit(ctx, cancel, p) })
}

// try runs a step in a goroutine; if it fails, so does all.
func (f *finding) try(cancel context.CancelFunc, step func() error) {
	f.wg.Go(func() {
		if err := step(); err != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.err == nil { // the first is the cause of the others
				f.err = err
			}
			cancel()
		}
	})
}

func (f *finding) visit(ctx context.Context, cancel context.CancelFunc, p place) error {
	l := listing{folder: p.prefix}
	loose, folders, err := f.files(ctx, l)
	if err == nil && p.role == unknown && len(folders) > maxFolders {
		l.all = true
		loose, folders, err = f.files(ctx, l)
	}
	if err != nil {
		return err
	}
	if len(loose) > 0 {
		f.keep(loose)
		f.mu.Lock()
		f.loose = append(f.loose, l)
		f.mu.Unlock()
	}
	for _, name := range folders {
		if in, ok := f.window.enter(&f.span, p, name); ok {
			f.enter(ctx, cancel, in)
		}
	}
	return nil
}

// files lists a folder into memory.
func (f *finding) files(ctx context.Context, l listing) (files []File, folders []string, err error) {
	folders, err = f.list(ctx, l, func(file File) error {
		files = append(files, file)
		return nil
	})
	return files, folders, err
}

// addDay adds a folder to those of its day.
func (f *finding) addDay(date string, l listing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.day(date)
	d.folders = append(d.folders, l)
}

// keep puts files found outside of days' folders with their day.
func (f *finding) keep(loose []File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, file := range loose {
		date := ""
		if !file.Time.IsZero() {
			date = file.Time.Format("2006/01/02")
		}
		d := f.day(date)
		d.files = append(d.files, file)
	}
}

func (f *finding) day(date string) *dayFiles {
	d := f.days[date]
	if d == nil {
		d = &dayFiles{}
		f.days[date] = d
	}
	return d
}

// list lists one folder and leaves out what is not wanted.
func (f *finding) list(ctx context.Context, l listing, each func(File) error) ([]string, error) {
	select {
	case f.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-f.free }()
	return f.store.list(ctx, l, func(file File) error {
		if file = named(file); !f.window.wants(&f.span, &file) {
			return nil
		}
		return each(file)
	})
}

// listed is a day's folder, listed.
type listed struct {
	files []File
	err   error
}

// wait returns the next folder's list.
func wait(ctx context.Context, ahead <-chan chan listed) (listed, error) {
	select {
	case one := <-ahead:
		select {
		case l := <-one:
			return l, l.err
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return listed{}, ctx.Err()
}

// ahead lists the folders of days, as many at once as may be, and gives them in
// order.
func (f *finding) ahead(ctx context.Context, dates []string) <-chan chan listed {
	var folders []listing
	for _, date := range dates {
		folders = append(folders, f.days[date].folders...)
	}
	out := make(chan chan listed, f.inFlight)
	go func() {
		for _, folder := range folders {
			one := make(chan listed, 1)
			select {
			case out <- one:
			case <-ctx.Done():
				return
			}
			go func() {
				var l listed
				l.files, _, l.err = f.files(ctx, folder)
				one <- l
			}()
		}
	}()
	return out
}
