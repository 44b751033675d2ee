// Command cairn sets up CloudTrail trails, records them on an engine of its
// own, and reads them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"golang.org/x/term"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read"
)

func main() { os.Exit(mainExit()) }

func mainExit() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], &cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		IsTerminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
	})
}

// commands are the subcommands in the order the help text lists them.
func commands() []cli.Command {
	return slices.Concat([]cli.Command{
		{Name: "demo", Summary: "tell the whole story on an embedded engine", Run: runDemo},
		{Name: "serve", Summary: "run the engine: one AWS endpoint, a data folder", Run: runServe},
		{Name: "env", Summary: "print the environment AWS clients need for a running engine", Run: runEnv},
		{Name: "account", Summary: "add accounts to a running engine, change their credentials", Run: runAccount},
		{Name: "backup", Summary: "copy a data folder, while its engine runs", Run: runBackup},
		{Name: "restore", Summary: "make a data folder of a backup", Run: runRestore},
		{Name: "scrub", Summary: "read a data folder's segments and name what is damaged", Run: runScrub},
		{Name: "plan", Summary: "show what setting up a folder's trails would change", Run: runPlan},
		{Name: "apply", Summary: "set up a folder's trails", Run: runApply},
		{Name: "destroy", Summary: "remove what a folder describes", Run: runDestroy},
		{Name: "check", Summary: "say what is right and wrong with an account's trails", Run: runCheck},
		{Name: "validate", Summary: "tell whether log files and digests are as delivered", Run: runValidate},
	}, read.Commands(), []cli.Command{
		{Name: "version", Summary: "print the version", Run: runVersion},
	})
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, env *cli.Env) int {
	if len(args) == 0 {
		usage(env.Stderr)
		return cli.Usage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			return run(ctx, []string{args[1], "--help"}, env)
		}
		usage(env.Stdout)
		return cli.OK
	}
	for _, c := range commands() {
		if c.Name == args[0] {
			return c.Run(ctx, args[1:], env)
		}
	}
	fmt.Fprintf(env.Stderr, "cairn: there is no command %q; `cairn help` lists them\n", args[0])
	return cli.Usage
}

func usage(w io.Writer) {
	fmt.Fprint(w, `Cairn is CloudTrail as open software: it sets up trails on AWS accounts, and
is an engine that records, delivers and searches by itself.

Usage: cairn COMMAND [flags]

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.Name, c.Summary)
	}
	fmt.Fprint(w, `
cairn COMMAND --help tells more. Commands that work on an account use the
standard AWS configuration: profiles, environment, AWS_ENDPOINT_URL.

Exit codes: 0 done, 1 failed, 2 the command line is wrong (plan
--detailed-exitcode: 2 means there are changes; check: 3 means checks failed;
validate: 3 means something is invalid; search, stats: 3 means nothing matches).
`)
}
