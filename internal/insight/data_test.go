package insight

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cairn/event"
	"cairn/internal/trail"
)

// TestDataEvents: data events are counted for each trail that watches them, reads
// too, and not as management events.
func TestDataEvents(t *testing.T) {
	a := NewAnalyzer(Rules{MinBaseline: time.Hour})
	add := func(m, n int, trails ...string) {
		calls(a, m, n, func(h *event.Header) {
			h.Category, h.Source, h.Name, h.ReadOnly = event.Data, "s3.amazonaws.com", "GetObject", true
			a.Add(h, "agent", trails...)
			h.Category = event.Insight // and no more by calls
		})
	}
	add(0, 1, "arn:one")
	add(59, 1, "arn:two") // watched for a minute only
	add(60, 30, "arn:one", "arn:two")
	add(90, 30)
	calls(a, 61, 1, nil)
	found := a.Close(midnight.Add(3 * time.Hour))
	if len(found) != 2 || found[0].Trail != "arn:one" || found[0].End || !found[1].End || found[0].Average != 30 {
		t.Fatalf("found %+v", found)
	}
	e, err := found[0].Entry()
	if err != nil {
		t.Fatal(err)
	}
	h := e.Header
	if h.InsightSource() != "arn:one" || trail.InsightType(&h) != trail.CallRate || h.Name != "GetObject" {
		t.Errorf("%+v", h)
	}
	for _, part := range []string{`"sourceEventCategory":"Data","insightContext":`, `]},"insightSource":"arn:one"},"eventCategory":"Insight"}`} {
		if !strings.Contains(string(e.JSON), part) {
			t.Errorf("%s lacks %s", e.JSON, part)
		}
	}
	other := found[0]
	other.Trail = "arn:two"
	if other.id(stateStart) == found[0].id(stateStart) {
		t.Error("two trails' events have one id")
	}
}

// TestWatchData: the watcher asks which trails watch a data event, and what it finds
// is asked for of that trail.
func TestWatchData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{}
		var asked []Subject
		w, err := New(Options{
			Journal: j, Snapshots: &kept{}, Rules: Rules{MinBaseline: time.Hour},
			Wanted:   func(s *Subject, _ time.Time) bool { asked = append(asked, *s); return true },
			Watching: func(h *event.Header) []string { return []string{"arn:" + h.Name} },
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range []int{1, 30} {
			for range n {
				h := event.Header{Time: time.Now(), Account: account, Region: region, Source: "s3.amazonaws.com", Name: "PutObject", Category: event.Data, Type: event.APICall}
				if err := j.Append(t.Context(), event.Entry{Header: h, JSON: []byte(`{"userAgent":"a"}`)}); err != nil {
					t.Fatal(err)
				}
			}
			if i == 0 {
				time.Sleep(61 * time.Minute)
			}
		}
		time.Sleep(90 * time.Second)
		if _, err := w.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list := j.insights(); len(list) != 1 || len(asked) != 1 || asked[0].Trail != "arn:PutObject" {
			t.Errorf("%d events, asked for %+v", len(list), asked)
		}
	})
}
