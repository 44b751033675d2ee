package logquery_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

// TestNeedles shows the clauses: alternatives for records with escapes, of which
// only the number is told, stand behind the others.
func TestNeedles(t *testing.T) {
	search := func(s logquery.Search) logquery.Expr {
		e, err := s.Expr()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	field := func(test logquery.Test) logquery.Expr { return logquery.Field("eventName", test) }
	for _, tt := range []struct {
		expr logquery.Expr
		want string
	}{
		{field(logquery.Equal("StopLogging")), `"StopLogging" +4`},
		{field(logquery.Equal("a\"b/c\\d")), `"a\"b/c\\d" +6`},
		{field(logquery.Equal("ab")), `"ab" +1`},
		{field(logquery.Equal("111122223333")), `111122223333 +3`},
		{field(logquery.Equal("true")), `true +2`},
		{field(logquery.Equal("")), ``},
		{field(logquery.Equal("日本語")), ``},
		{field(logquery.Equal("Grüße aus")), "e aus\" +3"},
		{field(logquery.Glob("Stop*Logging")), `"Stop +3; Logging" +2`},
		{field(logquery.Glob("*Logging*")), `Logging +2`},
		{field(logquery.Glob("*")), ``},
		{field(logquery.Exists()), ``},
		{logquery.Field("errorCode", logquery.Exists()), `"errorCode" +3`},
		{logquery.Field("errorCode", logquery.NotExists()), ``},
		{logquery.Field("responseElements.ConsoleLogin", logquery.IsNull()), `"ConsoleLogin" +3`},
		{logquery.Not(field(logquery.Equal("x"))), ``},
		{logquery.All(field(logquery.Equal("StopLogging")), logquery.Text("needle")), `"StopLogging" +4; needle`},
		{logquery.Any(field(logquery.Equal("StopLogging")), logquery.Text("needle")), `"StopLogging"|needle +4`},
		{logquery.Any(field(logquery.Equal("StopLogging")), logquery.Not(logquery.Text("needle"))), ``},
		{logquery.Any(), ``},
		{search(logquery.Search{Users: []string{"joe"}}), `joe" +3`},
		{search(logquery.Search{IPs: []string{"10.20.30.0/24"}}), `"10.20.30. +6`},
		{search(logquery.Search{IPs: []string{"2001:db8::/32"}}), ``},
		{search(logquery.Search{Failed: true}), `"errorCode"|"errorMessage" +3`},
		{search(logquery.Search{Regexps: []string{`ab+cde(x|y)*[fg]hij`}}), `cde; hij`},
		{search(logquery.Search{Regexps: []string{`foo|bar(baz)+`}}), `bar|foo`},
		{search(logquery.Search{Regexps: []string{`(?i)foo`}}), ``},
		{search(logquery.Search{Patterns: []string{`{ $.eventName = %StopL% }`}}), `StopL +4`},
		{search(logquery.Search{Patterns: []string{`{ $.eventName = 404 }`}}), ``},
		{search(logquery.Search{Patterns: []string{`?ERROR ?"WARN 1"`}}), `ERROR|WARN 1`},
		{search(logquery.Search{Patterns: []string{`[ip, code = 404 && code = 4*, text = "*a/b*"]`}}), `a/b`},
	} {
		var got []string
		for _, clause := range logquery.Compile(tt.expr).Needles() {
			var plain []string
			escapes := 0
			for i, n := range clause {
				if i > 0 && strings.Contains(string(n), `\`) {
					escapes++
				} else {
					plain = append(plain, string(n))
				}
			}
			s := strings.Join(plain, "|")
			if escapes > 0 {
				s += fmt.Sprintf(" +%d", escapes)
			}
			got = append(got, s)
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("got %s, want %s", s, tt.want)
		}
	}
}

// TestCISNeedles: the benchmark's patterns do have something to look for, but
// for the one that matches nearly everything.
func TestCISNeedles(t *testing.T) {
	for _, c := range querytest.CIS() {
		p, err := logquery.Parse(c.Pattern)
		if err != nil {
			t.Fatal(err)
		}
		n := len(logquery.Compile(p.Expr()).Needles())
		if all := strings.Contains(c.Pattern, `"delivery.logs.amazonaws.com") ||`); (n == 0) != all {
			t.Errorf("%s has %d needles", c.Pattern, n)
		}
	}
}

// TestNeedleSpellings: however a record writes a value, its needles are there.
func TestNeedleSpellings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for range 4000 {
		checkSpelling(t, r, randomText(r))
	}
}

func FuzzNeedles(f *testing.F) {
	f.Add("arn:aws:iam::1:user/a/b", uint64(1))
	f.Add("a\"b\\c/", uint64(2))
	f.Add("<é\x00>\xff//", uint64(3))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		checkSpelling(t, rand.New(rand.NewPCG(seed, 0)), text)
	})
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteRune([]rune("abJ09.-/\"\\<&é\n\U0001f5ff")[r.IntN(15)])
	}
	return b.String()
}

func checkSpelling(t *testing.T, r *rand.Rand, text string) {
	t.Helper()
	often := []int{1 << 30, 30, 6, 2}[r.IntN(4)]
	record := `{"k":"`
	for _, c := range text {
		switch {
		case c == '/' && r.IntN(3) == 0:
			record += `\/`
		case c == '"' || c == '\\':
			record += `\` + string(c)
		case c < ' ' || r.IntN(often) == 0:
			form := []string{`\u%04x`, `\u%04X`}[r.IntN(2)]
			for _, unit := range utf16.Encode([]rune{c}) {
				record += fmt.Sprintf(form, unit)
			}
		default:
			record += string(c)
		}
	}
	record += `"}`
	stars := []rune(text)
	for range r.IntN(3) {
		i := r.IntN(len(stars) + 1)
		stars = slices.Insert(stars, i, '*')
	}
	for _, test := range []logquery.Test{
		logquery.Equal(text), logquery.Glob(string(stars)), logquery.Prefix(text), logquery.Like(regexp.MustCompile("^" + regexp.QuoteMeta(strings.ToValidUTF8(text, "\ufffd")) + "$")),
	} {
		p := logquery.Compile(logquery.Field("k", test))
		if !p.Match([]byte(record)) {
			if utf8.ValidString(text) {
				t.Fatalf("%q does not match %s", text, record)
			}
			continue
		}
		for _, clause := range p.Needles() {
			if !containsOne([]byte(record), clause) {
				t.Fatalf("%q matches %s, which has none of %q", text, record, clause)
			}
		}
	}
}
