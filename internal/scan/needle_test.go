package scan

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"cairn/bench/corpus"
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

// FuzzIndex holds the search for a pattern to bytes.Index.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"sourceIPAddress":"203.0.113.77","userAgent":"203.0.113.7"}`), []byte("203.0.113.77"), 3)
	f.Add(bytes.Repeat([]byte("ab"), 100), []byte("ba"), 60)
	f.Add([]byte("x"), []byte("xy"), 0)
	f.Fuzz(func(t *testing.T, b, text []byte, times int) {
		if len(text) == 0 {
			return
		}
		b = append(bytes.Repeat([]byte{b2(b)}, times&127), b...)
		p := newPattern(text)
		for _, b := range [][]byte{b, append(slices.Clip(b), text...), append(slices.Clip(text), b...)} {
			if got, want := p.index(b), bytes.Index(b, text); got != want {
				t.Errorf("%q in %q is at %d, not %d", text, b, got, want)
			}
		}
	})
}

// b2 is the first byte, if there is one.
func b2(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func BenchmarkIndex(b *testing.B) {
	var content []byte
	if _, err := corpus.Each(corpus.Large(200), func(_ string, c []byte) error {
		content = append(content, c...)
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{"arn:aws:iam::111122223333:user/rare.nobody", "203.0.113.78", `\u002f`, "AccessDenied."} {
		b.Run(text, func(b *testing.B) {
			p := newPattern([]byte(text))
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if p.index(content) >= 0 {
					b.Fatal("found")
				}
			}
		})
	}
}

// TestSieveLearns looks for a short and rare string first, once it has seen that
// a longer one keeps nothing out.
func TestSieveLearns(t *testing.T) {
	s := newSieve([][][]byte{{[]byte("zz")}, {[]byte("often")}})
	if string(s.clauses[0].stems[0].text) != "often" {
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
	if string(s.clauses[0].stems[0].text) != "zz" || kept != 1 {
		t.Errorf("%q leads, %d kept", s.clauses[0].stems[0].text, kept)
	}
}
