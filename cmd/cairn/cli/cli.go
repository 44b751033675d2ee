// Package cli is what the program's commands have in common: the process they
// run in, their exit codes, and how they read a command line and tell what is
// wrong with it.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"cairn/cmd/cairn/read/show"
)

// Env is what a command may touch of the process it runs in.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	// IsTerminal is true if Stdin and Stdout are a person's terminal.
	IsTerminal bool
}

// Exit codes. Commands that know more document more in their help text.
const (
	OK     = 0
	Failed = 1
	Usage  = 2
)

// Command is one subcommand.
type Command struct {
	Name    string
	Summary string // a line for the program's help text
	// Run runs one command line, without the command's name, and returns its
	// exit code.
	Run func(ctx context.Context, args []string, env *Env) int
}

// Fail prints an error of a command and returns the exit code for it.
func Fail(env *Env, err error) int {
	fmt.Fprintf(env.Stderr, "cairn: %s\n", visible(err))
	return Failed
}

// visible returns an error's text, line by line as it is safe to show: it may quote
// names that a server, or whoever may write to a bucket, has chosen.
func visible(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = show.Text(lines[i])
	}
	return strings.Join(lines, "\n")
}

// Wrong tells what is wrong with a command line and returns the exit code for
// it.
func Wrong(env *Env, command string, err error) int {
	fmt.Fprintf(env.Stderr, "cairn %s: %s; see cairn %s --help\n", command, visible(err), command)
	return Usage
}

// Color reports whether to use colours on standard output: on a terminal that
// can, unless NO_COLOR is set.
func (e *Env) Color() bool {
	return IsTerminal(e.Stdout) && e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"
}

// Width is how many columns the terminal on standard output has, 0 if it is
// none.
func (e *Env) Width() int {
	if f, ok := e.Stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// IsTerminal reports whether what is written to w is seen on a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
