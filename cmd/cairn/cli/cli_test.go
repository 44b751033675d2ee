package cli_test

import (
	"bytes"
	"errors"
	"testing"

	"cairn/cmd/cairn/cli"
)

// TestFailIsSafeToShow has an error quote a name that would rewrite the terminal.
func TestFailIsSafeToShow(t *testing.T) {
	var stderr bytes.Buffer
	code := cli.Fail(&cli.Env{Stderr: &stderr}, errors.New("read object \x1b[2Jall is well\r: gone\ntry again"))
	if want := `cairn: read object \u001b[2Jall is well\r: gone` + "\ntry again\n"; code != cli.Failed || stderr.String() != want {
		t.Errorf("code %d, %q", code, stderr.String())
	}
}
