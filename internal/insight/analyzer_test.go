package insight

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/event"
	"cairn/internal/trail"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

var midnight = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// calls adds calls to RunInstances in the minute m after midnight.
func calls(a *Analyzer, m, n int, change func(*event.Header)) {
	for i := range n {
		h := &event.Header{
			Time: midnight.Add(time.Duration(m)*time.Minute + time.Duration(i%60)*time.Second), Account: account, Region: region,
			Source: "ec2.amazonaws.com", Name: "RunInstances", Category: event.Management, Type: event.APICall,
			UserARN: "arn:aws:sts::111122223333:assumed-role/deploy/s" + fmt.Sprint(i),
		}
		if change != nil {
			change(h)
		}
		a.Add(h, "agent")
	}
}

// closeTo closes all minutes before minute m, and says what was found in short:
// state, error code, first minute, duration, average.
func closeTo(a *Analyzer, m int) (found []string) {
	for _, f := range a.Close(midnight.Add(time.Duration(m) * time.Minute)) {
		state := stateStart
		if f.End {
			state = stateEnd
		}
		found = append(found, fmt.Sprintf("%s %s%s at %d for %d: %v", state, f.Name, f.ErrorCode, f.Start-minuteOf(midnight), f.Minutes, f.Average))
	}
	return found
}

const aDay = minutesADay

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestBurst(t *testing.T) {
	a := NewAnalyzer(Rules{})
	for m := range 2 * aDay {
		if m%30 == 0 {
			calls(a, m, 1, nil)
		}
	}
	wants(t, closeTo(a, 2*aDay))
	calls(a, 2*aDay, 30, nil)
	calls(a, 2*aDay+1, 40, nil)
	calls(a, 2*aDay+2, 1, nil) // usual
	calls(a, 2*aDay+3, 29, nil)
	wants(t, closeTo(a, 2*aDay+4), "Start RunInstances at 2880 for 1: 30")
	wants(t, closeTo(a, 2*aDay+8))
	wants(t, closeTo(a, 2*aDay+9), "End RunInstances at 2880 for 4: 25")
	wants(t, closeTo(a, 3*aDay))
}

// TestUsual lists what is not reported.
func TestUsual(t *testing.T) {
	for name, tt := range map[string]struct {
		day func(a *Analyzer, day int)
	}{
		"too short a baseline": {func(a *Analyzer, day int) {
			if day == 0 {
				calls(a, 60, 1, nil)
				calls(a, aDay-1, 100, nil)
			}
		}},
		"too few calls": {func(a *Analyzer, day int) { calls(a, day*aDay+day*97, 9, nil) }},
		"reads": {func(a *Analyzer, day int) {
			calls(a, day*aDay, 1, nil)
			calls(a, day*aDay+100, 50*day, func(h *event.Header) { h.ReadOnly = true })
		}},
		"data events": {func(a *Analyzer, day int) {
			calls(a, day*aDay, 1, nil)
			calls(a, day*aDay+100, 50*day, func(h *event.Header) { h.Category = event.Data })
		}},
		"service events": {func(a *Analyzer, day int) {
			calls(a, day*aDay, 1, nil)
			calls(a, day*aDay+100, 50*day, func(h *event.Header) { h.Type = "AwsServiceEvent" })
		}},
		"every hour": {func(a *Analyzer, day int) {
			for hour := range 24 {
				calls(a, day*aDay+hour*60, 50+hour%3, nil)
			}
		}},
		"always": {func(a *Analyzer, day int) {
			for m := range aDay {
				calls(a, day*aDay+m, 20+m%7, nil)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewAnalyzer(Rules{})
			for day := range 5 {
				tt.day(a, day)
				wants(t, closeTo(a, (day+1)*aDay))
			}
		})
	}
}

// TestEveryNight reports a nightly burst until it is known.
func TestEveryNight(t *testing.T) {
	a := NewAnalyzer(Rules{})
	calls(a, 0, 1, nil)
	var starts []int
	for day := range 20 {
		calls(a, day*aDay+120, 50, nil)
		for _, f := range closeTo(a, (day+1)*aDay) {
			if f[:5] == stateStart {
				starts = append(starts, day)
			}
		}
	}
	if len(starts) == 0 || starts[0] != 1 || starts[len(starts)-1] > 2 {
		t.Errorf("reported on days %v: want on day 1, and no more once it came on each day", starts)
	}
}

func TestErrorRate(t *testing.T) {
	a := NewAnalyzer(Rules{})
	denied := func(h *event.Header) { h.Name, h.ReadOnly, h.ErrorCode = "GetRole", true, "AccessDenied" }
	calls(a, 0, 1, nil)
	calls(a, aDay+5, 20, denied)
	calls(a, aDay+5, 20, func(h *event.Header) { h.Name, h.ReadOnly = "GetRole", true })
	wants(t, closeTo(a, aDay+30),
		"Start GetRoleAccessDenied at 1445 for 1: 20", "End GetRoleAccessDenied at 1445 for 1: 20")
}

// TestLasting: what goes on all the time ends as unusual, and is usual afterwards.
func TestLasting(t *testing.T) {
	a := NewAnalyzer(Rules{})
	calls(a, 0, 1, nil)
	found := 0
	for m := aDay; m < 4*aDay; m++ {
		calls(a, m, 20, nil)
		found += len(closeTo(a, m+1))
	}
	if found != 2 {
		t.Errorf("%d findings, want a start and an end", found)
	}
}

// TestLate: a record that comes when its minute is closed counts all the same.
func TestLate(t *testing.T) {
	a := NewAnalyzer(Rules{})
	calls(a, 0, 1, nil)
	closeTo(a, aDay+10)
	calls(a, aDay, 12, nil)
	wants(t, closeTo(a, aDay+11), "Start RunInstances at 1450 for 1: 12")
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	a := NewAnalyzer(Rules{})
	calls(a, 0, 1, nil)
	for i, place := range []string{"444455556666 eu-west-1", "111122223333 us-east-1"} {
		in := func(h *event.Header) { _, _ = fmt.Sscan(place, &h.Account, &h.Region) }
		calls(a, 0, 1, in)
		calls(a, aDay+20*i, 7, in)
		calls(a, aDay+20*i, 7, nil)
	}
	wants(t, closeTo(a, 2*aDay))
}

func TestSubjectsAreBounded(t *testing.T) {
	a := NewAnalyzer(Rules{})
	for i := range maxSubjects + 100 {
		calls(a, 0, 1, func(h *event.Header) { h.Name = fmt.Sprint("Op", i) })
	}
	closeTo(a, 2)
	if n := len(a.Series); n != maxSubjects {
		t.Errorf("%d series", n)
	}
	closeTo(a, 20*aDay)
	calls(a, 20*aDay, 1, nil)
	closeTo(a, 20*aDay+1)
	if n := len(a.Series); n != 1 {
		t.Errorf("%d series are left after 20 days", n)
	}
}

func TestRecord(t *testing.T) {
	a := NewAnalyzer(Rules{})
	calls(a, 0, 4, nil)
	calls(a, 0, 2, func(h *event.Header) { h.UserARN, h.ErrorCode = "arn:aws:iam::111122223333:user/ann", "Client.Dry" })
	calls(a, 2*aDay, 15, nil)
	calls(a, 2*aDay, 5, func(h *event.Header) { h.UserARN, h.InvokedBy = "", "autoscaling.amazonaws.com" })
	found := a.Close(midnight.Add(2*aDay*time.Minute + time.Hour))
	if len(found) != 2 {
		t.Fatalf("%d findings", len(found))
	}
	start, err := found[0].Entry()
	if err != nil {
		t.Fatal(err)
	}
	end, err := found[1].Entry()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"eventVersion":"1.09","eventTime":"2026-03-03T00:00:00Z","awsRegion":"eu-west-1","eventID":"ID",` +
		`"eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"SHARED","insightDetails":{"state":"Start",` +
		`"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","insightType":"ApiCallRateInsight","sourceEventCategory":"Management","insightContext":{"statistics":` +
		`{"baseline":{"average":0.0020833333},"insight":{"average":20},"insightDuration":1,"baselineDuration":2880},"attributions":[` +
		`{"attribute":"userIdentityArn","insight":[{"value":"arn:aws:sts::111122223333:assumed-role/deploy","average":15},{"value":"autoscaling.amazonaws.com","average":5}],` +
		`"baseline":[{"value":"arn:aws:sts::111122223333:assumed-role/deploy","average":0.0013888889},{"value":"arn:aws:iam::111122223333:user/ann","average":0.0006944444}]},` +
		`{"attribute":"userAgent","insight":[{"value":"agent","average":20}],"baseline":[{"value":"agent","average":0.0020833333}]},` +
		`{"attribute":"errorCode","insight":[{"value":"null","average":20}],"baseline":[{"value":"null","average":0.0013888889},{"value":"Client.Dry","average":0.0006944444}]}]}},` +
		`"eventCategory":"Insight"}`
	got := string(start.JSON)
	for id, name := range map[string]string{found[0].id(stateStart): "ID", found[0].id(""): "SHARED"} {
		got = replace(got, id, name)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var both [2]struct {
		EventID, SharedEventID, EventTime string
		InsightDetails                    struct{ State string }
	}
	for i, e := range []event.Entry{start, end} {
		if err := json.Unmarshal(e.JSON, &both[i]); err != nil {
			t.Fatal(err)
		}
	}
	if both[0].SharedEventID != both[1].SharedEventID || both[0].EventID == both[1].EventID ||
		both[1].EventTime != "2026-03-03T00:01:00Z" || both[1].InsightDetails.State != stateEnd {
		t.Errorf("%+v", both)
	}
	h := start.Header
	if trail.InsightType(&h) != trail.CallRate || h.Category != event.Insight || h.Name != "RunInstances" || h.ID != both[0].EventID {
		t.Errorf("%+v", h)
	}
}

func replace(text, old, name string) string {
	for i := 0; i+len(old) <= len(text); i++ {
		if text[i:i+len(old)] == old {
			return text[:i] + name + text[i+len(old):]
		}
	}
	return text
}
