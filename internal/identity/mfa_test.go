package identity

import (
	"errors"
	"testing"
	"time"
)

// TestCodes holds codes to the test values of RFC 6238, appendix B (of whose
// eight digits the last six count).
func TestCodes(t *testing.T) {
	seed := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := codeAt(seed, stepOf(time.Unix(at, 0))); got != want {
			t.Errorf("the code at %d is %s, want %s", at, got, want)
		}
	}
}

// TestMFA enables a device and uses it: every code once, none too old, none of
// another user, and few guesses.
func TestMFA(t *testing.T) {
	s, _ := newStore(t)
	ctx, now := t.Context(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	d, seed, err := s.CreateMFADevice(ctx, MFADevice{Account: account, Name: "phone", Path: "/"}, now)
	if err != nil {
		t.Fatal(err)
	}
	serial := d.Serial()
	code := func(steps int64) string { return codeAt(seed, stepOf(now)+steps) }
	expect := func(what string, got, want error) {
		t.Helper()
		if want == nil && got != nil || !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	expect("use before it is enabled", s.UseMFA(ctx, serial, "AIDA1", code(0), now), ErrNotFound)
	expect("enable with codes that do not follow", s.EnableMFADevice(ctx, serial, "AIDA1", code(0), code(0), now), ErrWrongCode)
	expect("enable with old codes", s.EnableMFADevice(ctx, serial, "AIDA1", code(-3), code(-2), now), ErrWrongCode)
	expect("enable", s.EnableMFADevice(ctx, serial, "AIDA1", code(-1), code(0), now), nil)
	expect("enable for a second", s.EnableMFADevice(ctx, serial, "AIDA2", code(-1), code(0), now), ErrInUse)
	expect("use a code it was enabled with", s.UseMFA(ctx, serial, "AIDA1", code(0), now), ErrWrongCode)
	expect("look", s.CheckMFA(serial, "AIDA1", code(1), now), nil)
	expect("look as another", s.CheckMFA(serial, "AIDA2", code(1), now), ErrNotFound)
	expect("look as nobody", s.CheckMFA(serial, "", code(1), now), ErrNotFound)
	expect("use", s.UseMFA(ctx, serial, "AIDA1", code(1), now), nil)
	expect("use it again", s.UseMFA(ctx, serial, "AIDA1", code(1), now), ErrWrongCode)
	now = now.Add(2 * time.Minute)
	expect("a code of before", s.UseMFA(ctx, serial, "AIDA1", code(-2), now), ErrWrongCode)
	expect("right after wrong", s.UseMFA(ctx, serial, "AIDA1", code(0), now), nil)
	for range maxWrong {
		expect("guess", s.UseMFA(ctx, serial, "AIDA1", "000", now), ErrWrongCode)
	}
	expect("right after many wrong", s.UseMFA(ctx, serial, "AIDA1", code(1), now), ErrWrongCode)
	now = now.Add(2 * wrongPause)
	expect("right after a pause", s.UseMFA(ctx, serial, "AIDA1", code(0), now), nil)

	expect("delete in use", s.DeleteMFADevice(ctx, serial), ErrInUse)
	expect("deactivate as another", s.DeactivateMFADevice(ctx, serial, "AIDA2"), ErrNotFound)
	expect("deactivate", s.DeactivateMFADevice(ctx, serial, "AIDA1"), nil)
	expect("delete", s.DeleteMFADevice(ctx, serial), nil)
	expect("use after", s.CheckMFA(serial, "AIDA1", code(1), now), ErrNotFound)
}
