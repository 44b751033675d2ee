package read

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/logquery"
	"cairn/internal/scan"
)

// filterAbout tells in the help texts what the filters have in common.
const filterAbout = `
Filters combine: a record must fulfil each flag given and contain each TEXT. A
flag given more than once asks for one of its values, as do values with commas
between them for flags that say so. In values * stands for anything, and a
value that begins with ! is one that must not be (in a shell: '!root'). Upper
and lower case differ.

Times are in UTC: 2025-03-01, 2025-03-01T10:00, 2025-03-01T10:00:00+01:00,
10:00 (today), today, yesterday, now, or how long ago: 90m, 2h, 3d, 2w.
`

// filters are the flags that choose records.
type filters struct {
	*flag.FlagSet
	env *cli.Env
	now time.Time

	search        logquery.Search
	texts         []string // each must be in the record
	since         time.Duration
	late          time.Duration
	insights      bool
	noIndex       bool
	readOnly, wrt bool
	given         map[string]bool // the flags on the command line
}

// newFilters returns the flag set of a command with the flags that choose
// records.
func newFilters(env *cli.Env, name, arguments, about string) *filters {
	f := &filters{FlagSet: cli.NewFlags(env, name, arguments, about), env: env, now: time.Now(), given: map[string]bool{}}
	s := &f.search
	f.Func("since", "only events of the last `time`: 90m, 2h, 3d", func(s string) (err error) {
		if f.since, err = parseSpan(s); err == nil {
			return nil
		}
		if _, point := parseTime(s, f.now); point == nil {
			return fmt.Errorf("that is a point in time: write --from %s; --since takes a length of time, such as 2h or 3d", s)
		}
		return err
	})
	f.time("from", &s.From, "only events from this `time` on")
	f.time("to", &s.To, "only events before this `time`")
	f.span("late", &f.late, "how long after an event its file may have been delivered; files named later than that after --to are not read (default 1d)")
	f.words("account", &s.Accounts, "12-digit `ids` of accounts that recorded it", accountID)
	f.words("region", &s.Regions, "the `regions` of the call", region)
	f.words("event", &s.Names, "`names` of events, such as RunInstances,Terminate*", nil)
	f.words("source", &s.Sources, "`services`: s3, or s3.amazonaws.com", nil)
	f.list("user", &s.Users, "who called: an `ARN`, or the name of a user or role session")
	f.words("access-key", &s.Keys, "`ids` of the access keys of the call", nil)
	f.list("role", &s.Roles, "`name` or ARN of the role whose session called")
	f.list("session", &s.Sessions, "`name` of the role session that called")
	f.words("ip", &s.IPs, "`addresses` the call came from, CIDR ranges, or names of services", nil)
	f.words("error", &s.Errors, "error `codes`, such as AccessDenied", nil)
	f.BoolVar(&s.Failed, "failed", false, "only calls that failed, with any error")
	f.BoolVar(&f.readOnly, "read-only", false, "only calls that change nothing")
	f.BoolVar(&f.wrt, "write", false, "only calls that may change something")
	f.list("resource", &s.Resources, "what the call was about: an `ARN`, or a name that the request has")
	f.words("request-id", &s.RequestIDs, "`ids` of requests", nil)
	f.words("event-id", &s.EventIDs, "`ids` of records", nil)
	f.list("field", &s.Fields, "a field by its path, `PATH=VALUE`: requestParameters.bucketName=logs-*")
	f.list("pattern", &s.Patterns, "a CloudWatch Logs filter `pattern`: '{ $.errorCode = \"*Denied\" }'")
	f.list("text", &s.Texts, "`text` anywhere in the record, as TEXT, but of several one is enough")
	f.list("regex", &s.Regexps, "regular `expression` (RE2) that matches somewhere in the record")
	f.BoolVar(&f.insights, "insights", false, "read Insights events too, which are kept in folders of their own")
	return f
}

// span adds a flag for a length of time.
func (f *filters) span(name string, d *time.Duration, usage string) {
	f.Func(name, usage, func(s string) (err error) {
		*d, err = parseSpan(s)
		return err
	})
}

// time adds a flag for a point in time.
func (f *filters) time(name string, t *time.Time, usage string) {
	f.Func(name, usage, func(s string) (err error) {
		*t, err = parseTime(s, f.now)
		return err
	})
}

// list adds a flag that may be repeated.
func (f *filters) list(name string, values *[]string, usage string) {
	f.Func(name, usage+"; may be repeated", func(s string) error {
		if s == "" || s == "!" {
			return errors.New("it is empty, and no record has that")
		}
		*values = append(*values, s)
		return nil
	})
}

// words adds a flag that may be repeated, and whose values have no commas in
// them.
func (f *filters) words(name string, values *[]string, usage string, check func(string) error) {
	f.Func(name, usage+"; several with commas", func(s string) error {
		for word := range strings.SplitSeq(s, ",") {
			word = strings.TrimSpace(word)
			plain := strings.TrimPrefix(word, "!")
			if plain == "" {
				return errors.New("it is empty, or has an empty value between commas")
			}
			if check != nil && !strings.Contains(plain, "*") {
				if err := check(plain); err != nil {
					return err
				}
			}
			*values = append(*values, word)
		}
		return nil
	})
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
)

func accountID(s string) error {
	if !accountForm.MatchString(s) {
		return fmt.Errorf("%q is not the id of an account, which has 12 digits", s)
	}
	return nil
}

func region(s string) error {
	if !regionForm.MatchString(s) {
		return fmt.Errorf("%q is not a region: they are named like eu-west-1", s)
	}
	return nil
}

// parse reads a command line: SOURCE, and then the texts. If ok is false the
// command ends with code, and what is wrong has been told.
func (f *filters) parse(args []string) (source string, code int, ok bool) {
	words, code, ok := cli.ParseFlags(f.FlagSet, f.env, args, cli.AnyNumber)
	if !ok {
		return "", code, false
	}
	f.Visit(func(fl *flag.Flag) { f.given[fl.Name] = true })
	if err := f.check(words); err != nil {
		return "", cli.Wrong(f.env, f.Name(), err), false
	}
	f.texts = words[1:]
	for _, field := range f.search.Fields {
		if hint := show.Unknown(field); hint != "" {
			fmt.Fprintf(f.env.Stderr, "cairn: %s\n", show.Text(hint))
		}
	}
	return words[0], cli.OK, true
}

// check refuses command lines that contradict themselves.
func (f *filters) check(words []string) error {
	s := &f.search
	switch {
	case len(words) == 0 || words[0] == "":
		return errors.New("name where to look: s3://BUCKET[/PREFIX], a folder, a file, or log-group:NAME")
	case f.given["since"] && f.given["from"]:
		return errors.New("--since and --from both say where to begin: give one")
	case f.readOnly && f.wrt:
		return errors.New("no call is both --read-only and --write: give one")
	}
	if f.given["since"] {
		s.From = f.now.UTC().Add(-f.since)
	}
	switch {
	case s.From.After(f.now):
		return fmt.Errorf("--from %s is in the future", s.From.Format(time.RFC3339))
	case !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To):
		return fmt.Errorf("nothing is both from %s on and before %s: --from and --to leave no time between them",
			s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
	}
	if slices.Contains(words[1:], "") {
		return errors.New("a TEXT is empty, which every record contains")
	}
	if f.readOnly || f.wrt {
		s.ReadOnly = &f.readOnly
	}
	return nil
}

// where returns the condition that the flags mean.
func (f *filters) where() (*logquery.Predicate, error) {
	expr, err := f.search.Expr()
	if err != nil {
		return nil, err
	}
	all := []logquery.Expr{expr}
	for _, text := range f.texts {
		all = append(all, logquery.Text(text))
	}
	return logquery.Compile(logquery.All(all...)), nil
}

// window returns what the flags say about which files are read.
func (f *filters) window() scan.Window {
	return scan.Window{
		From: f.search.From, To: f.search.To, Late: f.late, Insights: f.insights,
		Accounts: exact(f.search.Accounts), Regions: exact(f.search.Regions),
	}
}

// exact returns values that can be compared with names of folders: none if one
// has a wildcard or stands for all others.
func exact(values []string) []string {
	if slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, "!") || strings.Contains(v, "*") }) {
		return nil
	}
	return values
}

// fields returns how the values of columns are read from records. It is for use
// by one goroutine.
func fields(columns []show.Column) show.Fields {
	projection := logquery.Select(show.Paths(columns)...)
	var found []logquery.Value
	var raw [][]byte
	return func(record []byte) [][]byte {
		found = projection.Values(record, found[:0])
		raw = raw[:0]
		for _, v := range found {
			raw = append(raw, v.Raw) // nil if absent
		}
		return raw
	}
}
