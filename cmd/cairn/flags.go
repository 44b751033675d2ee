package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// newFlags returns a flag set whose errors and help go to env; about is the
// help text above the flags.
func newFlags(env *environ, name, arguments, about string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(env.Stderr)
	fs.Usage = func() {
		w := fs.Output()
		fmt.Fprintf(w, "Usage: cairn %s\n\n%s\n", strings.TrimSpace(name+" "+arguments), strings.TrimSpace(about))
		printFlags(fs)
	}
	return fs
}

// printFlags lists the flags with two dashes, as people type them.
func printFlags(fs *flag.FlagSet) {
	first := true
	fs.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprint(fs.Output(), "\nFlags:\n")
			first = false
		}
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = " " + value
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "false" {
			def = fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(fs.Output(), "  --%s%s\n        %s%s\n", f.Name, value, text, def)
	})
}

// parseFlags parses a command line that takes flags before and after n
// positional arguments; ok is false if the command should end with code.
func parseFlags(fs *flag.FlagSet, env *environ, args []string, n int) (positional []string, code int, ok bool) {
	for {
		// The flag package tells an error with the whole help text behind it;
		// one line is easier to find.
		help := fs.Usage
		fs.Usage = func() {}
		fs.SetOutput(io.Discard)
		err := fs.Parse(args)
		fs.Usage = help
		fs.SetOutput(env.Stderr)
		if errors.Is(err, flag.ErrHelp) {
			fs.SetOutput(env.Stdout)
			help()
			return nil, exitOK, false
		}
		if err != nil {
			fmt.Fprintf(env.Stderr, "cairn %s: %v; see cairn %s --help\n", fs.Name(), err, fs.Name())
			return nil, exitUsage, false
		}
		if fs.NArg() == 0 {
			break
		}
		positional = append(positional, fs.Arg(0))
		args = fs.Args()[1:]
	}
	if len(positional) > n {
		fmt.Fprintf(env.Stderr, "cairn %s: unexpected argument %q; see cairn %s --help\n", fs.Name(), positional[n], fs.Name())
		return nil, exitUsage, false
	}
	return positional, exitOK, true
}

// fail prints an error of a command and returns the exit code for it.
func fail(env *environ, err error) int {
	fmt.Fprintf(env.Stderr, "cairn: %v\n", err)
	return exitFailed
}

// dataFlag adds --data: $CAIRN_DATA, or a folder in the user's data home.
func dataFlag(fs *flag.FlagSet, env *environ) *string {
	def := env.Getenv("CAIRN_DATA")
	if def == "" {
		home := env.Getenv("XDG_DATA_HOME")
		if home == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				user = "."
			}
			home = filepath.Join(user, ".local", "share")
		}
		def = filepath.Join(home, "cairn")
	}
	return fs.String("data", def, "the data `folder`; $CAIRN_DATA names another default")
}

func runVersion(_ context.Context, _ []string, env *environ) int {
	fmt.Fprintln(env.Stdout, version())
	return exitOK
}

// version is what the Go toolchain knows of this build.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "cairn (unknown build)"
	}
	revision := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = " " + s.Value
		}
	}
	return "cairn " + info.Main.Version + revision + " " + info.GoVersion
}

// shellQuote returns s as one word of a shell command.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+=:,@%", r)
	}
	if s != "" && strings.TrimLeftFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
