package state

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeySpelling(t *testing.T) {
	tests := []struct {
		parts []string
		want  string
	}{
		{[]string{"111122223333", "alice"}, "111122223333.alice"},
		{[]string{"a.b", "c"}, "a=2Eb.c"},
		{[]string{"a", "b.c"}, "a.b=2Ec"},
		{[]string{"a=2Eb"}, "a=3D2Eb"},
		{[]string{"/path/*>"}, "/path/=2A=3E"},
		{[]string{"é \xff\x00"}, "=C3=A9=20=FF=00"},
		{[]string{}, ""},
		{[]string{"a", ""}, ""},
	}
	for _, tt := range tests {
		got := string(appendKey(nil, tt.parts))
		if got != tt.want {
			t.Errorf("appendKey(%q) = %q, want %q", tt.parts, got, tt.want)
		}
		if back, ok := parseKey(got); ok != (tt.want != "") || ok && !slices.Equal(back, tt.parts) {
			t.Errorf("parseKey(%q) = %q, %v", got, back, ok)
		}
	}
}

func TestParseKeyRefusesOtherSpellings(t *testing.T) {
	for _, s := range []string{"", ".", "a.", ".a", "a..b", "=61", "=2e", "=2", "=", "a=G0", "a*", "a b", "é"} {
		if parts, ok := parseKey(s); ok {
			t.Errorf("parseKey(%q) = %q", s, parts)
		}
	}
}

// FuzzKey checks that what is escaped comes back, and that what is read at all
// has only that one spelling.
func FuzzKey(f *testing.F) {
	f.Add("a", "b", "a.b")
	f.Add("=2E", "\x00", "=")
	f.Add("é/*", ">", "a=2Eb.c")
	f.Fuzz(func(t *testing.T, a, b, spelled string) {
		if k := appendKey(nil, []string{a, b}); a != "" && b != "" {
			got, ok := parseKey(string(k))
			if !ok {
				t.Fatalf("cannot parse %q", k)
			}
			if d := cmp.Diff([]string{a, b}, got); d != "" {
				t.Fatal(d)
			}
			if s := strings.Trim(string(k), hexDigits+"abcdefghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_/=."); s != "" {
				t.Fatalf("key %q holds %q", k, s)
			}
		}
		if parts, ok := parseKey(spelled); ok && string(appendKey(nil, parts)) != spelled {
			t.Fatalf("%q read as %q, which is spelled %q", spelled, parts, appendKey(nil, parts))
		}
	})
}
