package wire

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	known := map[string]int{"TrailName": 0, "EventSelectors": 1, "AdvancedEventSelectors": 2, "Tag": 3}
	for name, want := range map[string]string{
		"trailname": "TrailName", "TrailNam": "TrailName", "EventSelector": "EventSelectors", "Colour": "", "": "", "Tags": "Tag",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestCompareNames(t *testing.T) {
	want := []string{"A", "A.1.b", "A.2", "A.2.c", "A.10", "A.x", "B", "B.01", "B.1"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNames)
	if !slices.Equal(got, want) {
		t.Errorf("sorted to %v", got)
	}
}

func TestMemberPath(t *testing.T) {
	if got := memberPath("EventSelectors.12.ReadWriteType"); got != "eventSelectors.12.member.readWriteType" {
		t.Error(got)
	}
	if lowerFirst("") != "" || upperFirst("") != "" || lowerFirst("ABc") != "aBc" || upperFirst("é") != "é" {
		t.Error("first letters")
	}
}
