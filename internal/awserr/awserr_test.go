package awserr

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestFrom(t *testing.T) {
	if From(nil) != nil {
		t.Error("no error became one")
	}
	e := Wrap(io.ErrUnexpectedEOF, 404, "NoSuchThing", "there is no %s", "thing")
	if got := From(fmt.Errorf("deep: %w", e)); got != e {
		t.Errorf("an AWS error in the chain became %v", got)
	}
	if !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Error("the cause was lost")
	}
	got := From(errors.New("disk on fire"))
	if got.Code != "InternalFailure" || got.Status != 500 || strings.Contains(got.Message, "disk") {
		t.Errorf("an error of our own became %+v", got)
	}
	if got.Unwrap() == nil {
		t.Error("an error of our own lost its text for the log")
	}
}

func TestIs(t *testing.T) {
	err := fmt.Errorf("try: %w", New(400, "Bad", "bad"))
	if !Is(err, "Bad") || Is(err, "Good") || Is(errors.New("Bad"), "Bad") || Is(nil, "Bad") {
		t.Error("Is tells codes apart wrongly")
	}
}
