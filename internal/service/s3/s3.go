// Package s3 is the S3 API of the engine. Buckets and their configuration are
// kept in state and enforced here; objects are kept by package objects, which
// this package asks only for what the dispatcher allowed.
//
// What a configuration says is enforced or done, with one exception: server
// access logging is stored and returned, but no access logs are delivered. A
// trail's data events say the same, and are signed for.
//
// Source: Amazon S3 API Reference, and "Actions, resources, and condition keys
// for Amazon S3" in the Service Authorization Reference.
package s3

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/buckets"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/lifecycle"
	"cairn/internal/service/s3/objects"
	"cairn/internal/state"
	"cairn/internal/wire"
)

// Options configure a Service. Dir, Store and Log are required.
type Options struct {
	// Dir is the folder of the object store; made if it is absent. Only one
	// engine may use it.
	Dir string
	// Store holds the buckets and their configuration.
	Store *state.Store
	// Principals knows the users and roles bucket policies name. Nil keeps
	// policies as they are put.
	Principals config.Principals
	// Log gets what the service cannot tell a caller.
	Log *slog.Logger
	// Domains are the host names under which BUCKET.DOMAIN means a bucket.
	// Default: localhost and s3.localhost. The host names of AWS
	// (BUCKET.s3.REGION.amazonaws.com) are always understood.
	Domains []string
	// LifecycleInterval is how often lifecycle rules are applied while Run
	// runs; 0 means lifecycle.DefaultInterval.
	LifecycleInterval time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service answers the S3 API. It is safe for concurrent use.
type Service struct {
	buckets *buckets.Registry
	objects *objects.Store
	log     *slog.Logger
	domains []string
	now     func() time.Time
	api     *call.API
	routes  map[route]*operation
	methods map[string]string // HTTP method by operation
	// principals is nil where policies are kept as they are put.
	principals config.Principals

	// keys keep an object from expiring while it is written to.
	keys lifecycle.Keys
	// lifecycle applies lifecycle rules; Run does.
	lifecycle *lifecycle.Runner
}

// New opens the object store and repairs what a crash may have left of making
// or removing buckets.
func New(ctx context.Context, o Options) (*Service, error) {
	store, err := objects.Open(ctx, o.Dir, o.Log)
	if err != nil {
		return nil, err
	}
	known, err := buckets.Open(ctx, o.Store, store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	s := &Service{
		buckets: known, objects: store, log: o.Log,
		domains: o.Domains, now: o.Now, principals: o.Principals, routes: map[route]*operation{}, methods: map[string]string{},
	}
	if len(s.domains) == 0 {
		s.domains = []string{"s3.localhost", "localhost"}
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.lifecycle = lifecycle.NewRunner(lifecycle.Options{
		Buckets: s, Objects: store, Interval: o.LifecycleInterval, Now: s.now, Log: o.Log,
	})
	s.api = &call.API{
		Name: "s3", Source: "s3.amazonaws.com", Version: "2006-03-01", EventVersion: "1.11",
		Codec: &wire.Codec{Protocol: wire.RESTXML, Namespace: config.Namespace},
		Denied: func(message string) *awserr.Error {
			return awserr.New(http.StatusForbidden, "AccessDenied", "%s", message)
		},
		Match: s.match, Reply: s.reply,
	}
	for i := range operations {
		s.add(&operations[i])
	}
	return s, nil
}

// API returns the S3 API.
func (s *Service) API() *call.API { return s.api }

// BindPolicies brings buckets' policies that were kept before unique ids were into
// the form they are kept in now. It is for the start of an engine, before calls
// come in.
func (s *Service) BindPolicies(ctx context.Context) error {
	if s.principals == nil {
		return nil
	}
	return s.buckets.Bind(ctx, s.principals)
}

// Run applies the lifecycle rules of buckets, now and then, until ctx ends. The
// service is not to be closed before Run returns.
func (s *Service) Run(ctx context.Context) { s.lifecycle.Run(ctx) }

// Close waits for running requests and closes the object store.
func (s *Service) Close() error {
	if err := s.objects.Close(); err != nil {
		return fmt.Errorf("close S3 service: %w", err)
	}
	return nil
}

// Owner returns the account that owns a bucket; ok is false if there is no
// such bucket.
func (s *Service) Owner(bucket string) (account string, ok bool) {
	b, err := s.buckets.Get(bucket)
	if err != nil {
		return "", false
	}
	return b.Account, true
}

// update changes a bucket's row and returns when the change is durable.
func (s *Service) update(ctx context.Context, name string, change func(*config.Bucket)) error {
	return s.buckets.Update(ctx, name, func(b *config.Bucket) error { change(b); return nil })
}

// Ping returns nil while the object store answers.
func (s *Service) Ping(ctx context.Context) error {
	const nobody = "cairn-no-such-bucket" // whatever the answer is, it is one
	_, err := s.objects.Ask(ctx, &objects.Request{Method: http.MethodHead, Bucket: nobody})
	if err != nil && awserr.From(err).Status >= http.StatusInternalServerError {
		return fmt.Errorf("ask the object store: %w", err)
	}
	return nil
}
