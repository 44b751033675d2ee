package recorder

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn/internal/call"
	"cairn/internal/journal"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state"
	"cairn/internal/state/statetest"
)

// BenchmarkAudit compares a call that makes one change of state durable, as most
// that change something do, with and without its intent made durable first: over
// one connection and 16, taking turns.
func BenchmarkAudit(b *testing.B) {
	js := natsdtest.Start(b)
	table := state.NewTable[int](statetest.Open(b, js), "bench")
	j, err := journal.Open(b.Context(), js, journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	a := NewAudit(j, &disk{}, time.Now, quiet())
	modes := map[string]*call.Dispatcher{"outcome": call.NewDispatcher(a, quiet()), "intent": call.NewAudited(a, a, quiet())}
	var number atomic.Int64
	load := func(d *call.Dispatcher, callers int) (list []time.Duration, rate float64) {
		var mu sync.Mutex
		var group sync.WaitGroup
		start := time.Now()
		for i := range callers {
			group.Go(func() {
				for time.Since(start) < time.Second {
					n := int(number.Add(1))
					c := numbered(n)
					c.Op.Run = func(ctx context.Context, _ *call.Granted) (any, error) {
						return nil, table.Put(ctx, &n, fmt.Sprint("row", i))
					}
					at := time.Now()
					if _, err := d.Do(b.Context(), c); err != nil {
						b.Error(err)
						return
					}
					mu.Lock()
					list = append(list, time.Since(at))
					mu.Unlock()
				}
			})
		}
		group.Wait()
		return list, float64(len(list)) / time.Since(start).Seconds()
	}
	for b.Loop() {
		for _, callers := range []int{1, 16} {
			all, rates := map[string][]time.Duration{}, map[string]float64{}
			for range 3 {
				for _, mode := range []string{"outcome", "intent"} {
					list, rate := load(modes[mode], callers)
					all[mode] = append(all[mode], list...)
					rates[mode] += rate / 3
				}
			}
			p50 := func(mode string) time.Duration { slices.Sort(all[mode]); return all[mode][len(all[mode])/2] }
			b.Logf("%2d callers: outcome p50 %v, %.0f/s; intent p50 %v, %.0f/s: %.2f times the time, %.2f times the rate", callers,
				p50("outcome"), rates["outcome"], p50("intent"), rates["intent"], float64(p50("intent"))/float64(p50("outcome")), rates["intent"]/rates["outcome"])
		}
	}
}
