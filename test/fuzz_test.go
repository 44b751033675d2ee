package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fuzzed has one target of each kind: one that passes, one that fails, and one
// that never returns for an input that the seeds do not hold. The script looks for
// targets in this file too, so they are spelled otherwise here.
const fuzzed = `package fuzzed

import "testing"

target FuzzPasses(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, b []byte) {})
}

target FuzzFails(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if string(b) != "seed" {
			t.Error("failed")
		}
	})
}

target FuzzHangs(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if string(b) != "seed" {
			select {}
		}
	})
}
`

// TestFuzzScript runs fuzz.sh on a module of its own: what hangs is told from what
// passes, and like what fails it leaves its input behind.
func TestFuzzScript(t *testing.T) {
	script, err := os.ReadFile("fuzz.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, amount := range []string{"100x", "3s"} {
		t.Run(amount, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range map[string]string{
				"go.mod": "module cairn\n\ngo 1.26\n", "test/fuzz.sh": string(script),
				"fuzzed/fuzzed_test.go": strings.ReplaceAll(fuzzed, "target ", "func "),
			} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("bash", filepath.Join(dir, "test/fuzz.sh"), amount)
			cmd.Env = append(os.Environ(), "FUZZHANG=3")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("it passed:\n%s", out)
			}
			for _, line := range []string{"fuzzed FuzzFails failed\n", "fuzzed FuzzHangs failed\n", "hung: "} {
				if !strings.Contains(string(out), line) {
					t.Errorf("it did not say %q:\n%s", line, out)
				}
			}
			if strings.Contains(string(out), "FuzzPasses failed") {
				t.Errorf("a target without a fault failed:\n%s", out)
			}
			for _, target := range []string{"FuzzFails", "FuzzHangs"} {
				kept, _ := filepath.Glob(filepath.Join(dir, "fuzzed/testdata/fuzz", target, "*"))
				if len(kept) == 0 {
					t.Errorf("no input of %s was kept:\n%s", target, out)
				}
			}
		})
	}
	cmd := exec.Command("bash", "fuzz.sh", "5")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("a time without a unit was taken:\n%s", out)
	}
}
