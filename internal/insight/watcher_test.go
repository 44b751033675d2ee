package insight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cairn/event"
	"cairn/internal/journal"
)

// memory is a journal in memory.
type memory struct {
	mu   sync.Mutex
	recs []journal.Located
	// fail makes Append fail; kept says that the records are there all the same.
	fail, kept bool
}

func (m *memory) End() journal.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.end()
}

func (m *memory) end() journal.Position { return journal.Position{Seq: uint64(len(m.recs) + 1)} }

// failing makes Append fail from now on, or work.
func (m *memory) failing(fail, kept bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail, m.kept = fail, kept
}

func (m *memory) Read(_ context.Context, from journal.Position) ([]journal.Located, journal.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from.Seq = max(from.Seq, 1)
	some := m.recs[from.Seq-1:]
	some = some[:min(len(some), 100)]
	return some, journal.Position{Seq: from.Seq + uint64(len(some))}, nil
}

func (m *memory) Append(_ context.Context, entries ...event.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.fail || m.kept {
		for _, e := range entries {
			m.recs = append(m.recs, journal.Located{Pos: m.end(), Entry: e})
		}
	}
	if m.fail {
		return errors.New("test")
	}
	return nil
}

// act makes calls at this moment.
func (m *memory) act(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		r := &event.Record{
			EventTime: time.Now(), EventSource: "ec2.amazonaws.com", EventName: "RunInstances", AWSRegion: region, RecipientAccountID: account,
			UserAgent: `a "quoted" agent`, EventType: event.APICall, EventCategory: event.Management, ManagementEvent: true,
		}
		m.recs = append(m.recs, journal.Located{Pos: m.end(), Entry: r.Encode(false)})
	}
}

// insights returns the Insights events in the journal, in short.
func (m *memory) insights() (list []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.recs {
		if r.Header.Category == event.Insight {
			list = append(list, r.Header.ID)
		}
	}
	return list
}

// kept keeps a snapshot in memory.
type kept struct{ b []byte }

func (k *kept) Load() ([]byte, error) { return k.b, nil }
func (k *kept) Save(b []byte) error   { k.b = b; return nil }

func all(*Subject, time.Time) bool { return true }

// run runs a watcher until stop is called.
func run(t *testing.T, j *memory, s Snapshots, wanted func(*Subject, time.Time) bool) (stop func()) {
	t.Helper()
	w, err := New(Options{Journal: j, Snapshots: s, Wanted: wanted, Rules: Rules{MinBaseline: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	return func() { cancel(); <-done }
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		stop := run(t, j, &kept{}, all)
		j.act(1)
		time.Sleep(61 * time.Minute)
		j.act(30)
		time.Sleep(90 * time.Second)
		if n := len(j.insights()); n != 1 {
			t.Errorf("%d events after the burst, want its start", n)
		}
		time.Sleep(10 * time.Minute)
		if n := len(j.insights()); n != 2 {
			t.Errorf("%d events after quiet minutes, want start and end", n)
		}
		stop()
	})
}

func TestNotWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		var asked string
		stop := run(t, j, &kept{}, func(s *Subject, _ time.Time) bool {
			asked = fmt.Sprint(s.Type(), s.Account, s.Region)
			return false
		})
		j.act(1)
		time.Sleep(61 * time.Minute)
		j.act(30)
		time.Sleep(time.Hour)
		stop()
		if n := len(j.insights()); n != 0 || asked != "ApiCallRateInsight"+account+region {
			t.Errorf("%d events that no trail wants; asked for %s", n, asked)
		}
	})
}

// TestOnceWhateverIsLost ends the watcher at every moment of a burst, with the
// snapshot of then, an old one, a damaged one or none, and with appends that fail
// or only seem to. The start and the end are in the journal once.
func TestOnceWhateverIsLost(t *testing.T) {
	snapshots := map[string]func(now []byte) []byte{
		"kept":    func(now []byte) []byte { return now },
		"lost":    func([]byte) []byte { return nil },
		"damaged": func(now []byte) []byte { return append(now[:len(now)-1:len(now)-1], now[len(now)-1]^1) },
	}
	for name, snapshot := range snapshots {
		for _, fails := range []struct{ fail, kept bool }{{}, {true, false}, {true, true}} {
			for _, after := range []time.Duration{30 * time.Second, 80 * time.Second, 4 * time.Minute, 7 * time.Minute} {
				t.Run(fmt.Sprintf("%s, fails %v %v, after %s", name, fails.fail, fails.kept, after), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						j, s := &memory{}, &kept{}
						stop := run(t, j, s, all)
						j.act(1)
						time.Sleep(61 * time.Minute)
						j.act(30)
						j.failing(fails.fail, fails.kept)
						time.Sleep(after)
						stop()
						j.failing(false, false)
						s.b = snapshot(s.b)
						time.Sleep(time.Hour)
						stop = run(t, j, s, all)
						time.Sleep(time.Hour)
						j.act(1)
						time.Sleep(time.Hour)
						stop()
						list := j.insights()
						if len(list) != 2 || list[0] == list[1] {
							t.Errorf("events %v, want start and end", list)
						}
					})
				})
			}
		}
	}
}

func TestUserAgent(t *testing.T) {
	r := event.Record{UserAgent: `x\"}"y`, UserIdentity: event.UserIdentity{UserName: `"userAgent":"forged"`}, RequestParameters: []byte(`{"userAgent":"later"}`)}
	if got := userAgent(r.Append(nil)); got != r.UserAgent {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{``, `{}`, `{"userAgent":"x`, `{"userAgent":"\q"}`, `"userAgent":"\`} {
		if got := userAgent([]byte(bad)); got != "" {
			t.Errorf("%s: %q", bad, got)
		}
	}
}

func FuzzUserAgent(f *testing.F) {
	f.Add("curl/8", "ann")
	f.Add(`"`, `\`)
	f.Fuzz(func(t *testing.T, agent, user string) {
		// One that is cut at its limit of 1 KiB may be cut again: what stands for
		// a byte that is not UTF-8 is longer than that byte.
		if len(string([]rune(agent))) > 1<<10 {
			return
		}
		r := event.Record{UserAgent: agent, UserIdentity: event.UserIdentity{UserName: user}}
		again := event.Record{UserAgent: userAgent(r.Append(nil)), UserIdentity: event.UserIdentity{UserName: user}}
		if a, b := string(r.Append(nil)), string(again.Append(nil)); a != b {
			t.Errorf("%s became %s", a, b)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	s := &kept{}
	w, err := New(Options{Journal: &memory{}, Snapshots: s, Wanted: all})
	if err != nil {
		f.Fatal(err)
	}
	if err := w.save(); err != nil {
		f.Fatal(err)
	}
	f.Add(s.b)
	f.Add([]byte(snapshotHead))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = (&Watcher{}).decode(b, Rules{}) // must not panic
	})
}
