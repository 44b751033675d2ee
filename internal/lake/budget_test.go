package lake

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// claimed is a block of one row that says how large it is, and counts its reads.
type claimed struct {
	inMemory
	size  int64
	reads *int
}

func (b claimed) Bounds() (first, last, size int64) {
	first, last, _ = b.inMemory.Bounds()
	return first, last, b.size
}

func (b claimed) Read(ctx context.Context, each func(r *Row)) error {
	*b.reads++
	return b.inMemory.Read(ctx, each)
}

// TestBudget looks for what is in none of many rows: a page reads 256 MiB, or for
// half a second, and is then handed out empty, with where to go on. All pages
// together read everything once.
func TestBudget(t *testing.T) {
	for name, row := range map[string]struct {
		size     int64
		slow     time.Duration // what the clock goes on by at each look
		backward bool
		reads    int // for one page
	}{
		"bytes":            {64 << 20, 0, false, 4},
		"bytes, backwards": {64 << 20, 0, true, 4},
		"small":            {1, 0, false, 10},
		"time":             {1, 200 * time.Millisecond, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			w := start(t, Options{PageReads: 1, Now: func() time.Time { now = now.Add(row.slow); return now }})
			reads := 0
			var blocks []Block
			for i := range 10 {
				blocks = append(blocks, claimed{inMemory{at(int64(1000*i+1), uint64(i), "s", "message")}, row.size, &reads})
			}
			s, err := w.table("t").Snapshot()
			w.must(err)
			defer s.Close()
			q := Query{End: 1 << 40, Where: contains("absent"), Limit: 10, Backward: row.backward}
			var each []int
			for {
				before := reads
				p, err := s.Read(t.Context(), &q, blocks...)
				w.must(err)
				each = append(each, reads-before)
				if len(p.Rows) > 0 {
					t.Errorf("a page has %v", p.Rows)
				}
				if !p.More {
					break
				}
				q.From = &p.Next
			}
			if each[0] != row.reads || reads != len(blocks) {
				t.Errorf("pages read %s blocks, want %d on the first", fmt.Sprint(each), row.reads)
			}
		})
	}
}
