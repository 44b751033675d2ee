package cut

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// slowContainer is container, one byte after the other. Backslashes escape
// outside of strings, too, where JSON has none.
func slowContainer(b []byte) (int, outcome) {
	depth, in := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			if i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\') {
				i++
			}
		case c == '"':
			in = !in
		case in:
		case c == '{', c == '[':
			if depth++; depth > maxDepth {
				return i, deep
			}
		case c == '}', c == ']':
			if depth--; depth == 0 {
				return i + 1, done
			}
		}
	}
	return len(b), more
}

// TestContainer compares with the obvious way, on what is made of characters
// that matter, at every place in a block.
func TestContainer(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const alphabet = `{}[]{}"\\\" ,:a1`
	ends := map[outcome]int{}
	for range 20_000 {
		b := make([]byte, 1+r.IntN(300))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		b[0] = '{'
		n, how := container(b)
		wantN, wantHow := slowContainer(b)
		if n != wantN || how != wantHow {
			t.Fatalf("container(%q) = %d, %d; want %d, %d", b, n, how, wantN, wantHow)
		}
		ends[how]++
	}
	if ends[done] < 1000 || ends[more] < 1000 {
		t.Errorf("ends %v: the test looks at few of some", ends)
	}
	nested := bytes.Repeat([]byte("["), 2*maxDepth)
	if _, how := container(nested); how != deep {
		t.Errorf("%d levels: %d", len(nested), how)
	}
}

func TestClassify(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var b [64]byte
		for i := range b {
			if b[i] = byte(r.Uint32()); r.IntN(2) == 0 {
				b[i] = `"\{}[]yY_`[r.IntN(9)]
			}
		}
		q, s, br := classify(&b)
		wq, ws, wbr := classifyWords(&b)
		if q != wq || s != ws || br != wbr {
			t.Fatalf("classify(%q) = %x %x %x, word by word %x %x %x", b, q, s, br, wq, ws, wbr)
		}
		for i, c := range b {
			if got, want := q>>i&1 == 1, c == '"'; got != want {
				t.Fatalf("quote at %d of %q: %v", i, b, got)
			}
			if got, want := s>>i&1 == 1, c == '\\'; got != want {
				t.Fatalf("backslash at %d of %q: %v", i, b, got)
			}
			if bytes.IndexByte([]byte("{}[]"), c) >= 0 && br>>i&1 == 0 {
				t.Fatalf("bracket at %d of %q is missing", i, b)
			}
		}
	}
}

func BenchmarkContainer(b *testing.B) {
	record := []byte(`{"eventVersion":"1.11","userIdentity":{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"},"eventTime":"2025-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","requestParameters":{"bucketName":"data","key":"objects/1234567890123456"},"responseElements":null,"resources":[{"ARN":"arn:aws:s3:::data"}],"eventCategory":"Data"}`)
	b.SetBytes(int64(len(record)))
	for b.Loop() {
		if _, how := container(record); how != done {
			b.Fatal(how)
		}
	}
}
