package main

import (
	"context"
	"fmt"
)

func runApply(ctx context.Context, args []string, env *environ) int {
	f := newSetupFlags(env, "apply", `
Set up the account as the files in DIR describe: show the plan, ask, and carry
it out. Applying again changes nothing; after a failure it goes on where it
stopped.

Exit codes: 0 the account is as described, 1 failed or not approved, 2 the
command line is wrong.
`)
	approved := f.Bool("auto-approve", false, "do not ask")
	files, code, ok := f.read(args)
	if !ok {
		return code
	}
	account, err := files.Connect(ctx)
	if err != nil {
		return f.fail(err)
	}
	done := f.reading(account)
	plan, err := account.Plan(ctx)
	done()
	if err != nil {
		return f.fail(err)
	}
	if err := plan.WriteText(env.Stdout, f.color()); err != nil {
		return f.fail(fmt.Errorf("print plan: %w", err))
	}
	if !plan.Empty() && !*approved {
		if err := f.confirm(ctx, "Do you want to perform these actions?", fmt.Sprintf("Cairn will perform the actions described above on %s.", account)); err != nil {
			return f.fail(err)
		}
	}
	count, err := f.carryOut(ctx, account, plan)
	if err != nil {
		code = f.fail(err)
		fmt.Fprintf(env.Stderr, "Apply incomplete: %d added, %d changed, %d destroyed. Correct the cause and apply again: it goes on from here.\n", count.Add, count.Change, count.Destroy)
		return code
	}
	fmt.Fprintf(env.Stdout, "\nApply complete! Resources: %d added, %d changed, %d destroyed.\n", count.Add, count.Change, count.Destroy)
	if err := plan.WriteOutputs(env.Stdout, f.color()); err != nil {
		return f.fail(fmt.Errorf("print outputs: %w", err))
	}
	return exitOK
}
