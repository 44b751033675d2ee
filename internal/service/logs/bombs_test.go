package logs_test

import (
	"strings"
	"testing"

	"cairn/internal/loginsights"
	"cairn/internal/logquery"
)

// TestPatternBombs has filter patterns and queries of a few bytes that would keep a
// processor busy for minutes with one message: they are refused where they are read.
func TestPatternBombs(t *testing.T) {
	for _, pattern := range []string{`%` + strings.Repeat(`[a-z]{0,99}`, 20) + `%`, `{ $.a = %x{0,1000}y{0,1000}% }`} {
		if _, err := logquery.Parse(pattern); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%.60q: %v", pattern, err)
		}
	}
	for _, query := range []string{`filter @message like /((x{0,10}){10}){10}y/`, `parse @message /(?<a>((x{0,10}){10}){10}y)/`} {
		if _, err := loginsights.Parse(query); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%q: %v", query, err)
		}
	}
	if _, err := logquery.Parse(strings.Repeat("a", 1025)); err == nil || !strings.Contains(err.Error(), "at most 1024") {
		t.Errorf("a long pattern: %v", err)
	}
	// A little of it is taken: it is refused for being much.
	parse := func(text string) error {
		if strings.HasPrefix(text, "{") {
			_, err := logquery.Parse(text)
			return err
		}
		_, err := loginsights.Parse(text)
		return err
	}
	for _, nested := range []struct{ head, open, middle, end, tail string }{
		{"{ ", "(", "$.a = 1", ")", " }"},
		{"filter ", "(", "a = 1", ")", ""},
		{"filter ", "not ", "a", "", ""},
		{"filter a = ", "-", "1", "", ""},
		{"filter a = ", "1^", "1", "", ""},
		{"filter a = ", "abs(", "1", ")", ""},
	} {
		deep := func(n int) error {
			return parse(nested.head + strings.Repeat(nested.open, n) + nested.middle + strings.Repeat(nested.end, n) + nested.tail)
		}
		if err := deep(3); err != nil {
			t.Errorf("%s%s: %v", nested.head, nested.open, err)
		}
		if err := deep(500); err == nil || !strings.Contains(err.Error(), "nested less deeply") {
			t.Errorf("%s%s, many times: %v", nested.head, nested.open, err)
		}
	}
}
