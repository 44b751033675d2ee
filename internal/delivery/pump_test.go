package delivery

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/digest"
	"cairn/internal/journal"
	"github.com/google/go-cmp/cmp"

	"cairn/event"
	"cairn/internal/trail"
)

func TestLogFiles(t *testing.T) {
	w := newWorld()
	w.journal.add(w.record(home, "Before"))
	tr := w.newTrail("audit")
	w.put(tr)
	w.options.Now = func() time.Time { return noon.Add(90 * time.Second) }
	other := w.record(home, "Other")
	other.Header.Account = "999999999999"
	w.journal.add(w.record(home, "A"), other, w.record("us-east-1", "B"))
	w.journal.add(w.record(home, "C"))
	p := w.pump(t, tr, Bucket)
	drain(t, p)
	if d := cmp.Diff(map[string][]string{home: {"e3", "e5"}, "us-east-1": {"e4"}}, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
	for _, key := range w.dest.puts {
		region := strings.Split(key, "/")[4]
		want := "p/AWSLogs/" + account + "/CloudTrail/" + region + "/2026/03/01/" + account + "_CloudTrail_" + region + "_20260301T1202Z_"
		if !strings.HasPrefix(key, want) {
			t.Errorf("key %s, want %s...", key, want)
		}
	}
	row := Status(w.progress, tr, Bucket)
	want := &Progress{
		TrailID: tr.ID, Span: 1, Cursor: w.journal.End(), Records: 3, Writes: 2, Passed: 1, Before: new(int64(1)),
		Attempted: noon.Add(90 * time.Second), Succeeded: noon.Add(90 * time.Second),
	}
	if d := cmp.Diff(want, row); d != "" {
		t.Error(d)
	}
	drain(t, p)
	if n := w.dest.writes(); n != 2 {
		t.Errorf("%d files after an idle round", n)
	}
}

// TestFileHoldsTheVeryBytes checks that records are neither decoded nor encoded
// again, and that the same records make the same bytes.
func TestFileHoldsTheVeryBytes(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	e := w.record(home, "A")
	e.JSON = []byte(`{ "eventID" : "e1", "odd":1.50e1,"escaped":"\u0041\/" }`)
	w.journal.add(e, e)
	b := &batch{}
	recs, next, _ := w.journal.Read(t.Context(), w.journal.End())
	b.take(&window{trail: tr, kind: Bucket}, recs, next)
	recs, next, _ = w.journal.Read(t.Context(), position(tr.Spans[0].From))
	b.take(&window{trail: tr, kind: Bucket}, recs, next)
	s := &bucketSink{}
	one, hash, err := s.compress(b.groups[0], true)
	if err != nil {
		t.Fatal(err)
	}
	two, again, err := s.compress(b.groups[0], true)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) || hash != again {
		t.Error("the same records made different bytes")
	}
	if want := digest.Hash([]byte(`{"Records":[` + string(e.JSON) + "," + string(e.JSON) + `]}`)); hash != want {
		t.Errorf("the hash of the content is %s, want %s", hash, want)
	}
	for _, r := range unpack(t, one) {
		if string(r) != string(e.JSON) {
			t.Errorf("record %s", r)
		}
	}
}

// TestFewRecordsAreCopied shows that a batch does not hold what was read with its
// records, if they are only a small part of it.
func TestFewRecordsAreCopied(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	tr.MultiRegion = false
	here, other := w.record(home, "A"), w.record("eu-central-1", "B")
	other.JSON = here.JSON[:len(here.JSON)/2]
	for _, many := range []bool{true, false} {
		recs := []journal.Located{{Entry: here}, {Entry: other}}
		if !many {
			recs = append(recs, recs[1], recs[1], recs[1])
		}
		b := &batch{}
		b.take(&window{trail: tr, kind: Bucket}, recs, journal.Position{Seq: 1})
		if len(b.groups) != 1 || len(b.groups[0].records) != 1 {
			t.Fatalf("the batch has %+v", b.groups)
		}
		got := b.groups[0].records[0]
		if shared := &got[0] == &here.JSON[0]; shared != many || string(got) != string(here.JSON) {
			t.Errorf("one of %d records shares their memory: %v", len(recs), shared)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	size := len(w.record(home, "A").JSON)
	w.options.MaxBytes = 3 * (size + 2)
	want := map[string][]string{}
	for i := range 20 {
		e := w.record(home, "A")
		w.journal.add(e)
		want[home] = append(want[home], e.Header.ID)
		if i == 7 { // larger than the limit alone
			e = w.record("us-east-1", strings.Repeat("B", 5*size))
			w.journal.add(e)
			want["us-east-1"] = []string{e.Header.ID}
		}
	}
	drain(t, w.pump(t, tr, Bucket))
	if d := cmp.Diff(want, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
	for key, body := range w.dest.objects {
		if n := len(unpack(t, body)); n > 3 {
			t.Errorf("%s has %d records", key, n)
		}
	}
}

// TestFaults fails every single write of a delivery once, before or after it
// took effect, and goes on either in the same process or in a new one. Each
// record must be there once.
func TestFaults(t *testing.T) {
	for _, k := range []Kind{Bucket, LogGroup} {
		for _, happens := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				for op := 0; ; op++ {
					name := fmt.Sprintf("%s happens=%v restart=%v op=%d", k, happens, restart, op)
					if !t.Run(name, func(t *testing.T) { testFault(t, k, happens, restart, op) }) || op > 12 {
						break
					}
				}
			}
		}
	}
}

func testFault(t *testing.T, k Kind, happens, restart bool, failing int) {
	w := newWorld()
	clock := noon
	w.options.Now = func() time.Time { clock = clock.Add(time.Hour); return clock }
	tr := w.newTrail("audit")
	tr.Export("group", "role", mark(w.journal.End()))
	w.put(tr)
	w.options.MaxBytes = 10 * len(w.record(home, "A").JSON)
	want := map[string][]string{}
	for range 4 {
		a, b, c := w.record(home, "A"), w.record(home, "B"), w.record("us-east-1", "C")
		w.journal.add(a, c, b)
		want[home] = append(want[home], a.Header.ID, b.Header.ID)
		want["us-east-1"] = append(want["us-east-1"], c.Header.ID)
	}
	op := 0
	fail := func(string) (error, bool) {
		if op++; op-1 == failing {
			return errors.New("fault"), happens
		}
		return nil, true
	}
	w.progress.fail, w.dest.fail = fail, fail
	p := w.pump(t, tr, k)
	faults := 0
	for {
		again, err := p.step(t.Context())
		if err != nil {
			if faults++; faults > 1 {
				t.Fatal("second failure:", err)
			}
			if restart {
				p = w.pump(t, tr, k)
			} else {
				p.report(t.Context(), err, (*Progress).fail)
			}
			continue
		}
		if !again {
			break
		}
	}
	if op > failing && faults == 0 {
		t.Error("a failed write went unnoticed")
	}
	row := Status(w.progress, tr, k)
	if row.Records != 12 || row.Plan != nil || row.Cursor != w.journal.End() || row.Error != "" {
		t.Errorf("progress %+v", row)
	}
	if k == Bucket {
		if d := cmp.Diff(want, w.dest.delivered(t)); d != "" {
			t.Error(d)
		}
		return
	}
	var all []string
	for i := 1; i < w.records; i++ {
		all = append(all, fmt.Sprintf("e%d", i+1))
	}
	got := w.dest.events()
	slices.SortFunc(got, func(a, b string) int { return len(a)*10000 - len(b)*10000 + strings.Compare(a, b) })
	if d := cmp.Diff(all, got); d != "" {
		t.Error(d)
	}
}

// history plays random calls on a trail against a pump that stops, starts and
// fails at random, and works out by itself which records must be delivered.
type history struct {
	*world
	rnd  *rand.Rand
	tr   *trail.Trail
	now  time.Time
	want map[string][]string
	// on says that the trail logs, sel what it selects while it does; stopping is
	// the request whose record is to come.
	on       bool
	sel      trail.Selection
	stopping string
	stopped  time.Time
}

func (h *history) append(e event.Entry) {
	h.journal.add(e)
	late := h.stopping != "" && e.Header.Time.After(h.stopped.Add(trail.StopGrace))
	if h.stopping != "" && late {
		h.on, h.stopping = false, ""
	}
	t := trail.Trail{Account: account, HomeRegion: home, Selection: h.sel}
	if h.on && t.Selects(&e.Header) {
		h.want[e.Header.Region] = append(h.want[e.Header.Region], e.Header.ID)
	}
}

func (h *history) call(source, name, request string) event.Entry {
	h.records++
	r := event.Record{
		EventTime: h.now, EventSource: source, EventName: name, AWSRegion: []string{home, "us-east-1"}[h.rnd.IntN(2)],
		EventCategory: event.Management, EventID: fmt.Sprintf("e%d", h.records), RecipientAccountID: account,
		RequestID: request, ReadOnly: h.rnd.IntN(2) == 0,
	}
	return r.Encode(h.rnd.IntN(4) == 0)
}

func (h *history) step() {
	h.now = h.now.Add(time.Duration(h.rnd.IntN(30)) * time.Second)
	switch h.rnd.IntN(12) {
	case 0:
		if h.tr.Logging() {
			return
		}
		h.tr.Prune(Delivered(h.progress, h.tr))
		h.tr.Start(mark(h.journal.End()), h.now)
		h.put(h.tr)
		h.on, h.stopping, h.sel = true, "", h.tr.Selection
	case 1:
		if !h.tr.Logging() {
			return
		}
		h.stopping, h.stopped = fmt.Sprintf("stop%d", h.records), h.now
		h.tr.Stop(h.stopping, trail.Mark{}, h.now)
		h.put(h.tr)
		if h.rnd.IntN(3) == 0 {
			h.append(h.call("ec2.amazonaws.com", "Meanwhile", "m")) // recorded between the call and its record
		}
		if h.rnd.IntN(4) > 0 {
			h.append(h.call("cloudtrail.amazonaws.com", "StopLogging", h.stopping))
			h.on, h.stopping = false, ""
		}
	case 2:
		h.selectOther()
	default:
		h.append(h.call("ec2.amazonaws.com", "Run", "r"))
	}
}

func (h *history) selectOther() {
	s := trail.Selection{MultiRegion: h.rnd.IntN(2) == 0, GlobalEvents: h.rnd.IntN(2) == 0}
	if rw := []string{"", "All", "ReadOnly", "WriteOnly"}[h.rnd.IntN(4)]; rw != "" {
		s.Basic = []trail.Selector{{ReadWrite: rw, Management: true}}
	}
	h.tr.Prune(Delivered(h.progress, h.tr))
	h.tr.Select(s, mark(h.journal.End()))
	h.put(h.tr)
	if h.tr.Logging() {
		h.sel = s
	}
}

func TestRandomHistories(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testHistory(t, seed) })
	}
}

func testHistory(t *testing.T, seed uint64) {
	h := &history{world: newWorld(), rnd: rand.New(rand.NewPCG(seed, 1)), now: noon, want: map[string][]string{}}
	h.options.Now = func() time.Time { return h.now }
	h.tr = &trail.Trail{ID: "1", Name: "audit", Account: account, HomeRegion: home, Bucket: "b"}
	h.put(h.tr)
	h.options.MaxBytes = 1500
	fail := func(string) (error, bool) {
		if h.rnd.IntN(6) == 0 {
			return errors.New("fault"), h.rnd.IntN(2) == 0
		}
		return nil, true
	}
	h.progress.fail, h.dest.fail = fail, fail
	p := h.pump(t, h.tr, Bucket)
	for range 200 {
		h.step()
		if h.rnd.IntN(3) == 0 {
			if _, err := p.step(t.Context()); err != nil && h.rnd.IntN(2) == 0 {
				p = h.pump(t, h.tr, Bucket)
			}
		}
	}
	h.progress.fail, h.dest.fail = nil, nil
	drain(t, h.pump(t, h.tr, Bucket))
	got := h.dest.delivered(t)
	if d := cmp.Diff(h.want, got); d != "" {
		t.Error(d)
	}
	if len(h.tr.Spans) > 50 {
		t.Errorf("%d spans are kept", len(h.tr.Spans))
	}
}

func TestStopLoggingIsDeliveredItself(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	stop := func(request string) event.Entry {
		r := event.Record{
			EventTime: noon, EventSource: "cloudtrail.amazonaws.com", EventName: "StopLogging", AWSRegion: home,
			EventCategory: event.Management, EventID: request, RecipientAccountID: account, RequestID: request,
			UserAgent: `"requestID":"mine"`,
		}
		return r.Encode(false)
	}
	w.journal.add(w.record(home, "A"), stop("other"), stop("mine"), w.record(home, "B"))
	tr.Stop("mine", trail.Mark{}, noon)
	w.put(tr)
	p := w.pump(t, tr, Bucket)
	drain(t, p)
	if d := cmp.Diff(map[string][]string{home: {"e1", "other", "mine"}}, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
	if n := Delivered(w.progress, tr); n != 2 {
		t.Errorf("span %d is next, want 2", n)
	}
}

func TestGapInJournal(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	for range 5 {
		w.journal.add(w.record(home, "A"))
	}
	w.journal.lost = map[uint64]bool{3: true}
	drain(t, w.pump(t, tr, Bucket))
	if d := cmp.Diff(map[string][]string{home: {"e1", "e2", "e4", "e5"}}, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
	if row := Status(w.progress, tr, Bucket); row.Gaps != 1 || !strings.Contains(row.LastGap, "lost in the test") {
		t.Errorf("progress %+v", row)
	}
}

// TestJournalRewound checks that records which come at places that were read
// before, because the store lost its end, are delivered.
func TestJournalRewound(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	w.journal.add(w.record(home, "A"))
	w.journal.add(w.record(home, "B"))
	p := w.pump(t, tr, Bucket)
	drain(t, p)
	w.journal.batches = w.journal.batches[:1]
	if !t.Run("at the end", func(t *testing.T) { drain(t, p) }) {
		return
	}
	w.journal.add(w.record(home, "C"))
	drain(t, p)
	if d := cmp.Diff(map[string][]string{home: {"e1", "e2", "e3"}}, w.dest.delivered(t)); d != "" {
		t.Error(d)
	}
	if row := Status(w.progress, tr, Bucket); row.Gaps != 1 {
		t.Errorf("progress %+v", row)
	}
}

// TestIdleCursor checks that a cursor which passes nothing but records of
// others is saved, but not at every round.
func TestIdleCursor(t *testing.T) {
	w := newWorld()
	clock := noon
	w.options.Now = func() time.Time { return clock }
	tr := w.newTrail("audit")
	w.put(tr)
	updates := 0
	w.progress.fail = func(op string) (error, bool) {
		if op == "update" {
			updates++
		}
		return nil, true
	}
	p := w.pump(t, tr, Bucket)
	for range 60 {
		e := w.record(home, "A")
		e.Header.Account = "999999999999"
		w.journal.add(e)
		drain(t, p)
		clock = clock.Add(5 * time.Second)
	}
	if updates != 5 || w.dest.writes() != 0 {
		t.Errorf("%d updates, %d files in five minutes", updates, w.dest.writes())
	}
}

func TestSecondProcess(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	a, b := w.pump(t, tr, Bucket), w.pump(t, tr, Bucket)
	w.journal.add(w.record(home, "A"))
	row, err := b.open(t.Context(), tr)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
	if _, err := b.plan(t.Context(), row, &batch{to: w.journal.End(), records: 1}); !errors.Is(err, errLost) {
		t.Error("a second process made a plan over the first's:", err)
	}
	drain(t, b)
	if n := w.dest.writes(); n != 1 {
		t.Errorf("%d files", n)
	}
}

func TestEarlierTrailsRowIsNotUsed(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.put(tr)
	w.progress.rows[strings.Join(rowKey(tr, Bucket), "|")] = &Progress{TrailID: "old", Span: 7}
	if _, err := w.pump(t, tr, Bucket).step(t.Context()); !errors.Is(err, errLost) {
		t.Error(err)
	}
	if s := Status(w.progress, tr, Bucket); s.Span != 0 {
		t.Errorf("status %+v", s)
	}
	if got := slices.Collect(maps.Keys(w.dest.objects)); len(got) > 0 {
		t.Error(got)
	}
}
