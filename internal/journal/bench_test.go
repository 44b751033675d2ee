package journal

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/natsd/natsdtest"
)

// BenchmarkAppend16 is the engine's life: 16 calls at a time, a record each.
func BenchmarkAppend16(b *testing.B) {
	js := natsdtest.Start(b)
	j, err := Open(b.Context(), js, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	e := entry(1)
	b.SetBytes(int64(len(e.JSON)))
	var mu sync.Mutex
	var all []time.Duration
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			took := make([]time.Duration, 0, b.N/16+1)
			for i := w; i < b.N; i += 16 {
				start := time.Now()
				if err := j.Append(b.Context(), e); err != nil {
					b.Error(err)
					return
				}
				took = append(took, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(j.Stats().Records)/float64(j.Stats().Batches), "records/batch")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRead scans a journal from disk and from the tail in memory.
func BenchmarkRead(b *testing.B) {
	for _, per := range []int{1, 400} {
		for _, from := range []string{"store", "memory"} {
			b.Run(fmt.Sprintf("per=%d/%s", per, from), func(b *testing.B) { benchmarkRead(b, per, from == "store") })
		}
	}
}

func benchmarkRead(b *testing.B, per int, store bool) {
	const total = 8000
	o := Options{TailBytes: 64 << 20}
	if store {
		o.TailBytes = 1
	}
	j, err := Open(b.Context(), natsdtest.Start(b), o)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	group := make([]event.Entry, per)
	for i := range group {
		group[i] = entry(i)
	}
	for range total / per {
		if err := j.Append(b.Context(), group...); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	n := 0
	for range b.N {
		for at := (Position{}); at != j.End(); {
			recs, next, err := j.Read(b.Context(), at, 4<<20)
			if err != nil {
				b.Fatal(err)
			}
			n, at = n+len(recs), next
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
