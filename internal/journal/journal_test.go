package journal

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/event"
	"cairn/internal/natsd/natsdtest"
)

func openTest(t *testing.T, js jetstream.JetStream, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), js, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readAll reads from a position to the end in steps of maxBytes.
func readAll(t *testing.T, j *Journal, from Position, maxBytes int) []Located {
	t.Helper()
	var all []Located
	for {
		recs, next, err := j.Read(t.Context(), from, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		if next == from {
			return all
		}
		for _, r := range recs {
			if len(all) > 0 && !all[len(all)-1].Pos.Less(r.Pos) {
				t.Fatalf("%s comes after %s", r.Pos, all[len(all)-1].Pos)
			}
			all = append(all, r)
		}
		from = next
	}
}

// same compares records; cmp alone takes seconds for megabytes of equal ones.
func same(t *testing.T, what any, want, got []Located) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%v: %s", what, cmp.Diff(want, got))
	}
}

func number(t *testing.T, e event.Entry) int {
	t.Helper()
	var v struct{ N int }
	must(t, json.Unmarshal(e.JSON, &v))
	return v.N
}

// numbers checks that recs are entry(0), entry(1), ... in any order, once each.
func numbers(t *testing.T, recs []Located, want int) {
	t.Helper()
	seen := make([]int, want)
	for _, r := range recs {
		if n := number(t, r.Entry); n < 0 || n >= want {
			t.Errorf("record %d at %s was never appended", n, r.Pos)
		} else if seen[n]++; seen[n] == 2 {
			t.Errorf("record %d is there twice", n)
		}
	}
	for n, c := range seen {
		if c == 0 {
			t.Errorf("record %d is missing", n)
		}
	}
}

func TestAppendRead(t *testing.T) {
	ctx := t.Context()
	j := openTest(t, natsdtest.Start(t), Options{})
	if recs, next, err := j.Read(ctx, Position{}, 1<<20); err != nil || len(recs) > 0 || next != j.End() {
		t.Fatal("reading nothing:", recs, next, err)
	}
	must(t, j.Append(ctx))
	must(t, j.Append(ctx, entry(0)))
	must(t, j.Append(ctx, entry(1), entry(2), entry(3)))
	want := []Located{
		{Position{1, 0}, entry(0), false},
		{Position{2, 0}, entry(1), false},
		{Position{2, 1}, entry(2), false},
		{Position{2, 2}, entry(3), false},
	}
	for _, maxBytes := range []int{1, 2000, 4000, 1 << 20} {
		same(t, maxBytes, want, readAll(t, j, Position{}, maxBytes))
	}
	same(t, "from the middle", want[2:], readAll(t, j, Position{2, 1}, 1<<20))
	if j.End() != (Position{3, 0}) {
		t.Errorf("End = %s", j.End())
	}
	s := j.Stats()
	if s.Records != 4 || s.Batches != 2 || s.PendingBytes != 0 || s.PendingRecords != 0 || s.LastDurable.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestPosition(t *testing.T) {
	list := []Position{{}, {1, 0}, {1, 1}, {2, 0}}
	for i, p := range list {
		for k, q := range list {
			if p.Less(q) != (i < k) {
				t.Errorf("%s.Less(%s) = %v", p, q, p.Less(q))
			}
		}
	}
	b, err := json.Marshal(Position{7, 8})
	var back Position
	if err := errors.Join(err, json.Unmarshal(b, &back)); err != nil || back != (Position{7, 8}) || string(b) != `{"seq":7,"index":8}` {
		t.Error(string(b), back, err)
	}
}

func TestRestart(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	srv := natsdtest.StartDir(t, dir)
	j := openTest(t, srv.JetStream(), Options{})
	for i := range 50 {
		must(t, j.Append(ctx, entry(2*i), entry(2*i+1)))
	}
	want, end := readAll(t, j, Position{}, 1<<20), j.End()
	j.Close()
	j.Close() // harmless
	if err := j.Append(ctx, entry(0)); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close = %v", err)
	}
	if err := j.Wait(ctx, end); !errors.Is(err, ErrClosed) {
		t.Errorf("Wait after Close = %v", err)
	}
	if _, _, err := j.Read(ctx, Position{}, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Read after Close = %v", err)
	}
	srv.Close()

	j = openTest(t, natsdtest.StartDir(t, dir).JetStream(), Options{})
	if j.End() != end || j.First() != (Position{1, 0}) {
		t.Errorf("reopened from %s to %s, want to %s", j.First(), j.End(), end)
	}
	must(t, j.Wait(ctx, Position{50, 1}))
	for _, maxBytes := range []int{1, 10_000, 1 << 20} { // now from the store, not from memory
		same(t, maxBytes, want, readAll(t, j, Position{}, maxBytes))
	}
	must(t, j.Append(ctx, entry(100)))
	numbers(t, readAll(t, j, Position{}, 1<<20), 101)
}

func TestConcurrentAppends(t *testing.T) {
	ctx := t.Context()
	js := natsdtest.Start(t)
	j := openTest(t, js, Options{MaxBatchRecords: 10})
	const writers, each = 16, 60
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			var before Position
			for i := range each / 2 {
				n := w*each + 2*i
				if err := j.Append(ctx, entry(n), entry(n+1)); err != nil {
					t.Error(err)
					return
				}
				if end := j.End(); !before.Less(end) {
					t.Errorf("End did not grow: %s, then %s", before, end)
				}
				before = j.End()
			}
		})
	}
	wg.Wait()
	recs := readAll(t, j, Position{}, 64<<10)
	numbers(t, recs, writers*each)
	last := map[int]int{}
	for i, r := range recs {
		n := number(t, r.Entry)
		if w := n / each; n < last[w] {
			t.Errorf("record %d comes after %d of the same appender", n, last[w])
		} else {
			last[w] = n
		}
		if n%2 == 1 && (recs[i-1].Pos.Seq != r.Pos.Seq || number(t, recs[i-1].Entry) != n-1) {
			t.Errorf("record %d at %s was parted from its Append", n, r.Pos)
		}
	}
	if s := j.Stats(); s.Batches >= writers*each/2 || s.Batches < writers*each/10 {
		t.Errorf("%d appends made %d batches of at most 10 records", writers*each/2, s.Batches)
	}
	// Another process reads the same from the store.
	same(t, "another process", recs, readAll(t, openTest(t, js, Options{}), Position{}, 1<<20))
}

func TestWait(t *testing.T) {
	ctx := t.Context()
	js := natsdtest.Start(t)
	j := openTest(t, js, Options{})
	other := openTest(t, js, Options{poll: 10 * time.Millisecond})
	got := make(chan error, 2)
	go func() { got <- j.Wait(ctx, Position{}) }()
	go func() { got <- other.Wait(ctx, other.End()) }()
	must(t, j.Append(ctx, entry(0)))
	must(t, <-got)
	must(t, <-got) // another process's records are seen too
	if recs, _, err := other.Read(ctx, Position{}, 1); err != nil || len(recs) != 1 {
		t.Error(recs, err)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if err := j.Wait(short, j.End()); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v", err)
	}
	go func() { got <- j.Wait(ctx, j.End()) }()
	j.Close()
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("Wait across Close = %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	ctx := t.Context()
	j := openTest(t, natsdtest.Start(t), Options{MaxPending: 1 << 20})
	big := entry(0)
	big.JSON = []byte(`{"N":0,"x":"` + strings.Repeat("x", 4<<20) + `"}`)
	must(t, j.Append(ctx, big)) // more than a batch and more than may be pending, but it fits a message
	if err := j.Append(ctx, big, big); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Append = %v", err)
	}
	numbers(t, readAll(t, j, Position{}, 1), 1)
}

func TestCrash(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	j := openTest(t, natsdtest.StartDir(t, dir).JetStream(), Options{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked, next := map[int]bool{}, 0
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				n := next
				next++
				mu.Unlock()
				if err := j.Append(ctx, entry(n)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acked[n] = true
				mu.Unlock()
			}
		})
	}
	must(t, j.Wait(ctx, Position{Seq: 50}))
	mu.Lock()
	promises := make([]int, 0, len(acked))
	for n := range acked {
		promises = append(promises, n)
	}
	mu.Unlock()
	// What a crash right now leaves is what the files hold while all goes on.
	copied := t.TempDir()
	must(t, copyLive(copied, dir))
	close(stop)
	wg.Wait()

	after := openTest(t, natsdtest.StartDir(t, copied).JetStream(), Options{})
	found := map[int]int{}
	for _, r := range readAll(t, after, Position{}, 1<<20) {
		found[number(t, r.Entry)]++
	}
	for _, n := range promises {
		if found[n] != 1 {
			t.Errorf("acknowledged record %d is there %d times after the crash", n, found[n])
		}
	}
	must(t, after.Append(ctx, entry(1<<30)))
}

// copyLive copies a folder whose files change, and come and go, meanwhile.
func copyLive(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return ignoreGone(err)
		}
		target := filepath.Join(to, rel)
		return errors.Join(os.MkdirAll(filepath.Dir(target), 0o700), os.WriteFile(target, b, 0o600))
	})
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func TestStreamOfSomebodyElse(t *testing.T) {
	js := natsdtest.Start(t)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{"x"}})
	must(t, err)
	if _, err := Open(t.Context(), js, Options{}); err == nil || !strings.Contains(err.Error(), "not a journal") {
		t.Errorf("Open = %v", err)
	}
}

func TestOptions(t *testing.T) {
	ctx := t.Context()
	js := natsdtest.Start(t)
	for _, o := range []Options{{MaxBatchBytes: -1}, {MaxAge: time.Second}, {MaxPending: -1}} {
		if _, err := Open(ctx, js, o); err == nil {
			t.Errorf("Open accepts %+v", o)
		}
	}
	openTest(t, js, Options{}).Close()
	openTest(t, js, Options{MaxAge: time.Hour, MaxBytes: 1 << 20}).Close()
	st, err := js.Stream(ctx, streamName)
	must(t, err)
	if c := st.CachedInfo().Config; c.MaxAge != time.Hour || c.MaxBytes != 1<<20 || c.Discard != jetstream.DiscardNew {
		t.Errorf("the stream did not get the new limits: %+v", c)
	}
}

func TestFull(t *testing.T) {
	ctx := t.Context()
	j := openTest(t, natsdtest.Start(t), Options{MaxBytes: 20_000})
	n := 0
	for ; n < 100; n++ {
		if err := j.Append(ctx, entry(n)); err != nil {
			if !errors.Is(err, ErrRefused) || errors.Is(err, ErrUnknown) {
				t.Errorf("Append = %v", err)
			}
			break
		}
	}
	if n < 5 || n == 100 {
		t.Fatalf("%d records before it was full", n)
	}
	numbers(t, readAll(t, j, Position{}, 1<<20), n)
}

func TestLinger(t *testing.T) {
	j := openTest(t, natsdtest.Start(t), Options{Linger: time.Hour, MaxBatchRecords: 8})
	var wg sync.WaitGroup
	for i := range 8 { // only the eighth ends the batch
		wg.Go(func() {
			if err := j.Append(t.Context(), entry(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s := j.Stats(); s.Batches != 1 {
		t.Errorf("%d batches", s.Batches)
	}
	go func() { _ = j.Append(t.Context(), entry(8)) }()
	for j.Stats().PendingRecords == 0 {
		time.Sleep(time.Millisecond)
	}
	j.Close() // does not wait for the linger
	if s := j.Stats(); s.Batches != 2 {
		t.Errorf("Close left the last batch: %+v", s)
	}
}
