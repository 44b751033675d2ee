package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"cairn/cmd/cairn/cli"
)

// dataFlag adds --data: $CAIRN_DATA, or a folder in the user's data home.
func dataFlag(fs *flag.FlagSet, env *cli.Env) *string {
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

func runVersion(_ context.Context, _ []string, env *cli.Env) int {
	fmt.Fprintln(env.Stdout, version())
	return cli.OK
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
