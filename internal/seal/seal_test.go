package seal

import (
	"bytes"
	"testing"
)

func TestSeal(t *testing.T) {
	key := bytes.Repeat([]byte{1}, KeySize)
	s := New(key, "test")
	sealed := s.Seal("label", []byte("secret"))
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("sealed in the clear")
	}
	if again := s.Seal("label", []byte("secret")); bytes.Equal(again, sealed) {
		t.Error("the same text sealed twice is the same")
	}
	if got, err := New(key, "test").Open("label", sealed); err != nil || string(got) != "secret" {
		t.Errorf("opened %q, %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another label":    func() ([]byte, error) { return s.Open("other", sealed) },
		"another purpose":  func() ([]byte, error) { return New(key, "other").Open("label", sealed) },
		"another seal key": func() ([]byte, error) { return New(bytes.Repeat([]byte{2}, KeySize), "test").Open("label", sealed) },
		"changed":          func() ([]byte, error) { return s.Open("label", changed) },
		"cut":              func() ([]byte, error) { return s.Open("label", sealed[:5]) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
}

func TestShortKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("took a seal key of 31 bytes")
		}
	}()
	New(make([]byte, KeySize-1), "test")
}
