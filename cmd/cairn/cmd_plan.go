package main

import (
	"context"
	"encoding/json"
	"fmt"

	"cairn/cmd/cairn/cli"
)

func runPlan(ctx context.Context, args []string, env *cli.Env) int {
	f := newSetupFlags(env, "plan", `
Show what would be created (+), changed (~), replaced (-/+) or destroyed (-) on
the account so that it is as the files in DIR describe. Nothing is changed.

Exit codes: 0 done, 1 failed; with --detailed-exitcode 0 nothing to change,
1 failed, 2 there are changes.
`)
	asJSON := f.Bool("json", false, "print the plan as JSON: resource_changes, output_values, summary")
	destroy := f.Bool("destroy", false, "plan to remove what the files describe")
	detailed := f.Bool("detailed-exitcode", false, "exit with 2 if there are changes")
	files, code, ok := f.read(args)
	if !ok {
		// 2 would say here that there are changes.
		return min(code, cli.Failed)
	}
	account, err := files.Connect(ctx)
	if err != nil {
		return f.fail(err)
	}
	read := account.Plan
	if *destroy {
		read = account.PlanDestroy
	}
	done := f.reading(account)
	plan, err := read(ctx)
	done()
	if err != nil {
		return f.fail(err)
	}
	if *asJSON {
		enc := json.NewEncoder(env.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(plan)
	} else {
		err = plan.WriteText(env.Stdout, f.color())
	}
	if err != nil {
		return f.fail(fmt.Errorf("print plan: %w", err))
	}
	if *detailed && !plan.Empty() {
		return 2
	}
	return cli.OK
}
