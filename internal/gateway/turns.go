package gateway

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// errBusy says that there was no turn: too many wait, or for too long.
var errBusy = errors.New("no turn came")

// bounds say how much of something calls may take at once, and how many may wait
// for it.
type bounds struct {
	// all is what all calls may take together, share what those of one account
	// may: whatever one account does, the rest is there for others.
	all, share int64
	// queue is how many calls of one account may wait, wait for how long.
	queue int
	wait  time.Duration
}

// turns hands out something of which there is little: an amount to each call,
// to one account after the other. An account that waits with a thousand calls
// has its next turn after every other account that waits, so the wait of an
// account depends on how many accounts there are, not on how much they call.
type turns struct {
	bounds

	mu    sync.Mutex
	taken int64
	lines map[string]*line // accounts that have or want something
	next  []*line          // those that wait, in order of their turns
}

// line is the calls of one account.
type line struct {
	account string
	taken   int64
	waiting []*turn // the oldest first
}

// turn is one call that waits.
type turn struct {
	amount int64
	come   chan struct{} // closed when the amount is the call's
}

func newTurns(b bounds) *turns { return &turns{bounds: b, lines: map[string]*line{}} }

// take waits for an amount, which is at most an account's share. It returns what
// gives it back, which may be called more than once; or errBusy, or ctx's error.
func (t *turns) take(ctx context.Context, account string, amount int64) (free func(), err error) {
	t.mu.Lock()
	l := t.lines[account]
	if l == nil {
		l = &line{account: account}
		t.lines[account] = l
	}
	if len(l.waiting) == 0 && t.fits(l, amount) && !t.promised() {
		t.give(l, amount)
		t.mu.Unlock()
		return t.free(l, amount), nil
	}
	if len(l.waiting) >= t.queue {
		t.mu.Unlock()
		return nil, errBusy
	}
	w := &turn{amount: amount, come: make(chan struct{})}
	if l.waiting = append(l.waiting, w); len(l.waiting) == 1 {
		t.next = append(t.next, l)
	}
	t.mu.Unlock()

	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case <-w.come:
		return t.free(l, amount), nil
	case <-timer.C:
		err = errBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	if t.leave(l, w) {
		return nil, err
	}
	return t.free(l, amount), nil // it came just now
}

// fits reports whether a line can have an amount.
func (t *turns) fits(l *line, amount int64) bool {
	return t.taken+amount <= t.all && l.taken+amount <= t.share
}

// promised reports whether what is left belongs to a call that waits: large
// amounts would never come if small ones went before them.
func (t *turns) promised() bool {
	return slices.ContainsFunc(t.next, func(l *line) bool { return l.taken+l.waiting[0].amount <= t.share })
}

func (t *turns) give(l *line, amount int64) { t.taken, l.taken = t.taken+amount, l.taken+amount }

// free returns the function that gives an amount back.
func (t *turns) free(l *line, amount int64) func() {
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.give(l, -amount)
		t.advance()
		t.forget(l)
	})
}

// leave takes a call out of its line, and reports whether it still waited.
func (t *turns) leave(l *line, w *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(l.waiting, w)
	if i < 0 {
		return false
	}
	if l.waiting = slices.Delete(l.waiting, i, i+1); len(l.waiting) == 0 {
		t.next = slices.DeleteFunc(t.next, func(x *line) bool { return x == l })
	}
	t.advance() // it may have stood before smaller ones
	t.forget(l)
	return true
}

// advance hands out what is there: to the first line whose share has room for it,
// which then goes to the end.
func (t *turns) advance() {
	for i := 0; i < len(t.next); {
		l := t.next[i]
		w := l.waiting[0]
		if l.taken+w.amount > t.share {
			i++ // it waits for itself only
			continue
		}
		if t.taken+w.amount > t.all {
			return
		}
		t.give(l, w.amount)
		close(w.come)
		l.waiting = slices.Delete(l.waiting, 0, 1)
		t.next = slices.Delete(t.next, i, i+1)
		if len(l.waiting) > 0 {
			t.next = append(t.next, l)
		}
		i = 0
	}
}

// forget drops a line nobody is in.
func (t *turns) forget(l *line) {
	if l.taken == 0 && len(l.waiting) == 0 && t.lines[l.account] == l {
		delete(t.lines, l.account)
	}
}
