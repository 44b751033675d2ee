// Package soak lets the engine run at full speed for a long time and tells
// whether it takes more and more: memory, file descriptors, goroutines.
//
// What is measured and how it is judged is in this package proper, so that it is
// tested without an engine; what runs the engine is in its tests (build tag e2e).
package soak

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Sample is what an engine takes at a moment.
type Sample struct {
	// At is the time since the load began.
	At time.Duration
	// Calls is how many calls were answered until then.
	Calls int64
	// RSS and Heap are bytes: resident memory, and what is alive of the Go heap.
	RSS, Heap float64
	// Files and Goroutines are how many there are.
	Files, Goroutines float64
}

// Read takes a sample from an engine's /metrics.
func Read(metrics io.Reader) (Sample, error) {
	var s Sample
	want := map[string]*float64{
		"process_resident_memory_bytes": &s.RSS, "go_memstats_next_gc_bytes": &s.Heap,
		"process_open_fds": &s.Files, "go_goroutines": &s.Goroutines,
	}
	lines := bufio.NewScanner(metrics)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		into := want[name]
		if into == nil {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return s, fmt.Errorf("read metric %s: %w", name, err)
		}
		*into = v
		delete(want, name)
	}
	if err := lines.Err(); err != nil {
		return s, fmt.Errorf("read metrics: %w", err)
	}
	if len(want) > 0 {
		return s, fmt.Errorf("read metrics: %d of them are missing", len(want))
	}
	s.Heap /= 2 // the next collection is due when what is alive has doubled
	return s, nil
}

// Trend is how one quantity went over the second half of a run: by a line fitted
// through it, so that neither the warming of caches nor a peak at the end counts.
type Trend struct {
	// Name is what it is of.
	Name string
	// Mean is its mean, Growth what the line rises by over that half.
	Mean, Growth float64
	// Allowed is what it may rise by.
	Allowed float64
}

// Flat reports whether the quantity does not grow.
func (t *Trend) Flat() bool { return t.Growth <= t.Allowed }

// longRun is the length from which on everything is warm in the second half.
const longRun = 4 * time.Minute

// Trends says how each quantity went. A tenth of the mean, and a little more that
// is the noise of what is measured, may be chance; in short runs, in which caches
// still fill, half of it.
func Trends(samples []Sample) []Trend {
	if len(samples) == 0 {
		return nil
	}
	end := samples[len(samples)-1].At
	var half []Sample
	for _, s := range samples {
		if s.At >= end/2 {
			half = append(half, s)
		}
	}
	part := 0.1
	if end < longRun {
		part = 0.5
	}
	trends := make([]Trend, 0, 4)
	for _, q := range []struct {
		name  string
		value func(Sample) float64
		noise float64
	}{
		{"resident memory", func(s Sample) float64 { return s.RSS }, 16 << 20},
		{"live heap", func(s Sample) float64 { return s.Heap }, 8 << 20},
		{"file descriptors", func(s Sample) float64 { return s.Files }, 8},
		{"goroutines", func(s Sample) float64 { return s.Goroutines }, 16},
	} {
		mean, slope := fit(half, q.value)
		trends = append(trends, Trend{
			Name: q.name, Mean: mean, Growth: slope * (end - half[0].At).Seconds(), Allowed: part*mean + q.noise,
		})
	}
	return trends
}

// fit returns the mean of a quantity and the slope, a second, of the line that is
// nearest to it by least squares.
func fit(samples []Sample, value func(Sample) float64) (mean, slope float64) {
	n := float64(len(samples))
	var at float64
	for _, s := range samples {
		at += s.At.Seconds() / n
		mean += value(s) / n
	}
	var over, under float64
	for _, s := range samples {
		x := s.At.Seconds() - at
		over += x * (value(s) - mean)
		under += x * x
	}
	if under == 0 {
		return mean, 0
	}
	return mean, over / under
}

// Table writes samples as text, at most about thirty of them.
func Table(w io.Writer, samples []Sample) {
	fmt.Fprintf(w, "%8s %10s %9s %9s %6s %10s\n", "time", "calls", "RSS MiB", "heap MiB", "files", "goroutines")
	step := max(1, len(samples)/30)
	for i := 0; i < len(samples); i += step {
		s := samples[i]
		fmt.Fprintf(w, "%8s %10d %9.1f %9.1f %6.0f %10.0f\n", s.At.Round(time.Second), s.Calls, s.RSS/(1<<20), s.Heap/(1<<20), s.Files, s.Goroutines)
	}
}
