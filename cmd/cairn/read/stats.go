package read

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

const statsAbout = `
Count records of CloudTrail in a bucket, a folder, a file or a log group (as
cairn search finds them):

  cairn stats s3://BUCKET --since 1d                  by event, the most first
  cairn stats s3://BUCKET --by user,error --failed    who fails how
  cairn stats ./logs --histogram --event ConsoleLogin when, as bars
  cairn stats ./logs --by region --over 1d            per day and region

Fields to count by are named as the columns of cairn search or by their paths:
event, user, ip, errorCode, requestParameters.bucketName and so on. Records
without the field are counted under an empty value.
` + filterAbout + `
Counts are printed on a terminal as a table, else as JSON, one count a line.

Exit codes: 0 counted, 3 all was read and nothing matches; 1 failed, or some
files could not be read: the counts may be too low; 2 the command line is
wrong.
`

// tops is how many groups are printed if --top does not say.
const tops = 20

// statistics is the command line of stats.
type statistics struct {
	*filters
	output
	by        string
	paths     []string
	over      time.Duration
	histogram bool
	top       int64
	all       bool
}

func runStats(ctx context.Context, args []string, env *cli.Env) int {
	s := &statistics{filters: newFilters(env, "stats", "[flags] SOURCE [TEXT...]", statsAbout), top: tops}
	s.StringVar(&s.by, "by", "", "`fields` to count by, with commas between them (default event, unless --over or --histogram is given)")
	s.span("over", &s.over, "count also by `time`: per 1h, 1d and so on")
	s.BoolVar(&s.histogram, "histogram", false, "count over time and draw bars; without --over in steps that fit")
	s.Func("top", fmt.Sprintf("print this `number` of groups, the largest, and the others together; 0 is all (default %d on a terminal, else all)", tops), s.setTop)
	s.indexFlag()
	s.outputFlags(&s.output, "counts")
	source, code, ok := s.parse(args)
	if !ok {
		return code
	}
	where, err := s.where()
	var as form
	if err == nil {
		as, err = s.form(env)
	}
	if err = errors.Join(err, s.checkGroups()); err != nil {
		return cli.Wrong(env, s.Name(), err)
	}
	if !s.given["top"] {
		s.all = as != asTable
	}
	src, err := s.open(ctx, source)
	if err != nil {
		return cli.Fail(env, err)
	}
	return s.run(ctx, src, source, where, as)
}

func (s *statistics) setTop(text string) (err error) {
	if s.all = text == "0"; s.all {
		return nil
	}
	if s.top, err = parseCount(text); err != nil {
		return errors.New("want a whole number, 0 for all")
	}
	return nil
}

// checkGroups finds out what to count by.
func (s *statistics) checkGroups() error {
	if s.histogram && s.by != "" {
		return errors.New("--histogram draws all records together: leave out --by, or count --by fields --over a time")
	}
	if s.by == "" && !s.histogram && s.over == 0 {
		s.by = "event"
	}
	if s.by == "" {
		s.histogram = true
		return nil
	}
	for word := range strings.SplitSeq(s.by, ",") {
		path, err := show.Path(strings.TrimSpace(word))
		if err != nil {
			return fmt.Errorf("--by: %w", err)
		}
		s.paths = append(s.paths, path)
	}
	return nil
}

// run counts and prints.
func (s *statistics) run(ctx context.Context, src *place, source string, where *logquery.Predicate, as form) int {
	sc := newScreen(s.env)
	q := scan.Query{Where: where, Window: s.window(), Progress: sc.progress}
	if src.group != nil {
		q.InFlight = groupInFlight
	}
	every := s.over
	if s.histogram && every == 0 {
		every = s.step()
	}
	began := time.Now()
	counts, report, err := s.count(ctx, src, source, q, where, scan.Grouping{By: s.paths, Every: every})
	sc.end()
	damaged := sc.damage(report, source)
	switch {
	case ctx.Err() != nil:
		sc.warn("interrupted after %s of %s's files: nothing is printed", count(report.Files), source)
		return cli.Failed
	case err != nil:
		sc.warn("count in %s: %v", source, err)
		return cli.Failed
	}
	if err := s.print(counts, every, as); err != nil {
		return cli.Fail(s.env, err)
	}
	if report.Files == 0 {
		sc.warn("%s", nothingThere(s.filters, source))
	} else {
		sc.summary(report, time.Since(began))
	}
	switch {
	case damaged:
		return cli.Failed
	case report.Matches == 0:
		return exitNothing
	}
	return cli.OK
}

// count counts with the help of an index, if there is one.
func (s *statistics) count(ctx context.Context, src *place, source string, q scan.Query, where *logquery.Predicate, by scan.Grouping) (*scan.Counts, *scan.Report, error) {
	in, err := s.useIndex(ctx, src, source)
	switch {
	case err != nil:
		return nil, &scan.Report{}, err
	case in != nil:
		counts, report, err := in.Count(ctx, q, where, by)
		return counts, report, errors.Join(err, in.Close())
	}
	return scan.Count(ctx, src, q, by)
}
