// Package queries runs Logs Insights queries over log groups in the background
// and keeps their results for a while, in memory and, so that a restart does not
// lose them, in files of a folder.
package queries

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"cairn/internal/lake/segment"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
)

var (
	// ErrNotFound says that the owner has no such query, or not any more.
	ErrNotFound = errors.New("query does not exist")
	// ErrEnded says that the query cannot be stopped since it has ended.
	ErrEnded = errors.New("query is not running")
	// ErrTooMany says that the owner's queries under way are as many as may be.
	ErrTooMany = errors.New("too many queries are scheduled or running")
)

// Status is how far a query is, as the service calls it.
type Status string

// The statuses of queries.
const (
	Scheduled Status = "Scheduled"
	Running   Status = "Running"
	Complete  Status = "Complete"
	Failed    Status = "Failed"
	Cancelled Status = "Cancelled"
	Timeout   Status = "Timeout"
)

// Source is where events are read: a *loggroup.Store.
type Source interface {
	// Scan calls each with every event that the query selects until it returns
	// false, about in order of time. The message may be overwritten when each
	// returns.
	Scan(ctx context.Context, q *loggroup.Query, each func(pos loggroup.Position, stream string, message []byte, ingestion int64) bool) error
}

// Options configures a Runner. Every zero value is usable.
type Options struct {
	// Log receives why queries failed; nil drops it.
	Log *slog.Logger
	// Dir is the folder that keeps queries and results over a restart; empty
	// keeps them in memory alone.
	Dir string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Timeout ends a query that takes longer; 0 means an hour (spec 6.6).
	Timeout time.Duration
	// MostActive is how many queries of one owner may be scheduled or running; 0
	// means 100 (spec 6.6).
	MostActive int
	// Workers is how many queries read at the same time; 0 means as many as
	// there are processors. The others are Scheduled.
	Workers int
	// Keep is how long a query and its result stay after it ended; 0 means 7
	// days (spec 6.6). KeepBytes bounds about how much memory, and of the folder,
	// the ended queries of all owners take: the oldest go first; 0 means 256 MiB.
	Keep      time.Duration
	KeepBytes int64
	// Groups and Bytes bound one query: see loginsights.Options.
	Groups int
	Bytes  int64
}

// Owner is whose queries they are. Nobody else sees them.
type Owner struct{ Account, Region string }

// Spec is a query to run.
type Spec struct {
	Owner Owner
	// Caller is the ARN of who asks.
	Caller string
	Groups []loggroup.Ref
	Query  *loginsights.Query
	// Start and End bound the timestamps, in milliseconds, both included.
	Start, End int64
	// Rows is the most rows of the result; 0 means the language's default.
	Rows int
}

// Statistics count what a query did.
type Statistics struct {
	// Matched are the events that the first filters kept; Scanned are those
	// looked at, and Bytes their messages. What an index tells to hold none that
	// match is not looked at.
	Matched, Scanned, Bytes int64
}

// Info describes a query.
type Info struct {
	ID      string
	Spec    *Spec
	Status  Status
	Created time.Time
	// Took is how long it has been running, or did.
	Took       time.Duration
	Statistics Statistics
	// Err is why it failed; nil if it did not.
	Err error
}

// Runner runs queries. Its methods may be called concurrently.
type Runner struct {
	o     Options
	src   Source
	ctx   context.Context // of all queries; ended by Close
	stop  context.CancelFunc
	work  sync.WaitGroup
	slots chan struct{}
	dir   *segment.Folder // nil: memory alone

	mu      sync.Mutex
	queries map[string]*query
	order   []*query // by creation
	kept    int64    // bytes of the results of ended queries
}

// New returns a Runner. The caller closes it.
func New(src Source, o Options) *Runner {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Hour
	}
	if o.MostActive <= 0 {
		o.MostActive = 100
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Keep <= 0 {
		o.Keep = 7 * 24 * time.Hour
	}
	if o.KeepBytes <= 0 {
		o.KeepBytes = 256 << 20
	}
	r := &Runner{o: o, src: src, slots: make(chan struct{}, o.Workers), queries: map[string]*query{}}
	if o.Dir != "" {
		r.dir = &segment.Folder{Dir: o.Dir}
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Close cancels what is under way and waits for its end.
func (r *Runner) Close() {
	r.stop()
	r.work.Wait()
}

// Start begins a query and returns its ID. It does not wait.
func (r *Runner) Start(s *Spec) (string, error) {
	now := r.o.Now()
	run, err := s.Query.Run(loginsights.Options{Now: now, Rows: s.Rows, Groups: r.o.Groups, Bytes: r.o.Bytes})
	if err != nil {
		return "", err
	}
	q := &query{id: uuid.NewString(), spec: s, created: now, run: run, outcome: outcome{status: Scheduled}}
	var ctx context.Context
	ctx, q.cancel = context.WithCancel(r.ctx)
	if err := r.admit(q); err != nil {
		q.cancel()
		return "", fmt.Errorf("start a query: %w", err)
	}
	// A crash from here on leaves a query that had not ended.
	if err := r.save(q.describe(outcome{status: Running})); err != nil {
		q.cancel()
		r.withdraw(q)
		return "", fmt.Errorf("start a query: %w", err)
	}
	r.work.Go(func() {
		defer q.cancel()
		r.run(ctx, q)
	})
	return q.id, nil
}

// admit adds a query to the others, unless they are too many.
func (r *Runner) admit(q *query) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(q.created)
	active := 0
	for _, other := range r.order {
		if other.spec.Owner == q.spec.Owner && other.active() {
			active++
		}
	}
	if active >= r.o.MostActive {
		return fmt.Errorf("%w (%d)", ErrTooMany, active)
	}
	r.queries[q.id] = q
	r.order = append(r.order, q)
	return nil
}

// withdraw takes back what admit did.
func (r *Runner) withdraw(q *query) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.queries, q.id)
	r.order = slices.DeleteFunc(r.order, func(other *query) bool { return other == q })
}

// run takes a query from start to end.
func (r *Runner) run(ctx context.Context, q *query) {
	var err error
	select {
	case r.slots <- struct{}{}:
		ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errTimeout)
		q.begin(r.o.Now())
		err = q.read(ctx, r.src)
		cancel()
		<-r.slots
	case <-ctx.Done():
		err = ctx.Err()
	}
	end := q.end(r.o.Now(), err)
	if end.err != nil {
		r.o.Log.WarnContext(ctx, "Logs Insights query failed", "query", q.id, "account", q.spec.Owner.Account, "error", end.err)
	}
	// The result is kept before anybody sees it, so that a crash does not take
	// back what was seen. One that Close cuts short is left as by a crash.
	if end.status != Cancelled || r.ctx.Err() == nil {
		if err := r.save(q.describe(end)); err != nil {
			r.o.Log.ErrorContext(ctx, "result of a Logs Insights query will be lost when the engine ends", "query", q.id, "error", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept += end.size
	q.publish(end)
	r.expire(r.o.Now())
}

// expire forgets queries that ended long ago, and the oldest results if they are
// too much. The Runner is locked.
func (r *Runner) expire(now time.Time) {
	r.order = slices.DeleteFunc(r.order, func(q *query) bool {
		ended, size := q.ended()
		if ended.IsZero() || r.kept <= r.o.KeepBytes && now.Sub(ended) < r.o.Keep {
			return false
		}
		delete(r.queries, q.id)
		r.kept -= size
		r.forget(q.id)
		return true
	})
}

// find returns a query of the owner.
func (r *Runner) find(owner Owner, id string) (*query, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(r.o.Now())
	q := r.queries[id]
	if q == nil || q.spec.Owner != owner {
		return nil, ErrNotFound
	}
	return q, nil
}

// Get returns a query and its result: all of it, or what is known so far. Rows
// must not be changed.
func (r *Runner) Get(owner Owner, id string) (Info, [][]loginsights.Field, error) {
	q, err := r.find(owner, id)
	if err != nil {
		return Info{}, nil, err
	}
	rows := q.result()
	return q.info(r.o.Now()), rows, nil
}

// Stop cancels a query, which keeps the result it has. It waits for its end.
func (r *Runner) Stop(owner Owner, id string) error {
	q, err := r.find(owner, id)
	if err != nil {
		return err
	}
	return q.stop()
}

// List returns the owner's queries, the latest first.
func (r *Runner) List(owner Owner) []Info {
	now := r.o.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(now)
	var list []Info
	for _, q := range slices.Backward(r.order) {
		if q.spec.Owner == owner {
			list = append(list, q.info(now))
		}
	}
	return list
}
