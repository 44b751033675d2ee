package read

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/index"
	"cairn/internal/index/ddl"
	"cairn/internal/index/home"
	"cairn/internal/scan"
)

const indexAbout = `
Put the records of log files into Parquet, so that cairn search, stats and sql
answer from it instead of reading all files:

  cairn index s3://BUCKET               what cairn search s3://BUCKET will use
  cairn index ./logs --to ./lake        in a folder of your own, for cairn sql and others
  cairn index --ddl athena --location s3://LAKE/events

It reads the log files that are not in the index yet: run it again whenever
there are new ones. If it is interrupted, it goes on the next time; no record is
lost or comes in twice. The log files are not touched, and an index can be
deleted at any time.

An index is plain Parquet, in one folder a day (day=2026-05-20): DuckDB, Athena,
Trino, Spark and ClickHouse read it as it is; --ddl prints a table definition.
Without --to it is in $CAIRN_INDEX, or in cairn/index in the user's cache folder
($XDG_CACHE_HOME, or ~/.cache), in a folder named after the source.

Exit codes: 0 all log files are in the index, 1 failed or interrupted, or some
log files could not be read and are not in it; 2 the command line is wrong.
`

// indexing is the command line of index.
type indexing struct {
	*filters
	to, ddl, location string
	memory            int64
	asJSON            bool
}

func runIndex(ctx context.Context, args []string, env *cli.Env) int {
	x := &indexing{filters: &filters{FlagSet: cli.NewFlags(env, "index", "[flags] SOURCE", indexAbout), env: env}, memory: index.DefaultMemory}
	x.StringVar(&x.to, "to", "", "the `folder` of the index")
	x.Func("memory", "the most memory for records, a `size` such as 512MB (default 384MB)", sizeFlag(&x.memory))
	x.StringVar(&x.ddl, "ddl", "", "print the definition of a table over the index for `SYSTEM`: athena, trino or clickhouse")
	x.StringVar(&x.location, "location", "", "where --ddl finds the index: an S3 `URL`, or a path (default: where it is)")
	x.BoolVar(&x.asJSON, "json", false, "print what was done as JSON")
	words, code, ok := cli.ParseFlags(x.FlagSet, env, args, 1)
	if !ok {
		return code
	}
	var err error
	switch {
	case len(words) == 0 && (x.ddl == "" || x.location == "" && x.to == ""):
		err = errors.New("name where the log files are: s3://BUCKET[/PREFIX], a folder or a file")
	case x.ddl == "" && x.location != "":
		err = errors.New("--location goes with --ddl")
	}
	if err != nil {
		return cli.Wrong(env, x.Name(), err)
	}
	source := ""
	if len(words) > 0 {
		source = words[0]
	}
	if x.ddl != "" {
		return x.printDDL(source)
	}
	if _, ok := groupName(source); ok {
		return cli.Wrong(env, x.Name(), errors.New("a log group needs no index: the engine keeps it in columns"))
	}
	return x.run(ctx, source)
}

// dir returns the folder of the index and the identity of its source.
func (x *indexing) dir(source string) (dir, identity string, err error) {
	if identity, err = home.Identity(source, x.env.Getenv); err != nil || x.to != "" {
		return x.to, identity, err
	}
	dir, err = home.DefaultDir(identity, x.env.Getenv)
	return dir, identity, err
}

func (x *indexing) printDDL(source string) int {
	location := x.location
	if location == "" {
		dir, _, err := x.dir(source)
		if err != nil {
			return cli.Fail(x.env, err)
		}
		if location, err = filepath.Abs(dir); err != nil {
			return cli.Fail(x.env, err)
		}
	}
	text, err := ddl.Table(x.ddl, location)
	if err != nil {
		return cli.Wrong(x.env, x.Name(), err)
	}
	if _, err := fmt.Fprint(x.env.Stdout, text); err != nil {
		return cli.Fail(x.env, err)
	}
	return cli.OK
}

func (x *indexing) run(ctx context.Context, source string) int {
	dir, identity, err := x.dir(source)
	if err != nil {
		return cli.Fail(x.env, err)
	}
	src, err := x.open(ctx, source)
	if err != nil {
		return cli.Fail(x.env, err)
	}
	sc := newScreen(x.env)
	began := time.Now()
	report, err := index.Build(ctx, src, dir, index.Options{Source: identity, Memory: x.memory, Progress: sc.indexProgress})
	sc.end()
	damaged := sc.indexDamage(report)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted; what is in the index stays, and `cairn index` goes on from there")
		}
		return cli.Fail(x.env, err)
	}
	if err := x.print(dir, report, time.Since(began)); err != nil {
		return cli.Fail(x.env, err)
	}
	if damaged {
		return cli.Failed
	}
	return cli.OK
}

// print tells what was done.
func (x *indexing) print(dir string, r *index.Report, took time.Duration) (err error) {
	if x.asJSON {
		b, err := json.Marshal(map[string]any{
			"index": dir, "files_read": r.Read, "files_known": r.Known, "files_damaged": len(r.Damaged) + len(r.Failed),
			"bytes_read": r.Bytes, "records_added": r.Records, "seconds": took.Seconds(),
			"total": map[string]any{"files": r.Index.Files, "records": r.Index.Records, "parquet_files": r.Index.Parts, "bytes": r.Index.Stored, "bytes_of_records": r.Index.Raw},
		})
		if err == nil {
			_, err = fmt.Fprintf(x.env.Stdout, "%s\n", b)
		}
		return err
	}
	_, err = fmt.Fprintf(x.env.Stdout, "%s records of %s log files added in %.1f s, %s files were in the index before\n%s: %s records in %s Parquet files, %s (%s of JSON)\n",
		count(r.Records), count(r.Read), took.Seconds(), count(r.Known),
		show.Text(dir), count(r.Index.Records), count(int64(r.Index.Parts)), size(r.Index.Stored), size(r.Index.Raw))
	return err
}

// indexProgress shows how far indexing has come, on a terminal.
func (s *screen) indexProgress(p index.Progress) {
	const soon = 300 * time.Millisecond
	if !s.on || p.Elapsed < soon {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = true
	what := ""
	if p.Merging {
		what = ", putting small files together"
	}
	fmt.Fprintf(s.env.Stderr, "\r\x1b[K%s files indexed, %s, %s records, %s/s%s",
		count(p.Files), size(p.Bytes), count(p.Records), count(int64(float64(p.Records)/p.Elapsed.Seconds())), what)
}

// indexDamage tells which log files are not in the index, and whether there are
// any.
func (s *screen) indexDamage(r *index.Report) bool {
	all := append(append([]scan.Damage{}, r.Damaged...), r.Failed...)
	return s.damage(&scan.Report{Damaged: all, DamagedFiles: int64(len(all))}, "the source")
}
