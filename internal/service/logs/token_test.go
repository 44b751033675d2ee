package logs

import (
	"testing"

	"cairn/internal/loggroup"
)

func FuzzEventToken(f *testing.F) {
	hash := queryHash("x")
	f.Add(eventToken(hash, false, loggroup.Position{Timestamp: 1, Seq: 2, Index: 3}))
	f.Add(eventToken(queryHash("y"), true, loggroup.Position{}))
	f.Add("f/")
	f.Fuzz(func(t *testing.T, token string) {
		backward, pos, err := parseEventToken(token, hash)
		if err != nil {
			return
		}
		if again := eventToken(hash, backward, pos); again != token {
			t.Errorf("%q read and written as %q", token, again)
		}
	})
}

func FuzzListToken(f *testing.F) {
	hash := queryHash("x")
	f.Add(*listToken(hash, "name"))
	f.Add((*listToken(hash, "name"))[:15] + "\r\n" + (*listToken(hash, "name"))[15:])
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		last, err := parseListToken(&token, hash)
		if err == nil && *listToken(hash, last) != token {
			t.Errorf("%q read as %q", token, last)
		}
	})
}

// TestEnds: the boundaries of pages of GetLogEvents. One that is empty because
// it took too long must not look like the last one.
func TestEnds(t *testing.T) {
	at := func(n int64) loggroup.Position { return loggroup.Position{Timestamp: n} }
	from := at(3)
	for _, tt := range []struct {
		name        string
		page        loggroup.Page
		from        *loggroup.Position
		first, last loggroup.Position
	}{
		{"events", loggroup.Page{Events: []loggroup.Found{{Pos: at(5)}, {Pos: at(7)}}, More: true, Next: at(9)}, &from, at(5), at(7).After()},
		{"took too long", loggroup.Page{More: true, Next: at(9)}, &from, at(9), at(9)},
		{"the end", loggroup.Page{}, &from, at(3), at(3)},
		{"nothing", loggroup.Page{}, nil, at(1), at(1)},
	} {
		if first, last := ends(&tt.page, &loggroup.Query{Start: 1, From: tt.from}); first != tt.first || last != tt.last {
			t.Errorf("%s: from %v to %v", tt.name, first, last)
		}
	}
}
