package journal

import "sync"

// tail keeps the newest batches this process has written, so that readers that
// follow closely do not ask the store.
type tail struct {
	limit int

	mu      sync.Mutex
	bySeq   map[uint64][]byte
	order   []uint64 // oldest first
	bytes   int
	dropped int // of order, from its start
}

func (t *tail) init(limit int) { t.limit, t.bySeq = limit, map[uint64][]byte{} }

func (t *tail) add(seq uint64, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, dup := t.bySeq[seq]; dup || len(data) > t.limit {
		return
	}
	t.bySeq[seq] = data
	t.order = append(t.order, seq)
	t.bytes += len(data)
	for t.bytes > t.limit {
		old := t.order[t.dropped]
		t.bytes -= len(t.bySeq[old])
		delete(t.bySeq, old)
		t.dropped++
	}
	if t.dropped > len(t.order)/2 {
		t.order = append(t.order[:0], t.order[t.dropped:]...)
		t.dropped = 0
	}
}

// from returns batches from seq on that follow each other, up to about maxBytes.
func (t *tail) from(seq uint64, maxBytes int) []batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []batch
	for size := 0; size < max(maxBytes, 1); seq++ {
		data, ok := t.bySeq[seq]
		if !ok {
			break
		}
		list = append(list, batch{seq, data})
		size += len(data)
	}
	return list
}
