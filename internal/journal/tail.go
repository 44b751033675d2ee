package journal

import "sync"

// keepRead is how many batches are kept because a reader may have stopped inside.
const keepRead = 8

// tail keeps the newest batches this process has written, so that readers that
// follow closely do not ask the store, and the last few batches fetched, in
// which a reader with a small maxBytes goes on.
type tail struct {
	limit int

	mu      sync.Mutex
	bySeq   map[uint64][]byte
	order   []uint64 // oldest first
	bytes   int
	dropped int // of order, from its start
	kept    [keepRead]batch
	turn    int // of kept, to be replaced next
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

// keep keeps a batch that was fetched, in place of an older such one.
func (t *tail) keep(b batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.kept {
		if t.kept[i].seq == b.seq {
			return
		}
	}
	t.kept[t.turn] = b
	t.turn = (t.turn + 1) % keepRead
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
	if list != nil {
		return list
	}
	for _, b := range t.kept {
		if b.seq == seq && b.data != nil {
			return []batch{b}
		}
	}
	return nil
}
