package trail

import (
	"testing"
	"time"

	"cairn/event"
	"cairn/internal/awserr"
)

func TestOrganizationSelects(t *testing.T) {
	own := Trail{Account: "111122223333", HomeRegion: "eu-west-1"}
	all := own
	all.OrganizationID = "o-1a2b3c4d5e"
	for _, tt := range []struct {
		trail           *Trail
		account, region string
		want            bool
	}{
		{&own, "111122223333", "eu-west-1", true},
		{&own, "444455556666", "eu-west-1", false},
		{&all, "111122223333", "eu-west-1", true},
		{&all, "444455556666", "eu-west-1", true},
		{&all, "444455556666", "us-east-1", false},
	} {
		h := &event.Header{Account: tt.account, Region: tt.region, Category: event.Management}
		if got := tt.trail.Selects(h); got != tt.want {
			t.Errorf("organization %q, %s in %s: %v", tt.trail.OrganizationID, tt.account, tt.region, got)
		}
	}
}

func TestInsightsSelected(t *testing.T) {
	tr := Trail{Account: "1", HomeRegion: "r", Selection: Selection{Insights: []string{ErrorRate}, Basic: []Selector{{ReadWrite: readWriteAll, Management: true}}}}
	rate, failing := &event.Header{Account: "1", Region: "r", Category: event.Insight}, &event.Header{Account: "1", Region: "r", Category: event.Insight, ErrorCode: "AccessDenied"}
	if InsightType(rate) != CallRate || InsightType(failing) != ErrorRate {
		t.Error("Insights events are of another type")
	}
	if tr.Selects(rate) || !tr.Selects(failing) {
		t.Error("not the type that was asked for is selected")
	}
	tr.Insights = nil
	if tr.Selects(failing) {
		t.Error("an Insights event is selected by event selectors")
	}
}

func TestWants(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const account, region = "111122223333", "eu-west-1"
	tr := &Trail{Account: account, HomeRegion: region, Selection: Selection{Insights: []string{CallRate}, InsightsSince: noon.Add(30 * time.Second)}}
	wants := func(typ, account, region string, at time.Time, want bool) {
		t.Helper()
		if got := tr.Wants(typ, account, region, at); got != want {
			t.Errorf("%s of %s in %s at %v: %v", typ, account, region, at, got)
		}
	}
	wants(CallRate, account, region, noon.Add(time.Hour), false) // does not log
	tr.Start(Mark{Seq: 1}, noon)
	wants(CallRate, account, region, noon.Add(time.Hour), true)
	wants(CallRate, account, region, noon, true) // the minute in which it was asked for
	wants(CallRate, account, region, noon.Add(-time.Minute), false)
	wants(ErrorRate, account, region, noon.Add(time.Hour), false)
	wants(CallRate, "444455556666", region, noon.Add(time.Hour), false)
	wants(CallRate, account, "us-east-1", noon.Add(time.Hour), false)
	tr.OrganizationID, tr.MultiRegion = "o-1a2b3c4d5e", true
	wants(CallRate, "444455556666", region, noon.Add(time.Hour), true)
	wants(CallRate, account, "us-east-1", noon.Add(time.Hour), true)
	tr.Stop("r", Mark{}, noon.Add(time.Minute))
	wants(CallRate, account, region, noon.Add(time.Hour), false)
}

func TestCheckInsights(t *testing.T) {
	for _, tt := range []struct {
		selector    Selector
		rate, error bool
	}{
		{Selector{ReadWrite: readWriteAll, Management: true}, true, true},
		{Selector{ReadWrite: writeOnly, Management: true}, true, true},
		{Selector{ReadWrite: readOnly, Management: true}, false, true},
		{Selector{ReadWrite: readWriteAll, Data: []DataResource{{Type: typeObject, Values: []string{allObjects}}}}, false, false},
	} {
		tr := &Trail{Selection: Selection{Basic: []Selector{tt.selector}}}
		for typ, want := range map[string]bool{CallRate: tt.rate, ErrorRate: tt.error} {
			if err := tr.CheckInsights([]string{typ}, nil); (err == nil) != want || err != nil && !awserr.Is(err, "InvalidInsightSelectorsException") {
				t.Errorf("%s with %+v: %v", typ, tt.selector, err)
			}
		}
	}
}

func TestOrganizationNames(t *testing.T) {
	f := File{
		OrganizationID: "o-1a2b3c4d5e", Account: "111122223333", Region: "eu-west-1", Insights: true,
		Time: time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC), Unique: "abcdefghijklmnop",
	}
	const want = "AWSLogs/o-1a2b3c4d5e/111122223333/CloudTrail-Insight/eu-west-1/2026/03/01/111122223333_CloudTrail-Insight_eu-west-1_20260301T1205Z_abcdefghijklmnop.json.gz"
	if got := f.Key(); got != want {
		t.Errorf("key %s", got)
	}
	if got := OrganizationLogStream("o-1a2b3c4d5e", "111122223333", "eu-west-1"); got != "o-1a2b3c4d5e_111122223333_CloudTrail_eu-west-1" {
		t.Error(got)
	}
	if got := OrganizationLogStream("", "111122223333", "eu-west-1"); got != LogStream("111122223333", "eu-west-1") {
		t.Error(got)
	}
}
