package find

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"cairn/bench/corpus"
)

// FuzzIndex holds the search for a pattern to bytes.Index.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"sourceIPAddress":"203.0.113.77","userAgent":"203.0.113.7"}`), []byte("203.0.113.77"), 3)
	f.Add(bytes.Repeat([]byte("ab"), 100), []byte("ba"), 60)
	f.Add([]byte("x"), []byte("xy"), 0)
	f.Add([]byte("....QQQa"+strings.Repeat(".", 64)), []byte("QQa"), 0) // right behind a place that is none
	f.Fuzz(func(t *testing.T, b, text []byte, times int) {
		if len(text) == 0 {
			return
		}
		b = append(bytes.Repeat([]byte{b2(b)}, times&127), b...)
		p := New(text)
		for _, b := range [][]byte{b, append(slices.Clip(b), text...), append(slices.Clip(text), b...)} {
			if got, want := p.Index(b), bytes.Index(b, text); got != want {
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
			p := New([]byte(text))
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if p.Index(content) >= 0 {
					b.Fatal("found")
				}
			}
		})
	}
}
