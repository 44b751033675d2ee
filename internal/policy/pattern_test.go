package policy

import (
	"math/rand/v2"
	"strings"
	"testing"

	"cairn/internal/arn"
)

// TestGlobLong compares the way for long patterns with the plain one.
func TestGlobLong(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func(letters string, most int) string {
		b := make([]byte, r.IntN(most))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	matched := 0
	for range 200_000 {
		most := 12
		if r.IntN(20) == 0 {
			most = 300 // more than a word of bits
		}
		pattern, value := text("aaab*??", most), text("aab\xfe\xff", most)
		if r.IntN(2) == 0 { // most random ones do not match
			value = strings.NewReplacer("*", text("ab", 5), "?", "b").Replace(pattern)
		}
		compiled := wildcards.Replace(pattern)
		want := arn.Wildcards{Run: anyRun, One: anyByte}.Match(compiled, value)
		if got := globLong(compiled, value); got != want {
			t.Fatalf("%q, %q: %v", pattern, value, got)
		}
		if want {
			matched++
		}
	}
	if matched < 50_000 {
		t.Errorf("only %d matched", matched)
	}
}

// TestGlobIsBounded ends in time for the test run: the plain way would take hours.
func TestGlobIsBounded(t *testing.T) {
	value := strings.Repeat("a", 4<<20)
	for _, pattern := range []string{
		"*" + strings.Repeat("a", 1<<20) + "b*", "*" + strings.Repeat("a", 8<<10) + "?" + strings.Repeat("a", 8<<10) + "b*",
		strings.Repeat("*a", 4<<10) + "*" + strings.Repeat("a", 1<<20) + "b",
	} {
		if glob(wildcards.Replace(pattern), value, false) {
			t.Errorf("%.20q matches", pattern)
		}
	}
}
