package read

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/duck"
	"cairn/internal/index"
	"cairn/internal/index/ddl"
	"cairn/internal/index/home"
	"cairn/internal/scan"
)

const sqlAbout = `
Ask the records of a bucket, a folder or a file in SQL, as DuckDB speaks it. The
table is named events; cairn sql --schema lists its columns.

  cairn sql s3://BUCKET --since 1d 'SELECT event_name, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC'
  cairn sql ./logs "SELECT event_time, user_arn FROM events WHERE error_code = 'AccessDenied'"
  cairn sql ./logs "SELECT request_parameters->>'bucketName' AS bucket, count(*) FROM events GROUP BY ALL"

SOURCE is where log files are, or the folder of an index that cairn index --to
made. If cairn index was run for the source, the index answers after it was
brought up to date; else the log files are put into a temporary index first,
which is removed afterwards: run cairn index before asking twice.

One query is run, which can only read: no files but the index, no network, no
extensions, no settings. Larger results than --memory are worked on in temporary
files.

Rows are printed on a terminal as a table, else as JSON, one a line.

Exit codes: 0 answered, 1 failed or interrupted, or some log files could not be
read: the answer may lack records; 2 the command line is wrong.
`

// asking is the command line of sql.
type asking struct {
	*filters
	output
	schema  bool
	memory  int64
	timeout time.Duration
}

func runSQL(ctx context.Context, args []string, env *cli.Env) int {
	a := &asking{filters: &filters{FlagSet: cli.NewFlags(env, "sql", "[flags] SOURCE QUERY", sqlAbout), env: env, now: time.Now(), given: map[string]bool{}}, memory: 1 << 30}
	a.BoolVar(&a.schema, "schema", false, "print the columns of events and end")
	a.span("since", &a.since, "only events of the last `time`: 90m, 2h, 3d")
	a.time("from", &a.search.From, "only events from this `time` on")
	a.time("to", &a.search.To, "only events before this `time`")
	a.Func("memory", "the most memory to use, a `size` such as 512MB or 4GB (default 1GB)", sizeFlag(&a.memory))
	a.DurationVar(&a.timeout, "timeout", 0, "give up after this `time`, such as 30s; 0 is never")
	a.indexFlag()
	a.outputFlags(&a.output, "rows")
	words, code, ok := cli.ParseFlags(a.FlagSet, env, args, 2)
	if !ok {
		return code
	}
	as, err := a.form(env)
	switch {
	case err != nil:
	case a.schema:
		return a.printSchema(as)
	case len(words) < 2 || words[0] == "" || strings.TrimSpace(words[1]) == "":
		err = errors.New("name where the log files are, and then the query: cairn sql SOURCE 'SELECT ...'")
	case a.timeout < 0:
		err = errors.New("--timeout is negative")
	}
	if err != nil {
		return cli.Wrong(env, a.Name(), err)
	}
	if a.since > 0 {
		a.search.From = a.now.UTC().Add(-a.since)
	}
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, a.timeout, fmt.Errorf("no answer within --timeout %s", a.timeout))
		defer cancel()
	}
	code, err = a.ask(ctx, words[0], words[1], as)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return cli.Fail(env, textLines(err))
	}
	return code
}

// ask runs the query over the index of a source.
func (a *asking) ask(ctx context.Context, source, query string, as form) (code int, err error) {
	sc := newScreen(a.env)
	x, damaged, done, err := a.openIndex(ctx, sc, source)
	if err != nil {
		return cli.Failed, err
	}
	defer func() { err = errors.Join(err, done()) }()
	spill, err := os.MkdirTemp("", "cairn-sql-")
	if err != nil {
		return cli.Failed, fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(spill)) }()
	db, err := x.OpenSQL(ctx, duck.Options{Memory: a.memory, Spill: spill}, a.search.From, a.search.To)
	if err != nil {
		return cli.Failed, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.Select(ctx, query)
	if err != nil {
		return cli.Failed, fmt.Errorf("query: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if err := printRows(a.env, rows, as); err != nil {
		return cli.Failed, err
	}
	if damaged {
		return cli.Failed, nil
	}
	return cli.OK, nil
}

// openIndex returns an index of the source that is up to date; damaged says that
// some log files are not in it. done removes what is only for this query.
func (a *asking) openIndex(ctx context.Context, sc *screen, source string) (x *index.Index, damaged bool, done func() error, err error) {
	done = func() error { return nil }
	if x, err := index.Open(source); err == nil {
		return x, false, done, nil
	}
	if _, ok := groupName(source); ok {
		return nil, false, nil, errors.New("query a log group: SQL works on log files; `cairn stats` and `cairn search` read log groups")
	}
	src, err := a.open(ctx, source)
	if err != nil {
		return nil, false, nil, err
	}
	identity, err := home.Identity(source, a.env.Getenv)
	if err != nil {
		return nil, false, nil, err
	}
	o := index.Options{Source: identity, Progress: sc.indexProgress}
	dir := ""
	if !a.noIndex {
		x, err := index.Find(source, a.env.Getenv)
		if err != nil && !errors.Is(err, index.ErrNone) {
			return nil, false, nil, err
		}
		if err == nil {
			dir = x.Dir()
		}
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "cairn-index-"); err != nil {
			return nil, false, nil, fmt.Errorf("make a temporary folder: %w", err)
		}
		o.Window = scan.Window{From: a.search.From, To: a.search.To}
		temporary := dir
		done = func() error { return os.RemoveAll(temporary) }
	}
	report, err := index.Build(ctx, src, dir, o)
	sc.end()
	if errors.Is(err, index.ErrBusy) {
		sc.warn("the index of %s is being brought up to date by another process: the newest records may be missing", source)
		err = nil
	}
	if err == nil {
		damaged = sc.indexDamage(report)
		x, err = index.Open(dir)
	}
	if err != nil {
		return nil, false, nil, errors.Join(err, done())
	}
	return x, damaged, done, nil
}

// textLines returns an error whose text may have several lines, as DuckDB's have, and
// is fit for a terminal.
func textLines(err error) error {
	parts := strings.Split(err.Error(), "\n")
	for i, p := range parts {
		parts[i] = show.Text(p)
	}
	return errors.New(strings.Join(parts, "\n"))
}

// printSchema prints the columns of events.
func (a *asking) printSchema(as form) int {
	var rows [][]string
	for _, c := range ddl.Columns() {
		rows = append(rows, []string{c.Name, c.SQL(), c.Path, c.About})
	}
	if err := printTexts(a.env, as, []string{"column", "type", "field", "about"}, rows); err != nil {
		return cli.Fail(a.env, err)
	}
	return cli.OK
}

// sizeFlag reads a number of bytes such as 512MB.
func sizeFlag(n *int64) func(string) error {
	return func(s string) error {
		var value float64
		var unit string
		if _, err := fmt.Sscanf(s, "%g%s", &value, &unit); err != nil {
			return errors.New("want a size such as 512MB or 4GB")
		}
		factor, ok := map[string]float64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}[strings.ToUpper(unit)]
		if bytes := value * factor; ok && bytes >= 16<<20 && bytes <= 1<<50 {
			*n = int64(bytes)
			return nil
		}
		return errors.New("want a size such as 512MB or 4GB, at least 16MB")
	}
}
