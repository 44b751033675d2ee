//go:build crash

package crash

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// TestKill kills the engine at random moments under load, while it starts, and
// while it stops, and starts it again on the same folder.
func TestKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	for range *kills {
		w.life()
	}
	w.start()
	w.loadFor(500 * time.Millisecond)
	w.settle()
}

// life lets clients call until the engine is killed, and leaves it dead.
func (w *world) life() {
	after := time.Duration(w.rng.IntN(1200)) * time.Millisecond
	if w.rng.IntN(5) == 0 {
		after = time.Duration(w.rng.IntN(80)) * time.Millisecond // while it starts
	}
	if w.engine == nil {
		w.launch()
	}
	select {
	case <-w.engine.ended:
		w.launch()
	default:
	}
	e := w.engine
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		select {
		case <-e.ready:
			w.load(ctx)
		case <-e.ended:
		}
	}()
	time.Sleep(after)
	if w.rng.IntN(4) == 0 { // kill it while it stops
		e.signal(syscall.SIGTERM)
		time.Sleep(time.Duration(w.rng.IntN(100)) * time.Millisecond)
	}
	e.kill()
	cancel()
	<-loaded
}
