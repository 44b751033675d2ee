// Package statetest opens state for tests of other packages.
package statetest

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/state"
)

// Open opens the state kept on js; it is closed when the test ends.
func Open(t testing.TB, js jetstream.JetStream) *state.Store {
	t.Helper()
	st, err := state.Open(t.Context(), js, "STATE")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st
}
