package show

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Bar is how many records fall into a time.
type Bar struct {
	Start time.Time
	Count int64
}

// Bars draws a line for each bar, in their order, with its time and its count.
// every is the time between two.
func Bars(w io.Writer, look Look, every time.Duration, bars []Bar) error {
	var most int64 = 1
	layout := timeLayout(every)
	digits := 1
	for _, b := range bars {
		most = max(most, b.Count)
		digits = max(digits, len(strconv.FormatInt(b.Count, 10)))
	}
	room := look.Width
	if room <= 0 {
		room = 80
	}
	room = max(10, room-len(layout)-digits-4)
	var out strings.Builder
	for _, b := range bars {
		bar := strings.TrimRight(blocks(b.Count, most, room), " ")
		line := fmt.Sprintf("%s  %*d", b.Start.UTC().Format(layout), digits, b.Count)
		if bar != "" {
			if look.Color {
				bar = "\x1b[36m" + bar + end
			}
			line += "  " + bar
		}
		out.WriteString(line + "\n")
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("print histogram: %w", err)
	}
	return nil
}

// timeLayout writes a time as exactly as buckets of a length need.
func timeLayout(every time.Duration) string {
	switch {
	case every%(24*time.Hour) == 0:
		return time.DateOnly
	case every%time.Minute == 0:
		return "2006-01-02T15:04Z"
	}
	return time.RFC3339
}

// Time writes the start of a bucket as exactly as its length needs.
func Time(t time.Time, every time.Duration) string { return t.UTC().Format(timeLayout(every)) }

// blocks draws n of most over so many columns, in eighths of one. What is not
// nothing is seen.
func blocks(n, most int64, room int) string {
	eighths := int(float64(n) / float64(most) * float64(8*room))
	if n > 0 {
		eighths = max(1, eighths)
	}
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string(rune('█' + 8 - rest)) // U+2588 is full, U+258F one eighth
	}
	return s
}
