package signkey

import (
	"bytes"
	"crypto/rsa"
	"strings"
	"testing"
	"time"

	"cairn/digest"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state/statetest"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sealKey = bytes.Repeat([]byte{7}, 32)
)

func TestRotation(t *testing.T) {
	st := statetest.Open(t, natsdtest.Start(t))
	now := noon
	k := New(st, sealKey, func() time.Time { return now })
	key, err := k.At(t.Context(), "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	list := k.Public("eu-west-1", now, now)
	if len(list) != 1 || list[0].ValidTo.Sub(list[0].ValidFrom) != 30*24*time.Hour || key.N.BitLen() != 2048 {
		t.Fatalf("keys %+v, %d bits", list, key.N.BitLen())
	}
	if got := digest.Fingerprint(digest.MarshalPublicKey(&key.PublicKey)); got != list[0].Fingerprint {
		t.Errorf("fingerprint %s, want %s", list[0].Fingerprint, got)
	}
	other, err := k.At(t.Context(), "us-east-1", now)
	if err != nil || other.Equal(key) {
		t.Errorf("two regions have the same key, %v", err)
	}
	// The key is used to the end of its period, and still valid for a day then.
	turn := list[0].ValidTo.Add(-margin)
	for _, at := range []time.Time{list[0].ValidFrom.Add(margin), turn.Add(-time.Second)} {
		if again, err := k.At(t.Context(), "eu-west-1", at); err != nil || !again.Equal(key) {
			t.Errorf("at %v another key, %v", at, err)
		}
	}
	now = turn
	next, err := k.At(t.Context(), "eu-west-1", turn)
	if err != nil || next.Equal(key) {
		t.Fatalf("not rotated at %v: %v", turn, err)
	}
	if got := k.Public("eu-west-1", turn.Add(-time.Hour), turn); len(got) != 2 {
		t.Errorf("%d keys at the turn, want both", len(got))
	}
	if got := k.Public("eu-west-1", turn.Add(2*margin), turn.Add(2*margin)); len(got) != 1 {
		t.Errorf("%d keys after the turn, want one", len(got))
	}
	// A digest of before that is written again is signed with the key of before.
	if again, err := k.At(t.Context(), "eu-west-1", turn.Add(-time.Second)); err != nil || !again.Equal(key) {
		t.Errorf("a late digest gets another key, %v", err)
	}
}

func TestKept(t *testing.T) {
	st := statetest.Open(t, natsdtest.Start(t))
	now := noon
	clock := func() time.Time { return now }
	k := New(st, sealKey, clock)
	key, err := k.At(t.Context(), "eu-west-1", now)
	if err != nil {
		t.Fatal(err)
	}
	reopened := &Keys{table: k.table, sealer: k.sealer, now: clock, opened: map[string]*rsa.PrivateKey{}, number: map[string]int64{}}
	if again, err := reopened.At(t.Context(), "eu-west-1", now); err != nil || !again.Equal(key) {
		t.Errorf("opened again: %v", err)
	}
	row, _ := k.table.Get(rowKey("eu-west-1", numberAt(now))...)
	if bytes.Contains(row.Sealed, key.D.Bytes()) {
		t.Error("the private half is stored in the clear")
	}
	if _, err := k.open(row, "us-east-1", numberAt(now)); err == nil {
		t.Error("a key moved to another region opens")
	}
	// Long after, the private half is gone and the public one is not.
	now = noon.Add(4 * period)
	if _, err := k.At(t.Context(), "eu-west-1", now); err != nil {
		t.Fatal(err)
	}
	if _, err := k.At(t.Context(), "eu-west-1", noon); err == nil || !strings.Contains(err.Error(), "erased") {
		t.Errorf("the key of long ago: %v", err)
	}
	if got := k.Public("eu-west-1", noon, noon); len(got) != 1 {
		t.Errorf("%d public keys of long ago, want 1", len(got))
	}
	if got := k.Public("eu-west-1", noon, now); len(got) != 2 || !got[0].ValidFrom.Before(got[1].ValidFrom) {
		t.Errorf("keys %+v, want both in order", got)
	}
}
