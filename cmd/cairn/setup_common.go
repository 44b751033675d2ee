package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/setup"
)

// setupAbout ends the help text of plan, apply and destroy.
const setupAbout = `
DIR is the folder with the .tf files, "." if not given. The files are those
terraform reads; see https://developer.hashicorp.com/terraform/language for
how they are written. Variables without a value in the files are given by
--var, --var-file, TF_VAR_name, terraform.tfvars or *.auto.tfvars.

The account is the one the AWS credentials name (environment, AWS_PROFILE, the
provider's profile). With AWS_ENDPOINT_URL set, it is the engine there:

  eval "$(cairn env)"

There is no state file: what the account has under the names in the files is
what the plan compares with. The modules tag what they make (cairn:module);
anything found without that tag is not touched, unless --adopt says so.
`

// setupFlags are the flags plan, apply and destroy share.
type setupFlags struct {
	*flag.FlagSet
	env       *cli.Env
	variables []setup.Variable
	noColor   bool
	adopt     bool
}

func newSetupFlags(env *cli.Env, name, about string) *setupFlags {
	f := &setupFlags{FlagSet: cli.NewFlags(env, name, "[flags] [DIR]", about+setupAbout), env: env}
	f.addVariables()
	f.BoolVar(&f.adopt, "adopt", false, "take over what has a name from the files but was not made by the modules")
	f.addNoColor()
	return f
}

// addVariables adds the flags that give the files' variables values.
func (f *setupFlags) addVariables() {
	f.Func("var", "give a variable a value: `NAME=VALUE`; may be repeated, later ones win", func(s string) error {
		if name, _, ok := strings.Cut(s, "="); !ok || name == "" {
			return errors.New("want NAME=VALUE")
		}
		f.variables = append(f.variables, setup.Variable{Assign: s})
		return nil
	})
	f.Func("var-file", "read variables from a .tfvars `file`; may be repeated", func(s string) error {
		f.variables = append(f.variables, setup.Variable{File: s})
		return nil
	})
}

func (f *setupFlags) addNoColor() {
	f.BoolVar(&f.noColor, "no-color", false, "no colours, as with NO_COLOR set")
}

// read parses the command line and reads the folder it names. If ok is false,
// the command ends with code; what is wrong has been told.
func (f *setupFlags) read(args []string) (files *setup.Files, code int, ok bool) {
	dirs, code, ok := cli.ParseFlags(f.FlagSet, f.env, args, 1)
	if !ok {
		return nil, code, false
	}
	dir := "."
	if len(dirs) == 1 {
		dir = dirs[0]
	}
	files, err := setup.Read(setup.Source{Dir: dir, Variables: f.variables, Adopt: f.adopt, Getenv: f.env.Getenv})
	if err != nil {
		return nil, f.fail(err), false
	}
	return files, cli.OK, true
}

// color reports whether to use colours on standard output.
func (f *setupFlags) color() bool {
	return f.env.IsTerminal && !f.noColor && f.env.Getenv("NO_COLOR") == "" && f.env.Getenv("TERM") != "dumb"
}

// fail tells an error, or several, and returns the exit code for it.
func (f *setupFlags) fail(err error) int {
	var problems setup.Problems
	var joined interface{ Unwrap() []error }
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			fmt.Fprintf(f.env.Stderr, "Error: %s\n", p)
		}
	case errors.As(err, &joined):
		for _, e := range joined.Unwrap() {
			fmt.Fprintf(f.env.Stderr, "Error: %v\n", e)
		}
	default:
		fmt.Fprintf(f.env.Stderr, "Error: %v\n", err)
	}
	return cli.Failed
}

// confirm asks whether to go on, and returns why not. Only "yes" is a yes; so
// it is in Terraform, and a y typed ahead should not delete a trail.
func (f *setupFlags) confirm(ctx context.Context, question, note string) error {
	fmt.Fprintf(f.env.Stdout, "\n%s\n  %s\n  Only 'yes' will be accepted to approve.\n\n  Enter a value: ", question, note)
	answer := make(chan error, 1)
	// The reader may stay blocked after an interrupt: the process ends then.
	go func() {
		line, err := bufio.NewReader(f.env.Stdin).ReadString('\n')
		switch {
		case strings.TrimSpace(line) == "yes":
			answer <- nil
		case err != nil && strings.TrimSpace(line) == "":
			answer <- fmt.Errorf("%s was not approved, as standard input ended before an answer: answer on a terminal, or give --auto-approve; nothing was changed", f.Name())
		default:
			answer <- fmt.Errorf("%s was not approved; nothing was changed", f.Name())
		}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(f.env.Stdout)
		return fmt.Errorf("%s was interrupted; nothing was changed", f.Name())
	case err := <-answer:
		fmt.Fprintln(f.env.Stdout)
		return err
	}
}

// carryOut applies a plan and shows its progress.
func (f *setupFlags) carryOut(ctx context.Context, account *setup.Account, plan *setup.Plan) (setup.Count, error) {
	show := func(e setup.Event) { fmt.Fprintf(f.env.Stdout, "%s: %s\n", e.Address, e.Text) }
	return account.Apply(ctx, plan, show)
}

// reading shows on a terminal that the account is being read; the returned
// function takes the line away again.
func (f *setupFlags) reading(account *setup.Account) (done func()) {
	if !f.env.IsTerminal || !cli.IsTerminal(f.env.Stderr) {
		return func() {}
	}
	// Most accounts answer at once; a line that only flashes helps nobody.
	shown := make(chan bool, 1)
	timer := time.AfterFunc(300*time.Millisecond, func() {
		fmt.Fprintf(f.env.Stderr, "Reading %s...", account)
		shown <- true
	})
	return func() {
		if !timer.Stop() {
			<-shown
			fmt.Fprint(f.env.Stderr, "\r\x1b[K")
		}
	}
}

// action is what apply and destroy do differently.
type action struct {
	plan func(*setup.Account, context.Context) (*setup.Plan, error)
	// question is what is asked, and note, with the account in it, what is said
	// before it.
	question, note string
	// incomplete tells how far a failed action got and what to do.
	incomplete func(setup.Count) string
}

// perform reads the files, plans, shows the plan, asks unless told not to, and
// carries the plan out. The plan it returns is nil if that did not succeed: then
// the command ends with the code.
func (f *setupFlags) perform(ctx context.Context, args []string, a action) (_ *setup.Plan, done setup.Count, code int) {
	approved := f.Bool("auto-approve", false, "do not ask")
	files, code, ok := f.read(args)
	if !ok {
		return nil, done, code
	}
	account, err := files.Connect(ctx)
	if err != nil {
		return nil, done, f.fail(err)
	}
	stop := f.reading(account)
	plan, err := a.plan(account, ctx)
	stop()
	if err != nil {
		return nil, done, f.fail(err)
	}
	if err := plan.WriteText(f.env.Stdout, f.color()); err != nil {
		return nil, done, f.fail(fmt.Errorf("print plan: %w", err))
	}
	if !plan.Empty() && !*approved {
		if err := f.confirm(ctx, a.question, fmt.Sprintf(a.note, account)); err != nil {
			return nil, done, f.fail(err)
		}
	}
	if done, err = f.carryOut(ctx, account, plan); err != nil {
		code = f.fail(err)
		fmt.Fprintln(f.env.Stderr, a.incomplete(done))
		return nil, done, code
	}
	return plan, done, cli.OK
}
