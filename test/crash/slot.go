package crash

import (
	"fmt"
	"slices"
)

// Slot is one thing that one client keeps changing: an object, a user, an
// instance. It knows what the thing may be now: what the last answered change
// made it, and what every change since that got no answer would have made it.
type Slot struct {
	// Kind and Name say what it is, such as object and bucket/key.
	Kind, Name string
	// may is what it may be; nothing stands for "".
	may []string
}

// NewSlot returns a slot of a thing that is not there.
func NewSlot(kind, name string) *Slot { return &Slot{Kind: kind, Name: name, may: []string{""}} }

// Changed notes how a change to value ended for its client. A change that was
// refused (done is false) changed nothing.
func (s *Slot) Changed(value string, outcome Outcome, done bool) {
	switch {
	case outcome == Answered && done:
		s.may = []string{value}
	case outcome == Answered:
	case !slices.Contains(s.may, value):
		s.may = append(s.may, value)
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
	if !slices.Contains(s.may, value) {
		return fmt.Errorf("%s %s is %q, but may only be one of %q", s.Kind, s.Name, value, s.may)
	}
	s.may = []string{value}
	return nil
}
