package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/internal/engine"
	"cairn/internal/insight"
)

// memoryLimit is from how many bytes of memory on garbage is collected at once. What
// is in use stays below it, however many records wait (bench/delivery_test.go).
const memoryLimit = 352 << 20

func runServe(ctx context.Context, args []string, env *cli.Env) int {
	var o engine.Options
	fs := cli.NewFlags(env, "serve", "[flags]", `
Run the engine: one AWS endpoint that answers for CloudTrail, S3, IAM, STS,
CloudWatch Logs, Organizations and EC2 (a control plane: instances are kept as
state, no machine is started). Every call becomes a CloudTrail record, durable
before the caller has its answer, and is delivered to the trails that select it.

The data folder is made at the first start, with an account, root credentials
in FOLDER/credentials (mode 0600), and everything the engine keeps. In another
shell, eval "$(cairn env)" points AWS clients at the engine.

A loopback connection counts as secure transport (aws:SecureTransport), as does
TLS. An address that other machines can reach needs --tls-cert and --tls-key, or
--insecure. docs/operations.md tells how to run it for good.`)
	data := dataFlag(fs, env)
	fs.StringVar(&o.Account, "account", "", "12-digit `id` of the first account of a new data folder; random if not given")
	fs.StringVar(&o.Listen, "listen", engine.DefaultListen, "`address` of the AWS endpoint; port 0 takes a free one")
	fs.StringVar(&o.TLSCert, "tls-cert", "", "`file` of the endpoint's certificate and its chain (PEM); read again when it changes")
	fs.StringVar(&o.TLSKey, "tls-key", "", "`file` of the certificate's key (PEM, mode 0600)")
	fs.BoolVar(&o.Insecure, "insecure", false, "let --listen and --admin name addresses other machines can reach over plain HTTP")
	fs.StringVar(&o.Admin, "admin", "", "`address` that answers /healthz, /readyz and /metrics over plain HTTP without credentials, such as 127.0.0.1:4567; none if not given")
	fs.StringVar(&o.NATS, "nats", "", "`URL` of a NATS cluster with JetStream; an embedded server if not given")
	fs.DurationVar(&o.DeliveryInterval, "delivery-interval", 5*time.Second, "how often log files are delivered; AWS takes about 5m")
	fs.DurationVar(&o.LifecycleInterval, "lifecycle-interval", time.Hour, "how often buckets' lifecycle rules are applied; AWS takes about a day")
	fs.DurationVar(&o.DigestInterval, "digest-interval", time.Hour, "how much time one digest file covers, where log file validation is on; AWS's cover 1h")
	fs.DurationVar(&o.InsightRules.MinBaseline, "insight-baseline", insight.DefaultBaseline, "how long an account and region are watched before anything is unusual, where a trail asks for Insights events; AWS takes up to 36h")
	fs.IntVar(&o.InsightRules.MinCount, "insight-calls", insight.DefaultCalls, "how many calls of one kind a minute must have to be unusual")
	fs.Func("audit", "what is durable before a call changes something: its `intent`, so that a crash leaves no change unrecorded, or nothing (outcome), which is faster (default intent)", func(text string) (err error) {
		o.Audit, err = engine.ParseAudit(text)
		return err
	})
	fs.StringVar(&o.OIDCKeys, "oidc-keys", "", "`folder` with the key sets (JWKS) of identity providers, for AssumeRoleWithWebIdentity: id.example.com.json for https://id.example.com, a slash in the URL as %2F")
	fs.Func("oidc-fetch", "ask identity providers that have no file for their keys, over https: `none`, public (on public addresses only) or private (wherever they are) (default none)", func(text string) (err error) {
		o.OIDCFetch, err = engine.ParseOIDCFetch(text)
		return err
	})
	logs := logFlags(fs)
	if _, code, ok := cli.ParseFlags(fs, env, args, 0); !ok {
		return code
	}
	o.Dir = *data
	o.Log = logs.logger(env.Stderr)
	if os.Getenv("GOMEMLIMIT") == "" { // the runtime reads it by itself
		debug.SetMemoryLimit(memoryLimit)
	}
	e, err := engine.Open(ctx, o)
	if err != nil {
		return cli.Fail(env, err)
	}
	fmt.Fprintf(env.Stdout, `cairn is running.
  endpoint     %s
  account      %s
  credentials  %s
  point AWS clients here:  eval "$(cairn env --data %s)"
`, e.URL(), e.Account(), engine.CredentialsFile(o.Dir), shellQuote(o.Dir))
	if url := e.AdminURL(); url != "" {
		fmt.Fprintf(env.Stdout, "  admin        %s/healthz, /readyz, /metrics\n", url)
	}
	select {
	case <-ctx.Done():
	case err = <-e.Failed():
	}
	fmt.Fprintln(env.Stderr, "cairn: stopping; what is not delivered yet will be after the next start")
	if cerr := e.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return cli.Fail(env, err)
	}
	return cli.OK
}
