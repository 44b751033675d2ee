package jsonwalk

import (
	"math/rand/v2"
	"testing"
)

// TestSpecials compares both implementations with the obvious one.
func TestSpecials(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var b [64]byte
		var want uint64
		for i := range b {
			b[i] = byte(r.IntN(256))
			if r.IntN(2) == 0 {
				b[i] = "\"\\\x00\x1f \x7f\x80\xa2\xdc\x9f!#[]"[r.IntN(14)]
			}
			if b[i] == '"' || b[i] == '\\' || b[i] < ' ' {
				want |= 1 << i
			}
		}
		if got := specials(&b); got != want {
			t.Fatalf("specials(%q) = %064b, want %064b", b, got, want)
		}
		if got := specialsByWord(&b); got != want {
			t.Fatalf("specialsByWord(%q) = %064b, want %064b", b, got, want)
		}
	}
}
