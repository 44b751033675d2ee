package journal

import (
	"context"
	"sync"
	"time"
)

// request is what one Append hands over.
type request struct {
	chunk []byte // its records, encoded
	count int
	// records is how many of them are records: none of an intent's.
	records uint64
	done    chan error // gets the outcome; has room for it, so nobody waits for a caller who left
}

// queue holds requests until the writer takes them, in order.
type queue struct {
	o *Options

	mu      sync.Mutex
	list    []*request
	closed  bool
	records int           // in list and with the writer
	bytes   int           // the same
	more    chan struct{} // has a token when list may have grown or closed was set
	room    chan struct{} // closed and replaced when bytes shrinks or closed is set
}

func (q *queue) init(o *Options) {
	q.o, q.more, q.room = o, make(chan struct{}, 1), make(chan struct{})
}

// put adds a request, waiting until there is room. One that is larger than the
// bound itself is let in when nothing else is pending.
func (q *queue) put(ctx context.Context, r *request) error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return ErrClosed
		}
		if q.bytes == 0 || q.bytes+len(r.chunk) <= q.o.MaxPending {
			q.list = append(q.list, r)
			q.bytes += len(r.chunk)
			q.records += r.count
			q.mu.Unlock()
			q.signal()
			return nil
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (q *queue) signal() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// withdraw takes back a request and reports whether the writer had not got it.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, x := range q.list {
		if x == r {
			q.list = append(q.list[:i], q.list[i+1:]...)
			q.releaseLocked(r)
			return true
		}
	}
	return false
}

// take waits for requests and returns a batch of them; nil after close, when
// all have been taken.
func (q *queue) take() []*request {
	for {
		q.mu.Lock()
		empty, closed := len(q.list) == 0, q.closed
		q.mu.Unlock()
		if !empty {
			break
		}
		if closed {
			return nil
		}
		<-q.more
	}
	if q.o.Linger > 0 {
		q.linger()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes, records := 0, 0, 0
	for _, r := range q.list {
		if n > 0 && (bytes+len(r.chunk) > q.o.MaxBatchBytes || records+r.count > q.o.MaxBatchRecords) {
			break
		}
		n, bytes, records = n+1, bytes+len(r.chunk), records+r.count
	}
	batch := make([]*request, n)
	copy(batch, q.list)
	rest := copy(q.list, q.list[n:])
	clear(q.list[rest:])
	q.list = q.list[:rest]
	return batch
}

// linger waits until a full batch is there, the time is over, or close.
func (q *queue) linger() {
	t := time.NewTimer(q.o.Linger)
	defer t.Stop()
	for {
		q.mu.Lock()
		bytes, records := 0, 0
		for _, r := range q.list {
			bytes, records = bytes+len(r.chunk), records+r.count
		}
		enough := q.closed || bytes >= q.o.MaxBatchBytes || records >= q.o.MaxBatchRecords
		q.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-q.more:
		case <-t.C:
			return
		}
	}
}

// finish tells the requests of a batch their outcome and makes room.
func (q *queue) finish(batch []*request, err error) {
	q.mu.Lock()
	for _, r := range batch {
		q.releaseLocked(r)
	}
	q.mu.Unlock()
	for _, r := range batch {
		r.done <- err
	}
}

func (q *queue) releaseLocked(r *request) {
	q.bytes -= len(r.chunk)
	q.records -= r.count
	close(q.room)
	q.room = make(chan struct{})
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	close(q.room)
	q.room = make(chan struct{})
	q.mu.Unlock()
	q.signal()
}

func (q *queue) pending() (records, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.records, q.bytes
}
