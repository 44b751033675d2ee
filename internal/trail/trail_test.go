package trail

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestSpans(t *testing.T) {
	tr := &Trail{Name: "audit", Account: "111122223333", HomeRegion: "eu-west-1"}
	if tr.Logging() {
		t.Error("a new trail logs")
	}
	tr.Stop("r0", Mark{}, noon)
	tr.Start(Mark{5, 0}, noon)
	tr.Start(Mark{6, 0}, noon.Add(time.Hour)) // logs already
	old := tr.Selection
	tr.Select(Selection{MultiRegion: true}, Mark{7, 2})
	if !tr.Logging() {
		t.Error("does not log after its selection changed")
	}
	tr.Stop("r1", Mark{}, noon.Add(time.Minute))
	tr.Stop("r2", Mark{}, noon.Add(time.Hour)) // stopped already
	if tr.Logging() {
		t.Error("logs after Stop")
	}
	tr.Select(Selection{GlobalEvents: true}, Mark{8, 0})
	tr.Start(Mark{9, 0}, noon.Add(2*time.Minute))
	want := []Span{
		{Number: 1, From: Mark{5, 0}, To: Mark{7, 2}, Cut: true, Selection: &old},
		{Number: 2, From: Mark{7, 2}, StopRequest: "r1", Stopped: noon.Add(time.Minute), Selection: &Selection{MultiRegion: true}},
		{Number: 3, From: Mark{9, 0}},
	}
	if d := cmp.Diff(want, tr.Spans); d != "" {
		t.Error(d)
	}
	if !tr.Started.Equal(noon.Add(2*time.Minute)) || !tr.Stopped.Equal(noon.Add(time.Minute)) {
		t.Error("started", tr.Started, "stopped", tr.Stopped)
	}

	span, next := tr.Span(2)
	if span.Number != 2 || next.Number != 3 {
		t.Error("Span(2) =", span, next)
	}
	if span, next = tr.Span(3); span.Number != 3 || next != nil {
		t.Error("Span(3) =", span, next)
	}
	if span, _ = tr.Span(4); span != nil {
		t.Error("Span(4) =", span)
	}
	tr.Prune(2)
	if len(tr.Spans) != 2 || tr.Spans[0].Number != 2 {
		t.Error("after Prune(2):", tr.Spans)
	}
	tr.Prune(99)
	if len(tr.Spans) != 1 || !tr.Logging() {
		t.Error("Prune dropped the open span:", tr.Spans)
	}
}

func TestExport(t *testing.T) {
	tr := &Trail{}
	tr.Export("g", "r", Mark{3, 0})
	if tr.LogGroupSpan != 1 {
		t.Error("not yet logging: exports from span", tr.LogGroupSpan)
	}
	tr.Start(Mark{5, 0}, noon)
	tr.Export("g2", "r2", Mark{6, 0})
	if tr.LogGroupSince != (Mark{3, 0}) || tr.LogGroupARN != "g2" || tr.RoleARN != "r2" {
		t.Errorf("after a change of log group: %+v", tr)
	}
	tr.Export("", "", Mark{7, 0})
	tr.Export("g", "r", Mark{8, 1})
	if tr.LogGroupSpan != 1 || tr.LogGroupSince != (Mark{8, 1}) {
		t.Error("logging: exports from", tr.LogGroupSpan, tr.LogGroupSince)
	}
}

// TestStored checks that a trail survives being stored, empty lists included:
// GetEventSelectors answers with the lists that were put.
func TestStored(t *testing.T) {
	in := &Trail{
		Name:      "audit",
		Selection: Selection{Basic: []Selector{{ReadWrite: "All", Data: []DataResource{{Type: typeObject, Values: []string{}}}}}},
		Created:   noon, Spans: []Span{{Number: 1}},
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := &Trail{}
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, out); d != "" {
		t.Error(d)
	}
}

func TestRegionsAndGlobalServices(t *testing.T) {
	const here, there = "eu-west-1", "us-east-1"
	tests := []struct {
		name          string
		home          string
		multi, global bool
		header        event.Header
		want          bool
	}{
		{"home region", here, false, true, event.Header{Region: here}, true},
		{"other region", here, false, true, event.Header{Region: there}, false},
		{"other region, all regions", here, true, true, event.Header{Region: there}, true},
		{"global, single region elsewhere", here, false, true, event.Header{Region: there, Global: true}, false},
		{"global, all regions", here, true, true, event.Header{Region: there, Global: true}, true},
		{"global, single region us-east-1", there, false, true, event.Header{Region: there, Global: true}, true},
		{"global, not wanted", there, false, false, event.Header{Region: there, Global: true}, false},
		{"regional, global not wanted", there, false, false, event.Header{Region: there}, true},
		{"other account", here, true, true, event.Header{Region: here, Account: "999999999999"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := &Trail{Account: "111122223333", HomeRegion: tt.home, Selection: Selection{MultiRegion: tt.multi, GlobalEvents: tt.global}}
			h := tt.header
			h.Category = event.Management
			if h.Account == "" {
				h.Account = tr.Account
			}
			if got := tr.Selects(&h); got != tt.want {
				t.Errorf("Selects = %v", got)
			}
		})
	}
}

func TestSelectsAllocatesNothing(t *testing.T) {
	tr := &Trail{Account: "1", HomeRegion: "r", Selection: Selection{Advanced: []Advanced{{Fields: []Field{
		{Field: fieldCategory, Equals: []string{data}},
		{Field: fieldResourceType, Equals: []string{typeObject}},
		{Field: fieldResourceARN, StartsWith: []string{"arn:aws:s3:::b/"}, NotEndsWith: []string{".tmp"}},
		{Field: fieldReadOnly, Equals: []string{"false"}},
	}}}}}
	h := objectCall("arn:aws:s3:::b/k", false)
	h.Account, h.Region = "1", "r"
	if n := testing.AllocsPerRun(100, func() {
		if !tr.Selects(&h) {
			t.Error("not selected")
		}
	}); n != 0 {
		t.Errorf("Selects allocates %v times", n)
	}
}

func BenchmarkSelects(b *testing.B) {
	tr := &Trail{Account: "1", HomeRegion: "r", Selection: Selection{Basic: DefaultSelectors()}}
	h := event.Header{Account: "1", Region: "r", Category: event.Management, Source: "ec2.amazonaws.com"}
	for b.Loop() {
		tr.Selects(&h)
	}
}
