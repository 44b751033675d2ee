package crash

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func call(id string, from, to int) Call {
	c := Call{ID: id, Name: "sts GetCallerIdentity", Outcome: Answered, From: time.Duration(from), To: time.Duration(to)}
	if id == "" {
		c.Outcome = Unanswered
	}
	return c
}

func always(v Verdict) func(*Call) Verdict { return func(*Call) Verdict { return v } }

// TestCompare shows that every way of being wrong is told, and being right is not.
func TestCompare(t *testing.T) {
	calls := []Call{call("a", 0, 1), call("b", 1, 2), call("", 2, 3)}
	a, b := Seen{EventID: "1", RequestID: "a"}, Seen{EventID: "2", RequestID: "b"}
	unknown := Seen{EventID: "3", RequestID: "x"}
	own := Seen{EventID: "4", RequestID: "own", Own: true}
	failed := call("f", 3, 4)
	failed.Outcome = Failed
	for name, test := range map[string]struct {
		calls   []Call
		selects Verdict
		seen    []Seen
		missing string
		wrong   string
	}{
		"all there":           {calls, Must, []Seen{b, a, own}, "", ""},
		"unanswered recorded": {calls, Must, []Seen{a, b, unknown}, "", ""},
		"one lost":            {calls, Must, []Seen{a}, "request b", ""},
		"one twice":           {calls, Must, []Seen{a, b, {EventID: "5", RequestID: "b"}}, "", "is there 2 times"},
		"one event twice":     {calls, Must, []Seen{a, b, own, own}, "", "event 4 is there 2 times"},
		"unanswered twice":    {calls, Must, []Seen{a, b, unknown, {EventID: "6", RequestID: "x"}}, "", "got no answer, is there 2 times"},
		"unanswered, unknown": {calls, Must, []Seen{a, b, {EventID: "3", RequestID: "x", Unknown: true}}, "", ""},
		"answered, unknown":   {calls, Must, []Seen{a, {EventID: "2", RequestID: "b", Unknown: true}}, "", "recorded as unknown"},
		"made up":             {calls, Must, []Seen{a, b, unknown, {EventID: "6", RequestID: "y"}}, "", "1 records are of calls that nobody made"},
		"not selected":        {calls, MustNot, []Seen{a}, "", "was not selected"},
		"none selected":       {calls, MustNot, nil, "", ""},
		"perhaps":             {calls, May, []Seen{a}, "", ""},
		"failed, not there":   {[]Call{failed}, Must, nil, "", ""},
		"failed, there":       {[]Call{failed}, Must, []Seen{{EventID: "7", RequestID: "f"}}, "", ""},
	} {
		got := Compare(test.calls, always(test.selects), test.seen)
		expect(t, name+": missing", got.Missing, test.missing)
		expect(t, name+": wrong", got.Wrong, test.wrong)
	}
}

func expect(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if text := strings.Join(got, "; "); want == "" && text != "" || !strings.Contains(text, want) {
		t.Errorf("%s: %q, want %q", what, text, want)
	}
}

// TestSwitched says for calls at several times whether a trail that was stopped
// from 10 to 20, and perhaps from 30 on, has to hold them.
func TestSwitched(t *testing.T) {
	toggles := []Toggle{{On: true, Call: call("start", 20, 21)}, {Call: call("stop", 10, 12)}, {Call: call("", 30, 31)}, {On: true, Call: call("again", 40, 41)}}
	selects := Switched(true, toggles)
	for _, test := range []struct {
		from, to int
		want     Verdict
	}{
		{0, 5, Must},
		{5, 9, Must},
		{9, 10, May},
		{11, 11, May},
		{12, 14, May},
		{13, 14, MustNot},
		{14, 20, May},
		{22, 25, Must},
		{25, 35, May},
		{33, 35, May},
		{35, 40, May},
		{42, 50, Must},
	} {
		c := call(fmt.Sprint(test.from), test.from, test.to)
		if got := selects(&c); got != test.want {
			t.Errorf("a call from %d to %d: verdict %d, want %d", test.from, test.to, got, test.want)
		}
	}
}
