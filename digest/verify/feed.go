package verify

import (
	"context"
	"time"
)

// ahead is how many digests of a chain are read before the walk needs them.
const ahead = 32

// stop is a digest that a listing named.
type stop struct {
	key string
	end time.Time
}

// feed reads the digests at a spot in parallel and hands them out newest first.
type feed struct {
	run   *run
	at    spot
	stops []stop // not yet begun to read, oldest first
	ready []chan *loaded
}

// next returns the next older digest; nil if there is none. ctx ends reading
// ahead.
func (f *feed) next(ctx context.Context) (*loaded, error) {
	for len(f.ready) < ahead && len(f.stops) > 0 {
		key := f.stops[len(f.stops)-1].key
		f.stops = f.stops[:len(f.stops)-1]
		done := make(chan *loaded, 1)
		f.ready = append(f.ready, done)
		// It ends by itself: loading heeds ctx and the channel has room. Run
		// waits for it, so that no reading outlives the run.
		f.run.work.Go(func() { done <- f.run.load(ctx, f.at, key) })
	}
	if len(f.ready) == 0 {
		return nil, ctx.Err()
	}
	d := <-f.ready[0]
	f.ready = f.ready[1:]
	return d, ctx.Err()
}
