package logquery_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

// TestRandom compares predicates with the slow way, and holds them to their
// needles, over random conditions and messages.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var messages []*querytest.Message
	for range 400 {
		messages = append(messages, querytest.Read(querytest.Hostile(r)))
	}
	matches := 0
	for _, c := range querytest.Cases(5, 800) {
		matches += compare(t, c, messages)
	}
	if matches < 5000 {
		t.Errorf("only %d matches: the test proves little", matches)
	}
}

// TestGenuine does the same over genuine records, if they are there.
func TestGenuine(t *testing.T) {
	records := querytest.Genuine(t, "../../../shared/data")
	cases := querytest.Cases(6, 40)
	for _, c := range cases {
		compare(t, c, records)
	}
}

func compare(t *testing.T, c querytest.Case, messages []*querytest.Message) (matches int) {
	t.Helper()
	p := logquery.Compile(c.Expr)
	needles := p.Needles()
	for _, m := range messages {
		want := c.Slow(m)
		if got := p.Match(m.Bytes); got != want {
			t.Fatalf("%s\nMatch is %v, the slow way says %v, of %s", c.Text, got, want, m.Bytes)
		}
		if !want {
			continue
		}
		matches++
		for _, clause := range needles {
			if !containsOne(m.Bytes, clause) {
				t.Fatalf("%s\nhas needles %q, none of which are in a message that matches: %s", c.Text, clause, m.Bytes)
			}
		}
	}
	return matches
}

func containsOne(m []byte, clause [][]byte) bool {
	for _, n := range clause {
		if bytes.Contains(m, n) {
			return true
		}
	}
	return false
}
