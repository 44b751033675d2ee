package logquery

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/logquery/jsonwalk"
)

func TestMatch(t *testing.T) {
	const doc = `{"s":"abc.def","n":404,"f":1.5,"e":1e3,"t":true,"x":false,"z":null,"a.b":"dot","d-e":"dash","o":{"p":"q"},
		"list":[1,"two",{"k":"v"},[7,8]],"many":[{"k":1},{"k":2}],"digits":"111122223333","esc":"a\"b\\c\u00e9","um":"é"}`
	tests := []struct {
		pattern, message string
		want             bool
	}{
		// Everything.
		{``, `x`, true},
		{`  `, ``, true},
		{`" "`, `x`, true},
		// Terms.
		{`ERROR`, `[ERROR 400] BAD REQUEST`, true},
		{`ERROR`, `Exiting with ERRORCODE: -1`, true},
		{`ERROR`, `error`, false},
		{`ERROR BAD`, `[ERROR 400] BAD REQUEST`, true},
		{`ERROR GOOD`, `[ERROR 400] BAD REQUEST`, false},
		{`?ERROR ?WARN`, `a WARN b`, true},
		{`?ERROR ?WARN`, `a INFO b`, false},
		{`?ERROR a`, `a INFO b`, true},
		{`?ERROR -b`, `a INFO c`, true},
		{`ERROR -Exiting`, `Exiting with ERROR`, false},
		{`ERROR -Exiting`, `ERROR`, true},
		{`-b`, `a`, true},
		{`"exact phrase"`, `an exact phrase here`, true},
		{`"exact phrase"`, `exact  phrase`, false},
		{`"say \"x\""`, `say "x"`, true},
		{`"a\\b"`, `a\b`, true},
		{`"C:\dir"`, `C:\dir`, true},
		{`-"exact phrase"`, `an exact phrase`, false},
		{`%4\d\d%`, `status 404`, true},
		{`%4\d\d%`, `status 44`, false},
		{`-%^a%`, `ab`, false},
		{`%AUTHORIZED|DENIED%`, `UNAUTHORIZED`, true},
		// JSON: equality.
		{`{ $.s = "abc.def" }`, doc, true},
		{`{$.s=abc.def}`, doc, true},
		{`{ $.s = abc }`, doc, false},
		{`{ $.s = "abc*" }`, doc, true},
		{`{ $.s = *def }`, doc, true},
		{`{ $.s = "*c.d*" }`, doc, true},
		{`{ $.s = "*" }`, doc, true},
		{`{ $.s != "abc*" }`, doc, false},
		{`{ $.s != "x" }`, doc, true},
		{`{ $.s = %^abc\.% }`, doc, true},
		{`{ $.s != %^abc\.% }`, doc, false},
		{`{ $.missing != "x" }`, doc, false},
		{`{ $.missing = "*" }`, doc, false},
		{`{ $.o != "x" }`, doc, false},
		{`{ $.list = "*" }`, doc, false},
		{`{ $.z != "x" }`, doc, false},
		{`{ $.esc = "a\"b\\cé" }`, doc, true},
		{`{ $.um = "é" }`, doc, true},
		{`{ $.digits = 111122223333 }`, doc, true},
		{`{ $.t = true }`, doc, true},
		// JSON: numbers.
		{`{ $.n = 404 }`, doc, true},
		{`{ $.n = 404.0 }`, doc, true},
		{`{ $.n = "404" }`, doc, true},
		{`{ $.n = 4* }`, doc, true},
		{`{ $.n != 4* }`, doc, false},
		{`{ $.n > 403 && $.n >= 404 && $.n < 405 && $.n <= 404 }`, doc, true},
		{`{ $.n > 404 }`, doc, false},
		{`{ $.f = +1.5 }`, doc, true},
		{`{ $.e = 1000 }`, doc, true},
		{`{ $.f > 1e-3 }`, doc, true},
		{`{ $.digits > 1 }`, doc, false},
		// JSON: presence.
		{`{ $.z IS NULL }`, doc, true},
		{`{ $.t IS TRUE && $.x IS FALSE }`, doc, true},
		{`{ $.t is true }`, doc, true},
		{`{ $.x IS TRUE }`, doc, false},
		{`{ $.missing IS NULL }`, doc, false},
		{`{ $.missing NOT EXISTS }`, doc, true},
		{`{ $.z NOT EXISTS }`, doc, false},
		{`{ $.o NOT EXISTS }`, doc, false},
		// JSON: selectors.
		{`{ $.o.p = q }`, doc, true},
		{`{ $.['a.b'] = dot }`, doc, true},
		{`{ $['a.b'] = dot }`, doc, true},
		{`{ $.d-e = dash }`, doc, true},
		{`{ $.list[1] = two }`, doc, true},
		{`{ $.list[2].k = v }`, doc, true},
		{`{ $.list[3][1] = 8 }`, doc, true},
		{`{ $.list[9] = 8 }`, doc, false},
		{`{ $.list[*] = two }`, doc, true},
		{`{ $.many[*].k = 2 }`, doc, true},
		{`{ $.many[*].k = 3 }`, doc, false},
		{`{ $.many[*].k != 1 }`, doc, true},
		{`{ $.* = two }`, doc, false},
		{`{ $.* = dash }`, doc, true},
		{`{ $.o.* = q }`, doc, true},
		{`{ $.s[0] = a }`, doc, false},
		{`{ $.s.x NOT EXISTS }`, doc, true},
		// JSON: logic.
		{`{ $.s = x && $.n = 404 || $.t IS TRUE }`, doc, true},
		{`{ $.t IS TRUE || $.n = 404 && $.s = x }`, doc, true},
		{`{ ($.t IS TRUE || $.n = 404) && $.s = x }`, doc, false},
		{`{ ((($.n = 404))) }`, doc, true},
		{`{($.n=404)||($.n=405)}`, doc, true},
		// Messages that are not a JSON object.
		{`{ $.a NOT EXISTS }`, `plain`, false},
		{`{ $.a NOT EXISTS }`, `[1]`, false},
		{`{ $.a NOT EXISTS }`, `{"b":1} trailing`, false},
		{`{ $.a NOT EXISTS }`, `{"b":1,}`, false},
		{`{ $.a NOT EXISTS }`, ` {"b":01}`, false},
		{`{ $.a NOT EXISTS }`, ` {"b":1} `, true},
		{`{ $.a = 1 }`, `{"\u0061":1}`, true},
		{`{ $.a = 1 }`, `{"b":` + strings.Repeat("[", jsonwalk.MaxDepth+1) + strings.Repeat("]", jsonwalk.MaxDepth+1) + `,"a":1}`, false},
		// Space-delimited.
		{`[ip, user, time, request = *.html*, status_code = 4*, bytes]`, `10.0.0.1 joe [10/Oct/2000:13:55:36 -0700] "GET /a.html HTTP/1.0" 404 12`, true},
		{`[ip, user, time, request = *.html*, status_code = 4*, bytes]`, `10.0.0.1 joe [10/Oct/2000:13:55:36 -0700] "GET /a.html HTTP/1.0" 200 12`, false},
		{`[ip, user]`, `a b c`, false},
		{`[ip, ...]`, `a b c`, true},
		{`[..., last = c]`, `a b c`, true},
		{`[first = a, ..., last = c]`, `a c`, true},
		{`[first = a, ..., last = c]`, `a`, false},
		{`[..., bytes > 1000]`, `x 2000`, true},
		{`[..., bytes > 1000]`, `x 20k`, false},
		{`[..., code = 400 || code = 404]`, `x 404`, true},
		{`[..., code = 4* && code != 404]`, `x 404`, false},
		{`[w1 = %^ERR%, w2]`, `ERROR now`, true},
		{`[w1 = "[x"]`, `[x`, true},
	}
	for _, tt := range tests {
		p, err := Parse(tt.pattern)
		if err != nil {
			t.Errorf("Parse(%s): %v", tt.pattern, err)
			continue
		}
		if got := p.Match([]byte(tt.message)); got != tt.want {
			t.Errorf("%s on %s = %v, want %v", tt.pattern, tt.message, got, tt.want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := []struct {
		pattern string
		column  int
		text    string // a part of the error
	}{
		{`a.b`, 2, "double quotes"},
		{`"open`, 6, "closing double quote"},
		{`?`, 2, "end of the pattern"},
		{`%open`, 6, "closing %"},
		{`%%`, 2, "regular expression"},
		{`%a(b)%`, 3, "regular expressions may hold"},
		{`%something!%`, 11, "regular expressions may hold"},
		{`%a b%`, 3, "regular expressions may hold"},
		{`%\b%`, 2, "regular expressions may hold"},
		{`%[a%`, 2, "missing closing ]"},
		{`%a% %b% %c%`, 9, "at most two"},
		{`{`, 2, "a selector"},
		{`{}`, 2, "a selector"},
		{`{ eventName = X }`, 3, "a selector"},
		{`{ $ = X }`, 4, "member name"},
		{`{ $. = X }`, 5, "member name"},
		{`{ $.a }`, 7, "one of ="},
		{`{ $.a == b }`, 8, "a value"},
		{`{ $.a = }`, 9, "a value"},
		{`{ $.a = 'x' }`, 9, "a value"},
		{`{ $.a > x }`, 9, "a number"},
		{`{ $.a > "1" }`, 9, "a number"},
		{`{ $.a IS NOT NULL }`, 10, "NULL, TRUE or FALSE"},
		{`{ $.a EXISTS }`, 7, "NOT EXISTS"},
		{`{ $.a NOT NULL }`, 11, "EXISTS after NOT"},
		{`{ $.a = 1 & $.b = 2 }`, 11, "&&"},
		{`{ $.a = 1, $.b = 2 }`, 10, "&&"},
		{`{ ($.a = 1 }`, 12, "closing parenthesis"},
		{`{ $.a = 1 } x`, 13, "nothing after }"},
		{`{ $.a[-1] = 1 }`, 7, "an array index"},
		{`{ $.a[x] = 1 }`, 7, "an array index"},
		{`{ $.a[0 = 1 }`, 7, "quoted member name"},
		{`{ $.['a = 1 }`, 7, "and then ']"},
		{`{ $."a" = 1 }`, 5, "member name"},
		{`{ $.a[*].b[*] = 1 }`, 3, "one wildcard"},
		{`{ $.a[*]=1 || $.b[*]=1 || $.c[*]=1 || $.* = 1 }`, 39, "three wildcard"},
		{`{ ` + strings.Repeat("(", maxParens+1) + `$.a = 1`, maxParens + 3, "less deeply"},
		{`[a, ..., ...]`, 10, "only one ..."},
		{`[a = 1 || b = 2]`, 11, "the field a again"},
		{`[a b]`, 4, "one of ="},
		{`[a`, 3, "one of ="},
		{`[a, ]`, 5, "a field name"},
		{`[a] b`, 5, "nothing after ]"},
		{strings.Repeat("x", MaxLength+1), MaxLength + 1, "at most 1024"},
		{"\xff", 1, "UTF-8"},
		{`é é.`, 1, "double quotes"},
	}
	for _, tt := range tests {
		_, err := Parse(tt.pattern)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("Parse(%s) = %v, want a *SyntaxError", tt.pattern, err)
			continue
		}
		if se.Column != tt.column || !strings.Contains(se.Error(), tt.text) {
			t.Errorf("Parse(%s) = %v, want column %d and %q", tt.pattern, err, tt.column, tt.text)
		}
	}
}

func TestExtract(t *testing.T) {
	tests := []struct {
		pattern, message string
		want             map[string]string
	}{
		{`{ $.a = 1 && $.b.c = "x*" && $.o NOT EXISTS }`, `{"a":1,"b":{"c":"xy"}}`, map[string]string{"$.a": "1", "$.b.c": "xy"}},
		{`[ip, ..., size > 1]`, `10.0.0.1 a "b c" 12`, map[string]string{"$ip": "10.0.0.1", "$size": "12"}},
		{`ERROR`, `ERROR`, nil},
	}
	for _, tt := range tests {
		p, err := Parse(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, p.Extract([]byte(tt.message))); d != "" {
			t.Errorf("%s: %s", tt.pattern, d)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		glob, text string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "x", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*ab*bc*", "xabbcx", true},
		{"*ab*bc*", "xabcx", false},
		{"a*b*c", "a-b-b-c", true},
	} {
		g := newGlob(tt.glob)
		if got := g.match([]byte(tt.text)); got != tt.want {
			t.Errorf("glob %q on %q = %v", tt.glob, tt.text, got)
		}
	}
}
