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
	// list calls each for the files in a folder, given with its slash, and
	// returns the names of the folders in it; with all, for the files of those
	// too, and returns none.
	list(ctx context.Context, folder string, all bool, each func(File) error) (folders []string, err error)
	open(ctx context.Context, f File) (io.ReadCloser, error)
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &finding{tree: t, window: &w, span: w.span(), free: make(chan struct{}, t.inFlight), days: map[string]*dayFiles{}}
	if err := f.find(ctx, cancel); err != nil {
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

	mu   sync.Mutex
	err  error
	days map[string]*dayFiles // by date
}

// dayFiles are the folders of a day, and the files of that day outside of them.
type dayFiles struct {
	folders []string
	files   []File
}

func (f *finding) find(ctx context.Context, cancel context.CancelFunc) error {
	f.enter(ctx, cancel, f.start)
	f.wg.Wait()
	return cmp.Or(f.err, ctx.Err())
}

// enter visits a folder in a goroutine of its own.
func (f *finding) enter(ctx context.Context, cancel context.CancelFunc, p place) {
	if p.role == day {
		f.mu.Lock()
		defer f.mu.Unlock()
		d := f.day(p.date)
		d.folders = append(d.folders, p.prefix)
		return
	}
	f.wg.Go(func() {
		if err := f.visit(ctx, cancel, p); err != nil {
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
	var loose []File
	keep := func(file File) error {
		loose = append(loose, file)
		return nil
	}
	folders, err := f.list(ctx, p.prefix, false, keep)
	if err == nil && p.role == unknown && len(folders) > maxFolders {
		loose, folders = nil, nil
		_, err = f.list(ctx, p.prefix, true, keep)
	}
	if err != nil {
		return err
	}
	f.keep(loose)
	for _, name := range folders {
		if in, ok := f.window.enter(&f.span, p, name); ok {
			f.enter(ctx, cancel, in)
		}
	}
	return nil
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
func (f *finding) list(ctx context.Context, folder string, all bool, each func(File) error) ([]string, error) {
	select {
	case f.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-f.free }()
	return f.store.list(ctx, folder, all, func(file File) error {
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
	var folders []string
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
				_, l.err = f.list(ctx, folder, true, func(file File) error {
					l.files = append(l.files, file)
					return nil
				})
				one <- l
			}()
		}
	}()
	return out
}
