package main

import (
	"os/exec"
	"testing"
)

// TestShellQuote asks a shell to read the words back.
func TestShellQuote(t *testing.T) {
	for _, word := range []string{"", "plain/path-1.0", "my data", "it's", `a"b\c$d`, "a\nb", "~", "*", "wJalr/K7MDENG+bPx="} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellQuote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q became %q for the shell, %v", word, out, err)
		}
	}
}
