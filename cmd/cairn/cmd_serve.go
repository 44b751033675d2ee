package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"cairn/internal/engine"
)

func runServe(ctx context.Context, args []string, env *environ) int {
	var o engine.Options
	fs := newFlags(env, "serve", "[flags]", `
Run the engine: one AWS endpoint that answers for CloudTrail, S3, IAM, STS,
CloudWatch Logs and EC2 (a control plane: instances are kept as state, no
machine is started). Every call becomes a CloudTrail record, durable before
the caller has its answer, and is delivered to the trails that select it.

The data folder is made at the first start, with an account, root credentials
in FOLDER/credentials (mode 0600), and everything the engine keeps. In another
shell, eval "$(cairn env)" points AWS clients at the engine.

A loopback connection counts as secure transport (aws:SecureTransport).`)
	data := dataFlag(fs, env)
	fs.StringVar(&o.Account, "account", "", "12-digit `id` of the first account of a new data folder; random if not given")
	fs.StringVar(&o.Listen, "listen", engine.DefaultListen, "`address` of the AWS endpoint; port 0 takes a free one")
	fs.BoolVar(&o.AllowRemote, "allow-remote", false, "let --listen name an address other machines can reach (plain HTTP: put TLS in front)")
	fs.StringVar(&o.NATS, "nats", "", "`URL` of a NATS cluster with JetStream; an embedded server if not given")
	fs.DurationVar(&o.DeliveryInterval, "delivery-interval", 5*time.Second, "how often log files are delivered; AWS takes about 5m")
	fs.DurationVar(&o.LifecycleInterval, "lifecycle-interval", time.Hour, "how often buckets' lifecycle rules are applied; AWS takes about a day")
	fs.DurationVar(&o.DigestInterval, "digest-interval", time.Hour, "how much time one digest file covers, where log file validation is on; AWS's cover 1h")
	verbose := fs.Bool("verbose", false, "log every call")
	if _, code, ok := parseFlags(fs, env, args, 0); !ok {
		return code
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	o.Dir = *data
	o.Log = slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
	e, err := engine.Open(ctx, o)
	if err != nil {
		return fail(env, err)
	}
	fmt.Fprintf(env.Stdout, `cairn is running.
  endpoint     %s
  account      %s
  credentials  %s
  point AWS clients here:  eval "$(cairn env --data %s)"
`, e.URL(), e.Account(), engine.CredentialsFile(o.Dir), shellQuote(o.Dir))
	select {
	case <-ctx.Done():
	case err = <-e.Failed():
	}
	fmt.Fprintln(env.Stderr, "cairn: stopping; what is not delivered yet will be after the next start")
	if cerr := e.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fail(env, err)
	}
	return exitOK
}
