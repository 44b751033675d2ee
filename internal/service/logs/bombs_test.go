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
	for _, pattern := range []string{"{" + strings.Repeat("(", 1000), "{ " + strings.Repeat("!", 1000) + " $.a = 1 }", strings.Repeat("a", 1025)} {
		if _, err := logquery.Parse(pattern); err == nil {
			t.Errorf("%.60q is taken", pattern)
		}
	}
	if _, err := loginsights.Parse("filter " + strings.Repeat("(", 5000)); err == nil {
		t.Error("a query of parentheses is taken")
	}
}
