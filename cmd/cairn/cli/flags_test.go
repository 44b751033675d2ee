package cli_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/cmd/cairn/cli"
)

// TestParseFlags gives command lines and wants positional arguments, or the
// message that tells what is wrong.
func TestParseFlags(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		n    int
		want []string
		err  string
	}{
		{"flags behind arguments", []string{"a", "--limit", "3", "b", "--json"}, 2, []string{"a", "b"}, ""},
		{"any number", []string{"a", "b", "c"}, cli.AnyNumber, []string{"a", "b", "c"}, ""},
		{"all positional after --", []string{"a", "--", "--json", "b", "--limit"}, cli.AnyNumber, []string{"a", "--json", "b", "--limit"}, ""},
		{"one too many", []string{"a", "b"}, 1, nil, `cairn try: unexpected argument "b"; see cairn try --help`},
		{"misspelt", []string{"--limt", "3"}, 1, nil, `cairn try: there is no flag --limt; did you mean --limit?; see cairn try --help`},
		{"one dash", []string{"-jsn"}, 1, nil, `cairn try: there is no flag --jsn; did you mean --json?; see cairn try --help`},
		{"unlike any", []string{"--nonsense"}, 1, nil, `cairn try: there is no flag --nonsense; see cairn try --help`},
		{"no value", []string{"--limit"}, 1, nil, `cairn try: --limit needs a value: --limit NUMBER; see cairn try --help`},
		{"a value of another kind", []string{"--limit", "many"}, 1, nil, `cairn try: --limit "many": want a number; see cairn try --help`},
		{"a value for a switch", []string{"--json=maybe"}, 1, nil, `cairn try: --json "maybe": it takes no value, or =true or =false; see cairn try --help`},
		{"a value with a line break", []string{"--limit", "1\n2"}, 1, nil, `cairn try: --limit "1\n2": want a number; see cairn try --help`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			env := &cli.Env{Stderr: &stderr}
			fs := cli.NewFlags(env, "try", "", "")
			fs.Bool("json", false, "")
			fs.Int("limit", 0, "a `number`")
			got, code, ok := cli.ParseFlags(fs, env, tt.args, tt.n)
			if want := tt.err; want != "" {
				if want += "\n"; ok || code != cli.Usage || stderr.String() != want {
					t.Errorf("ok %v, code %d, message\n%swant\n%s", ok, code, stderr.String(), want)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); !ok || diff != "" {
				t.Errorf("ok %v, %s%s", ok, diff, stderr.String())
			}
		})
	}
}
