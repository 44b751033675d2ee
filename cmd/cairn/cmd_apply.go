package main

import (
	"context"
	"fmt"

	"cairn/cmd/cairn/cli"
	"cairn/setup"
)

func runApply(ctx context.Context, args []string, env *cli.Env) int {
	f := newSetupFlags(env, "apply", `
Set up the account as the files in DIR describe: show the plan, ask, and carry
it out. Applying again changes nothing; after a failure it goes on where it
stopped.

Exit codes: 0 the account is as described, 1 failed or not approved, 2 the
command line is wrong.
`)
	plan, count, code := f.perform(ctx, args, action{
		plan: (*setup.Account).Plan, question: "Do you want to perform these actions?",
		note: "Cairn will perform the actions described above on %s.",
		incomplete: func(n setup.Count) string {
			return fmt.Sprintf("Apply incomplete: %d added, %d changed, %d destroyed. Correct the cause and apply again: it goes on from here.", n.Add, n.Change, n.Destroy)
		},
	})
	if plan == nil {
		return code
	}
	fmt.Fprintf(env.Stdout, "\nApply complete! Resources: %d added, %d changed, %d destroyed.\n", count.Add, count.Change, count.Destroy)
	if err := plan.WriteOutputs(env.Stdout, f.color()); err != nil {
		return f.fail(fmt.Errorf("print outputs: %w", err))
	}
	return cli.OK
}
