package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cairn/internal/gateway"
)

// ops tells operators how the engine is: health and metrics, over plain HTTP on
// an address of their own. It asks for no credentials and shows no secret, but
// names of accounts and trails.
type ops struct {
	listener net.Listener // nil without an address
	http     *http.Server
	registry *prometheus.Registry
	answers  answers
	running  sync.WaitGroup

	mu     sync.Mutex
	last   []check // of the checks, kept for readyFor
	looked time.Time
}

// readyFor is how long what the checks found is answered again: whoever may ask
// must not be able to keep the engine busy.
const readyFor = time.Second

// probeSize is how many bytes must fit into the data folder.
const probeSize = 4 << 10

// checkTimeout bounds the checks of one look, and the collection of metrics.
const checkTimeout = 5 * time.Second

func openOps(ctx context.Context, o *Options) (*ops, error) {
	s := &ops{registry: prometheus.NewRegistry(), answers: newAnswers()}
	s.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		s.answers.requests, s.answers.seconds, s.answers.refused,
	)
	if o.Admin == "" {
		return s, nil
	}
	var err error
	s.listener, err = listenAt(ctx, o.Admin, "--admin", o.Insecure)
	return s, err
}

// serve answers from now on.
func (s *ops) serve(e *Engine) {
	s.registry.MustRegister(&collector{e})
	if s.listener == nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok") // whoever answers is alive
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { s.answerReady(w, r, e) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		// What cannot be collected is left out, and its being left out is logged:
		// the rest is wanted most when something is wrong.
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: promLog{e}, MaxRequestsInFlight: 2, Timeout: 2 * checkTimeout,
	}))
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: checkTimeout, WriteTimeout: 4 * checkTimeout, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	s.running.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			e.failed <- fmt.Errorf("serve %s: %w", s.url(), err)
		}
	})
}

func (s *ops) url() string {
	if s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String()
}

func (s *ops) close() error {
	switch {
	case s.http != nil:
		err := s.http.Close()
		s.running.Wait()
		return err
	case s.listener != nil:
		return s.listener.Close()
	}
	return nil
}

// observe counts an answer of the endpoint.
func (s *ops) observe(a gateway.Answer) { s.answers.add(a) }

// check is one thing that has to be so for the engine to do its work.
type check struct {
	Name string `json:"check"`
	OK   bool   `json:"ok"`
	// Text says what is wrong. A check that is OK can have one, too: of what only
	// the owner of an account can mend.
	Text string `json:"text,omitempty"`
}

// answerReady answers 200 if all checks are OK and 503 otherwise, with the checks.
func (s *ops) answerReady(w http.ResponseWriter, r *http.Request, e *Engine) {
	checks := s.look(r.Context(), e)
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": status == http.StatusOK, "checks": checks}) // a client that went away
}

// look returns what the checks find, or found a moment ago.
func (s *ops) look(ctx context.Context, e *Engine) []check {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := time.Since(s.looked); s.last != nil && age >= 0 && age < readyFor {
		return s.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout) // others get the answer, too
	defer cancel()
	s.last = e.checks(ctx)
	s.looked = time.Now()
	return s.last
}

// checks looks at everything a call needs, and at delivery.
func (e *Engine) checks(ctx context.Context) []check {
	result := func(name string, err error) check {
		if err != nil {
			return check{Name: name, Text: err.Error()}
		}
		return check{Name: name, OK: true}
	}
	return []check{
		result("folder", e.dir.write(probeFile, make([]byte, probeSize))), result("state", e.ready()), result("journal", e.journalMoves(ctx)),
		result("objects", e.objects.Ping(ctx)), e.deliveryCheck(),
	}
}

// journalMoves returns an error if records wait for the journal and it takes none.
func (e *Engine) journalMoves(ctx context.Context) error {
	first := e.journal.Stats()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s := e.journal.Stats()
		if s.PendingRecords == 0 || s.Batches > first.Batches {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("write to the journal: %d records wait and none was written for %s", s.PendingRecords, checkTimeout)
		}
	}
}

// deliveryCheck is OK while no destination fails by our own fault. A bucket that
// is gone or refuses is its owner's to mend: that is told, and counted.
func (e *Engine) deliveryCheck() check {
	c := check{Name: "delivery", OK: true}
	var texts []string
	for _, row := range e.tables.Progress.List() {
		if code := row.Value.Error; code != "" {
			texts = append(texts, fmt.Sprintf("%s: %s", strings.Join(row.Key, "/"), code))
			if !ownersFault(code) {
				c.OK = false
			}
		}
	}
	c.Text = strings.Join(texts, "; ")
	return c
}

// ownersFault reports whether a delivery's error code says that a destination
// refuses, or is not there.
func ownersFault(code string) bool {
	return !strings.HasPrefix(code, "Internal") && !strings.HasPrefix(code, "ServiceUnavailable") && code != "SlowDown"
}

// promLog passes what goes wrong while metrics are collected to the engine's log.
type promLog struct{ e *Engine }

// Println implements promhttp.Logger.
func (l promLog) Println(v ...any) {
	l.e.log.Warn("metrics are incomplete", "error", strings.TrimSpace(fmt.Sprintln(v...)))
}
