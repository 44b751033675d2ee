package soak

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// run makes the samples of a run: what value says, and noise of a twentieth.
func run(length time.Duration, value func(part float64) float64) []Sample {
	random := rand.New(rand.NewPCG(1, 2))
	var list []Sample
	for i := range 101 {
		part := float64(i) / 100
		v := value(part) * (0.95 + 0.1*random.Float64())
		list = append(list, Sample{At: time.Duration(part * float64(length)), RSS: v * (1 << 20), Heap: v / 2 * (1 << 20), Files: v / 2, Goroutines: v})
	}
	return list
}

func TestTrends(t *testing.T) {
	warm := func(part float64) float64 { return 200 + 300*min(1, 3*part) }
	for name, row := range map[string]struct {
		length time.Duration
		value  func(part float64) float64
		flat   bool
	}{
		"flat":                     {30 * time.Minute, func(float64) float64 { return 500 }, true},
		"warms, then flat":         {30 * time.Minute, warm, true},
		"falls":                    {30 * time.Minute, func(part float64) float64 { return 500 - 300*part }, true},
		"rises":                    {30 * time.Minute, func(part float64) float64 { return 200 + 300*part }, false},
		"warms, then rises":        {30 * time.Minute, func(part float64) float64 { return warm(part) + 400*part }, false},
		"one peak at the end":      {30 * time.Minute, func(part float64) float64 { return 500 + map[bool]float64{true: 300}[part == 1] }, true},
		"short, and still warming": {time.Minute, func(part float64) float64 { return 200 + 100*part }, true},
		"short, and far too much":  {time.Minute, func(part float64) float64 { return 100 + 2000*part }, false},
	} {
		trends := Trends(run(row.length, row.value))
		if len(trends) != 4 {
			t.Fatalf("%d trends", len(trends))
		}
		for _, trend := range trends {
			if trend.Flat() != row.flat {
				t.Errorf("%s: %+v is taken for flat: %v", name, trend, trend.Flat())
			}
		}
	}
	if Trends(nil) != nil {
		t.Error("nothing has a trend")
	}
}

func TestRead(t *testing.T) {
	const text = "# HELP go_goroutines x\ngo_goroutines 12\nother{a=\"b c\"} 3\nprocess_open_fds 7\n" +
		"process_resident_memory_bytes 1.5e+08\ngo_memstats_next_gc_bytes 4e+07\n"
	s, err := Read(strings.NewReader(text))
	if err != nil || s != (Sample{RSS: 1.5e8, Heap: 2e7, Files: 7, Goroutines: 12}) {
		t.Errorf("read as %+v, %v", s, err)
	}
	if _, err := Read(strings.NewReader("go_goroutines 12\n")); err == nil {
		t.Error("metrics that lack most were read")
	}
	var table strings.Builder
	Table(&table, []Sample{s})
	if !strings.Contains(table.String(), "143.1") {
		t.Errorf("the table is %s", table.String())
	}
}
