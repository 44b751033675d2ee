package read

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/scan"
)

// screen is the two outputs of a command, of which one at a time is written to:
// on a terminal, the line of progress gives way to what is printed.
type screen struct {
	env *cli.Env
	on  bool // standard error is a terminal

	mu    sync.Mutex
	shown bool // the line of progress is on the terminal
	last  time.Time
}

func newScreen(env *cli.Env) *screen { return &screen{env: env, on: cli.IsTerminal(env.Stderr)} }

// print lets f print while no progress is in the way.
func (s *screen) print(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	return f()
}

func (s *screen) clear() {
	if s.shown {
		fmt.Fprint(s.env.Stderr, "\r\x1b[K")
		s.shown = false
	}
}

// progress shows how far reading has come, on a terminal, unless it is done in
// no time.
func (s *screen) progress(p scan.Progress) {
	const soon, often = 300 * time.Millisecond, 150 * time.Millisecond
	if !s.on || p.Elapsed < soon {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.last) < often {
		return
	}
	s.last, s.shown = time.Now(), true
	fmt.Fprintf(s.env.Stderr, "\r\x1b[K%s", progressText(p))
}

// end takes the line of progress away.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// warn prints a line to standard error. What it says may come from records or
// names of files.
func (s *screen) warn(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintln(s.env.Stderr, show.Text("cairn: "+fmt.Sprintf(format, args...)))
}

func progressText(p scan.Progress) string {
	more := ""
	if !p.Complete {
		more = "+"
	}
	text := fmt.Sprintf("%s/%s%s files, %s, %s found", count(p.Files), count(p.FilesFound), more, size(p.Bytes), count(p.Matches))
	if left, ok := p.Left(); ok {
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}

// damage tells which files were passed over and why, and whether there were
// any.
func (s *screen) damage(r *scan.Report, source string) bool {
	const most = 20 // more tell nothing new
	for i, d := range r.Damaged {
		if i == most {
			break
		}
		what := "passed over"
		switch {
		case errors.Is(d.Err, scan.ErrForeign):
			what = "passed over: it holds no records"
		case errors.Is(d.Err, scan.ErrMembers), errors.Is(d.Err, scan.ErrTrailing):
			what = "its records were read; `cairn validate` tells which are genuine"
		}
		s.warn("%s: %v; %s", d.File.Key, d.Err, what)
	}
	if rest := r.DamagedFiles - min(most, int64(len(r.Damaged))); rest > 0 {
		s.warn("%s more files of %s could not be read", count(rest), source)
	}
	return r.DamagedFiles > 0
}

// summary tells, on a terminal, what was read.
func (s *screen) summary(r *scan.Report, took time.Duration) {
	if !s.on {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	fmt.Fprintf(s.env.Stderr, "%s found in %s files, %s, in %.1f s\n", count(r.Matches), count(r.Files), size(r.Bytes), took.Seconds())
}

// count writes a number with commas between thousands.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
}
