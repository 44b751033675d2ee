package main

import (
	"context"
	"fmt"

	"cairn/cmd/cairn/cli"
	"cairn/internal/engine"
)

func runAccount(ctx context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "account add ID", "[flags]", `
Add an account to a running engine. Its root credentials are added to the data
folder's credentials file; cairn env --account ID prints them.`)
	data := dataFlag(fs, env)
	words, code, ok := cli.ParseFlags(fs, env, args, 2)
	if !ok {
		return code
	}
	if len(words) != 2 || words[0] != "add" {
		fs.Usage()
		return cli.Usage
	}
	if err := engine.AddAccount(ctx, *data, words[1]); err != nil {
		return cli.Fail(env, err)
	}
	fmt.Fprintf(env.Stdout, "Account %s is there. Its credentials:  eval \"$(cairn env --data %s --account %s)\"\n", words[1], shellQuote(*data), words[1])
	return cli.OK
}
