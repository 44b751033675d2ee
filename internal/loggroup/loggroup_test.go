package loggroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/lake"
	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state"
	"cairn/internal/state/statetest"
)

var ref = Ref{"111122223333", "eu-west-1", "/app/one"}

// world is a store on a folder that can be restarted.
type world struct {
	*Store
	t    *testing.T
	dir  string
	js   jetstream.JetStream
	nats *natsd.Server
	st   *state.Store
	logs bytes.Buffer
	now  time.Time
	// segments is the lake; nil if everything stays in JetStream.
	segments *lake.Lake
	cluster  bool
}

// contains is a predicate: the message contains this text.
type contains string

func (c contains) Match(m []byte) bool { return bytes.Contains(m, []byte(c)) }

func (c contains) Needles() [][][]byte { return [][][]byte{{[]byte(c)}} }

func start(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), now: time.UnixMilli(1_800_000_000_000)}
	w.up()
	return w
}

func (w *world) up() {
	w.t.Helper()
	w.nats = natsdtest.StartDir(w.t, w.dir)
	w.js = w.nats.JetStream()
	w.reopen()
}

func (w *world) reopen() {
	w.t.Helper()
	w.st = statetest.Open(w.t, w.js)
	var err error
	if w.segments != nil {
		w.segments.Close()
	}
	if w.cluster {
		w.segments = nil
		w.Store, err = Open(w.t.Context(), w.js, w.st, Options{Log: slog.New(slog.NewTextHandler(&w.logs, nil)), Now: func() time.Time { return w.now }})
		w.must(err)
		return
	}
	w.segments, err = lake.Open(lake.Options{Dir: filepath.Join(w.dir, "lake"), Log: slog.New(slog.NewTextHandler(&w.logs, nil)), Now: func() time.Time { return w.now }})
	w.must(err)
	w.t.Cleanup(w.segments.Close)
	w.Store, err = Open(w.t.Context(), w.js, w.st, Options{
		Log: slog.New(slog.NewTextHandler(&w.logs, nil)), Now: func() time.Time { return w.now }, Lake: w.segments,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.st.Close()
	w.nats.Close()
	w.up()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) group(streams ...string) {
	w.t.Helper()
	w.must(w.CreateGroup(w.t.Context(), ref, Group{Class: "STANDARD"}))
	for _, s := range streams {
		w.must(w.CreateStream(w.t.Context(), ref, s))
	}
}

// move moves all tails into segments.
func (w *world) move() {
	w.t.Helper()
	before := w.bounds
	w.bounds = bounds{chunk: before.chunk}
	w.sweep(w.t.Context())
	w.bounds = before
}

// tail returns how many batches JetStream has of the group.
func (w *world) tail() int {
	w.t.Helper()
	g, err := w.Group(ref)
	w.must(err)
	js, err := w.js.Stream(w.t.Context(), streamName(g.ID))
	w.must(err)
	return int(js.CachedInfo().State.Msgs)
}

// onDisk returns how many events the group's segments have.
func (w *world) onDisk() int {
	w.t.Helper()
	g, err := w.Group(ref)
	w.must(err)
	table, err := w.lake.Table(g.ID)
	w.must(err)
	return int(table.Size().Rows)
}

func (w *world) add(ctx context.Context, ref Ref, stream string, events []Event, token string) error {
	_, err := w.Append(ctx, ref, stream, events, token)
	return err
}

// messages reads all of a query's pages.
func (w *world) messages(q Query) []string {
	w.t.Helper()
	var out []string
	q.Group = ref
	if q.Limit == 0 {
		q.Limit = 10_000
	}
	if q.MaxBytes == 0 {
		q.MaxBytes = 1 << 20
	}
	if q.End == 0 {
		q.End = 1 << 60
	}
	for {
		p, err := w.Read(w.t.Context(), &q)
		w.must(err)
		for _, e := range p.Events {
			out = append(out, e.Message)
		}
		if !p.More {
			return out
		}
		if q.From != nil && *q.From == p.Next {
			w.t.Fatalf("no progress from %v", p.Next)
		}
		q.From = &p.Next
	}
}

func TestLifeOfAGroup(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	if err := w.add(ctx, ref, "s", nil, ""); !errors.Is(err, ErrGroupNotFound) {
		t.Errorf("append without a group: %v", err)
	}
	w.group("s")
	if err := w.CreateGroup(ctx, ref, Group{}); !errors.Is(err, ErrGroupExists) {
		t.Errorf("second create: %v", err)
	}
	if err := w.CreateStream(ctx, ref, "s"); !errors.Is(err, ErrStreamExists) {
		t.Errorf("second create of a stream: %v", err)
	}
	if err := w.add(ctx, ref, "other", nil, ""); !errors.Is(err, ErrStreamNotFound) {
		t.Errorf("append without a stream: %v", err)
	}
	w.must(w.add(ctx, ref, "s", []Event{{1000, "a"}, {2000, "b"}}, ""))
	if n, err := w.StoredBytes(ctx, ref); err != nil || n == 0 {
		t.Errorf("stored bytes = %d, %v", n, err)
	}
	w.must(w.Tag(ctx, ref, map[string]string{"k": "v", "x": "y"}, func(map[string]string) error { return nil }))
	w.must(w.Untag(ctx, ref, []string{"x", "absent"}))
	w.must(w.SetProtected(ctx, ref, true))

	w.restart()
	if d := cmp.Diff([]string{"a", "b"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
	g, err := w.Group(ref)
	w.must(err)
	if g.Tags["k"] != "v" || len(g.Tags) != 1 || !g.Protected || g.Created != w.now.UnixMilli() {
		t.Errorf("after a restart the group is %+v", g)
	}
	infos, err := w.Streams(ctx, ref)
	w.must(err)
	want := []StreamInfo{{Name: "s", Created: w.now.UnixMilli(), FirstEvent: 1000, LastEvent: 2000, LastIngestion: w.now.UnixMilli(), Batches: 1}}
	if d := cmp.Diff(want, infos); d != "" {
		t.Error(d)
	}

	w.must(w.DeleteGroup(ctx, ref))
	if err := w.DeleteGroup(ctx, ref); !errors.Is(err, ErrGroupNotFound) {
		t.Errorf("second delete: %v", err)
	}
	if _, err := w.js.Stream(ctx, streamName(g.ID)); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("events after delete: %v", err)
	}
	w.group("s")
	if got := w.messages(Query{}); got != nil {
		t.Errorf("a group made again has %q", got)
	}
	if list := w.Groups(ref.Account, ref.Region); len(list) != 1 || list[0].Name != ref.Name {
		t.Errorf("groups: %v", list)
	}
}

func TestDeleteStream(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s", "keep")
	w.must(w.add(ctx, ref, "s", []Event{{1, "gone"}}, "token"))
	w.must(w.add(ctx, ref, "keep", []Event{{2, "kept"}}, ""))
	w.must(w.DeleteStream(ctx, ref, "s"))
	if err := w.DeleteStream(ctx, ref, "s"); !errors.Is(err, ErrStreamNotFound) {
		t.Errorf("second delete: %v", err)
	}
	w.must(w.CreateStream(ctx, ref, "s"))
	// The same token in a new stream of that name is another append.
	w.must(w.add(ctx, ref, "s", []Event{{3, "new"}}, "token"))
	for range 2 {
		if d := cmp.Diff([]string{"kept", "new"}, w.messages(Query{})); d != "" {
			t.Error(d)
		}
		w.restart()
	}
	if w.logs.Len() > 0 {
		t.Errorf("logged: %s", w.logs.String())
	}
}

func TestToken(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s", "other")
	for i := range 3 {
		e := []Event{{int64(i), fmt.Sprint(i)}}
		for range 2 {
			w.must(w.add(ctx, ref, "s", e, fmt.Sprint("token", i)))
		}
	}
	w.must(w.add(ctx, ref, "other", []Event{{9, "other"}}, "token0"))
	w.restart()
	for i := range 3 {
		w.must(w.add(ctx, ref, "s", []Event{{int64(i), "again"}}, fmt.Sprint("token", i)))
	}
	for range 2 { // without a token everything is new
		w.must(w.add(ctx, ref, "s", []Event{{10, "x"}}, ""))
	}
	if d := cmp.Diff([]string{"0", "1", "2", "other", "x", "x"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
}

func TestRetention(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s")
	day := int64(24 * time.Hour / time.Millisecond)
	at := func(days int64) int64 { return w.now.UnixMilli() + days*day }
	w.must(w.add(ctx, ref, "s", []Event{{at(-9), "-9"}, {at(-5), "-5"}}, ""))
	w.must(w.add(ctx, ref, "s", []Event{{at(-2), "-2"}, {at(0), "0"}}, ""))
	w.must(w.SetRetention(ctx, ref, 7))
	if d := cmp.Diff([]string{"-5", "-2", "0"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
	g, err := w.Group(ref)
	w.must(err)
	age := func() time.Duration {
		js, err := w.js.Stream(ctx, streamName(g.ID))
		w.must(err)
		return js.CachedInfo().Config.MaxAge
	}
	if got := age(); got != 8*24*time.Hour {
		t.Errorf("age on disk is %v", got)
	}
	w.now = w.now.AddDate(0, 0, 6)
	if d := cmp.Diff([]string{"0"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
	infos, err := w.Streams(ctx, ref)
	w.must(err)
	if i := infos[0]; i.FirstEvent != w.now.AddDate(0, 0, -7).UnixMilli() || i.LastEvent != at(-6) {
		t.Errorf("after retention: %+v", i)
	}
	w.now = w.now.AddDate(0, 0, 6)
	if infos, err = w.Streams(ctx, ref); err != nil || !infos[0].Empty {
		t.Errorf("all expired: %+v, %v", infos, err)
	}
	w.must(w.SetRetention(ctx, ref, 0))
	if got := age(); got != 0 {
		t.Errorf("age on disk is %v", got)
	}
	// A crash between the row and JetStream: Open applies the row.
	_, err = w.groups.Update(ctx, func(g *Group) error { g.RetentionDays = 30; return nil }, ref.key()...)
	w.must(err)
	w.restart()
	if got := age(); got != 31*24*time.Hour {
		t.Errorf("age on disk after repair is %v", got)
	}
}

// TestExpiredOnDisk covers batches that JetStream has dropped: an append after
// that, and a reader whose index still knew them.
func TestExpiredOnDisk(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s")
	w.must(w.SetRetention(ctx, ref, 1))
	old := w.now
	w.now = w.now.AddDate(0, 0, 3)
	w.must(w.add(ctx, ref, "s", []Event{{old.UnixMilli(), "old"}}, ""))
	g, err := w.Group(ref)
	w.must(err)
	js, err := w.js.Stream(ctx, streamName(g.ID))
	w.must(err)
	w.must(js.Purge(ctx)) // as expiry would
	w.must(w.add(ctx, ref, "s", []Event{{w.now.UnixMilli(), "new"}}, ""))
	for range 2 {
		if d := cmp.Diff([]string{"new"}, w.messages(Query{})); d != "" {
			t.Error(d)
		}
		w.restart()
	}
}

// TestCrashes puts the rows into the states a crash leaves and opens the store.
func TestCrashes(t *testing.T) {
	gone := func(w *world, id string) {
		if _, err := w.Group(ref); !errors.Is(err, ErrGroupNotFound) {
			w.t.Errorf("group: %v", err)
		}
		if _, err := w.js.Stream(w.t.Context(), streamName(id)); !errors.Is(err, jetstream.ErrStreamNotFound) {
			w.t.Errorf("events: %v", err)
		}
		if n := len(w.groups.List()) + len(w.streams.List()); n != 0 {
			w.t.Errorf("%d rows left", n)
		}
	}
	usable := func(w *world, _ string) {
		w.must(w.add(w.t.Context(), ref, "s", []Event{{1, "x"}}, ""))
	}
	tests := []struct {
		name  string
		crash func(w *world, ctx context.Context, id string) error
		want  func(w *world, id string)
	}{
		{"create: row only", func(w *world, ctx context.Context, id string) error {
			_, err := w.groups.Update(ctx, func(g *Group) error { g.Ready = false; return nil }, ref.key()...)
			return errors.Join(err, w.js.DeleteStream(ctx, streamName(id)))
		}, usable},
		{"create: row and stream", func(w *world, ctx context.Context, _ string) error {
			_, err := w.groups.Update(ctx, func(g *Group) error { g.Ready = false; return nil }, ref.key()...)
			return err
		}, usable},
		{"delete: decided", func(w *world, ctx context.Context, _ string) error {
			_, err := w.groups.Update(ctx, func(g *Group) error { g.Deleting = true; return nil }, ref.key()...)
			return err
		}, gone},
		{"delete: events gone", func(w *world, ctx context.Context, id string) error {
			_, err := w.groups.Update(ctx, func(g *Group) error { g.Deleting = true; return nil }, ref.key()...)
			return errors.Join(err, w.js.DeleteStream(ctx, streamName(id)))
		}, gone},
		{"delete: streams gone", func(w *world, ctx context.Context, id string) error {
			_, err := w.groups.Update(ctx, func(g *Group) error { g.Deleting = true; return nil }, ref.key()...)
			return errors.Join(err, w.js.DeleteStream(ctx, streamName(id)), w.streams.Delete(ctx, append(ref.key(), "s")...))
		}, gone},
		{"delete stream: decided", func(w *world, ctx context.Context, _ string) error {
			_, err := w.streams.Update(ctx, func(s *stream) error { s.Deleting = true; return nil }, append(ref.key(), "s")...)
			return err
		}, func(w *world, _ string) {
			if w.HasStream(ref, "s") {
				w.t.Error("stream still there")
			}
			if n, err := w.StoredBytes(w.t.Context(), ref); n != 0 || err != nil {
				w.t.Errorf("stored bytes %d, %v", n, err)
			}
		}},
		{"lost", func(w *world, ctx context.Context, id string) error { return w.js.DeleteStream(ctx, streamName(id)) }, func(w *world, _ string) {
			err := w.add(w.t.Context(), ref, "s", []Event{{1, "x"}}, "")
			if err == nil || !strings.Contains(err.Error(), "has lost its events") || !strings.Contains(w.logs.String(), "has lost its events") {
				w.t.Errorf("append to a lost group: %v; log: %s", err, w.logs.String())
			}
			w.must(w.DeleteGroup(w.t.Context(), ref))
		}},
	}
	for _, retry := range []string{"by Open", "by the next call"} {
		for _, tt := range tests {
			if retry == "by the next call" && !strings.HasPrefix(tt.name, "delete: ") && !strings.HasPrefix(tt.name, "create: ") {
				continue
			}
			t.Run(tt.name+" "+retry, func(t *testing.T) {
				w := start(t)
				w.group("s")
				w.must(w.add(t.Context(), ref, "s", []Event{{1, "x"}}, ""))
				g, err := w.Group(ref)
				w.must(err)
				w.must(tt.crash(w, t.Context(), g.ID))
				if retry == "by Open" {
					w.restart()
					tt.want(w, g.ID)
					return
				}
				w.group("s")
				if got := w.messages(Query{}); got != nil {
					t.Errorf("events of the former group: %q", got)
				}
			})
		}
	}
}

// TestMadeAnew loses the JetStream stream of a group into which nothing was ever
// put: it is made anew. One that had a log stream is not (TestCrashes).
func TestMadeAnew(t *testing.T) {
	w := start(t)
	w.must(w.CreateGroup(t.Context(), ref, Group{RetentionDays: 3}))
	g, err := w.Group(ref)
	w.must(err)
	w.must(w.js.DeleteStream(t.Context(), streamName(g.ID)))
	w.restart()
	if w.logs.Len() > 0 {
		t.Errorf("log: %s", w.logs.String())
	}
	w.must(w.CreateStream(t.Context(), ref, "s"))
	w.must(w.add(t.Context(), ref, "s", []Event{{w.now.UnixMilli(), "x"}}, ""))
	if d := cmp.Diff([]string{"x"}, w.messages(Query{})); d != "" {
		t.Error(d)
	}
}

// TestTwoProcesses uses one JetStream from two stores, as a cluster would.
func TestTwoProcesses(t *testing.T) {
	w := start(t)
	w.cluster = true
	w.restart()
	w.group("s")
	a := w.Store
	w.reopen()
	b := w.Store
	for i := range 10 {
		w.Store = []*Store{a, b}[i%2]
		w.must(w.add(t.Context(), ref, "s", []Event{{int64(i), fmt.Sprint(i)}}, fmt.Sprint(i/3)))
	}
	for _, s := range []*Store{a, b} {
		w.Store = s
		if d := cmp.Diff([]string{"0", "3", "6", "9"}, w.messages(Query{})); d != "" {
			t.Error(d)
		}
	}
	if w.logs.Len() > 0 {
		t.Errorf("logged: %s", w.logs.String())
	}
}

// TestLostBatch takes one batch away behind the store's back.
func TestLostBatch(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.group("s")
	for i := range 3 {
		w.must(w.add(ctx, ref, "s", []Event{{int64(i), fmt.Sprint(i)}}, ""))
	}
	g, err := w.Group(ref)
	w.must(err)
	js, err := w.js.Stream(ctx, streamName(g.ID))
	w.must(err)
	w.must(js.DeleteMsg(ctx, 2))
	if _, err := w.Read(ctx, &Query{Group: ref, End: 10, Limit: 10, MaxBytes: 100}); !errors.Is(err, errGone) {
		t.Errorf("read: %v", err)
	}
	w.restart()
	w.messages(Query{})
	if !strings.Contains(w.logs.String(), "has lost batches") {
		t.Errorf("nothing logged: %s", w.logs.String())
	}
}

// TestReadModel appends at random and compares every kind of reading with a
// sorted list.
func TestReadModel(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	r := rand.New(rand.NewPCG(7, 7))
	names := []string{"a/1", "a/2", "b"}
	w.group(names...)
	type ev struct {
		at           int64
		n            int // order of ingestion
		stream, text string
	}
	var all []ev
	for n := 0; n < 3000; {
		name := names[r.IntN(len(names))]
		at := int64(n + r.IntN(400))
		var batch []Event
		for range 1 + r.IntN(20) {
			text := fmt.Sprintf("%d-%s", n, strings.Repeat("x", r.IntN(40)))
			batch = append(batch, Event{at, text})
			all = append(all, ev{at, n, name, text})
			at += int64(r.IntN(5))
			n++
		}
		w.must(w.add(ctx, ref, name, batch, ""))
		if r.IntN(60) == 0 {
			w.bounds = bounds{chunk: []int64{300, 2000, 1 << 20}[r.IntN(3)]}
			w.sweep(ctx)
		}
	}
	slices.SortFunc(all, func(a, b ev) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.n - b.n
	})
	w.restart()
	for i := range 40 {
		q := Query{Start: int64(r.IntN(2000)), Limit: []int{1, 7, 100, 10000}[r.IntN(4)], MaxBytes: []int{1, 500, 20000, 1 << 20}[r.IntN(4)], Backward: r.IntN(2) == 0}
		q.End = q.Start + int64(r.IntN(1500))
		if q.Limit == 1 || q.MaxBytes == 1 {
			q.End = q.Start + int64(r.IntN(60))
		}
		w.budget = []int64{1, 5000, 0}[r.IntN(3)]
		digit := ""
		if r.IntN(2) == 0 {
			digit = fmt.Sprint(r.IntN(10)) + "-"
			q.Where = contains(digit)
		}
		switch r.IntN(3) {
		case 0:
			q.Streams = []string{"b", "a/2"}
		case 1:
			q.Prefix = "a/"
		}
		var want []string
		for _, e := range all {
			if e.at >= q.Start && e.at <= q.End && strings.Contains(e.text, digit) && strings.HasPrefix(e.stream, q.Prefix) &&
				(q.Streams == nil || slices.Contains(q.Streams, e.stream)) {
				want = append(want, e.text)
			}
		}
		if q.Backward {
			slices.Reverse(want)
		}
		if d := cmp.Diff(want, w.messages(q)); d != "" {
			t.Fatalf("query %d %+v with budget %d: %s", i, q, w.budget, d)
		}
	}
}

func TestPageBounds(t *testing.T) {
	w := start(t)
	w.group("s")
	var batch []Event
	for i := range 10 {
		batch = append(batch, Event{int64(i), strings.Repeat("x", 74)}) // 100 with overhead
	}
	w.must(w.add(t.Context(), ref, "s", batch, ""))
	for _, tt := range []struct{ limit, bytes, want int }{{3, 10000, 3}, {100, 350, 3}, {100, 300, 3}, {100, 1, 1}, {10, 1000, 10}} {
		p, err := w.Read(t.Context(), &Query{Group: ref, End: 100, Limit: tt.limit, MaxBytes: tt.bytes})
		w.must(err)
		if len(p.Events) != tt.want || p.More != (tt.want < 10) {
			t.Errorf("limit %d, bytes %d: %d events, more %v", tt.limit, tt.bytes, len(p.Events), p.More)
		}
	}
	if _, err := w.Read(t.Context(), &Query{Group: ref, Streams: []string{"absent"}}); !errors.Is(err, ErrStreamNotFound) {
		t.Errorf("unknown stream: %v", err)
	}
}
