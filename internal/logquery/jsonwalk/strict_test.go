package jsonwalk

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestStrict(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a":1}`:                          `{"a":1}`,
		"\"\xff\xc3\"":                     "\"\ufffd\ufffd\"",
		`"\ud800"`:                         "\"\ufffd\"",
		`"\udc00x"`:                        "\"\ufffdx\"",
		`"\ud83d\ude00"`:                   `"\ud83d\ude00"`,
		`"\ud83d\ud83d\ude00"`:             "\"\ufffd" + `\ud83d\ude00"`,
		`"\\ud800"`:                        `"\\ud800"`,
		`"\\\ud800\n"`:                     `"\\` + "\ufffd" + `\n"`,
		`{"\ud800":"\u00e9"}`:              "{\"\ufffd\":" + `"\u00e9"}`,
		"\"\\ud800\xed\xa0\x80\"":          "\"\ufffd\ufffd\ufffd\ufffd\"",
		`"` + strings.Repeat("é", 9) + `"`: `"` + strings.Repeat("é", 9) + `"`,
	} {
		if got := string(Strict([]byte(raw))); got != want {
			t.Errorf("Strict(%q) = %q, want %q", raw, got, want)
		}
	}
}

// FuzzStrict: the result is strict and means the same.
func FuzzStrict(f *testing.F) {
	for _, s := range []string{`"\ud800\udc00\ud800"`, "\"a\xff\\u0000\"", `{"\udc00":[null,"\\"]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		out := Strict(raw)
		if !utf8.Valid(out) {
			t.Fatalf("Strict(%q) = %q is not UTF-8", raw, out)
		}
		var before, after any
		if json.Unmarshal(raw, &before) != nil {
			return
		}
		if err := json.Unmarshal(out, &after); err != nil {
			t.Fatalf("Strict(%q) = %q: %v", raw, out, err)
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("Strict(%q) = %q differs: %s", raw, out, d)
		}
		if again := Strict(out); string(again) != string(out) {
			t.Errorf("Strict of %q = %q", out, again)
		}
	})
}
