package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
)

// TestLogIsPlain logs what would be lines of their own and move the cursor: in both
// formats it is one line that any terminal shows as it is, and JSON means the same.
func TestLogIsPlain(t *testing.T) {
	const forged = "x\r\ntime=2026-01-01 level=ERROR msg=FORGED\n\x1b[2J\x07\x7f\u009b31m\u2028\u202e\U000e0001\" \\"
	for _, isJSON := range []bool{false, true} {
		var b bytes.Buffer
		l := (&logging{json: isJSON}).logger(&b)
		l.With(forged, "with").Error(forged, "value", forged, "error", errors.New(forged), "bytes", []byte("\xff\x9b"), "any", []string{forged})
		l.Error("second")
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
		if strings.ContainsFunc(lines[0], func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("the log has %q", lines[0])
		}
		if !isJSON {
			continue
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got["msg"] != forged || got["value"] != forged || got["error"] != forged || got[forged] != "with" {
			t.Errorf("%v, %q", err, lines[0])
		}
	}
}
