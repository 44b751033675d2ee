package loginsights_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"cairn/internal/loginsights"
	"cairn/internal/loginsights/syntax"
)

var manyFields = func() (s string) {
	for i := range 120 {
		s += fmt.Sprintf(", 1 as f%d", i)
	}
	return s
}()

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		query        string
		line, column int
		text         string
	}{
		{"", 1, 1, "expected a command (dedup, display"},
		{"fields", 1, 7, "unexpected symbol found the end of the query at line 1 and position 7: expected a field"},
		{"fields a |", 1, 11, "expected a command"},
		{"fields a | count()", 1, 12, "unexpected symbol found count at line 1 and position 12: expected a command"},
		{"fields a\n  | filtr b = 1", 2, 5, "unexpected symbol found filtr at line 2 and position 5: expected a command (dedup, display, fields, filter, head, limit, parse, sort, stats); did you mean filter?"},
		{"pattern @message", 1, 1, "pattern is not supported by this engine"},
		{"fields a b", 1, 10, "expected | and another command"},
		{"filter a = ", 1, 12, "expected a field, a function"},
		{"filter (a = 1", 1, 14, "closing parenthesis"},
		{"filter a = b = c", 1, 14, "expected | and another command"},
		{"filter a in 1", 1, 13, "expected a list"},
		{"filter a in [1", 1, 15, "expected , or ]"},
		{"filter a like", 1, 14, "expected a text in quotes or a /regular expression/"},
		{"filter a like /(/", 1, 15, "missing closing )"},
		{"filter a like /(?!x)/", 1, 15, "without look-around"},
		{"filter a like /x", 1, 15, "a slash that closes"},
		{"filter é = \"x", 1, 12, "expected a closing quote"},
		{"filter strlenn(a) > 1", 1, 8, "unknown function strlenn at line 1 and position 8: did you mean strlen?"},
		{"filter strlen() > 1", 1, 8, "strlen() takes one argument, not 0"},
		{"filter substr(a) = 1", 1, 8, "substr() takes 2 to 3 arguments, not 1"},
		{"filter isIpInSubnet(a, \"10.0.0.0\")", 1, 24, "takes an address and a subnet"},
		{"filter @mesage like /x/", 1, 8, "unknown field @mesage at line 1 and position 8: did you mean @message?"},
		{"filter count(*) > 1", 1, 8, "can stand in stats only"},
		{"filter 5m > 1", 1, 8, "a period can stand in bin()"},
		{"fields 5x", 1, 8, "expected a period such as"},
		{"stats count(*) by bin(5)", 1, 19, "bin() takes one period"},
		{"stats a by b", 1, 7, "must stand in an aggregate function such as count(a), or after by"},
		{"stats count(*) by a, a", 1, 22, "the column a is there already"},
		{"stats max(min(a))", 1, 11, "and not in another"},
		{"stats pct(a)", 1, 7, "pct() takes 2 arguments, not 1"},
		{"stats pct(a, 101)", 1, 14, "a number from 0 to 100"},
		{"stats count(*) as n by a | filter b = 1", 1, 35, "unknown field b at line 1 and position 35: after stats there is only a, n"},
		{"stats count(*) as n | stats earliest(n)", 1, 29, "gone after stats"},
		{"stats count(*) as a | stats sum(a) as b | stats sum(b)", 1, 49, "two stats commands"},
		{"fields x as a | fields y as a", 1, 29, "the field a is defined already"},
		{"fields x as @message", 1, 13, "cannot be defined"},
		{"parse @message \"a\" as b", 1, 16, "a pattern with *"},
		{"parse @message \"*\"", 1, 19, "expected as"},
		{"parse @message \"* *\" as a", 1, 26, "as many as the pattern has"},
		{"parse @message \"*\" as a, b", 1, 24, "as many names"},
		{"parse @message /x/", 1, 16, "groups that have names"},
		{"fields 1" + manyFields, 1, 996, "can define 100 fields"},
		{"limit 0", 1, 7, "a number of rows from 1 to 100000"},
		{"limit many", 1, 7, "a number of rows"},
		{"dedup a | sort b", 1, 7, "unexpected symbol found sort after the dedup"},
		{"filter " + strings.Repeat("(", 200), 1, 108, "nested less deeply"},
		{"filter " + strings.Repeat("not ", 200), 1, 408, "nested less deeply"},
		{"filter a = 1e999", 1, 12, "a number that is not so large"},
		{"filter a ; b", 1, 10, "unexpected symbol found ; at line 1"},
		{strings.Repeat("x", syntax.MaxLength+1), 1, 1, "the query has 10001 characters, more than 10000"},
		{"fields \xff", 1, 1, "UTF-8"},
	} {
		_, err := loginsights.Parse(tt.query)
		var bad *syntax.Error
		if !errors.As(err, &bad) {
			t.Errorf("%.60q: %v", tt.query, err)
			continue
		}
		if bad.Line != tt.line || bad.Column != tt.column || !strings.Contains(bad.Text, tt.text) {
			t.Errorf("%.60q is refused at %d:%d with %q, not at %d:%d with %q", tt.query, bad.Line, bad.Column, bad.Text, tt.line, tt.column, tt.text)
		}
	}
}

// FuzzParse reads arbitrary queries, runs those that are understood over events,
// and checks that a fault lies inside the query.
func FuzzParse(f *testing.F) {
	for _, q := range []string{
		`fields @timestamp, eventName as e | filter e like /x/ and not (a.b.0 in ["1", 'x']) | sort e desc, @timestamp | dedup e | limit 5`,
		"parse @message \"user=*, *\" as a, b # comment\n | stats count(*) as n, pct(a, 95.5), max(b)-min(b) by bin(5m), strlen(`x y`) | stats sum(n)",
		`parse userIdentity.arn /(?<who>[a-z]+)\/(?<@what>.*)/ | display concat(who, "\"", -1.5e3 ^ 2 % 7) | limit any 3`,
		`fields jsonParse(@message) as j | fields j.requestParameters.tags.0.key, datefloor(@timestamp, 1mo), dateceil(@timestamp, 2w)`,
		`filter isIpv4InSubnet(sourceIPAddress, "10.0.0.0/8") = 0 | stats stddev(x), count_distinct(y), earliest(z), sortsLast(w) by isPresent(v)`,
	} {
		f.Add(q)
	}
	list := events(records...)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := loginsights.Parse(query)
		if err != nil {
			var bad *syntax.Error
			if !errors.As(err, &bad) || bad.Start > bad.End || bad.End > len([]rune(query)) {
				t.Errorf("%q: the fault is not in the query: %#v", query, err)
			}
			return
		}
		r, err := q.Run(loginsights.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			before := r.Matched
			if err := r.Add(e); err != nil {
				t.Fatal(err)
			}
			if may := q.Prefilter(); r.Matched > before && may != nil && !may.Match(e.Message) {
				t.Errorf("%q keeps an event that its prefilter refuses: %s", query, e.Message)
			}
		}
		if _, err := r.Rows(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzPointer reads arbitrary values of @ptr: what is read is written the same.
func FuzzPointer(f *testing.F) {
	for _, e := range events("x") {
		f.Add(loginsights.Pointer(e))
	}
	f.Add("AQ==")
	f.Add("AQAAAZy3PTIYAAAAAAAAAAAAAAAAMTExMTIyMjIzMzMzIGV1LXdlc3QtMSB0cmFpbA=\r\r=")
	f.Fuzz(func(t *testing.T, s string) {
		log, pos, err := loginsights.ParsePointer(s)
		if err != nil {
			return
		}
		if got := loginsights.Pointer(&loginsights.Event{Pos: pos, Group: &log}); got != s {
			t.Errorf("%q is read and written as %q", s, got)
		}
	})
}
