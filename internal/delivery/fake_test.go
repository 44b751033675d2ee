package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"cairn/event"
	"cairn/internal/journal"
	"cairn/internal/state"
	"cairn/internal/trail"
)

const (
	account = "111122223333"
	home    = "eu-west-1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// memJournal is a journal in memory. Its batches hold what one add was given.
type memJournal struct {
	mu      sync.Mutex
	batches [][]event.Entry
	lost    map[uint64]bool // batches that are gone
	err     error
	// uncounted is the last batch of which it is not known how many records came
	// before it: as after a restart, when a gap is on the way back from the end.
	uncounted uint64
}

func (j *memJournal) add(entries ...event.Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.batches = append(j.batches, entries)
}

func (j *memJournal) End() journal.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return journal.Position{Seq: uint64(len(j.batches)) + 1}
}

func (j *memJournal) Count(_ context.Context, p journal.Position) (n uint64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.Seq <= j.uncounted {
		return 0, journal.ErrUncounted
	}
	for i, batch := range j.batches {
		switch seq := uint64(i) + 1; {
		case seq < p.Seq:
			n += uint64(len(batch))
		case seq == p.Seq:
			n += uint64(p.Index)
		}
	}
	return n, nil
}

func (j *memJournal) Read(_ context.Context, from journal.Position) ([]journal.Located, journal.Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, from, j.err
	}
	from.Seq = max(from.Seq, 1)
	var recs []journal.Located
	for next, size := from, 0; ; {
		if next.Seq > uint64(len(j.batches)) {
			return recs, next, nil
		}
		if j.lost[next.Seq] {
			if len(recs) > 0 {
				return recs, next, nil
			}
			return nil, from, &journal.GapError{From: next, To: journal.Position{Seq: next.Seq + 1}, Why: "lost in the test"}
		}
		batch := j.batches[next.Seq-1]
		for int(next.Index) < len(batch) {
			e := batch[next.Index]
			if size += len(e.JSON); size > 4<<20 && len(recs) > 0 {
				return recs, next, nil
			}
			recs = append(recs, journal.Located{Pos: next, Entry: e})
			next.Index++
		}
		next = journal.Position{Seq: next.Seq + 1}
	}
}

// memTable is a table in memory. fail may return an error for a write, and
// whether it happens all the same.
type memTable[T any] struct {
	mu      sync.Mutex
	rows    map[string]*T
	changed chan struct{}
	fail    func(op string) (err error, happens bool)
}

func newTable[T any]() *memTable[T] {
	return &memTable[T]{rows: map[string]*T{}, changed: make(chan struct{})}
}

func (m *memTable[T]) failWith(f func(op string) (error, bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

func (m *memTable[T]) Get(key ...string) (*T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.rows[strings.Join(key, "|")]
	return v, ok
}

func (m *memTable[T]) List(prefix ...string) []state.Row[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []state.Row[T]
	for _, k := range slices.Sorted(maps.Keys(m.rows)) {
		key := strings.Split(k, "|")
		if len(key) >= len(prefix) && slices.Equal(key[:len(prefix)], prefix) {
			list = append(list, state.Row[T]{Key: key, Value: m.rows[k]})
		}
	}
	return list
}

func (m *memTable[T]) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *memTable[T]) write(op string, change func(rows map[string]*T) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	happens := true
	if m.fail != nil {
		err, happens = m.fail(op)
	}
	if happens {
		if cerr := change(m.rows); cerr != nil {
			return cerr
		}
		close(m.changed)
		m.changed = make(chan struct{})
	}
	return err
}

func (m *memTable[T]) Create(_ context.Context, v *T, key ...string) error {
	return m.write("create", func(rows map[string]*T) error {
		k := strings.Join(key, "|")
		if rows[k] != nil {
			return state.ErrExists
		}
		rows[k] = clone(v)
		return nil
	})
}

func (m *memTable[T]) Put(_ context.Context, v *T, key ...string) error {
	return m.write("put", func(rows map[string]*T) error {
		rows[strings.Join(key, "|")] = clone(v)
		return nil
	})
}

func (m *memTable[T]) Update(_ context.Context, change func(*T) error, key ...string) (*T, error) {
	var v *T
	err := m.write("update", func(rows map[string]*T) error {
		k := strings.Join(key, "|")
		if rows[k] == nil {
			return state.ErrNotFound
		}
		v = clone(rows[k])
		if err := change(v); err != nil {
			return err
		}
		rows[k] = v
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (m *memTable[T]) Delete(_ context.Context, key ...string) error {
	return m.write("delete", func(rows map[string]*T) error {
		delete(rows, strings.Join(key, "|"))
		return nil
	})
}

// clone copies a row as storing it does.
func clone[T any](v *T) *T {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	c := new(T)
	if err := json.Unmarshal(b, c); err != nil {
		panic(err)
	}
	return c
}

// memDest is a bucket and a log group.
type memDest struct {
	mu      sync.Mutex
	objects map[string][]byte
	meta    map[string]map[string]string
	puts    []string
	streams map[string][]string
	stamps  []int64
	tokens  map[string]bool
	fail    func(op string) (err error, happens bool)
	acls    []string // checks of buckets' ACLs, with their times
	acl     error
}

func newDest() *memDest {
	return &memDest{objects: map[string][]byte{}, meta: map[string]map[string]string{}, streams: map[string][]string{}, tokens: map[string]bool{}}
}

func (d *memDest) failWith(f func(op string) (error, bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = f
}

// writes is how many objects were written, repetitions included.
func (d *memDest) writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.puts)
}

// events returns the ids of the records in the log group's only stream.
func (d *memDest) events() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.streams[account+"_CloudTrail_"+home])
}

func (d *memDest) do(op string, f func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	happens := true
	if d.fail != nil {
		err, happens = d.fail(op)
	}
	if happens {
		f()
	}
	return err
}

// CheckACL notes the check among the writes' keys; it is no write.
func (d *memDest) CheckACL(_ context.Context, t *trail.Trail) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.acls = append(d.acls, t.Bucket+" "+time.Now().UTC().Format("15:04"))
	return d.acl
}

func (d *memDest) PutObject(_ context.Context, t *trail.Trail, key string, body []byte, meta map[string]string) error {
	op := "object"
	if meta != nil {
		op = "digest"
	}
	return d.do(op, func() {
		if t.Bucket != "b" { // other buckets than the usual one are named
			key = t.Bucket + ":" + key
		}
		d.puts = append(d.puts, key)
		if old, ok := d.objects[key]; ok && (!bytes.Equal(old, body) || !maps.Equal(d.meta[key], meta)) {
			panic("object " + key + " written again with other bytes")
		}
		d.objects[key], d.meta[key] = body, meta
	})
}

func (d *memDest) PutLogEvents(_ context.Context, _ *trail.Trail, stream string, events []LogEvent, token string) error {
	return d.do("events", func() {
		if d.tokens[token] {
			return
		}
		d.tokens[token] = true
		for _, e := range events {
			d.streams[stream] = append(d.streams[stream], idOf(e.Message))
			d.stamps = append(d.stamps, e.Timestamp)
		}
	})
}

func idOf(record []byte) string {
	var r struct {
		EventID string `json:"eventID"`
	}
	if err := json.Unmarshal(record, &r); err != nil {
		panic(fmt.Sprintf("record %.80q: %v", record, err))
	}
	return r.EventID
}

// delivered returns the ids of the records in the bucket, by region, in the
// order of writing.
func (d *memDest) delivered(t *testing.T) map[string][]string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	got, seen := map[string][]string{}, map[string]bool{}
	for _, key := range d.puts {
		if seen[key] {
			continue
		}
		seen[key] = true
		_, rest, ok := strings.Cut(key, "/CloudTrail/")
		if !ok {
			continue // a digest
		}
		region, _, _ := strings.Cut(rest, "/")
		for _, r := range unpack(t, d.objects[key]) {
			got[region] = append(got[region], idOf(r))
		}
	}
	return got
}

// unpack checks that a log file is one gzip member of one line and returns its
// records.
func unpack(t *testing.T, body []byte) []json.RawMessage {
	t.Helper()
	in := bytes.NewReader(body)
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() > 0 {
		t.Errorf("%d bytes after the gzip member", in.Len())
	}
	var file struct{ Records []json.RawMessage }
	if err := json.Unmarshal(text, &file); err != nil || !bytes.HasPrefix(text, []byte(`{"Records":[`)) || bytes.ContainsAny(text, "\n") {
		t.Fatalf("log file %.80q: %v", text, err)
	}
	if len(file.Records) == 0 {
		t.Error("empty log file")
	}
	return file.Records
}

// world is everything around pumps.
type world struct {
	journal  memJournal
	trails   *memTable[trail.Trail]
	deleted  *memTable[trail.Trail]
	progress *memTable[Progress]
	chains   *memTable[Chain]
	pending  *memTable[Pending]
	dest     *memDest
	options  Options
	records  int
	// undigested are log files that no digest may list; nil: all may.
	undigested map[string]bool
}

func newWorld() *world {
	w := &world{
		trails: newTable[trail.Trail](), deleted: newTable[trail.Trail](), progress: newTable[Progress](),
		chains: newTable[Chain](), pending: newTable[Pending](), dest: newDest(),
	}
	w.options = Options{
		Journal: func() Journal { return &w.journal }, Tables: Tables{w.trails, w.deleted, w.progress, w.chains, w.pending}, Dest: w.dest, Keys: testKeys{},
		Log: slog.New(slog.DiscardHandler),
	}
	return w
}

func (w *world) delivery(t *testing.T) *Delivery {
	t.Helper()
	d, err := New(w.options)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newTrail returns a trail of all regions that logs from the journal's end on.
func (w *world) newTrail(name string) *trail.Trail {
	tr := &trail.Trail{
		ID: "id-" + name, Name: name, Account: account, HomeRegion: home, Bucket: "b", Prefix: "p",
		Selection: trail.Selection{MultiRegion: true, GlobalEvents: true},
	}
	tr.Start(mark(w.journal.End()), noon)
	return tr
}

func (w *world) put(tr *trail.Trail) {
	w.trails.write("put", func(rows map[string]*trail.Trail) error {
		rows[strings.Join(TrailKey(tr.Account, tr.HomeRegion, tr.Name), "|")] = clone(tr)
		return nil
	})
}

// record makes a management event with a new id.
func (w *world) record(region, name string) event.Entry {
	w.records++
	r := event.Record{
		EventTime: noon, EventSource: "ec2.amazonaws.com", EventName: name, AWSRegion: region, EventCategory: event.Management,
		EventID: fmt.Sprintf("e%d", w.records), RecipientAccountID: account, RequestID: fmt.Sprintf("r%d", w.records), ManagementEvent: true,
	}
	return r.Encode(false)
}

// pump returns a pump as a starting process makes it.
func (w *world) pump(t *testing.T, tr *trail.Trail, k Kind) *pump {
	t.Helper()
	return w.delivery(t).newPump(TrailKey(tr.Account, tr.HomeRegion, tr.Name), tr, k)
}

// drain steps until there is nothing to do at once.
func drain(t *testing.T, p *pump) {
	t.Helper()
	for range 10_000 {
		again, err := p.step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !again {
			return
		}
	}
	t.Fatal("never done")
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }
