package crash

import "testing"

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
