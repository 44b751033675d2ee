package scan

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestSieve asks for records of buffers in their order, and wants exactly those
// that have a string of each clause, whichever clause leads.
func TestSieve(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	word := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab"[r.IntN(2)]
		}
		return b
	}
	kept := 0
	for range 300 {
		var clauses [][][]byte
		for range r.IntN(4) {
			var c [][]byte
			for range 1 + r.IntN(3) {
				c = append(c, word(1+r.IntN(7)))
			}
			clauses = append(clauses, c)
		}
		s := newSieve(clauses)
		for range 30 {
			buf := word(3000)
			s.moved()
			for from := 0; from < len(buf); {
				to := min(from+r.IntN(60), len(buf))
				want := true
				for _, c := range clauses {
					has := false
					for _, needle := range c {
						has = has || bytes.Contains(buf[from:to], needle)
					}
					want = want && has
				}
				if got := s.candidate(buf, from, to); got != want {
					t.Fatalf("%q among %q: %v", buf[from:to], clauses, got)
				}
				if want {
					kept++
				}
				from = to + r.IntN(2)
			}
		}
	}
	if kept < 1000 {
		t.Errorf("%d kept: the test shows little", kept)
	}
}

// TestSieveLearns looks for a short and rare string first, once it has seen that
// a longer one keeps nothing out.
func TestSieveLearns(t *testing.T) {
	s := newSieve([][][]byte{{[]byte("zz")}, {[]byte("often")}})
	if string(s.clauses[0].stems[0].Bytes()) != "often" {
		t.Fatal("the longer string does not lead")
	}
	buf := append(bytes.Repeat([]byte("often "), 2*enough), "often zz"...)
	kept := 0
	s.moved()
	for from := 0; from < len(buf); from += 6 {
		if s.candidate(buf, from, min(from+8, len(buf))) {
			kept++
		}
	}
	if string(s.clauses[0].stems[0].Bytes()) != "zz" || kept != 1 {
		t.Errorf("%q leads, %d kept", s.clauses[0].stems[0].Bytes(), kept)
	}
}
