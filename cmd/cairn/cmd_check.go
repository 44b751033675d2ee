package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/term"

	"cairn/cmd/cairn/cli"
	"cairn/setup"
	"cairn/setup/check"
	"cairn/setup/check/look"
)

// exitFindings is the exit code of a check that failed.
const exitFindings = 3

const checkAbout = `
Look at the trails of an account with read-only calls and say what is right and
wrong with them: logging and delivery, what they record, the bucket and who may
use it, encryption, the log group and its role, metric filters and alarms. Each
finding says what was seen, how to mend it and which audit controls ask for it.

Without DIR, these are all trails of the account the AWS credentials name that
record the region; with DIR those its files describe, which are compared with
the files too (a trail that is not as described is a finding).

What these credentials may not read, or the endpoint does not offer, is
reported as unknown, with the permission that is missing. It does not fail.
Bucket settings are their owner's to read: for the bucket of another account,
run the check there too.

A question mark behind the id of a control says that it was not verified
against the framework's own list.

Exit codes: 0 nothing failed, 1 the account could not be looked at, 2 the
command line is wrong, 3 at least one check of --severity or above failed.
`

func runCheck(ctx context.Context, args []string, env *cli.Env) int {
	f := &setupFlags{FlagSet: cli.NewFlags(env, "check", "[flags] [DIR]", checkAbout), env: env}
	severity := check.Low
	f.TextVar(&severity, "severity", check.Low, "leave out checks below this `level`: info, low, medium, high or critical")
	trail := f.String("trail", "", "the `name` or ARN of the one trail to look at")
	asJSON := f.Bool("json", false, "print the reports as JSON: accounts, each with trails, summary and findings")
	f.addVariables()
	f.addNoColor()
	dirs, code, ok := cli.ParseFlags(f.FlagSet, env, args, 1)
	if !ok {
		return code
	}
	readers, err := f.readers(ctx, dirs)
	if err != nil {
		return f.fail(err)
	}
	reports, err := look.Run(ctx, readers, look.Options{Trail: *trail})
	if err != nil {
		return f.fail(err)
	}
	for i, r := range reports {
		reports[i] = r.AtLeast(severity)
	}
	if *asJSON {
		enc := json.NewEncoder(env.Stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err = enc.Encode(map[string]any{"format_version": "1.0", "accounts": reports})
	} else {
		err = f.writeReports(reports)
	}
	if err != nil {
		return f.fail(fmt.Errorf("print report: %w", err))
	}
	if slices.ContainsFunc(reports, (*check.Report).Failed) {
		return exitFindings
	}
	return cli.OK
}

// readers connects to the account of the credentials, or to those a folder's
// files name.
func (f *setupFlags) readers(ctx context.Context, dirs []string) ([]*look.Reader, error) {
	if len(dirs) == 0 {
		if len(f.variables) > 0 {
			return nil, errors.New("--var and --var-file are for the files of a folder: name it, as in `cairn check .`")
		}
		r, err := look.Connect(ctx)
		return []*look.Reader{r}, err
	}
	files, err := setup.Read(setup.Source{Dir: dirs[0], Variables: f.variables, Getenv: f.env.Getenv})
	if err != nil {
		return nil, err
	}
	account, err := files.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return look.WithFiles(account), nil
}

func (f *setupFlags) writeReports(reports []*check.Report) error {
	style := check.Style{Color: f.color()}
	if out, ok := f.env.Stdout.(*os.File); ok && f.env.IsTerminal {
		if width, _, err := term.GetSize(int(out.Fd())); err == nil {
			style.Width = width
		}
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(f.env.Stdout)
		}
		if err := r.WriteText(f.env.Stdout, style); err != nil {
			return err
		}
	}
	return nil
}
