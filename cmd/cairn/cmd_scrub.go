package main

import (
	"context"
	"fmt"

	"cairn/cmd/cairn/cli"
	"cairn/internal/engine"
)

// exitDamaged is the exit code of a scrub that found damage.
const exitDamaged = 3

func runScrub(ctx context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "scrub", "[flags]", `
Read all segments of log groups and event history in a data folder, compare each
byte with its checksum, and name what is damaged. Nothing is changed, and the
engine may run meanwhile. (The engine finds damage when it reads a segment, and
checks the streams that records are in first at every start.)

Exit codes: 0 all is as it was written, 1 it could not be read, 2 the command
line is wrong, 3 something is damaged.`)
	data := dataFlag(fs, env)
	if _, code, ok := cli.ParseFlags(fs, env, args, 0); !ok {
		return code
	}
	c, err := engine.Scrub(ctx, *data)
	if err != nil {
		return cli.Fail(env, err)
	}
	for _, d := range c.Damaged {
		fmt.Fprintln(env.Stdout, d)
	}
	fmt.Fprintf(env.Stdout, "Read %d segments of %d tables, %d bytes: %d damaged.\n", c.Segments, c.Tables, c.Bytes, len(c.Damaged))
	if len(c.Damaged) > 0 {
		fmt.Fprintln(env.Stdout, "Restore the data folder from a backup, or delete the log group; what a trail delivers is also in its bucket.")
		return exitDamaged
	}
	return cli.OK
}
