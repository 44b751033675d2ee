// Package state keeps small configuration objects (users, trails, bucket
// settings, cursors) in a JetStream key-value bucket, and a copy of all of them
// in memory, so that reads never block and never fail.
//
//	writers ──compare-and-set──▶ bucket ──watch──▶ memory ──▶ Get, List
//	                                 ▲                 │
//	                                 └── write returns ┘ when its revision is here
//
// A write returns when it is durable (package natsd says on what assumptions)
// and visible in this process. Another process on the same cluster sees it when
// its watch delivers it, usually within a millisecond; compare-and-set protects
// against acting on what is not yet visible.
//
// If an error other than ErrExists, ErrNotFound, ErrConflict or the caller's own
// comes back from a write, its outcome is unknown: it may have happened.
//
// Memory that may be wrong must not be served: when the watch breaks, falls
// behind, or meets an object it cannot read, Store.Err says so and writes are
// refused. Whoever answers requests from a store checks Err.
package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrNotFound says that the row does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists says that the row exists already.
	ErrExists = errors.New("already exists")
	// ErrConflict says that others kept changing the row until the context ended.
	ErrConflict = errors.New("changed by others at the same time")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("state store closed")
	// ErrStale says that memory may be behind the bucket. It passes when the
	// store is reachable again and has caught up.
	ErrStale = errors.New("state may be out of date")
	// ErrUnreadable says that an object in the bucket is not what this version
	// writes. It does not pass.
	ErrUnreadable = errors.New("stored object cannot be read")
)

const (
	// checkEvery is how often memory is compared with the bucket's last revision,
	// and so how far behind it may fall before it counts as stale. A machine that
	// is busy syncing may well delay a change by seconds; refusing calls for that
	// would help nobody, as this process's own writes wait until they are seen.
	checkEvery = 10 * time.Second
	// checkTimeout bounds one comparison.
	checkTimeout = 5 * time.Second
	// maxReplicas is how many servers of a cluster keep the bucket.
	maxReplicas = 3
)

// raw is one object as the bucket holds it.
type raw struct {
	rev  uint64
	json []byte
}

// Store is one bucket. Its methods may be called concurrently.
type Store struct {
	kv     jetstream.KeyValue
	js     jetstream.JetStream
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.RWMutex
	rev     uint64          // everything up to here has been applied
	applied chan struct{}   // closed and replaced whenever rev or err changes
	err     error           // fatal: stays
	stale   error           // passes: what check found
	behind  bool            // the watch was lost and has not caught up again
	failed  chan struct{}   // closed when err is set
	tables  map[string]rows // registered tables
	early   map[string]raw  // rows of tables nobody has registered yet, by bucket key
}

// Open opens the bucket, creating it if it does not exist (with three replicas
// if js leads to a cluster), and returns when all of it is in memory.
func Open(ctx context.Context, js jetstream.JetStream, bucket string) (*Store, error) {
	return open(ctx, js, bucket, checkEvery)
}

func open(ctx context.Context, js jetstream.JetStream, bucket string, every time.Duration) (*Store, error) {
	kv, err := openBucket(ctx, js, bucket)
	if err != nil {
		return nil, err
	}
	st, err := kv.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read status of state bucket %s: %w", bucket, err)
	}
	last, err := lastRevision(st)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)            // ctx bounds the opening only
	status := js.Conn().StatusChanged(nats.CONNECTED) // before the watch: a reconnect during it counts
	watch, err := kv.WatchAll(life)
	if err != nil {
		cancel()
		js.Conn().RemoveStatusListener(status)
		return nil, fmt.Errorf("watch state bucket %s: %w", bucket, err)
	}
	s := &Store{
		kv: kv, js: js, cancel: cancel,
		applied: make(chan struct{}), failed: make(chan struct{}),
		tables: map[string]rows{}, early: map[string]raw{},
	}
	err = s.load(ctx, watch, last)
	s.done.Go(func() { s.follow(life, watch, status) })
	if err != nil || !stop() {
		s.Close()
		return nil, fmt.Errorf("load state bucket %s: %w", bucket, errors.Join(err, ctx.Err()))
	}
	s.done.Go(func() { s.check(life, every) })
	return s, nil
}

func openBucket(ctx context.Context, js jetstream.JetStream, bucket string) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		replicas := 1
		if js.Conn().ConnectedClusterName() != "" {
			replicas = maxReplicas
		}
		// A crash right after this leaves an empty bucket, which the next Open uses.
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: bucket, History: 1, Storage: jetstream.FileStorage, Replicas: replicas,
			Description: "cairn configuration state",
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open state bucket %s: %w", bucket, err)
	}
	return kv, nil
}

// lastRevision returns the newest revision the bucket has given out.
func lastRevision(st jetstream.KeyValueStatus) (uint64, error) {
	b, ok := st.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return 0, fmt.Errorf("status of state bucket %s has unknown type %T", st.Bucket(), st)
	}
	return b.StreamInfo().State.LastSeq, nil
}

// apply puts one update into memory.
func (s *Store) apply(e jetstream.KeyValueEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Revision() <= s.rev { // delivered again after a reconnect
		return
	}
	var v *raw
	if e.Operation() == jetstream.KeyValuePut {
		v = &raw{rev: e.Revision(), json: e.Value()}
	}
	name, key, _ := strings.Cut(e.Key(), ".")
	if t := s.tables[name]; t != nil {
		if err := t.set(key, v); err != nil {
			s.failLocked(err)
		}
	} else if v != nil {
		s.early[e.Key()] = *v
	} else {
		delete(s.early, e.Key())
	}
	s.rev = e.Revision()
	s.wakeLocked()
}

func (s *Store) wakeLocked() {
	close(s.applied)
	s.applied = make(chan struct{})
}

func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(err)
}

func (s *Store) failLocked(err error) {
	if s.err == nil {
		s.err = err
		close(s.failed)
		s.wakeLocked()
	}
}

// Err returns nil while memory is what the bucket holds, give or take what is on
// its way. Otherwise it wraps ErrStale, ErrUnreadable or ErrClosed, and what Get
// and List answer must not be acted on. It does no I/O.
func (s *Store) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.errLocked()
}

func (s *Store) errLocked() error {
	if s.err != nil {
		return s.err
	}
	if s.stale != nil {
		return s.stale
	}
	if s.behind {
		return fmt.Errorf("%w: the watch of the bucket was lost and is being resumed", ErrStale)
	}
	if c := s.js.Conn(); !c.IsConnected() {
		return fmt.Errorf("%w: connection to the message store is %s", ErrStale, strings.ToLower(c.Status().String()))
	}
	return nil
}

// Failed is closed when Err will not become nil again: the process must restart.
// Close closes it too.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// wait returns when ok, called with s.mu held for reading, reports true.
func (s *Store) wait(ctx context.Context, ok func() bool) error {
	for {
		s.mu.RLock()
		good, err, next := ok(), s.err, s.applied
		s.mu.RUnlock()
		if good {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stops the watch. Get and List keep answering from memory, Err says
// ErrClosed, and writes are refused.
func (s *Store) Close() {
	s.fail(ErrClosed)
	s.cancel()
	s.done.Wait()
}
