// Command cairn sets up CloudTrail trails, records them on an engine of its
// own, and reads them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// environ is what a command may touch of the process it runs in.
type environ struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	// IsTerminal is true if Stdin and Stdout are a person's terminal.
	IsTerminal bool
}

// Exit codes. Commands that know more document more in their help text.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(mainExit()) }

func mainExit() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], &environ{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		IsTerminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd())),
	})
}

// command is one subcommand.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, args []string, env *environ) int
}

// commands are the subcommands in the order the help text lists them.
func commands() []command {
	return []command{
		{"demo", "tell the whole story on an embedded engine", runDemo},
		{"serve", "run the engine: one AWS endpoint, a data folder", runServe},
		{"env", "print the environment AWS clients need for a running engine", runEnv},
		{"account", "add accounts to a running engine", runAccount},
		{"plan", "show what setting up a folder's trails would change", runPlan},
		{"apply", "set up a folder's trails", runApply},
		{"destroy", "remove what a folder describes", runDestroy},
		{"check", "say what is right and wrong with an account's trails", runCheck},
		{"validate", "tell whether log files and digests are as delivered", runValidate},
		{"version", "print the version", runVersion},
	}
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, env *environ) int {
	if len(args) == 0 {
		usage(env.Stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			return run(ctx, []string{args[1], "--help"}, env)
		}
		usage(env.Stdout)
		return exitOK
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], env)
		}
	}
	fmt.Fprintf(env.Stderr, "cairn: there is no command %q; `cairn help` lists them\n", args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, `Cairn is CloudTrail as open software: it sets up trails on AWS accounts, and
is an engine that records, delivers and searches by itself.

Usage: cairn COMMAND [flags]

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `
cairn COMMAND --help tells more. Commands that work on an account use the
standard AWS configuration: profiles, environment, AWS_ENDPOINT_URL.

Exit codes: 0 done, 1 failed, 2 the command line is wrong (plan
--detailed-exitcode: 2 means there are changes; check: 3 means checks failed;
validate: 3 means something is invalid).
`)
}
