package logquery_test

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

func TestSQL(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	pattern := func(s string) logquery.Expr {
		p, err := logquery.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return p.Expr()
	}
	name := logquery.Field("eventName", logquery.Equal("x"))
	for _, tt := range []struct {
		expr  logquery.Expr
		where string
		exact bool
	}{
		{name, `event_name = 'x'`, true},
		{logquery.Not(name), `(event_name = 'x') IS NOT TRUE`, true},
		{logquery.Not(logquery.Not(name)), `event_name = 'x'`, true},
		{logquery.All(), `TRUE`, true},
		{logquery.Any(), `FALSE`, true},
		{logquery.Not(logquery.All()), `FALSE`, true},
		{logquery.All(name, logquery.Text("y")), `event_name = 'x'`, false},
		{logquery.Any(name, logquery.Text("y")), `TRUE`, false},
		{logquery.Not(logquery.All(name, logquery.Text("y"))), `TRUE`, false},
		{logquery.Not(logquery.Any(name, logquery.Text("y"))), `(event_name = 'x') IS NOT TRUE`, false},
		{pattern(`[a = 1, b]`), `TRUE`, false},
		{logquery.Field("eventName", logquery.Equal("it's\x00")), `event_name = ('it''s' || chr(0) || '')`, true},
		{logquery.Field("eventName", logquery.Equal("\xff")), `FALSE`, true},
		{logquery.Field("eventName", logquery.Glob("*")), `event_name IS NOT NULL`, true},
		{logquery.Field("eventName", logquery.Glob("Get*")), `(event_name LIKE 'Get%' ESCAPE '\' AND event_name >= 'Get' AND event_name < 'Geu')`, true},
		{logquery.Field("eventName", logquery.Glob("*100%_\\*")), `event_name LIKE '%100\%\_\\%' ESCAPE '\'`, true},
		{pattern(`{ $.eventName != "x" }`), `event_name <> 'x'`, true},
		{pattern(`{ $.eventName != "x*" }`), `event_name NOT LIKE 'x%' ESCAPE '\'`, true},
		{pattern(`{ $.recipientAccountId = 1 }`), `(recipient_account_id = '1' OR TRY_CAST(recipient_account_id AS DOUBLE) = CAST('1e+00' AS DOUBLE))`, false},
		{logquery.Field("readOnly", logquery.Equal("true")), `read_only`, true},
		{logquery.Field("userIdentity.sessionContext.attributes.mfaAuthenticated", logquery.Equal("false")), `NOT session_mfa`, true},
		{logquery.Field("eventTime", logquery.From(at)), `(event_time >= TIMESTAMP '2026-01-02 03:04:05' AND day >= DATE '2026-01-02')`, true},
		{logquery.Field("eventTime", logquery.Before(at.Add(time.Nanosecond))), `(event_time < TIMESTAMP '2026-01-02 03:04:05.000001' AND day <= DATE '2026-01-02')`, true},
		{logquery.Field("sourceIPAddress", logquery.InCIDR(netip.MustParsePrefix("10.1.2.3/32"))), `source_ip_address = '10.1.2.3'`, true},
		{logquery.Field("sourceIPAddress", logquery.InCIDR(netip.MustParsePrefix("2001:db8::/32"))), `contains(source_ip_address, ':')`, false},
		{logquery.Field("errorCode", logquery.NotExists()), `((error_code IS NOT NULL OR json_type(rest, '$."errorCode"') IS NOT NULL)) IS NOT TRUE`, true},
		{logquery.Field("requestParameters.bucketName", logquery.Equal("b")), `json_extract_string(request_parameters, '$."bucketName"') = 'b'`, true},
		{logquery.Field("requestParameters['it''s']", logquery.Equal("b")), `json_extract_string(request_parameters, '$."it''''s"') = 'b'`, true},
		{logquery.Field(`requestParameters['"']`, logquery.Equal("b")), `TRUE`, false},
		{logquery.Field("resources[*].ARN", logquery.Equal("b")), `len(list_filter(json_extract_string(resources, '$[*]."ARN"'), lambda v: v = 'b')) > 0`, true},
		{logquery.Field("sharedThing.x", logquery.Equal("b")), `json_extract_string(rest, '$."sharedThing"."x"') = 'b'`, true},
		{logquery.Field("*", logquery.Equal("b")), `TRUE`, false},
	} {
		where, exact := logquery.Compile(tt.expr).SQL()
		if where != tt.where || exact != tt.exact {
			t.Errorf("got\n\t%s, %v, want\n\t%s, %v", where, exact, tt.where, tt.exact)
		}
	}
}

// TestCIDRPattern compares ranges with the regular expressions that stand for
// them in SQL.
func TestCIDRPattern(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	literal := regexp.MustCompile(`regexp_full_match\(\w+, '([^']*)'\)`)
	for range 300 {
		a := netip.AddrFrom4([4]byte{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		p := netip.PrefixFrom(a, r.IntN(32))
		where, _ := logquery.Compile(logquery.Field("sourceIPAddress", logquery.InCIDR(p))).SQL()
		re := regexp.MustCompile("^(?:" + literal.FindStringSubmatch(where)[1] + ")$")
		for range 50 {
			b := a.As4()
			b[r.IntN(4)] = byte(r.IntN(256))
			x := netip.AddrFrom4(b)
			if got, want := re.MatchString(x.String()), p.Contains(x); got != want {
				t.Fatalf("%s in %s: %v, by %s %v", x, p, want, where, got)
			}
		}
	}
}

// sqlWords are all words that conditions may have outside of strings.
var sqlWords = strings.Fields(`AND OR NOT IS NULL TRUE FALSE LIKE ESCAPE DISTINCT FROM IN CAST TRY_CAST AS DOUBLE VARCHAR DATE TIMESTAMP lambda v day
	json_extract_string json_type len list_filter list_contains list_has_any coalesce strftime chr contains regexp_full_match make_timestamp`)

var sqlToken = regexp.MustCompile(`^(?s:'(?:[^']|'')*'|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|[ ()=<>,\[\]:-]|\|\|)`)

// checkSQL fails if a condition is anything but words, strings and operators
// that conditions are made of.
func checkSQL(t *testing.T, where string) {
	t.Helper()
	words := slices.Clone(sqlWords)
	for _, c := range logquery.Columns() {
		words = append(words, c.Name)
	}
	if strings.Contains(where, "\x00") {
		t.Fatalf("zero byte in %q", where)
	}
	depth := 0
	for rest := where; rest != ""; {
		tok := sqlToken.FindString(rest)
		switch {
		case tok == "":
			t.Fatalf("%q in %q", rest, where)
		case tok == "(":
			depth++
		case tok == ")":
			depth--
		case tok == "-" && strings.HasPrefix(rest, "--"):
			t.Fatalf("comment in %q", where)
		case tok[0] == '_' || tok[0] >= 'A' && tok[0] <= 'Z' || tok[0] >= 'a' && tok[0] <= 'z':
			if !slices.Contains(words, tok) {
				t.Fatalf("word %q in %q", tok, where)
			}
		}
		if depth < 0 {
			t.Fatalf("parentheses of %q", where)
		}
		rest = rest[len(tok):]
	}
	if depth != 0 {
		t.Fatalf("parentheses of %q", where)
	}
}

func TestRandomSQL(t *testing.T) {
	for _, c := range querytest.Cases(9, 3000) {
		where, _ := logquery.Compile(c.Expr).SQL()
		checkSQL(t, where)
	}
}

// FuzzSQL: no value and no path breaks out of the strings it is in.
func FuzzSQL(f *testing.F) {
	f.Add("a", "x' OR 1=1 --")
	f.Add("it's", "'; DROP TABLE events; --\x00*'")
	f.Add(`"`, `\'*\`)
	f.Add("a'b]", "\xff'%_*é'")
	f.Fuzz(func(t *testing.T, key, value string) {
		paths := []string{"eventName", "eventTime", "readOnly", "requestParameters['" + key + "']", "resources[*]['" + key + "']", "['" + key + "']", "userIdentity." + key}
		tests := []logquery.Test{
			logquery.Equal(value), logquery.Glob(value), logquery.Prefix(value), logquery.Exists(), logquery.NotExists(), logquery.IsNull(), logquery.IsTrue(), logquery.Less(1),
		}
		if re, err := regexp.Compile(value); err == nil {
			tests = append(tests, logquery.Like(re))
		}
		if p, err := netip.ParsePrefix(value); err == nil {
			tests = append(tests, logquery.InCIDR(p))
		}
		for _, path := range paths {
			if logquery.CheckPath(path) != nil {
				continue
			}
			for _, test := range tests {
				e := logquery.Field(path, test)
				for _, e := range []logquery.Expr{e, logquery.Not(e)} {
					where, _ := logquery.Compile(e).SQL()
					checkSQL(t, where)
				}
			}
		}
		if p, err := logquery.Parse(value); err == nil {
			where, _ := logquery.Compile(p.Expr()).SQL()
			checkSQL(t, where)
		}
	})
}
