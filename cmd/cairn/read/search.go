package read

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/cloudwatch"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/index"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// exitNothing is the exit code of a search that found nothing.
const exitNothing = 3

const searchAbout = `
Find records of CloudTrail in a bucket, a folder, a file or a log group:

  cairn search s3://BUCKET[/PREFIX] --since 2h --error AccessDenied
  cairn search ./logs --user ann --event RunInstances,TerminateInstances
  cairn search log-group:NAME --pattern '{ $.userIdentity.type = "Root" }'
  cairn search s3://BUCKET 203.0.113.77 --newest --limit 10

Buckets and folders may have Amazon's or Cairn's layout, of one account or an
organization, from any prefix on; only folders of days, accounts and regions
that can match are read. In any other layout every file with records is read:
.json and .json.gz, {"Records":[...]}, lists, or one record a line. A log group
is read by CloudWatch Logs' API, AWS's or the engine's at AWS_ENDPOINT_URL.
Records that are in the index of cairn index are taken from there.
` + filterAbout + `
Records are printed by time, oldest first: on a terminal as a table, else as
they are, one a line (JSON). Whatever is invisible or would control a terminal
is printed as an escape, and CSV cells that a spreadsheet would take for a
formula get an apostrophe.

Files that are damaged or hold something else are named on standard error and
passed over.

Exit codes: 0 records were found, 3 all was read and nothing matches; 1 failed,
or some files could not be read: what is printed may not be all; 2 the command
line is wrong.
`

// searching is the command line of search.
type searching struct {
	*filters
	output
	newest, oldest, once bool
	limit                int64
}

func runSearch(ctx context.Context, args []string, env *cli.Env) int {
	s := &searching{filters: newFilters(env, "search", "[flags] SOURCE [TEXT...]", searchAbout)}
	s.BoolVar(&s.newest, "newest", false, "print the newest record first")
	s.BoolVar(&s.oldest, "oldest", false, "print the oldest record first, as without this flag")
	s.Func("limit", "end after this `number` of records, and read no further", func(text string) (err error) {
		s.limit, err = parseCount(text)
		return err
	})
	s.BoolVar(&s.once, "dedup", false, "print a record only once that was delivered twice (with the same eventID, and alike in every byte)")
	s.indexFlag()
	s.outputFlags(&s.output, "records")
	s.columnsFlag(&s.output)
	source, code, ok := s.parse(args)
	if !ok {
		return code
	}
	stdout := bufio.NewWriterSize(env.Stdout, 64<<10)
	where, err := s.where()
	if err == nil && s.newest && s.oldest {
		err = errors.New("--newest and --oldest exclude each other: give one")
	}
	var out show.Writer
	if err == nil {
		out, err = s.recordWriter(env, stdout)
	}
	if err != nil {
		return cli.Wrong(env, s.Name(), err)
	}
	src, err := s.open(ctx, source)
	if err != nil {
		return cli.Fail(env, err)
	}
	return s.run(ctx, src, source, where, &printer{screen: newScreen(env), out: out, stdout: stdout})
}

// run searches and prints what is found.
func (s *searching) run(ctx context.Context, src *place, source string, where *logquery.Predicate, p *printer) int {
	q := scan.Query{Where: where, Window: s.window(), Order: scan.OldestFirst, Limit: s.limit, Once: s.once, Progress: p.progress}
	if s.newest {
		q.Order = scan.NewestFirst
	}
	if src.group != nil {
		// A slice of a log group is a file that is delivered when it ends.
		q.Ahead, q.InFlight = cloudwatch.Slice(time.Since(src.group.Created))+scan.DefaultAhead, groupInFlight
		if s.newest && s.limit > 0 {
			// The newest slices are short and most often enough: nothing is read ahead.
			q.InFlight, q.Workers = 1, 1
		}
	}
	began := time.Now()
	report, err := s.search(ctx, src, source, q, where, p)
	err = errors.Join(err, p.close())
	damaged := p.damage(report, source)
	switch {
	case ctx.Err() != nil:
		p.warn("interrupted after %s of %s's files: what is printed is not all", count(report.Files), source)
		return cli.Failed
	case err != nil:
		p.warn("search %s: %v", source, err)
		return cli.Failed
	}
	if report.Files == 0 {
		p.warn("%s", nothingThere(s.filters, source))
	} else {
		p.summary(report, time.Since(began))
	}
	switch {
	case damaged:
		return cli.Failed
	case report.Matches == 0:
		return exitNothing
	}
	return cli.OK
}

// search finds records with the help of an index, if there is one.
func (s *searching) search(ctx context.Context, src *place, source string, q scan.Query, where *logquery.Predicate, p *printer) (*scan.Report, error) {
	if !s.once {
		in, err := s.useIndex(ctx, src, source)
		if in != nil && err == nil {
			report, err := in.Search(ctx, q, where, p.record)
			return report, errors.Join(err, in.Close())
		}
		if err != nil {
			return &scan.Report{}, err
		}
	}
	return scan.Search(ctx, src, q, p.record)
}

// groupInFlight is how many requests CloudWatch Logs is sent at once: it allows
// five a second.
const groupInFlight = 4

// nothingThere says that there were no log files to read, which often is a
// mistake in the source.
func nothingThere(f *filters, source string) string {
	if x, err := index.Open(source); err == nil {
		_ = x.Close() // it was only looked at
		return fmt.Sprintf("%s is an index, which cairn sql reads; cairn search reads what it was made of: %s", source, x.Source())
	}
	w := f.window()
	if !w.From.IsZero() || !w.To.IsZero() || w.Accounts != nil || w.Regions != nil {
		return fmt.Sprintf("%s has no log files of that time, account and region", source)
	}
	return fmt.Sprintf("%s has no log files", source)
}

// printer prints records as they are found, together where they come fast and
// soon where they do not.
type printer struct {
	*screen
	out     show.Writer
	stdout  *bufio.Writer
	pending time.Time // when the oldest record was written that is not printed
	timer   *time.Timer
	failed  error
}

// patience is how long a record may wait to be printed with others.
const patience = 200 * time.Millisecond

// record takes a record that was found.
func (p *printer) record(m scan.Match) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(patience, p.flush)
	} else if p.pending.IsZero() {
		p.timer.Reset(patience)
	}
	if p.pending.IsZero() {
		p.pending = time.Now()
	}
	p.clear()
	return p.out.Record(m.File.Key, m.Record)
}

// flush prints what was taken.
func (p *printer) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.pending = time.Time{}
	if err := errors.Join(p.out.Flush(), p.stdout.Flush()); p.failed == nil {
		p.failed = err
	}
}

// close prints the rest.
func (p *printer) close() error {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.flush()
	return p.failed
}

// parseCount reads a number of things, at least one.
func parseCount(s string) (int64, error) {
	var n int64
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || fmt.Sprint(n) != s || n < 1 {
		return 0, errors.New("want a whole number from 1 on")
	}
	return n, nil
}
