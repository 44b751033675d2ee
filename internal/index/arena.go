package index

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// blockSize is how much memory for records is taken at once.
const blockSize = 4 << 20

// arena is memory for records outside of the garbage collector's, which would
// take as much again: blocks that are used one batch after the other.
type arena struct {
	mu   sync.Mutex
	free [][]byte
	all  [][]byte
}

// take returns a block that is empty and has room for size bytes.
func (a *arena) take(size int) ([]byte, error) {
	if size > blockSize {
		return make([]byte, 0, size), nil // rare, and left to the collector
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		b := a.free[n-1]
		a.free = a.free[:n-1]
		return b, nil
	}
	b, err := unix.Mmap(-1, 0, blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("take memory for records: %w", err)
	}
	a.all = append(a.all, b)
	return b[:0], nil
}

// give takes blocks back that nothing points into any more.
func (a *arena) give(blocks [][]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range blocks {
		if cap(b) == blockSize {
			a.free = append(a.free, b[:0])
		}
	}
}

// close gives all memory back to the system.
func (a *arena) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range a.all {
		if err := unix.Munmap(b); err != nil {
			return fmt.Errorf("give memory for records back: %w", err)
		}
	}
	a.all, a.free = nil, nil
	return nil
}
