// Package engine puts the parts together: a data folder, the NATS server, the
// services behind one AWS endpoint, and the delivery of trails.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"cairn/internal/call"
	"cairn/internal/delivery"
	"cairn/internal/fairlisten"
	"cairn/internal/gateway"
	"cairn/internal/history"
	"cairn/internal/identity"
	"cairn/internal/insight"
	"cairn/internal/journal"
	"cairn/internal/lake"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights/queries"
	"cairn/internal/natsd"
	"cairn/internal/organization"
	"cairn/internal/recorder"
	"cairn/internal/service/cloudtrail"
	"cairn/internal/service/ec2"
	"cairn/internal/service/iam"
	"cairn/internal/service/logs"
	"cairn/internal/service/organizations"
	"cairn/internal/service/s3"
	"cairn/internal/service/sts"
	"cairn/internal/signkey"
	"cairn/internal/state"
)

// Options configure an engine.
type Options struct {
	// Dir is the data folder; made if it is not there. One engine at a time.
	Dir string
	// Account is the id of the first account, 12 digits. Empty means a random
	// one for a new folder, and the folder's own for an existing one.
	Account string
	// Listen is the address of the AWS endpoint. Default 127.0.0.1:4566; port 0
	// takes a free one. One beyond loopback is refused without TLS or Insecure.
	Listen string
	// TLSCert and TLSKey are the files of the certificate the endpoint shows and
	// of its key, in PEM; they are read again when they change. Both or none.
	TLSCert, TLSKey string
	// Insecure lets Listen and Admin name addresses other machines can reach over
	// plain HTTP.
	Insecure bool
	// Admin is the address that answers /healthz, /readyz and /metrics over plain
	// HTTP to whoever asks; empty for none.
	Admin string
	// NATS is the URL of a NATS cluster with JetStream; empty embeds a server.
	NATS string
	// DeliveryInterval is how often log files are delivered. Default 5 s.
	DeliveryInterval time.Duration
	// DigestInterval is how much time one digest file covers, in whole seconds.
	// Default 1 hour, which is CloudTrail's.
	DigestInterval time.Duration
	// LifecycleInterval is how often buckets' lifecycle rules are applied.
	// Default one hour.
	LifecycleInterval time.Duration
	// Audit says what is durable before a call changes something; empty means
	// AuditIntent.
	Audit Audit
	// OIDCKeys is a folder with the key sets of identity providers, in files that
	// oidc.FileName names; empty for none. OIDCFetch says whether providers
	// without a file are asked; empty means FetchNone.
	OIDCKeys  string
	OIDCFetch OIDCFetch
	// InsightRules say what activity is unusual enough for an Insights event.
	InsightRules insight.Rules
	// Log gets the engine's own log.
	Log *slog.Logger
}

// DefaultListen is the address of the AWS endpoint unless told otherwise.
const DefaultListen = "127.0.0.1:4566"

// stateBucket keeps accounts, keys, trails and all other configuration. Without
// it, or with a part of it, nobody could say who may do what.
const stateBucket = "STATE"

// Engine is a running engine.
type Engine struct {
	dir          *dataDir
	log          *slog.Logger
	nats         *natsd.Server
	store        *state.Store
	journal      *journal.Journal
	records      *journal.Shared // the same, for those who read it from end to end
	lake         *lake.Lake
	groups       *loggroup.Store
	queries      *queries.Runner
	history      *history.Store
	insights     *insight.Watcher
	identities   *identity.Store
	keys         *signkey.Keys
	objects      *s3.Service
	apis         []*call.API // what the endpoint answers for
	dispatcher   *call.Dispatcher
	audit        *recorder.Audit
	checkpoints  *state.Table[auditRow]
	delivery     *delivery.Delivery
	tables       delivery.Tables
	organization *organization.Organization
	http         *http.Server
	front        *front
	listener     net.Listener
	scheme       string // of the endpoint: http or https
	embedded     bool   // the message store is in the data folder
	ops          *ops
	adminToken   string
	accounts     sync.Mutex // held while an account is added, or its keys change
	rotations    *state.Table[rotation]

	stop    context.CancelFunc // ends delivery and what else runs beside calls
	running sync.WaitGroup     // that, and the HTTP server
	failed  chan error         // what ends the engine by itself; room for each sender
}

// Open starts an engine: it locks and reads the data folder, repairs what a
// crash may have left, and answers on Listen when it returns. Close ends it.
func Open(ctx context.Context, o Options) (_ *Engine, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	listener, err := listen(ctx, &o)
	if err != nil {
		return nil, err
	}
	e := &Engine{log: o.Log, listener: listener, scheme: o.scheme(), embedded: o.NATS == "", failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.ops, err = openOps(ctx, &o); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir) // the object store may change the working folder
	if err != nil {
		return nil, fmt.Errorf("find data folder %s: %w", o.Dir, err)
	}
	if e.dir, err = openDataDir(dir, o.Account); err != nil {
		return nil, err
	}
	if err := e.openStores(ctx, &o); err != nil {
		return nil, err
	}
	if e.apis, err = e.openServices(ctx, &o); err != nil {
		return nil, err
	}
	if err := e.store.Err(); err != nil { // every table is open now, and what it held was read
		return nil, err
	}
	if err := e.ensureAccount(ctx, e.dir.about.Account); err != nil {
		return nil, err
	}
	if err := e.openAudit(ctx); err != nil {
		return nil, err
	}
	if err := e.endRotations(ctx); err != nil {
		return nil, err
	}
	if err := e.serve(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Engine) openStores(ctx context.Context, o *Options) (err error) {
	if e.nats, err = natsd.Start(ctx, natsd.Options{
		Dir: e.dir.file(natsDir), URL: o.NATS, Critical: []string{"KV_" + stateBucket}, Log: o.Log,
	}); err != nil {
		return err
	}
	js := e.nats.JetStream()
	if e.store, err = state.Open(ctx, js, stateBucket); err != nil {
		return err
	}
	if e.journal, err = journal.Open(ctx, js, journal.Options{Log: o.Log}); err != nil {
		return err
	}
	e.records = journal.Share(e.journal)
	sealKey, err := e.dir.sealKey()
	if err != nil {
		return err
	}
	e.identities = identity.NewStore(e.store, sealKey)
	e.keys = signkey.New(e.store, sealKey, time.Now)
	if e.lake, err = lake.Open(lake.Options{Dir: e.dir.file(lakeDir), Log: o.Log}); err != nil {
		return err
	}
	segments := e.lake
	if o.NATS != "" {
		segments = nil // they are on this disk only; what a cluster keeps three times stays there
	}
	e.groups, err = loggroup.Open(ctx, js, e.store, loggroup.Options{Log: o.Log, Lake: segments})
	return err
}

// openServices makes the services, and the delivery that uses them.
func (e *Engine) openServices(ctx context.Context, o *Options) (apis []*call.API, err error) {
	e.checkpoints = state.NewTable[auditRow](e.store, "audit")
	e.rotations = state.NewTable[rotation](e.store, "rotations")
	e.audit = recorder.NewAudit(e.journal, checkpoint{e.checkpoints}, time.Now, e.log)
	e.dispatcher = e.newDispatcher(o.Audit)
	if e.objects, err = s3.New(ctx, s3.Options{Dir: e.dir.file(objectsDir), Store: e.store, Principals: e.identities, LifecycleInterval: o.LifecycleInterval, Log: e.log}); err != nil {
		return nil, err
	}
	if err := errors.Join(e.identities.BindTrusts(ctx), e.objects.BindPolicies(ctx)); err != nil {
		return nil, fmt.Errorf("bring stored policies up to date: %w", err)
	}
	e.queries = queries.New(e.groups, queries.Options{Dir: e.dir.file(queriesDir), Log: e.log})
	if err := e.queries.Restore(); err != nil {
		return nil, err
	}
	webKeys, err := o.webKeys()
	if err != nil {
		return nil, err
	}
	logsAPI, stsAPI := logs.New(e.groups, e.queries).API(), sts.New(e.identities, webKeys).API()
	dest := &destinations{dispatcher: e.dispatcher, objects: e.objects, identities: e.identities, groups: e.groups, logs: logsAPI, sts: stsAPI}
	tables := delivery.OpenTables(e.store)
	e.tables = tables
	if err := reachMarks(ctx, e.journal, tables); err != nil {
		return nil, err
	}
	e.delivery, err = delivery.New(delivery.Options{
		Journal: func() delivery.Journal { return e.records.Reader() }, Tables: tables, Dest: dest, Keys: e.keys, Interval: o.DeliveryInterval, DigestInterval: o.DigestInterval, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	if err := e.openHistory(ctx, o, tables); err != nil {
		return nil, err
	}
	tokenKey, err := e.tokenKey()
	if err != nil {
		return nil, err
	}
	trails := cloudtrail.New(cloudtrail.Options{
		Tables: tables, Journal: e.journal, Dest: dest, Keys: e.keys, History: e.history, TokenKey: tokenKey, Organization: e.organization,
	})
	return []*call.API{
		trails.API(), ec2.New(e.store).API(), iam.New(e.identities).API(), logsAPI,
		organizations.New(e.organization, e.identities).API(), e.objects.API(), stsAPI,
	}, nil
}

// ready returns nil while the stores can be written, and what is in memory is
// what they hold.
func (e *Engine) ready() error {
	if err := e.nats.Err(); err != nil {
		return err
	}
	return e.store.Err()
}

// serve starts the endpoint and delivery.
func (e *Engine) serve() (err error) {
	// A token for each run: one that was sent to whoever took the address of an
	// engine that had ended is worth nothing.
	if e.adminToken, err = e.dir.newSecret(adminFile, 32); err != nil {
		return err
	}
	if err := e.dir.write(endpointFile, []byte(e.URL()+"\n")); err != nil {
		return err
	}
	g := gateway.New(gateway.Options{
		APIs: e.apis, Resolver: e.identities, Dispatcher: e.dispatcher, Ready: e.ready, Observe: e.ops.observe, Log: e.log, Now: time.Now,
	})
	e.front = &front{calls: g, commands: e.admin(), host: e.listener.Addr().String()}
	e.http = &http.Server{
		Handler: e.front,
		// The gateway bounds bodies and answers; large objects take their time.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ConnState:         fairlisten.NoteState,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	e.http.RegisterOnShutdown(e.front.gate.open)
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.running.Go(func() { e.audit.Run(ctx) })
	e.running.Go(func() { e.delivery.Run(ctx) })
	e.running.Go(func() { e.history.Run(ctx) })
	e.running.Go(func() { e.insights.Run(ctx) })
	e.running.Go(func() { e.objects.Run(ctx) })
	e.running.Go(func() { e.groups.Run(ctx) })
	e.running.Go(func() { e.watch(ctx) })
	e.running.Go(func() { e.rotate(ctx) })
	e.ops.serve(e)
	e.running.Go(func() {
		if err := e.http.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
			e.failed <- fmt.Errorf("serve %s: %w", e.URL(), err)
		}
	})
	return nil
}

// watch tells when state cannot go on. A store that cannot be reached or written
// is waited for, calls meanwhile being refused.
func (e *Engine) watch(ctx context.Context) {
	select {
	case <-e.store.Failed():
		e.failed <- fmt.Errorf("keep state: %w", e.store.Err())
	case <-ctx.Done():
	}
}

// URL is the AWS endpoint: what AWS_ENDPOINT_URL has to be.
func (e *Engine) URL() string { return e.scheme + "://" + e.listener.Addr().String() }

// AdminURL is where health and metrics are asked for; empty without Options.Admin.
func (e *Engine) AdminURL() string { return e.ops.url() }

// Account is the id of the first account.
func (e *Engine) Account() string { return e.dir.about.Account }

// Failed yields an error if the engine cannot go on: the endpoint ended, or
// state cannot be kept up to date. It then has to be closed.
func (e *Engine) Failed() <-chan error { return e.failed }

// shutdownGrace is how long calls under way may take to end, cutGrace how long
// they may take once their connections are cut.
const (
	shutdownGrace = 15 * time.Second
	cutGrace      = 15 * time.Second
)

// Close ends the engine: calls under way are answered (those that take too long
// are cut off), delivery stops between two steps, everything is closed in the
// opposite order of Open. What was not delivered yet is delivered after the next
// start.
func (e *Engine) Close() error {
	errs := []error{e.closeEndpoint()}
	if e.stop != nil {
		e.stop()
	}
	e.running.Wait()
	if e.objects != nil {
		errs = append(errs, e.objects.Close())
	}
	if e.queries != nil {
		e.queries.Close()
	}
	if e.groups != nil {
		e.groups.Close()
	}
	if e.lake != nil {
		e.lake.Close()
	}
	if e.stop != nil { // it served: what ended before that has moved nothing
		ctx, cancel := context.WithTimeout(context.Background(), closeAudit)
		if err := e.audit.Close(ctx); err != nil {
			e.log.Warn("the next start looks longer for calls without an outcome", "error", err)
		}
		cancel()
	}
	if e.journal != nil {
		e.journal.Close()
	}
	if e.store != nil {
		e.store.Close()
	}
	if e.nats != nil {
		e.nats.Close()
	}
	if e.ops != nil { // last: it tells how the end goes
		errs = append(errs, e.ops.close())
	}
	if e.dir != nil {
		errs = append(errs, e.dir.close())
	}
	return errors.Join(errs...)
}

// closeEndpoint returns when no call runs any more: one that did while the
// stores close could change something and not be recorded.
func (e *Engine) closeEndpoint() error {
	if e.http == nil {
		return e.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := e.http.Shutdown(ctx); err == nil {
		return nil
	}
	// A client that sends or reads slowly ends its own call, not ours.
	return errors.Join(e.http.Close(), e.front.wait(cutGrace))
}
