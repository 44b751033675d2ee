package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/internal/engine"
)

func runBackup(ctx context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "backup", "FOLDER [flags]", `
Copy a data folder to FOLDER, which must be empty or not there, as it was at one
instant: records, trails, accounts, objects, log groups, event history and keys.

The engine may run meanwhile. Most is copied while it works; then calls wait,
for as long as it takes to copy what has changed since. It stops nothing if the
backup fails, and goes on by itself if the backup is killed.

FOLDER holds the secrets of the data folder. It is private (mode 0700): keep it so.`)
	data := dataFlag(fs, env)
	words, code, ok := cli.ParseFlags(fs, env, args, 1)
	if !ok {
		return code
	}
	if len(words) != 1 {
		return cli.Wrong(env, fs.Name(), errors.New("say where to: cairn backup FOLDER"))
	}
	s, err := engine.Backup(ctx, *data, words[0])
	if err != nil {
		return cli.Fail(env, err)
	}
	waited := "no engine was running"
	if s.Rested > 0 {
		waited = fmt.Sprintf("calls waited %s", s.Rested.Round(time.Millisecond))
	}
	fmt.Fprintf(env.Stdout, "Backed up %d files, %d bytes; %s. To restore:  cairn restore %s --data FOLDER\n", s.Files, s.Bytes, waited, shellQuote(words[0]))
	return cli.OK
}

func runRestore(ctx context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "restore", "BACKUP [flags]", `
Make a data folder of what cairn backup made. --data must be empty or not there.
Every byte is compared with the checksum taken when it was backed up; if one is
wrong, nothing is restored. Then run cairn serve on the folder, and cairn validate
on its trails.

Never run the engine on both the old folder and the restored one: they have the
same accounts and keys, and would tell two stories under the same names.`)
	data := dataFlag(fs, env)
	words, code, ok := cli.ParseFlags(fs, env, args, 1)
	if !ok {
		return code
	}
	if len(words) != 1 {
		return cli.Wrong(env, fs.Name(), errors.New("say what to restore: cairn restore BACKUP --data FOLDER"))
	}
	s, err := engine.Restore(ctx, words[0], *data)
	if err != nil {
		return cli.Fail(env, err)
	}
	fmt.Fprintf(env.Stdout, "Restored %d files, %d bytes. Next:  cairn serve --data %s\n", s.Files, s.Bytes, shellQuote(*data))
	return cli.OK
}
