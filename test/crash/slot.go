package crash

import (
	"fmt"
	"slices"
	"strings"
)

// Slot is one thing that one client keeps changing: an object, a user, an
// instance. It knows what the thing may be now: what the last answered change
// made it, and what every change since that got no answer would have made it.
type Slot struct {
	// Kind and Name say what it is, such as object and bucket/key.
	Kind, Name string
	// may is what it may be, first what the last answered change made it; nothing
	// stands for "".
	may []string
	// late are the values of changes that got no answer from the engine that runs:
	// they may be made yet, when their client has long seen another value. An engine
	// that answers by a 5xx has done with an object; a row of its state may still be
	// on its way to the disk.
	late []string
	// changed are the values it was found to have by changes that got no answer.
	changed []string
	// past is what happened to it, in the order in which its client saw it.
	past []string
}

// objectKind is the kind of slots that are objects.
const objectKind = "object"

// NewSlot returns a slot of a thing that is not there.
func NewSlot(kind, name string) *Slot { return &Slot{Kind: kind, Name: name, may: []string{""}} }

// Changed notes how a change to value ended for its client. A change that was
// refused (done is false) changed nothing.
func (s *Slot) Changed(value string, outcome Outcome, done bool) {
	s.note("change to %q: %s", value, ended(outcome, done))
	switch {
	case outcome == Answered && done:
		s.may = []string{value}
	case outcome == Answered:
	default:
		if !slices.Contains(s.may, value) {
			s.may = append(s.may, value)
		}
		if outcome == Unanswered || s.Kind != objectKind {
			s.late = append(s.late, value)
		}
	}
}

// Restarted notes that the engine has ended: what it had not done it never will.
// What it did late, after its client had seen another value, it may have done just
// before, when nobody looked any more.
func (s *Slot) Restarted() {
	s.note("the engine was started")
	for _, value := range s.late {
		if !slices.Contains(s.may, value) {
			s.may = append(s.may, value)
		}
	}
	s.late = nil
}

// maxPast is how much of a thing's past a complaint tells.
const maxPast = 40

func (s *Slot) note(format string, args ...any) {
	if len(s.past) == 2*maxPast {
		s.past = slices.Delete(s.past, 0, maxPast)
	}
	s.past = append(s.past, fmt.Sprintf(format, args...))
}

func ended(outcome Outcome, done bool) string {
	switch {
	case outcome == Unanswered:
		return "no answer"
	case outcome == Failed:
		return "failed (5xx)"
	case done:
		return "answered"
	default:
		return "refused"
	}
}

// Known returns what the thing is, if that is known.
func (s *Slot) Known() (value string, ok bool) {
	if len(s.may) != 1 {
		return "", false
	}
	return s.may[0], true
}

// Found notes what the thing was found to be, and returns an error if it cannot
// be that.
func (s *Slot) Found(value string) error {
	at := slices.Index(s.may, value)
	if at < 0 && !slices.Contains(s.late, value) {
		return fmt.Errorf("%s %s is %q, but may only be one of %q; its past:\n\t%s", s.Kind, s.Name, value, s.may, strings.Join(s.past, "\n\t"))
	}
	s.note("found %q", value)
	if at != 0 {
		s.changed = append(s.changed, value)
	}
	s.may = []string{value}
	return nil
}

// Change is what a record says was done to a thing: made (or replaced), or deleted.
type Change struct {
	Kind, Name string
	Deleted    bool
}

// Unrecorded complains of every change that was found to have happened although it
// got no answer, and of which there is no record: neither of its success, nor that
// nobody knows its outcome, nor, if it was answered by a 5xx, that it failed.
func Unrecorded(slots []*Slot, calls []Call, seen []Seen) (wrong []string) {
	answered, failed := map[string]bool{}, map[string]bool{}
	for i := range calls {
		answered[calls[i].ID] = calls[i].Outcome == Answered
		failed[calls[i].ID] = calls[i].Outcome == Failed
	}
	records := map[Change]int{}
	for i := range seen {
		if s := &seen[i]; !answered[s.RequestID] && (s.Error == "" || s.Unknown || failed[s.RequestID]) {
			records[s.Change]++
		}
	}
	for _, s := range slots {
		for _, value := range s.changed {
			c := Change{Kind: s.Kind, Name: s.Name, Deleted: value == ""}
			if records[c]--; records[c] < 0 {
				wrong = append(wrong, fmt.Sprintf("%s %s was changed to %q by a call that got no answer, and no record says so", s.Kind, s.Name, value))
			}
		}
	}
	return wrong
}
