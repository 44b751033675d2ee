// Package cloudtrail answers the CloudTrail API: trails, their logging, their
// selectors and tags.
//
// Source: "AWS CloudTrail API Reference" (2013-11-01); spec 4.
package cloudtrail

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"cairn/digest"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/delivery"
	"cairn/internal/journal"
	"cairn/internal/policy"
	"cairn/internal/state"
	"cairn/internal/trail"
	"cairn/internal/wire"
)

// What Destinations answers, wrapped or not.
var (
	// ErrNoBucket says that there is no such bucket.
	ErrNoBucket = errors.New("no such bucket")
	// ErrBucketDenied says that the bucket does not let cloudtrail.amazonaws.com
	// read its ACL or write the trail's files.
	ErrBucketDenied = errors.New("bucket refuses the delivery")
	// ErrRoleTrust says that there is no such role, or that
	// cloudtrail.amazonaws.com may not assume it.
	ErrRoleTrust = errors.New("role cannot be assumed")
	// ErrGroupDenied says that the role may not create the trail's log stream or
	// put events into it.
	ErrGroupDenied = errors.New("role may not write to the log group")
	// ErrNoGroup says that there is no such log group.
	ErrNoGroup = errors.New("no such log group")
)

// Destinations checks where a trail would deliver to; the engine implements it.
// Nothing is written. t may not have been stored yet. Besides the errors above
// it may return others, which become InternalFailure.
type Destinations interface {
	// CheckBucket calls s3:GetBucketAcl as CloudTrail does (spec 4.4), and asks
	// whether log files could be written. It returns ErrNoBucket or
	// ErrBucketDenied.
	CheckBucket(ctx context.Context, t *trail.Trail) error
	// CheckLogGroup asks whether events could be put in the trail's role. It
	// returns ErrRoleTrust, ErrNoGroup or ErrGroupDenied.
	CheckLogGroup(ctx context.Context, t *trail.Trail) error
}

// Journal tells where the journal ends.
type Journal interface{ End() journal.Position }

// Keys are the public keys digests are signed with.
type Keys interface {
	// Public returns those of a region that are valid at some time from one to
	// another.
	Public(region string, from, to time.Time) []digest.PublicKey
}

// Organization is an organization of accounts.
type Organization interface {
	// ID is its id (o-...), and Management the id of its management account.
	ID() string
	Management() string
}

// Options is what the service works on. All are required but DeleteWait and Now.
type Options struct {
	delivery.Tables
	Journal Journal
	Dest    Destinations
	Keys    Keys
	History History
	// TokenKey seals the tokens of LookupEvents.
	TokenKey []byte
	// Organization is the one the engine's accounts are in.
	Organization Organization
	// DeleteWait is how long DeleteTrail waits for the last log files and digests
	// of a trail; default 3 s. What is not written by then is tried on.
	DeleteWait time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Service answers CloudTrail.
type Service struct {
	Options
	// creating is held while the limit on trails is checked and one is made. It
	// does not reach other processes of a cluster, where two calls at once may
	// exceed the limit of five.
	creating sync.Mutex
	lookups  lookupRate // of LookupEvents
	insights lookupRate // of ListInsightsData
}

// New returns the service.
func New(o Options) *Service {
	if o.DeleteWait == 0 {
		o.DeleteWait = 3 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{Options: o}
}

// API returns the operations.
func (s *Service) API() *call.API {
	a := &call.API{
		Name: "cloudtrail", Source: "cloudtrail.amazonaws.com", Target: "CloudTrail_20131101", EventVersion: "1.11",
		Codec:  &wire.Codec{Protocol: wire.JSON11, Names: wire.CloudTrailNames, Records: wire.CloudTrailRecords},
		Denied: call.DeniedJSON, ErrorCode: call.RecordedJSON,
	}
	s.addChanges(a)
	s.addReads(a)
	s.addSelectors(a)
	s.addInsights(a)
	s.addTags(a)
	s.addLookup(a)
	return a
}

// write adds an operation on one trail, which in its input names.
func write[In, Out any](a *call.API, name string, trailOf func(*In) *string, run func(context.Context, *call.Granted, *In) (*Out, error)) *call.Operation {
	op := call.New(name, run)
	op.Authorize = onTrail(trailOf)
	a.Add(op)
	return op
}

// read is write for an operation that changes nothing.
func read[In, Out any](a *call.API, name string, trailOf func(*In) *string, run func(context.Context, *call.Granted, *In) (*Out, error)) {
	write(a, name, trailOf, run).ReadOnly = true
}

// onTrail asks for the operation's action on the trail named.
func onTrail[In any](trailOf func(*In) *string) func(context.Context, *call.Call) ([]call.Check, error) {
	return func(_ context.Context, c *call.Call) ([]call.Check, error) {
		return []call.Check{{Resource: resourceOf(c, trailOf(c.Input.(*In)))}}, nil
	}
}

// resourceOf returns the ARN of the trail a caller names. A name that is none is
// refused when the operation runs; until then any resource stands for it.
func resourceOf(c *call.Call, name *string) string {
	ref, err := trail.ParseRef(value(name), c.Account(), c.Region)
	if err != nil {
		return "*"
	}
	return ref.ARN()
}

// passRole asks whether the caller may hand the role to CloudTrail.
func passRole(roleARN *string) []call.Check {
	if value(roleARN) == "" {
		return nil
	}
	return []call.Check{{
		Action: "iam:PassRole", Resource: *roleARN,
		Context: policy.Context{"iam:passedtoservice": {"cloudtrail.amazonaws.com"}},
	}}
}

// find returns the trail a caller names. A bare name is one of the caller's
// account in the region called; an ARN may name any trail of the account, or of
// its organization.
func (s *Service) find(g *call.Granted, name *string) (*trail.Trail, error) {
	ref, err := trail.ParseRef(value(name), g.Account(), g.Region)
	if err != nil {
		return nil, err
	}
	t, ok := s.Trails.Get(delivery.TrailKey(ref.Account, ref.Region, ref.Name)...)
	if !ok || !visible(t, g.Account()) {
		return nil, unknownTrail(ref.ARN(), g.Account())
	}
	if ref.Region != g.Region && !t.MultiRegion {
		return nil, refuse("CloudTrailARNInvalidException", "Region in ARN is wrong, you can only access resources in region %s.", g.Region)
	}
	return t, nil
}

// visible reports whether an account sees a trail: its own, and those of the
// organization, which all accounts are in (spec 4.6).
func visible(t *trail.Trail, account string) bool {
	return t.Deleted.IsZero() && (t.Account == account || t.OrganizationID != "")
}

// change finds the trail a caller names, applies a change to it and stores it.
// Trails can be changed in their home region only.
func (s *Service) change(ctx context.Context, g *call.Granted, name *string, change func(t *trail.Trail) error) (*trail.Trail, error) {
	t, err := s.home(g, name)
	if err != nil {
		return nil, err
	}
	id := t.ID
	t, err = s.Trails.Update(ctx, func(t *trail.Trail) error {
		if t.ID != id || !t.Deleted.IsZero() { // deleted meanwhile, and perhaps made again
			return state.ErrNotFound
		}
		t.Prune(delivery.Delivered(s.Progress, t))
		return change(t)
	}, key(t)...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, unknownTrail(value(name), g.Account())
	}
	return t, err
}

// home finds the trail a caller names, which must be of its account and in its
// home region.
func (s *Service) home(g *call.Granted, name *string) (*trail.Trail, error) {
	t, err := s.find(g, name)
	if err != nil {
		return nil, err
	}
	if t.Account != g.Account() {
		return nil, refuse("NotOrganizationMasterAccountException",
			"The trail %s is the organization's: only the management account %s can change it.", t.ARN(), t.Account)
	}
	if t.HomeRegion != g.Region {
		return nil, refuse("InvalidHomeRegionException",
			"The trail %s can be changed in its home region %s only, not in %s.", t.ARN(), t.HomeRegion, g.Region)
	}
	return t, nil
}

func key(t *trail.Trail) []string { return delivery.TrailKey(t.Account, t.HomeRegion, t.Name) }

func (s *Service) end() trail.Mark {
	p := s.Journal.End()
	return trail.Mark{Seq: p.Seq, Index: p.Index}
}

func refuse(code, format string, args ...any) error {
	return awserr.New(http.StatusBadRequest, code, format, args...)
}

func unknownTrail(name, account string) error {
	return refuse("TrailNotFoundException", "Unknown trail: %s for the user: %s", name, account)
}

// value returns what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// set returns a pointer to a text, or nil for none: unset strings are absent
// from answers (spec 4.5).
func set(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
