package follow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bucket is a place in memory. Items are listed in the order of their keys, as
// S3 does, and only those whose name tells a time from since on.
type bucket struct {
	mu    sync.Mutex
	items map[string]time.Time // the time in the name
	fail  func(key string) error
	down  error
}

func (b *bucket) put(key string, named time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items[key] = named
}

func (b *bucket) place() Place[string] {
	return Place[string]{
		List: func(_ context.Context, look Look, each func(Item[string]) error) error {
			b.mu.Lock()
			down, snapshot := b.down, maps.Clone(b.items)
			b.mu.Unlock()
			if down != nil {
				return down
			}
			for _, key := range slices.Sorted(maps.Keys(snapshot)) {
				if snapshot[key].Before(look.Since) {
					continue
				}
				if err := each(Item[string]{Key: key, Time: snapshot[key], Value: key}); err != nil {
					return err
				}
			}
			return nil
		},
		Read: func(ctx context.Context, key string) ([][]byte, error) {
			// Reading takes a while, and not always as long.
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Duration(len(key)%7) * 10 * time.Millisecond):
			}
			if b.fail != nil {
				if err := b.fail(key); err != nil {
					return nil, err
				}
			}
			return [][]byte{[]byte(key)}, nil
		},
	}
}

// TestUnionOnce puts items in random order of keys, each late by up to the
// window, while they are followed by one run after the other that end at any
// moment, with a state file, also with looks and reads that fail. What was
// given is what was put, once each.
func TestUnionOnce(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { unionOnce(t, seed) }) })
	}
}

func unionOnce(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	const lookBack = 3 * time.Hour
	b := &bucket{items: map[string]time.Time{}}
	var failing sync.Mutex
	refuse := random.Float64() / 3
	b.fail = func(key string) error {
		failing.Lock()
		defer failing.Unlock()
		if random.Float64() < refuse {
			return errors.New("slow down")
		}
		return nil
	}
	b.put("old", time.Now().Add(-time.Hour))

	given := map[string]int{}
	file := filepath.Join(t.TempDir(), "state")
	run := func(ctx context.Context) {
		state, err := OpenState(file, "here")
		if err != nil {
			t.Fatal(err)
		}
		defer state.Close()
		o := Options{
			Every: 40 * time.Second, Near: 10 * time.Minute, LookBack: lookBack, Sweep: 7 * time.Minute, InFlight: 8,
			State: state, Warn: func(error) {},
		}
		err = Run(ctx, b.place(), o, func(_ string, records [][]byte) error {
			for _, r := range records {
				given[string(r)]++
			}
			return nil
		})
		if err != nil {
			t.Errorf("run: %v", err)
		}
	}

	put := map[string]int{}
	var world sync.WaitGroup
	end := time.Now().Add(14 * time.Hour)
	// The runs: each ends at some moment, the next begins some time after.
	world.Go(func() {
		for time.Now().Before(end.Add(2 * time.Hour)) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(3*3600))*time.Second+time.Minute)
			run(ctx)
			cancel()
			if time.Now().Before(end) {
				time.Sleep(time.Duration(random.IntN(90)) * time.Minute)
			}
		}
	})
	time.Sleep(time.Second) // the first look is made
	source := rand.New(rand.NewPCG(seed, 2))
	for time.Now().Before(end) {
		late := time.Duration(source.Float64() * float64(lookBack))
		if source.IntN(3) > 0 {
			late = -time.Duration(source.IntN(300)) * time.Second // names are ahead, as a rule
		}
		key := fmt.Sprintf("%x%0*d", source.Uint64(), source.IntN(9), len(put))
		put[key]++
		b.put(key, time.Now().Add(-late))
		time.Sleep(time.Duration(source.IntN(300)) * time.Second)
	}
	world.Wait()
	if !maps.Equal(put, given) {
		for key := range put {
			if given[key] != 1 {
				t.Errorf("%s was given %d times", key, given[key])
			}
		}
		t.Errorf("%d items were put, %d given", len(put), len(given))
	}
}

// follow follows a place in memory for some time and returns what was given.
func follow(t *testing.T, b *bucket, o Options, length time.Duration) (given []string, warned []string) {
	t.Helper()
	o.Every, o.Near, o.Sweep = time.Minute, 10*time.Minute, 10*time.Minute
	if o.LookBack == 0 {
		o.LookBack = time.Hour
	}
	if o.State == nil {
		o.State = NewState()
	}
	o.Warn = func(err error) { warned = append(warned, err.Error()) }
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	if err := Run(ctx, b.place(), o, func(_ string, records [][]byte) error {
		for _, r := range records {
			given = append(given, string(r))
		}
		return nil
	}); err != nil {
		t.Errorf("run: %v", err)
	}
	return given, warned
}

// TestFrom gives what was there before, from a time on, in the order of time.
func TestFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		b := &bucket{items: map[string]time.Time{"a": now.Add(-time.Minute), "b": now.Add(-5 * time.Hour), "c": now.Add(-3 * time.Hour), "d": now.Add(4 * time.Minute)}}
		if given, _ := follow(t, b, Options{}, time.Hour); len(given) != 0 {
			t.Errorf("%v was there before and was given", given)
		}
		b.items["d"] = time.Now()
		given, _ := follow(t, b, Options{From: now.Add(-4 * time.Hour), InFlight: 3}, time.Hour)
		if want := []string{"c", "a", "d"}; !slices.Equal(given, want) {
			t.Errorf("got %v, want %v", given, want)
		}
	})
}

// TestWindow forgets what has left the window and does not give it again.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{items: map[string]time.Time{}}
		go func() {
			for i := range 48 {
				time.Sleep(time.Hour)
				b.put(fmt.Sprint(i), time.Now())
			}
		}()
		state := NewState()
		given, _ := follow(t, b, Options{State: state, LookBack: 3 * time.Hour}, 49*time.Hour)
		if len(given) != 48 {
			t.Errorf("%d of 48 were given", len(given))
		}
		if len(state.seen) > 5 {
			t.Errorf("%d items are remembered for a window of 3", len(state.seen))
		}
	})
}

// TestFailures tells once what fails, and goes on.
func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{items: map[string]time.Time{}, fail: func(key string) error { return fmt.Errorf("read %s: denied", key) }}
		go func() {
			time.Sleep(90 * time.Second)
			b.put("x", time.Now())
			time.Sleep(3 * time.Minute)
			b.mu.Lock()
			b.down = errors.New("the network is down")
			b.mu.Unlock()
			time.Sleep(90 * time.Minute)
			b.mu.Lock()
			b.down = nil
			b.fail = nil
			b.mu.Unlock()
		}()
		// It was down for longer than the near part, not than the window.
		given, warned := follow(t, b, Options{LookBack: 2 * time.Hour}, 3*time.Hour)
		if want := []string{"x"}; !slices.Equal(given, want) {
			t.Errorf("got %v, want %v", given, want)
		}
		if want := []string{"read x: denied; it is tried again", "the network is down; it is tried again"}; !slices.Equal(warned, want) {
			t.Errorf("warned of %q, want %q", warned, want)
		}
	})
	down := errors.New("no such bucket")
	err := Run(t.Context(), (&bucket{down: down}).place(), Options{State: NewState()}, nil)
	if !errors.Is(err, down) {
		t.Errorf("a first look that fails is %v", err)
	}
}

// TestWriteFails ends with the error, and the item counts as not given.
func TestWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{items: map[string]time.Time{"a": time.Now(), "b": time.Now()}}
		full, state := errors.New("disk full"), NewState()
		o := Options{From: time.Now().Add(-time.Hour), LookBack: time.Hour, State: state, InFlight: 4}
		err := Run(t.Context(), b.place(), o, func(_ string, r [][]byte) error {
			if string(r[0]) == "b" {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) || !state.has(fingerprint("a")) || state.has(fingerprint("b")) {
			t.Errorf("%v, and %v is remembered", err, state.seen)
		}
	})
}
