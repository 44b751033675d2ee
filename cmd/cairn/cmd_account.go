package main

import (
	"context"
	"fmt"

	"cairn/internal/engine"
)

func runAccount(ctx context.Context, args []string, env *environ) int {
	fs := newFlags(env, "account add ID", "[flags]", `
Add an account to a running engine. Its root credentials are added to the data
folder's credentials file; cairn env --account ID prints them.`)
	data := dataFlag(fs, env)
	words, code, ok := parseFlags(fs, env, args, 2)
	if !ok {
		return code
	}
	if len(words) != 2 || words[0] != "add" {
		fs.Usage()
		return exitUsage
	}
	if err := engine.AddAccount(ctx, *data, words[1]); err != nil {
		return fail(env, err)
	}
	fmt.Fprintf(env.Stdout, "Account %s is there. Its credentials:  eval \"$(cairn env --data %s --account %s)\"\n", words[1], shellQuote(*data), words[1])
	return exitOK
}
