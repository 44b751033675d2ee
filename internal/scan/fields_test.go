package scan

import (
	"testing"
	"time"
)

// FuzzPlainTime holds the fast way to read times to time.Parse.
func FuzzPlainTime(f *testing.F) {
	for _, s := range []string{"2026-05-01T10:20:30Z", "2026-02-30T10:20:30Z", "0000-01-01T00:00:00Z", "2026-05-01 10:20:30Z", "2026-05-01T24:20:30Z", "x026-05-01T10:20:30Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := plainTime([]byte(s))
		want, err := time.Parse("2006-01-02T15:04:05Z", s)
		if ok != (err == nil && len(s) == len("2006-01-02T15:04:05Z")) || ok && !got.Equal(want) {
			t.Errorf("%q is %v, %v; time.Parse says %v, %v", s, got, ok, want, err)
		}
	})
}
