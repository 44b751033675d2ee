//go:build e2e

package test

import (
	"os/exec"
	"strings"
	"testing"

	"cairn/test/kit"
)

// TestBoto3 runs testdata/story.py, which goes through every service with boto3
// and asserts what it gets.
func TestBoto3(t *testing.T) {
	python := kit.Tool(t, "python3")
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		kit.Missing(t, "boto3")
	}
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, "")}
	out := c.Must(t, python, "testdata/story.py")
	if !strings.Contains(out, "all steps done") {
		t.Errorf("story.py printed\n%s", out)
	}
}
