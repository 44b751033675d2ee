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
	"cairn/internal/gateway"
	"cairn/internal/identity"
	"cairn/internal/journal"
	"cairn/internal/loggroup"
	"cairn/internal/natsd"
	"cairn/internal/recorder"
	"cairn/internal/service/cloudtrail"
	"cairn/internal/service/ec2"
	"cairn/internal/service/iam"
	"cairn/internal/service/logs"
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
	// takes a free one. An address beyond loopback is refused unless AllowRemote.
	Listen string
	// AllowRemote lets Listen name an address other machines can reach. The
	// endpoint speaks plain HTTP: put TLS in front of it.
	AllowRemote bool
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
	// Log gets the engine's own log.
	Log *slog.Logger
}

// DefaultListen is the address of the AWS endpoint unless told otherwise.
const DefaultListen = "127.0.0.1:4566"

// Engine is a running engine.
type Engine struct {
	dir        *dataDir
	log        *slog.Logger
	nats       *natsd.Server
	store      *state.Store
	journal    *journal.Journal
	groups     *loggroup.Store
	identities *identity.Store
	keys       *signkey.Keys
	objects    *s3.Service
	dispatcher *call.Dispatcher
	delivery   *delivery.Delivery
	http       *http.Server
	front      *front
	listener   net.Listener
	adminToken string
	accounts   sync.Mutex // held while an account is added

	stop    context.CancelFunc // ends delivery and lifecycle
	running sync.WaitGroup     // delivery, lifecycle and the HTTP server
	failed  chan error         // what ends the engine by itself; room for each sender
}

// Open starts an engine: it locks and reads the data folder, repairs what a
// crash may have left, and answers on Listen when it returns. Close ends it.
func Open(ctx context.Context, o Options) (_ *Engine, err error) {
	listener, err := listen(ctx, &o)
	if err != nil {
		return nil, err
	}
	e := &Engine{log: o.Log, listener: listener, failed: make(chan error, 3)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
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
	apis, err := e.openServices(ctx, &o)
	if err != nil {
		return nil, err
	}
	if err := e.store.Err(); err != nil { // every table is open now, and what it held was read
		return nil, err
	}
	if err := e.ensureAccount(ctx, e.dir.about.Account); err != nil {
		return nil, err
	}
	if err := e.serve(apis, o.NATS == ""); err != nil {
		return nil, err
	}
	return e, nil
}

// listen opens the endpoint's socket first: an address in use should fail
// before the data folder is touched.
func listen(ctx context.Context, o *Options) (net.Listener, error) {
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	address := o.Listen
	if !o.AllowRemote {
		addr, err := net.ResolveTCPAddr("tcp", o.Listen)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", o.Listen, err)
		}
		if !addr.IP.IsLoopback() {
			return nil, fmt.Errorf("listen on %s: other machines could reach it over plain HTTP; choose a loopback address, or say --allow-remote and put TLS in front", o.Listen)
		}
		address = addr.String() // what was checked: a name could lead elsewhere the next time
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose another address with --listen", o.Listen, err)
	}
	return limit(l, connections()), nil
}

func (e *Engine) openStores(ctx context.Context, o *Options) (err error) {
	if e.nats, err = natsd.Start(ctx, natsd.Options{Dir: e.dir.file(natsDir), URL: o.NATS, Log: o.Log}); err != nil {
		return err
	}
	js := e.nats.JetStream()
	if e.store, err = state.Open(ctx, js, "STATE"); err != nil {
		return err
	}
	if e.journal, err = journal.Open(ctx, js, journal.Options{Log: o.Log}); err != nil {
		return err
	}
	sealKey, err := e.dir.sealKey()
	if err != nil {
		return err
	}
	e.identities = identity.NewStore(e.store, sealKey)
	e.keys = signkey.New(e.store, sealKey, time.Now)
	e.groups, err = loggroup.Open(ctx, js, e.store, loggroup.Options{Log: o.Log})
	return err
}

// openServices makes the services, and the delivery that uses them.
func (e *Engine) openServices(ctx context.Context, o *Options) (apis []*call.API, err error) {
	e.dispatcher = call.NewDispatcher(recorder.New(e.journal, time.Now), e.log)
	if e.objects, err = s3.New(ctx, s3.Options{Dir: e.dir.file(objectsDir), Store: e.store, LifecycleInterval: o.LifecycleInterval, Log: e.log}); err != nil {
		return nil, err
	}
	logsAPI, stsAPI := logs.New(e.groups).API(), sts.New(e.identities).API()
	dest := &destinations{dispatcher: e.dispatcher, objects: e.objects, identities: e.identities, groups: e.groups, logs: logsAPI, sts: stsAPI}
	tables := delivery.OpenTables(e.store)
	if err := reachMarks(ctx, e.journal, tables); err != nil {
		return nil, err
	}
	e.delivery, err = delivery.New(delivery.Options{
		Journal: e.journal, Tables: tables, Dest: dest, Keys: e.keys, Interval: o.DeliveryInterval, DigestInterval: o.DigestInterval, Log: e.log,
	})
	if err != nil {
		return nil, err
	}
	return []*call.API{
		cloudtrail.New(cloudtrail.Options{Tables: tables, Journal: e.journal, Dest: dest, Keys: e.keys}).API(), ec2.New(e.store).API(), iam.New(e.identities).API(), logsAPI, e.objects.API(), stsAPI,
	}, nil
}

// serve starts the endpoint and delivery. embedded says that the NATS server is
// ours.
func (e *Engine) serve(apis []*call.API, embedded bool) (err error) {
	// A token for each run: one that was sent to whoever took the address of an
	// engine that had ended is worth nothing.
	if e.adminToken, err = e.dir.newSecret(adminFile, 32); err != nil {
		return err
	}
	if err := e.dir.write(endpointFile, []byte(e.URL()+"\n")); err != nil {
		return err
	}
	g := gateway.New(gateway.Options{
		APIs: apis, Resolver: e.identities, Dispatcher: e.dispatcher, Ready: e.store.Err, Log: e.log, Now: time.Now,
	})
	e.front = &front{calls: g, commands: e.admin(), host: e.listener.Addr().String()}
	e.http = &http.Server{
		Handler: e.front,
		// The gateway bounds bodies and answers; large objects take their time.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	e.running.Go(func() { e.delivery.Run(ctx) })
	e.running.Go(func() { e.objects.Run(ctx) })
	e.running.Go(func() { e.watch(ctx, embedded) })
	e.running.Go(func() {
		if err := e.http.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
			e.failed <- fmt.Errorf("serve %s: %w", e.URL(), err)
		}
	})
	return nil
}

// storeCheck is how often the embedded NATS server is looked at.
const storeCheck = 2 * time.Second

// watch tells when the stores cannot go on. A cluster that cannot be reached is
// waited for, calls meanwhile being refused; an embedded server that switched
// JetStream off needs a restart.
func (e *Engine) watch(ctx context.Context, embedded bool) {
	tick := time.NewTicker(storeCheck)
	defer tick.Stop()
	for {
		select {
		case <-e.store.Failed():
			e.failed <- fmt.Errorf("keep state: %w", e.store.Err())
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := e.nats.Err(); err != nil && embedded {
				e.failed <- err
				return
			}
		}
	}
}

// URL is the AWS endpoint: what AWS_ENDPOINT_URL has to be.
func (e *Engine) URL() string { return "http://" + e.listener.Addr().String() }

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
	if e.groups != nil {
		e.groups.Close()
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
