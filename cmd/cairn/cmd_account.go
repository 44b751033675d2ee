package main

import (
	"context"
	"fmt"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/internal/engine"
)

func runAccount(ctx context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "account", "add ID | rotate ID [flags]", `
add adds an account to a running engine. Its root credentials are added to the
data folder's credentials file; cairn env --account ID prints them.

rotate gives an account new root credentials, which replace the old ones in that
file. The old ones are invalid at once, or when --grace has passed, also if the
engine is restarted meanwhile. An account has two at most: one more is ended at
once. Records show it as CreateAccessKey and DeleteAccessKey of the root user.`)
	data := dataFlag(fs, env)
	grace := fs.Duration("grace", 0, "rotate: how long the old credentials stay valid, such as 1h (at most 720h)")
	words, code, ok := cli.ParseFlags(fs, env, args, 2)
	if !ok {
		return code
	}
	if len(words) != 2 || words[0] != "add" && words[0] != "rotate" {
		fs.Usage()
		return cli.Usage
	}
	if words[0] == "rotate" {
		return rotateAccount(ctx, env, *data, words[1], *grace)
	}
	if *grace != 0 {
		return cli.Wrong(env, fs.Name(), fmt.Errorf("--grace is of rotate, not of add"))
	}
	if err := engine.AddAccount(ctx, *data, words[1]); err != nil {
		return cli.Fail(env, err)
	}
	fmt.Fprintf(env.Stdout, "Account %s is there. Its credentials:  eval \"$(cairn env --data %s --account %s)\"\n", words[1], shellQuote(*data), words[1])
	return cli.OK
}

func rotateAccount(ctx context.Context, env *cli.Env, data, id string, grace time.Duration) int {
	if err := engine.RotateAccount(ctx, data, id, grace); err != nil {
		return cli.Fail(env, err)
	}
	old := "the old ones are invalid"
	if grace > 0 {
		old = fmt.Sprintf("the old ones end in %s", grace)
	}
	fmt.Fprintf(env.Stdout, "Account %s has new root credentials; %s. To use them:  eval \"$(cairn env --data %s --account %s)\"\n", id, old, shellQuote(data), id)
	return cli.OK
}
