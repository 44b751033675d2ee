package main

import (
	"context"
	"fmt"

	"cairn/cmd/cairn/cli"
	"cairn/setup"
)

func runDestroy(ctx context.Context, args []string, env *cli.Env) int {
	f := newSetupFlags(env, "destroy", `
Remove what the files in DIR describe from the account, in reverse order: show
what goes, ask, and remove it. A bucket that holds objects is refused, and
nothing else touched, unless its module block says force_destroy = true; then
its objects go too, all versions of them.

What has a name from the files but was not made by the modules is left alone,
unless --adopt says to remove it too.

Exit codes: 0 removed, 1 failed or not approved, 2 the command line is wrong.
`)
	plan, count, code := f.perform(ctx, args, action{
		plan: (*setup.Account).PlanDestroy, question: "Do you really want to destroy all resources?",
		note: "Cairn will remove the resources shown above from %s. There is no undo.",
		incomplete: func(n setup.Count) string {
			return fmt.Sprintf("Destroy incomplete: %d destroyed. Correct the cause and destroy again: it goes on from here.", n.Destroy)
		},
	})
	if plan == nil {
		return code
	}
	fmt.Fprintf(env.Stdout, "\nDestroy complete! Resources: %d destroyed.\n", count.Destroy)
	return cli.OK
}
