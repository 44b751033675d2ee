package main

import (
	"context"
	"fmt"
)

func runDestroy(ctx context.Context, args []string, env *environ) int {
	f := newSetupFlags(env, "destroy", `
Remove what the files in DIR describe from the account, in reverse order: show
what goes, ask, and remove it. A bucket that holds objects is refused, and
nothing else touched, unless its module block says force_destroy = true; then
its objects go too, all versions of them.

What has a name from the files but was not made by the modules is left alone,
unless --adopt says to remove it too.

Exit codes: 0 removed, 1 failed or not approved, 2 the command line is wrong.
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
	plan, err := account.PlanDestroy(ctx)
	done()
	if err != nil {
		return f.fail(err)
	}
	if err := plan.WriteText(env.Stdout, f.color()); err != nil {
		return f.fail(fmt.Errorf("print plan: %w", err))
	}
	if !plan.Empty() && !*approved {
		if err := f.confirm(ctx, "Do you really want to destroy all resources?", fmt.Sprintf("Cairn will remove the resources shown above from %s. There is no undo.", account)); err != nil {
			return f.fail(err)
		}
	}
	count, err := f.carryOut(ctx, account, plan)
	if err != nil {
		code = f.fail(err)
		fmt.Fprintf(env.Stderr, "Destroy incomplete: %d destroyed. Correct the cause and destroy again: it goes on from here.\n", count.Destroy)
		return code
	}
	fmt.Fprintf(env.Stdout, "\nDestroy complete! Resources: %d destroyed.\n", count.Destroy)
	return exitOK
}
