package engine

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// gate lets calls through, or lets them wait while the engine rests: a backup is
// of one instant, and comes to its end when nothing is written for a moment.
type gate struct {
	mu    sync.Mutex
	calls int           // under way
	rest  chan struct{} // not nil while resting; closed at its end
	quiet chan struct{} // not nil while somebody waits for calls to be 0
}

// maxRest bounds how long calls wait, whoever asked for it; restPatience is how
// long is waited for those under way, which may be long uploads.
const (
	maxRest      = 2 * time.Minute
	restPatience = 5 * time.Second
)

var errResting = errors.New("a backup is being made already; wait for it to end")

// enter waits until calls may run. It reports false if ctx ends before.
func (g *gate) enter(ctx context.Context) bool {
	for {
		g.mu.Lock()
		rest := g.rest
		if rest == nil {
			g.calls++
			g.mu.Unlock()
			return true
		}
		g.mu.Unlock()
		select {
		case <-rest:
		case <-ctx.Done():
			return false
		}
	}
}

// leave ends a call that entered.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls--; g.calls == 0 && g.quiet != nil {
		close(g.quiet)
		g.quiet = nil
	}
}

// close lets calls wait from now on, and returns when none is under way, or after
// restPatience. The channel is closed when the rest ends.
func (g *gate) close(ctx context.Context) (<-chan struct{}, error) {
	g.mu.Lock()
	if g.rest != nil {
		g.mu.Unlock()
		return nil, errResting
	}
	rest := make(chan struct{})
	g.rest = rest
	var quiet chan struct{}
	if g.calls > 0 {
		quiet = make(chan struct{})
		g.quiet = quiet
	}
	g.mu.Unlock()
	if quiet != nil {
		select {
		case <-quiet:
		case <-time.After(restPatience):
		case <-ctx.Done():
		}
	}
	return rest, nil
}

// open ends the rest, if there is one.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rest != nil {
		close(g.rest)
		g.rest = nil
	}
	g.quiet = nil
}

// serveRest lets the engine rest until the client hangs up.
func (e *Engine) serveRest(w http.ResponseWriter, r *http.Request) {
	if !e.embedded {
		http.Error(w, "the engine keeps its records and its state in a NATS cluster, not in the data folder: back both up at one time with the tools of NATS", http.StatusConflict)
		return
	}
	rest, err := e.front.gate.close(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	defer e.front.gate.open()
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	select {
	case <-r.Context().Done():
	case <-rest: // the engine ends
	case <-time.After(maxRest):
		e.log.WarnContext(r.Context(), "calls go on although a backup is not finished", "after", maxRest)
	}
}
