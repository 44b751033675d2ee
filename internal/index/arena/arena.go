// Package arena gives memory that the garbage collector does not count: it would
// take as much again.
package arena

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// BlockSize is how many bytes a block has, unless one thing needs more.
const BlockSize = 4 << 20

// Arena is a number of blocks, used one time after the other. The zero value is
// ready for use; its methods may be called concurrently.
type Arena struct {
	mu   sync.Mutex
	free [][]byte
	all  [][]byte
}

// Take returns a block that is empty and has room for size bytes.
func (a *Arena) Take(size int) ([]byte, error) {
	if size > BlockSize {
		return make([]byte, 0, size), nil // rare, and left to the collector
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		b := a.free[n-1]
		a.free = a.free[:n-1]
		return b, nil
	}
	b, err := unix.Mmap(-1, 0, BlockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("take memory for records: %w", err)
	}
	a.all = append(a.all, b)
	return b[:0], nil
}

// Give takes blocks back that nothing points into any more.
func (a *Arena) Give(blocks [][]byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range blocks {
		if cap(b) == BlockSize {
			a.free = append(a.free, b[:0])
		}
	}
}

// Close gives all memory back to the system; nothing may point into it any more.
func (a *Arena) Close() error {
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
