package read

import (
	"testing"
	"time"
)

// TestParseTime reads every form of a time as of one moment.
func TestParseTime(t *testing.T) {
	now := time.Date(2025, 3, 1, 10, 20, 30, 0, time.FixedZone("", 3600)) // 09:20:30 UTC
	for s, want := range map[string]string{
		"2025-02-03":                "2025-02-03T00:00:00Z",
		"2025-02-03T04:05":          "2025-02-03T04:05:00Z",
		"2025-02-03T04:05Z":         "2025-02-03T04:05:00Z",
		"2025-02-03T04:05:06":       "2025-02-03T04:05:06Z",
		"2025-02-03 04:05":          "2025-02-03T04:05:00Z",
		"2025-02-03 04:05:06":       "2025-02-03T04:05:06Z",
		"2025-02-03T04:05:06Z":      "2025-02-03T04:05:06Z",
		"2025-02-03T04:05:06+01:00": "2025-02-03T03:05:06Z",
		"04:05":                     "2025-03-01T04:05:00Z",
		"04:05:06":                  "2025-03-01T04:05:06Z",
		"now":                       "2025-03-01T09:20:30Z",
		"today":                     "2025-03-01T00:00:00Z",
		"yesterday":                 "2025-02-28T00:00:00Z",
		"90s":                       "2025-03-01T09:19:00Z",
		"-1h30m":                    "2025-03-01T07:50:30Z",
		"3d ago":                    "2025-02-26T09:20:30Z",
		"2w":                        "2025-02-15T09:20:30Z",
		"1w1d1h1m1s":                "2025-02-21T08:19:29Z",
	} {
		got, err := parseTime(s, now)
		if err != nil || got.Format(time.RFC3339) != want || got.Location() != time.UTC {
			t.Errorf("%q is %v, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "2h3d", "1.5h", "3", "h", "-", "0s", "+2h", "2025-02-30", "25:00", "03/01/2025", "tomorrow", "2 h", "5000000d", "ago", "1740823230"} {
		if got, err := parseTime(s, now); err == nil {
			t.Errorf("%q is %v, and should be refused", s, got)
		}
	}
}

// FuzzParseTime wants times that a record can have.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2h", "3d ago", "2025-03-01", "2025-03-01T10:00:00Z", "9999999999w", "99w99d", "10:00"} {
		f.Add(s)
	}
	now := time.Date(2025, 3, 1, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTime(s, now)
		if err != nil {
			return
		}
		if again, err := parseTime(got.Format(time.RFC3339Nano), now); err != nil || !again.Equal(got) {
			t.Errorf("%q is %v, which reads back as %v, %v", s, got, again, err)
		}
	})
}
