package cloudtrail

import (
	"context"
	"sync"
	"time"
)

// The rate of LookupEvents, and of ListInsightsData, for each account and region:
// AWS's 2 a second (spec 4.2). How many calls at once AWS lets pass is not documented;
// here lookupBurst do. A call that would come too early is answered later, by up to
// lookupDelay, so that a client that asks for one page after the other is slowed down and never
// refused; of calls made side by side, those that would have to wait longer are.
const (
	lookupEvery = 500 * time.Millisecond
	lookupBurst = 10
	lookupDelay = time.Second
)

// lookupRate keeps the rate of one of them.
type lookupRate struct {
	mu sync.Mutex
	// next is, for each account and region, when the next call would come in time
	// if no calls at once were let pass.
	next map[string]time.Time
}

// wait returns when the call is in time, or refuses it.
func (r *lookupRate) wait(ctx context.Context, who string, clock func() time.Time) error {
	delay, ok := r.reserve(who, clock())
	if !ok {
		return refuse("ThrottlingException", "Rate exceeded")
	}
	if delay <= 0 {
		return nil
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reserve takes the next place in time, unless it is too far away.
func (r *lookupRate) reserve(who string, now time.Time) (delay time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = map[string]time.Time{}
	}
	for k, t := range r.next { // as many as accounts and regions that called of late
		if t.Before(now) {
			delete(r.next, k)
		}
	}
	at, busy := r.next[who]
	if !busy {
		at = now
	}
	if delay = at.Sub(now) - (lookupBurst-1)*lookupEvery; delay > lookupDelay {
		return 0, false
	}
	r.next[who] = at.Add(lookupEvery)
	return delay, true
}
