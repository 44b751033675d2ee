package read

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/cloudwatch"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/follow"
	"cairn/internal/index/home"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

const tailAbout = `
Print records of CloudTrail as they arrive in a bucket, a folder or a log group,
until Ctrl-C:

  cairn tail s3://BUCKET[/PREFIX] --failed
  cairn tail log-group:NAME --user root
  cairn tail s3://BUCKET --json --state FILE >> records.json

It begins with what arrives from now on; with --since or --from also what was
there from that time on is printed. Nothing is missed that arrives within the
look-back window, in any order, and nothing is printed twice: every look lists
what is recent (in a bucket the last hour), every 10 minutes all of the window,
and leaves out what it knows. In a bucket, folders of accounts and regions that
are new are looked for every minute, in between only the days of known ones are
listed: one request each. CloudTrail delivers within minutes as a rule, after
an outage of the bucket within 30 days: --look-back 30d waits for those too, and
lists as many days' folders every 10 minutes. Files are printed in the order of the times in
their names as far as they arrive so, and the records of each by time.

--state FILE remembers what was printed: a tail with the same file goes on
where the last one ended, also after days. After a crash the records of the one
file that was being printed may come once more.
` + filterAbout + `
Exit codes: 0 ended by Ctrl-C, 1 failed, 2 the command line is wrong.
`

// How a bucket or folder is followed, and a log group, of which every look reads
// the events and not only the names of files.
var (
	ofFiles  = follow.Options{Every: 5 * time.Second, Near: time.Hour, LookBack: 24 * time.Hour, Sweep: 10 * time.Minute, InFlight: 32}
	ofEvents = follow.Options{Every: 5 * time.Second, Near: time.Minute, LookBack: 2 * time.Hour, Sweep: 10 * time.Minute, InFlight: 1}
)

// bucketEvery is how often a bucket is looked at: a look takes a request for each
// region, and CloudTrail delivers every few minutes.
const bucketEvery = 30 * time.Second

// tailing is the command line of tail.
type tailing struct {
	*filters
	output
	every, lookBack time.Duration
	state           string
}

func runTail(ctx context.Context, args []string, env *cli.Env) int {
	t := &tailing{filters: newFilters(env, "tail", "[flags] SOURCE [TEXT...]", tailAbout)}
	t.span("every", &t.every, "look for what is new so often, a `time` (default 30s in a bucket, else 5s)")
	t.span("look-back", &t.lookBack, "the `time` within which what is late is noticed (default 1d, 2h for a log group)")
	t.StringVar(&t.state, "state", "", "a `file` that remembers what was printed, to go on from there")
	t.outputFlags(&t.output, "records")
	t.columnsFlag(&t.output)
	source, code, ok := t.parse(args)
	if !ok {
		return code
	}
	stdout := bufio.NewWriter(env.Stdout)
	where, err := t.where()
	if err == nil && !t.search.To.IsZero() {
		err = errors.New("--to ends before what arrives: use cairn search")
	}
	var out show.Writer
	if err == nil {
		out, err = t.recordWriter(env, stdout)
	}
	if err != nil {
		return cli.Wrong(env, t.Name(), err)
	}
	if err := t.run(ctx, source, where, &printer{screen: newScreen(env), out: out, stdout: stdout}); err != nil {
		return cli.Fail(env, fmt.Errorf("tail %s: %w", source, err))
	}
	return cli.OK
}

// run follows the source until ctx is done.
func (t *tailing) run(ctx context.Context, source string, where *logquery.Predicate, p *printer) (err error) {
	src, err := t.open(ctx, source)
	if err != nil {
		return err
	}
	o := t.options(src, source)
	o.Warn = func(err error) { p.warn("tail %s: %v", source, err) }
	o.State = follow.NewState()
	if t.state != "" {
		name, err := t.placeName(source)
		if err != nil {
			return err
		}
		if o.State, err = follow.OpenState(t.state, name); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, o.State.Close()) }()
	p.following(source)
	if src.group != nil {
		return follow.Run(ctx, t.events(src.group, where), o, func(_ []byte, records [][]byte) error { return p.records("", records) })
	}
	return follow.Run(ctx, t.files(src, where, p), o, func(f scan.File, records [][]byte) error { return p.records(f.Key, records) })
}

// following says on a terminal that the silence is no fault.
func (p *printer) following(source string) {
	if p.on {
		p.warn("following %s; Ctrl-C ends it", source)
	}
}

// records prints the records of a file.
func (p *printer) records(file string, records [][]byte) error {
	return p.print(func() error {
		for _, r := range records {
			if err := p.out.Record(file, r); err != nil {
				return err
			}
		}
		return errors.Join(p.out.Flush(), p.stdout.Flush())
	})
}

// options say how a source is followed.
func (t *tailing) options(src *place, source string) follow.Options {
	o := ofFiles
	if src.group != nil {
		o = ofEvents
	}
	bucket := src.group == nil && strings.HasPrefix(source, "s3://")
	if bucket {
		o.Every = bucketEvery
	}
	if t.given["every"] {
		o.Every = t.every
	}
	o.From = t.search.From
	if t.given["look-back"] {
		o.LookBack = t.lookBack
		o.Near, o.Sweep = min(o.Near, o.LookBack), min(o.Sweep, o.LookBack)
	}
	if src.group == nil && !bucket {
		o.Near = o.LookBack // to list folders costs little
	}
	if src.group == nil && !o.From.IsZero() {
		o.From = o.From.Add(-fileSlack) // what its records say counts
	}
	return o
}

// placeName names a source so that it is the same from any working folder.
func (t *tailing) placeName(source string) (string, error) {
	if _, ok := groupName(source); ok {
		return source, nil
	}
	return home.Identity(source, t.env.Getenv)
}

// fileSlack is how long before its events a file may be named at the most;
// CloudTrail names it after them.
const fileSlack = time.Hour

// files are the log files of a source as a place to follow.
func (t *tailing) files(src *place, where *logquery.Predicate, p *printer) follow.Place[scan.File] {
	watch := scan.NewWatch(src.Source, t.window())
	return follow.Place[scan.File]{
		List: func(ctx context.Context, look follow.Look, each func(follow.Item[scan.File]) error) error {
			return watch.List(ctx, look.Since, look.Whole, func(f scan.File) error {
				at := f.Time
				if f.Modified.After(at) {
					at = f.Modified
				}
				return each(follow.Item[scan.File]{Key: f.Key, Time: at, Value: f})
			})
		},
		Read: func(ctx context.Context, f scan.File) ([][]byte, error) { return t.readFile(ctx, src, f, where, p) },
	}
}

// readFile returns the records of a file that are wanted, by time.
func (t *tailing) readFile(ctx context.Context, src *place, f scan.File, where *logquery.Predicate, p *printer) ([][]byte, error) {
	w := t.window()
	q := scan.Query{Where: where, Window: scan.Window{From: w.From, Insights: w.Insights}, Workers: 1, InFlight: 1}
	type timed struct {
		at     time.Time
		record []byte
	}
	var found []timed
	report, err := scan.Search(ctx, oneFile{src, f}, q, func(m scan.Match) error {
		found = append(found, timed{m.Time, slices.Clone(m.Record)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, d := range report.Damaged {
		switch {
		case errors.Is(d.Err, fs.ErrNotExist):
			return nil, nil // it was removed after it was listed
		case !spoilt(d.Err):
			return nil, fmt.Errorf("%s: %w", f.Key, d.Err)
		case time.Since(f.Modified) < settled:
			return nil, follow.ErrLater // in a folder, it may be being written
		}
	}
	p.damage(report, f.Key)
	slices.SortStableFunc(found, func(a, b timed) int { return a.at.Compare(b.at) })
	records := make([][]byte, len(found))
	for i, r := range found {
		records[i] = r.record
	}
	return records, nil
}

// settled is how long a file was not written to when it can be taken for whole.
const settled = time.Minute

// spoilt reports whether an error is about what a file holds, and not about
// reading it.
func spoilt(err error) bool {
	for _, kind := range []error{
		scan.ErrForeign, scan.ErrCompression, scan.ErrMembers, scan.ErrTrailing, scan.ErrSyntax, scan.ErrTooLarge, scan.ErrTooDeep,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// oneFile is one file of a source.
type oneFile struct {
	scan.Source
	file scan.File
}

// List implements [scan.Source].
func (o oneFile) List(_ context.Context, _ scan.Window, _ bool, each func(scan.File) error) error {
	return each(o.file)
}

// events are the events of a log group as a place to follow.
func (t *tailing) events(g *cloudwatch.Group, where *logquery.Predicate) follow.Place[[]byte] {
	pattern := t.serverPattern()
	return follow.Place[[]byte]{
		List: func(ctx context.Context, look follow.Look, each func(follow.Item[[]byte]) error) error {
			return g.Events(ctx, look.Since, time.Time{}, pattern, func(e cloudwatch.Event) error {
				return each(follow.Item[[]byte]{Key: e.ID, Time: e.Time, Value: e.Message})
			})
		},
		Read: func(_ context.Context, message []byte) ([][]byte, error) {
			if !cloudwatch.IsRecord(message) || !where.Match(message) {
				return nil, nil
			}
			return [][]byte{message}, nil
		},
	}
}
