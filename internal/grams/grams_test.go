package grams

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// one makes the query of a single needle.
func one(needle string) Query { return Compile([][][]byte{{[]byte(needle)}}) }

// filterOf makes the filter of a page.
func filterOf(messages ...string) Filter {
	var b Builder
	for _, m := range messages {
		b.Add([]byte(m))
	}
	return b.Bytes()
}

// message returns a record with values that differ.
func message(r *rand.Rand) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"arn":"arn:aws:iam::%012d:user/u%d","accessKeyId":"AKIA%08X"},"eventTime":"2026-05-20T%02d:%02d:00Z","sourceIPAddress":"%d.%d.%d.%d","requestID":"%08x-%04x-4000-8000-%012x","note":"é€ %d"}`,
		r.IntN(9), r.IntN(50), r.Uint32(), r.IntN(24), r.IntN(60), r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256), r.Uint32(), r.IntN(1<<16), r.Uint64()>>16, r.IntN(100))
}

// TestNeverMisses looks for every kind of stretch of what was added.
func TestNeverMisses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var b Builder
	for page := range 20 {
		var messages []string
		for range 1 + r.IntN(200) {
			m := message(r)
			messages = append(messages, m)
			b.Add([]byte(m))
		}
		f := Filter(b.Bytes())
		for range 5000 {
			m := messages[r.IntN(len(messages))]
			i := r.IntN(len(m))
			j := i + 1 + r.IntN(len(m)-i)
			if !f.May(one(m[i:j])) {
				t.Fatalf("page %d: %q is in it and may not be", page, m[i:j])
			}
		}
	}
}

// TestTellsApart demands that a filter rules most pages out, for what people
// look for.
func TestTellsApart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var messages []string
	size := 0
	for range 1024 {
		m := message(r)
		messages, size = append(messages, m), size+len(m)
	}
	f := filterOf(messages...)
	if len(f) > size/8 {
		t.Errorf("the filter has %d bytes for %d of text", len(f), size)
	}
	text := strings.Join(messages, "\n")
	for name, needle := range map[string]func() string{
		"address": func() string { return fmt.Sprintf("%d.%d.%d.%d", r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256)) },
		"name":    func() string { return fmt.Sprintf("user/rare.carol%d", r.IntN(1000)) },
		"uuid": func() string {
			return fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), r.IntN(1<<16), r.Uint64()>>16)
		},
	} {
		maybe := 0
		for range 500 {
			n := needle()
			if len(n) >= gramSize+window-1 && !strings.Contains(text, n) && f.May(one(n)) {
				maybe++
			}
		}
		if maybe > 100 {
			t.Errorf("%s: %d of 500 needles that are not there may be", name, maybe)
		}
	}
}

func TestClauses(t *testing.T) {
	f := filterOf(`{"userName":"rare.carol","eventName":"PutObject"}`)
	b := func(s ...string) (list [][]byte) {
		for _, x := range s {
			list = append(list, []byte(x))
		}
		return list
	}
	for _, c := range []struct {
		name    string
		needles [][][]byte
		may     bool
		useless bool
	}{
		{"nothing is asked", nil, true, true},
		{"both are there", [][][]byte{b("rare.carol"), b("PutObject\"")}, true, false},
		{"one is not there", [][][]byte{b("rare.carol"), b("DeleteObjects")}, false, false},
		{"one of the alternatives is there", [][][]byte{b("DeleteObjects", "PutObject\"")}, true, false},
		{"none of the alternatives is there", [][][]byte{b("DeleteObjects", "CreateBucket")}, false, false},
		{"a short alternative says nothing", [][][]byte{b("DeleteObjects", "zz")}, true, true},
		{"digits say nothing", [][][]byte{b("111122223333")}, true, true},
		{"a clause that says nothing is passed over", [][][]byte{b("zz"), b("DeleteObjects")}, false, false},
	} {
		q := Compile(c.needles)
		if f.May(q) != c.may || q.Useless() != c.useless {
			t.Errorf("%s: may %v, useless %v", c.name, f.May(q), q.Useless())
		}
	}
}

// TestEscapes: the alternatives for escapes are of use, and tell pages apart.
func TestEscapes(t *testing.T) {
	plain := filterOf(`{"userName":"rare.carol","policy":"{\"a\":\"b\\\\n\"}"}`)
	for _, c := range []struct {
		page Filter
		may  bool
	}{
		{plain, false},
		{filterOf(`{"userName":"somebody"}`, `{"userName":"\u0072are.carol"}`), true},
		{filterOf(`{"path":"a\/b"}`), true},
		{filterOf(`{"userName":"somebody\`), false},
	} {
		q := Compile([][][]byte{{[]byte(`"rare.dave"`), []byte(`\/`), []byte(`\u00`)}})
		if q.Useless() || c.page.May(q) != c.may {
			t.Errorf("may %v, useless %v, want %v", c.page.May(q), q.Useless(), c.may)
		}
	}
}

// TestBadFilters demands maybe of what is no filter: reading one page more is no
// harm, missing one is.
func TestBadFilters(t *testing.T) {
	for _, f := range []Filter{nil, {}, {1}, {0, 0, 0, 0}, {9, 0, 0, 0, 0}, {255, 255, 255, 255, 0}, make(Filter, 20), {64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {64, 0, 0, 128, 0, 0, 0, 0, 0}} {
		if !f.May(one("rare.carol")) {
			t.Errorf("%x rules something out", []byte(f))
		}
	}
}

// TestPlaces: the numbers that stand for escapes are apart from each other, and a
// set of places gives back what was added, once, and is empty then.
func TestPlaces(t *testing.T) {
	var s placeSet
	numbers := []uint32{0}
	for i := range uint32(256) {
		numbers = append(numbers, charEscape+i)
	}
	s.addAll(numbers)
	s.addAll(numbers)
	want := make([]uint32, 0, len(numbers))
	for _, n := range numbers {
		want = append(want, place(n))
	}
	slices.Sort(want)
	if got := s.take(nil); !slices.Equal(got, want) {
		t.Errorf("%d numbers have the places %d, want %d", len(numbers), got, want)
	}
	if got := s.take(nil); len(got) > 0 {
		t.Errorf("%d are left", got)
	}
}

// TestEscapesAreExact: a page without escapes is ruled out for every one, and
// one with some for all others.
func TestEscapesAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for page := range 40 {
		var b Builder
		for range 200 {
			b.Add([]byte(message(r)))
		}
		b.Add([]byte(`{"userAgent":"a\u0026b"}`))
		f := Filter(b.Bytes())
		for _, digits := range []string{"0", "1", "3", "4", "5", "6", "7"} {
			if f.May(one(`\u00` + digits)) {
				t.Errorf(`page %d may have \u00%s`, page, digits)
			}
		}
		if f.May(one(`\/`)) || !f.May(one(`\u00`)) || !f.May(one(`\u002`)) || !f.May(one(`\u0026`)) || !f.May(one(`\u`)) {
			t.Errorf("page %d is wrong about others", page)
		}
	}
}

func TestBuilderStartsAnew(t *testing.T) {
	var b Builder
	b.Add([]byte("the first page has this"))
	b.Bytes()
	b.Add([]byte("and the other page that"))
	if f := Filter(b.Bytes()); f.May(one("the first page has this")) {
		t.Error("the second page has grams of the first")
	}
}

// FuzzMay: whatever is in a message may be in its page.
func FuzzMay(f *testing.F) {
	f.Add([]byte(`{"a":"12345678-1234-1234-1234-123456789012,x,y,z"}`), uint16(3), uint16(20))
	f.Add([]byte(strings.Repeat("0123456789abcdef,", 20)), uint16(0), uint16(300))
	f.Fuzz(func(t *testing.T, text []byte, from, n uint16) {
		i := min(int(from), len(text))
		j := min(i+int(n), len(text))
		filter := filterOf("something else", string(text))
		if !filter.May(Compile([][][]byte{{text[i:j]}})) {
			t.Fatalf("%q is in %q", text[i:j], text)
		}
		Filter(text).May(one("any needle")) // no panic
	})
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	var messages [][]byte
	size := 0
	for range 1024 {
		m := message(r)
		messages, size = append(messages, []byte(m)), size+len(m)
	}
	b.SetBytes(int64(size))
	var page Builder
	for b.Loop() {
		for _, m := range messages {
			page.Add(m)
		}
		page.Bytes()
	}
}
