package crash

import (
	"strings"
	"testing"
)

// TestSlot follows a thing through changes with and without answers.
func TestSlot(t *testing.T) {
	s := NewSlot("object", "bucket/key")
	s.Changed("one", Answered, true)
	if err := s.Found(""); err == nil {
		t.Error("an object that was answered is gone, and nobody complains")
	}
	s.Changed("two", Unanswered, true)
	s.Changed("three", Failed, true)
	if _, known := s.Known(); known {
		t.Error("after changes without answers the value is not known")
	}
	if err := s.Found("four"); err == nil {
		t.Error("an object nobody wrote is there, and nobody complains")
	}
	for _, value := range []string{"three", "three"} {
		if err := s.Found(value); err != nil {
			t.Error(err)
		}
	}
	if err := s.Found("two"); err != nil { // the engine may have been slow
		t.Error(err)
	}
	s.Changed("three", Answered, true)
	s.Restarted()
	s.Changed("three", Answered, true)
	s.Restarted()
	if err := s.Found("two"); err == nil {
		t.Error("an object went back to what it was, and nobody complains")
	}
	s.Changed("five", Answered, false)
	if err := s.Found("three"); err != nil {
		t.Error(err)
	}
	s.Changed("", Answered, true)
	if err := s.Found("three"); err == nil {
		t.Error("an object that was deleted is there, and nobody complains")
	}
}

// TestLate follows a change that its client gave up, and that the engine made after
// a later one, just before it ended.
func TestLate(t *testing.T) {
	for name, row := range map[string]struct {
		kind    string
		outcome Outcome
		looked  bool // between the change that was answered and the end of the engine
		may     bool
	}{
		"given up":              {"object", Unanswered, false, true},
		"given up, looked":      {"object", Unanswered, true, true},
		"failed":                {"object", Failed, false, false}, // a 5xx is the end of it
		"failed, looked":        {"object", Failed, true, false},
		"a user, failed":        {"user", Failed, false, true},
		"answered before":       {"object", Answered, false, false},
		"another user answered": {"user", Answered, true, false},
	} {
		s := NewSlot(row.kind, "x")
		s.Changed("first", row.outcome, true)
		s.Changed("second", Answered, true)
		if row.looked {
			if err := s.Found("second"); err != nil {
				t.Error(name, err)
			}
		}
		s.Restarted()
		if err := s.Found("first"); (err == nil) != row.may {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Found("third"); err == nil || !strings.Contains(err.Error(), `change to "second": answered`) {
			t.Errorf("%s: a complaint does not tell the past: %v", name, err)
		}
		if s.Restarted(); len(s.may) != 1 {
			t.Errorf("%s: after another end it may be one of %q", name, s.may)
		}
	}
}

// TestUnrecorded wants a record of a change that happened without an answer.
func TestUnrecorded(t *testing.T) {
	slot := NewSlot("user", "u")
	slot.Changed("there", Unanswered, false)
	if err := slot.Found("there"); err != nil {
		t.Fatal(err)
	}
	made := Change{Kind: "user", Name: "u"}
	for name, test := range map[string]struct {
		seen []Seen
		want int
	}{
		"none":             {nil, 1},
		"success":          {[]Seen{{RequestID: "x", Change: made}}, 0},
		"unknown":          {[]Seen{{RequestID: "x", Change: made, Error: "OutcomeUnknown", Unknown: true}}, 0},
		"refused":          {[]Seen{{RequestID: "x", Change: made, Error: "EntityAlreadyExists"}}, 1},
		"failed":           {[]Seen{{RequestID: "f", Change: made, Error: "InternalError"}}, 0},
		"of an answer":     {[]Seen{{RequestID: "a", Change: made}}, 1},
		"of a deletion":    {[]Seen{{RequestID: "x", Change: Change{Kind: "user", Name: "u", Deleted: true}}}, 1},
		"of another thing": {[]Seen{{RequestID: "x", Change: Change{Kind: "user", Name: "v"}}}, 1},
	} {
		if got := Unrecorded([]*Slot{slot}, []Call{call("a", 0, 1), {ID: "f", Outcome: Failed}}, test.seen); len(got) != test.want {
			t.Errorf("%s: %q, want %d complaints", name, got, test.want)
		}
	}
}
