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
