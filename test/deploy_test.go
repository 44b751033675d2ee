//go:build e2e

package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cairn/test/kit"
)

// TestDeployFlags looks for flags in the systemd unit and the container file that
// the program does not have, and lets systemd read the unit.
func TestDeployFlags(t *testing.T) {
	out, err := exec.Command(kit.Binary(t), "serve", "--help").CombinedOutput()
	must(t)(out, err)
	help := string(out)
	for _, name := range []string{"cairn.service", "Containerfile"} {
		b, err := os.ReadFile(filepath.Join("..", "deploy", name))
		must(t)(b, err)
		flags := 0
		for line := range strings.Lines(string(b)) {
			if !strings.Contains(line, "serve") && !strings.HasPrefix(line, "# ... ") {
				continue
			}
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(line, -1) {
				flags++
				if !regexp.MustCompile(`(?m)^\s+` + flag + `(\s|$)`).MatchString(help) {
					t.Errorf("%s has %s, which cairn serve has not", name, flag)
				}
			}
		}
		if flags < 5 {
			t.Errorf("%d flags were found in %s", flags, name)
		}
	}
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // few build machines have it
	}
	unit, err := os.ReadFile(filepath.Join("..", "deploy", "cairn.service"))
	must(t)(unit, err)
	path := filepath.Join(t.TempDir(), "cairn.service")
	must(t)(nil, os.WriteFile(path, []byte(strings.ReplaceAll(string(unit), "/usr/local/bin/cairn", kit.Binary(t))), 0o600))
	if out, err := exec.Command(systemd, "verify", path).CombinedOutput(); err != nil || strings.Contains(string(out), "cairn.service:") {
		t.Errorf("systemd: %v %s", err, out)
	}
}
