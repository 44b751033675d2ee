package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/cmd/cairn/cli"
)

// TestServeFlagsAreDocumented compares the flags of cairn serve, and their defaults,
// with the table in docs/operations.md.
func TestServeFlagsAreDocumented(t *testing.T) {
	var help bytes.Buffer
	env := &cli.Env{Stdout: &help, Stderr: &help, Getenv: func(name string) string {
		return map[string]string{"XDG_DATA_HOME": "~/.local/share"}[name]
	}}
	if code := runServe(t.Context(), []string{"--help"}, env); code != cli.OK {
		t.Fatalf("exit code %d:\n%s", code, help.String())
	}
	want := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  --(\S+).*\n +(.*)$`).FindAllStringSubmatch(help.String(), -1) {
		def := ""
		if d := regexp.MustCompile(`\(default (\S+)\)$`).FindStringSubmatch(m[2]); d != nil {
			def = strings.TrimSuffix(d[1], "0m0s") // of 1h0m0s
		}
		want[m[1]] = def
	}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Flags of `cairn serve`\n")
	table, _, _ = strings.Cut(table, "\n## ")
	got := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `--") || len(cells) != 3 {
			continue
		}
		defaults := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(strings.TrimPrefix(cells[1], "`$CAIRN_DATA`, "), -1)
		for i, m := range regexp.MustCompile("`--([a-z-]+)").FindAllStringSubmatch(cells[0], -1) {
			if got[m[1]] = ""; i < len(defaults) {
				got[m[1]] = defaults[i][1]
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("cairn serve --help (-) and docs/operations.md (+): %s", d)
	}
}
