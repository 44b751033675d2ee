package follow

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, name string) *State {
	t.Helper()
	s, err := OpenState(name, "s3://b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestStateTorn cuts the file off at every byte: each whole line is there after.
func TestStateTorn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s := open(t, name)
	s.begin(time.Unix(1000, 0))
	keys := []string{"a", "b", "c"}
	for i, k := range keys {
		if err := s.add(fingerprint(k), time.Unix(int64(2000+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(text) + 1 {
		if err := os.WriteFile(name, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, name)
		lines := strings.Count(string(text[:n]), "\n")
		if want := max(0, lines-2); len(s.seen) != want {
			t.Errorf("cut at %d: %d items, want %d", n, len(s.seen), want)
		}
		// It goes on as if nothing had been.
		if err := s.add(fingerprint("z"), time.Unix(3000, 0)); err != nil {
			t.Fatal(err)
		}
		had := len(s.seen)
		s.Close()
		if s := open(t, name); len(s.seen) != had {
			t.Errorf("cut at %d: %d items after another, want %d", n, len(s.seen), had)
		} else {
			s.Close()
		}
	}
}

// TestStateSweep keeps what the window can list, and the file is one of it.
func TestStateSweep(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state")
	s := open(t, name)
	s.begin(time.Unix(1000, 0))
	for i, k := range []string{"a", "b", "c"} {
		if err := s.add(fingerprint(k), time.Unix(int64(2000+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.sweep(time.Unix(5000, 0), time.Unix(2002, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(name, "s3://b"); err == nil || !strings.Contains(err.Error(), "another command is using it") {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.add(fingerprint("d"), time.Unix(2003, 0)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, name)
	if len(s.seen) != 2 || !s.has(fingerprint("c")) || !s.has(fingerprint("d")) || !s.swept.Equal(time.Unix(5000, 0)) || !s.began.Equal(time.Unix(1000, 0)) || s.again {
		t.Errorf("it holds %+v", s)
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".*")); len(names) > 0 {
		t.Errorf("%v were left", names)
	}
}

// TestStateRefused says why a file is none to go on from.
func TestStateRefused(t *testing.T) {
	for text, want := range map[string]string{
		"hello\n":                                      "not a file of state",
		"cairn tail 1 \"s3://other\"\n":                "following s3://other, not s3://b",
		"cairn tail 1 \"s3://b\"\nx 1\n":               "line 2 is damaged (no fingerprint)",
		"cairn tail 1 \"s3://b\"\nbegan yesterday\n":   "line 2 is damaged",
		seenHead + strings.Repeat("0", 32) + " soon\n": "line 2 is damaged (no time)",
	} {
		name := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenState(name, "s3://b"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
		if after, _ := os.ReadFile(name); string(after) != text {
			t.Errorf("%q became %q", text, after)
		}
	}
	if _, err := OpenState(filepath.Join(t.TempDir(), "no", "state"), "s3://b"); err == nil {
		t.Error("a folder that does not exist was opened")
	}
}

const seenHead = "cairn tail 1 \"s3://b\"\n"

// FuzzState reads any file of state, and writes what it read so that it reads
// the same again.
func FuzzState(f *testing.F) {
	f.Add(seenHead + "began 2025-03-01T10:00:00Z\nswept 2025-03-01T10:00:00Z\n" + seenLine(fingerprint("a"), 5))
	f.Add(seenHead)
	f.Add("cairn tail 1 \"")
	f.Fuzz(func(t *testing.T, text string) {
		s := NewState()
		s.place = "s3://b"
		if s.parse(text) != nil {
			return
		}
		again := NewState()
		again.place = "s3://b"
		var out strings.Builder
		out.WriteString(s.head())
		for key, at := range s.seen {
			out.WriteString(seenLine(key, at))
		}
		if err := again.parse(out.String()); err != nil || len(again.seen) != len(s.seen) {
			t.Errorf("%q reads back as %d of %d items, %v", out.String(), len(again.seen), len(s.seen), err)
		}
	})
}
