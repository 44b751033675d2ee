package objects

import (
	"fmt"
	"runtime"
	"sync"
)

// Bounds on threads: so many calls run at once, and so many threads stay
// around for the next ones. There are more than the engine lets calls run, and
// deliveries beside them: the calls of one account, which may be held up by slow
// bodies or wait for one key, can then not have all of them.
const (
	maxThreads  = 1024
	idleThreads = 16
)

// threads runs functions on operating system threads whose current folder is
// dir. versitygw's POSIX backend opens every file relative to the current
// folder of the process, which would tie the whole process (and every other
// engine in it) to one folder.
//
// A function that is run must not start goroutines that use relative paths.
type threads struct {
	dir string
	// slots bounds the running calls; idle holds threads that wait for one.
	slots chan struct{}
	idle  chan *thread

	mu     sync.Mutex // guards closed against workers parking
	closed bool
	wg     sync.WaitGroup
}

// thread is one locked thread and the way to hand it a function.
type thread struct {
	jobs chan func()
}

func newThreads(dir string) (*threads, error) {
	t := &threads{dir: dir, slots: make(chan struct{}, maxThreads), idle: make(chan *thread, idleThreads)}
	// The first thread shows whether the system lets threads have their own
	// folder at all; it is kept for the first call.
	w, err := t.start()
	if err != nil {
		return nil, err
	}
	t.park(w)
	return t, nil
}

// start makes a thread that stands in t.dir.
func (t *threads) start() (*thread, error) {
	w := &thread{jobs: make(chan func())}
	ready := make(chan error)
	t.wg.Go(func() {
		// Never unlocked: the thread ends with this goroutine, because its
		// folder makes it unfit for anything else.
		runtime.LockOSThread()
		err := enter(t.dir)
		ready <- err
		if err != nil {
			return
		}
		for job := range w.jobs {
			job()
		}
	})
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("give a thread the current folder %s: %w", t.dir, err)
	}
	return w, nil
}

// do runs f on a thread that stands in t.dir and returns its error. A panic of
// f is raised again in the caller.
func (t *threads) do(f func() error) error {
	t.slots <- struct{}{}
	defer func() { <-t.slots }()
	var w *thread
	select {
	case w = <-t.idle:
	default:
		var err error
		if w, err = t.start(); err != nil {
			return err
		}
	}
	var (
		err      error
		panicked any
		done     = make(chan struct{})
	)
	w.jobs <- func() {
		defer close(done)
		defer func() { panicked = recover() }()
		err = f()
	}
	<-done
	t.park(w)
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// park keeps w for the next call, or ends it if enough threads wait.
func (t *threads) park(w *thread) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		select {
		case t.idle <- w:
			return
		default:
		}
	}
	close(w.jobs)
}

// close ends the threads. No call may run or follow.
func (t *threads) close() {
	t.mu.Lock()
	t.closed = true
	close(t.idle)
	for w := range t.idle {
		close(w.jobs)
	}
	t.mu.Unlock()
	t.wg.Wait()
}
