package journal

import (
	"testing"
	"testing/synctest"
)

// TestQueueIsBounded fills the queue: who comes then waits until there is room, and
// what is larger than the bound until there is nothing else.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		q.init(&Options{MaxPending: 1000, MaxBatchBytes: 1, MaxBatchRecords: 1}) // a batch for each
		put := func(size int) <-chan error {
			done := make(chan error, 1)
			go func() {
				done <- q.put(t.Context(), &request{chunk: make([]byte, size), count: 1, done: make(chan error, 1)})
			}()
			synctest.Wait()
			return done
		}
		in := func(what string, done <-chan error, want bool) {
			t.Helper()
			synctest.Wait()
			select {
			case err := <-done:
				if !want || err != nil {
					t.Errorf("%s is let in: %v", what, err)
				}
			default:
				if want {
					t.Errorf("%s waits", what)
				}
			}
		}
		in("the first", put(600), true)
		in("what just fits", put(400), true)
		one, huge := put(1), put(5000)
		in("one byte more", one, false)
		q.take() // the writer has the first, and still holds its memory
		in("one byte more", one, false)
		if _, bytes := q.pending(); bytes != 1000 {
			t.Errorf("%d bytes are pending", bytes)
		}
		q.finish([]*request{{chunk: make([]byte, 600), count: 1, done: make(chan error, 1)}}, nil)
		in("one byte, with room", one, true)
		in("more than the bound", huge, false)
		for range 2 {
			q.finish(q.take(), nil)
		}
		in("more than the bound, alone", huge, true)
	})
}
