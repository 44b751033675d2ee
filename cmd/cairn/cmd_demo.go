package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/examples"
	"cairn/internal/engine"
)

// The demo's two accounts: the one that is set up and acts, and the one that
// owns somebody else's bucket.
const (
	demoAccount = "111122223333"
	demoOwner   = "444455556666"
	demoRegion  = "eu-west-1"
	// demoInterval is how often the demo's engine delivers.
	demoInterval = time.Second
	// demoDigests is how much time a digest of the demo covers.
	demoDigests = 2 * time.Second
	// demoPatience is how long a step may take before it counts as failed.
	demoPatience = 30 * time.Second
)

func runDemo(ctx context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "demo", "[flags]", `
Tell the whole story on an embedded engine in a temporary folder: set up a
trail, act, see the record arrive in the bucket and in the log group, search the
bucket, hold it to its signed digests, then the same with a bucket that another
account owns. On a terminal the engine then stays up to look around.

Exit codes: 0 if every step was seen to happen, 1 if not.`)
	exit := fs.Bool("exit", false, "end after the story, also on a terminal")
	verbose := fs.Bool("verbose", false, "show the engine's log")
	if _, code, ok := cli.ParseFlags(fs, env, args, 0); !ok {
		return code
	}
	dir, err := os.MkdirTemp("", "cairn-demo-")
	if err != nil {
		return cli.Fail(env, fmt.Errorf("make a folder for the demo: %w", err))
	}
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(env.Stderr, nil))
	}
	d := &demo{out: env.Stdout, dir: dir, log: log, start: time.Now()}
	err = d.run(ctx, env.IsTerminal && !*exit)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return cli.Fail(env, fmt.Errorf("demo: %w", err))
	}
	return cli.OK
}

// demo is one telling of the story.
type demo struct {
	out   io.Writer
	dir   string
	log   *slog.Logger
	start time.Time
	step  int

	engine *engine.Engine
	mine   *demoClients // root of demoAccount
	theirs *demoClients // root of demoOwner
}

// run tells the story and ends the engine: at once, or if stay is set when ctx
// is done.
func (d *demo) run(ctx context.Context, stay bool) (err error) {
	defer func() {
		if d.engine != nil {
			err = errors.Join(err, d.engine.Close())
		}
	}()
	if err := d.tell(ctx); err != nil {
		fmt.Fprintln(d.out)
		return err
	}
	fmt.Fprintf(d.out, "\nEvery step was seen to happen, in %s.\n", seconds(time.Since(d.start)))
	if !stay {
		return nil
	}
	d.lookAround()
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.engine.Failed():
		return err
	}
}

// tell goes through the story; the engine is left running.
func (d *demo) tell(ctx context.Context) error {
	fmt.Fprintln(d.out, "CloudTrail, from nothing, on this machine alone.")
	for _, chapter := range []func(context.Context) error{
		d.startEngine, d.setUpOwnBucket, d.act, d.findInBucket, d.findInLogGroup, d.search, d.validate, d.setUpSomeoneElses,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) startEngine(ctx context.Context) error {
	began := time.Now()
	err := os.CopyFS(filepath.Join(d.dir, "examples"), examples.Files)
	if err != nil {
		return fmt.Errorf("write the examples: %w", err)
	}
	d.engine, err = engine.Open(ctx, engine.Options{
		Dir: filepath.Join(d.dir, "data"), Account: demoAccount, Listen: "127.0.0.1:0", DeliveryInterval: demoInterval, DigestInterval: demoDigests, Log: d.log,
	})
	if err != nil {
		return err
	}
	if d.mine, err = d.clients(demoAccount); err != nil {
		return err
	}
	d.title("cairn serve: an engine with one AWS endpoint", began)
	d.say("endpoint %s, account %s", d.engine.URL(), d.engine.Account())
	return nil
}

// title prints the heading of a step with the time it took.
func (d *demo) title(what string, began time.Time) {
	d.step++
	fmt.Fprintf(d.out, "\n%d. %s (%s)\n", d.step, what, seconds(time.Since(began)))
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "   "+format+"\n", args...)
}

func seconds(t time.Duration) string { return fmt.Sprintf("%.1f s", t.Seconds()) }

// lookAround prints commands that work as they are in another shell.
func (d *demo) lookAround() {
	program, err := os.Executable()
	if err != nil {
		program = "cairn"
	}
	data := filepath.Join(d.dir, "data")
	fmt.Fprintf(d.out, `
The engine stays up until Ctrl-C. In another terminal:

  eval "$(%s env --data %s)"
  aws sts get-caller-identity
  aws s3 ls --recursive s3://%s
  aws logs filter-log-events --log-group-name %s --filter-pattern '{ $.errorCode = "*" }'
  aws cloudtrail get-trail-status --name %s
  aws ec2 run-instances --image-id ami-0123456789abcdef0 --instance-type t3.micro
`, shellQuote(program), shellQuote(data), ownBucket, ownGroup, ownTrail)
}
