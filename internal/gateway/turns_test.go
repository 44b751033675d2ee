package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// empty fails if something was not given back.
func (t *turns) empty(tb testing.TB) {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken != 0 || len(t.lines) != 0 || len(t.next) != 0 {
		tb.Errorf("%d are taken, %d lines and %d turns are left", t.taken, len(t.lines), len(t.next))
	}
}

// TestTurnsAreFair has one account call as fast as it can, while others call now
// and then: what these wait depends on how many accounts there are, not on how
// much the first one wants.
func TestTurnsAreFair(t *testing.T) {
	const takes = 10 * time.Millisecond
	for name, row := range map[string]struct {
		bounds
		others int
		most   time.Duration // that others wait
	}{
		"a share is left":            {bounds{all: 8, share: 4, queue: 1000, wait: time.Hour}, 1, 0},
		"one account may have all":   {bounds{all: 4, share: 4, queue: 1000, wait: time.Hour}, 1, takes},
		"many accounts take turns":   {bounds{all: 4, share: 4, queue: 1000, wait: time.Hour}, 20, 6 * takes},
		"one at a time, one account": {bounds{all: 1, share: 1, queue: 1000, wait: time.Hour}, 1, 2 * takes},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := newTurns(row.bounds)
				var running sync.WaitGroup
				use := func(account string) (waited time.Duration) {
					start := time.Now()
					free, err := turns.take(t.Context(), account, 1)
					if err != nil {
						t.Error(err)
						return 0
					}
					waited = time.Since(start)
					time.Sleep(takes)
					free()
					return waited
				}
				for range 500 {
					running.Go(func() {
						for range 4 {
							use("greedy")
						}
					})
				}
				for i := range row.others {
					running.Go(func() {
						for range 20 {
							time.Sleep(3 * time.Millisecond)
							if waited := use(string(rune('a' + i))); waited > row.most {
								t.Errorf("another account waited %s, more than %s", waited, row.most)
							}
						}
					})
				}
				running.Wait()
				turns.empty(t)
			})
		})
	}
}

// TestTurnsAreBounded takes random amounts, some of which are given up.
func TestTurnsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(bounds{all: 100, share: 60, queue: 20, wait: 50 * time.Millisecond})
		var running sync.WaitGroup
		got, refused := 0, 0
		var mu sync.Mutex
		for i := range 60 {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			running.Go(func() {
				for range 50 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(60))*time.Millisecond)
					free, err := turns.take(ctx, string(rune('a'+i%3)), 1+random.Int64N(60))
					mu.Lock()
					if err != nil {
						refused++
					} else {
						got++
					}
					mu.Unlock()
					turns.mu.Lock()
					for _, l := range turns.lines {
						if turns.taken > 100 || l.taken > 60 || l.taken < 0 || len(l.waiting) > 20 {
							t.Errorf("%d are taken, %d by one account with %d waiting", turns.taken, l.taken, len(l.waiting))
						}
					}
					turns.mu.Unlock()
					time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
					if err == nil {
						free()
						free() // counts once
					}
					cancel()
				}
			})
		}
		running.Wait()
		turns.empty(t)
		if got == 0 || refused == 0 {
			t.Errorf("%d got what they asked for, %d did not", got, refused)
		}
	})
}

// TestTurnsRefuse has the ways of not getting a turn.
func TestTurnsRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(bounds{all: 1, share: 1, queue: 1, wait: time.Second})
		free, err := turns.take(t.Context(), "a", 1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if _, err := turns.take(t.Context(), "a", 1); !errors.Is(err, errBusy) {
				t.Errorf("after the wait: %v", err)
			}
		}()
		synctest.Wait()
		start := time.Now()
		if _, err := turns.take(t.Context(), "a", 1); !errors.Is(err, errBusy) || time.Since(start) > 0 {
			t.Errorf("a full queue: %v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := turns.take(ctx, "b", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller who left: %v", err)
		}
		time.Sleep(2 * time.Second)
		free()
		turns.empty(t)
	})
}

// TestLargeTurnsCome does not let small amounts go before a large one for ever.
func TestLargeTurnsCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(bounds{all: 10, share: 10, queue: 100, wait: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for i := range 20 {
			running.Go(func() {
				for ctx.Err() == nil {
					if free, err := turns.take(ctx, "small", 1); err == nil {
						time.Sleep(time.Duration(10+i) * time.Millisecond)
						free()
					}
				}
			})
		}
		time.Sleep(time.Second)
		start := time.Now()
		free, err := turns.take(ctx, "large", 10)
		if err != nil || time.Since(start) > 100*time.Millisecond {
			t.Errorf("the large amount came after %s: %v", time.Since(start), err)
		}
		free()
		cancel()
		running.Wait()
		turns.empty(t)
	})
}
