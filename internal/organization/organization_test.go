package organization

import (
	"regexp"
	"testing"

	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state/statetest"
)

func TestIDIsMadeOnce(t *testing.T) {
	js := natsdtest.Start(t)
	first, err := Open(t.Context(), statetest.Open(t, js), "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), statetest.Open(t, js), "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	if first.ID() != again.ID() || !regexp.MustCompile(`^o-[a-z0-9]{10,32}$`).MatchString(first.ID()) {
		t.Errorf("%s, then %s", first.ID(), again.ID())
	}
	if got, want := first.ARN(), "arn:aws:organizations::111122223333:organization/"+first.ID(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := first.AccountARN("444455556666"), "arn:aws:organizations::111122223333:account/"+first.ID()+"/444455556666"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
