package state

import (
	"errors"
	"testing"
	"time"

	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
)

// until polls: what it waits for happens in a server we have no hook in.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestReconnect takes the server away and brings it back on the same folder.
func TestReconnect(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	url, stop := natsdtest.Listen(t, dir, -1)
	client := func() *Table[user] {
		c, err := natsd.Start(ctx, natsd.Options{URL: url})
		must(t, err)
		t.Cleanup(c.Close)
		return NewTable[user](openTest(t, c.JetStream()), "users")
	}
	ours, others := client(), client()
	must(t, ours.Create(ctx, &user{N: 1}, "x"))
	for round := range 2 {
		stop()
		until(t, "the store says it is stale", func() bool { return errors.Is(ours.s.Err(), ErrStale) })
		if err := ours.Put(ctx, &user{}, "y"); !errors.Is(err, ErrStale) {
			t.Errorf("Put without a server = %v", err)
		}
		if u, ok := ours.Get("x"); !ok || u.N != round+1 {
			t.Error("what was read is no longer in memory")
		}
		_, stop = natsdtest.Listen(t, dir, natsdtest.Port(t, url))
		for _, table := range []*Table[user]{ours, others} {
			until(t, "the store is well again", func() bool { return table.s.Err() == nil })
		}
		// The watch goes on: what one writes, the other gets to see.
		_, err := others.Update(ctx, func(u *user) error { u.N++; return nil }, "x")
		must(t, err)
		until(t, "the other's change is visible", func() bool { u, ok := ours.Get("x"); return ok && u.N == round+2 })
	}
}
