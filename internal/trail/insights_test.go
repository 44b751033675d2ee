package trail

import (
	"testing"
	"time"

	"cairn/event"
)

const auditTrail = "arn:aws:cloudtrail:eu-west-1:1:trail/audit"

func ofData(source, code string) event.Header {
	h := event.Header{Account: "1", Region: "eu-west-1", Category: event.Insight, Type: event.InsightEvent, ErrorCode: code}
	if source != "" {
		h.Resources = []event.Resource{{Type: event.InsightTrail, ARN: source}}
	}
	return h
}

// TestDataInsightsSelected: Insights events about a trail's data events are that
// trail's alone, and those about management events are another matter.
func TestDataInsightsSelected(t *testing.T) {
	tr := &Trail{Name: "audit", Account: "1", HomeRegion: "eu-west-1", Selection: Selection{DataInsights: []string{ErrorRate}, Insights: []string{CallRate}}}
	for name, row := range map[string]struct {
		h    event.Header
		want bool
	}{
		"of its data events":        {ofData(auditTrail, "AccessDenied"), true},
		"of another type":           {ofData(auditTrail, ""), false},
		"of another trail":          {ofData(auditTrail+"2", "AccessDenied"), false},
		"of management":             {ofData("", ""), true},
		"of management, other type": {ofData("", "AccessDenied"), false},
	} {
		if got := tr.Selects(&row.h); got != row.want {
			t.Errorf("%s: selected %v", name, got)
		}
	}
}

func TestWatches(t *testing.T) {
	objects := []Selector{{ReadWrite: readWriteAll, Data: []DataResource{{Type: typeObject, Values: []string{"arn:aws:s3:::b/"}}}}}
	tr := &Trail{Name: "audit", Account: "1", HomeRegion: "r", Selection: Selection{Basic: objects}}
	in, out := objectCall("arn:aws:s3:::b/k", true), objectCall("arn:aws:s3:::c/k", true)
	in.Account, in.Region, out.Account, out.Region = "1", "r", "1", "r"
	tr.Start(Mark{}, noon)
	if tr.Watches(&in) || tr.WantsData(CallRate, noon) {
		t.Error("watches without being asked to")
	}
	tr.DataInsights, tr.InsightsSince = []string{CallRate}, noon
	if !tr.Watches(&in) || tr.Watches(&out) {
		t.Error("does not watch what it selects")
	}
	if !tr.WantsData(CallRate, noon) || tr.WantsData(ErrorRate, noon) || tr.WantsData(CallRate, noon.Add(-time.Hour)) || tr.Wants(CallRate, "1", "r", noon) {
		t.Error("wants something else")
	}
	if n := testing.AllocsPerRun(100, func() { tr.Watches(&in) }); n != 0 {
		t.Errorf("Watches allocates %v times", n)
	}
	tr.Stop("r", Mark{}, noon)
	if tr.Watches(&in) || tr.WantsData(CallRate, noon) {
		t.Error("watches after logging was stopped")
	}
}

func TestDataInsightsNeedDataEvents(t *testing.T) {
	field := func(category string) []Advanced {
		return []Advanced{{Fields: []Field{{Field: fieldCategory, Equals: []string{category}}}}}
	}
	for name, row := range map[string]struct {
		s    Selection
		want bool
	}{
		"default":    {Selection{}, false},
		"basic":      {Selection{Basic: []Selector{{Data: []DataResource{{Type: typeObject}}}}}, true},
		"management": {Selection{Advanced: field(management)}, false},
		"advanced":   {Selection{Advanced: field(data)}, true},
	} {
		tr := &Trail{Selection: row.s}
		if err := tr.CheckInsights(nil, []string{CallRate}); (err == nil) != row.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
