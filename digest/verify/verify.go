// Package verify tells whether log files and digests in a trail's bucket, or in
// a copy of it, are what CloudTrail delivered.
//
// It checks all that aws cloudtrail validate-logs checks (each digest's place,
// form, key and signature, each log file's hash) and what that leaves out: that
// the digest before is the one the next was signed over (hash and signature),
// several digests removed in a row, data after a file's end, log files that no
// digest lists, and, with the [Heads] of an earlier run, digests removed from
// the new end of a chain.
//
// Objects are read in parallel and hashed as they come. Memory does not grow
// with their size; what is kept is some bytes for each log file and digest of
// the accounts and regions being looked at.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"cairn/digest"
)

// ErrNotFound says that there is no such object.
var ErrNotFound = errors.New("not found")

// Source is where objects are read from: a bucket or a copy of one. All of it
// may be called concurrently.
type Source interface {
	// List yields the keys that begin with prefix and come after the key after
	// in byte order, each once, in any order. It ends after yielding an error.
	List(ctx context.Context, bucket, prefix, after string) iter.Seq2[string, error]
	// Folders returns the names of the folders right below prefix, which ends
	// with a slash or is empty. The keys of the files there go to file.
	Folders(ctx context.Context, bucket, prefix string, file func(key string)) ([]string, error)
	// Open opens an object; the error is ErrNotFound if there is none.
	Open(ctx context.Context, bucket, key string) (*Object, error)
}

// Object is an open object. The caller closes Body.
type Object struct {
	Body io.ReadCloser
	// Metadata is the user metadata with names in lower case; nil if the source
	// does not know it, as with copies of a bucket's files.
	Metadata map[string]string
}

// KeySource gives public keys.
type KeySource interface {
	// PublicKeys returns the keys a region signed with between two times, maybe
	// more. The error is for not being able to tell; no keys is no error.
	PublicKeys(ctx context.Context, region string, from, to time.Time) ([]digest.PublicKey, error)
}

// Options say what to verify.
type Options struct {
	// Source holds the objects, Keys the public keys.
	Source Source
	Keys   KeySource
	// Bucket is the bucket's name. If it is empty, as for a copy whose bucket
	// is not known, digests and log files are taken by key alone.
	Bucket string
	// Prefix is where to look: a trail's S3KeyPrefix, or any folder above or
	// below AWSLogs. Empty means the whole bucket.
	Prefix string
	// Trail and HomeRegion select one trail; Account and Region narrow it down.
	// Empty means all there are.
	Trail, HomeRegion, Account, Region string
	// Expect are places to look at though nothing may be there any more: only
	// Delivered can then tell.
	Expect []digest.Place
	// From and To select the log files delivered in between; zero is open.
	From, To time.Time
	// Heads are the ends of chains seen before: they must still be there. Unless it
	// is nil, chains that have none are noted.
	Heads Heads
	// Delivered tells when CloudTrail says it delivered the newest digest of a
	// place; zero if it does not say. Nil for nobody to ask.
	Delivered func(ctx context.Context, p digest.Place) (time.Time, error)
	// InFlight is how many objects are read at once; 64 if zero.
	InFlight int
	// Found is told each finding as it is made, one at a time; nil for nobody.
	Found func(Finding)
	// Progress is kept up to date while the run lasts; nil for nobody.
	Progress *Progress
}

// Progress counts what a run has done so far.
type Progress struct {
	Digests, LogFiles, Bytes, Findings atomic.Int64
}

// DefaultInFlight is how many objects are read at once unless told otherwise.
const DefaultInFlight = 64

// run is one verification.
type run struct {
	Options
	slots chan struct{} // one taken for each object being read
	large sync.Mutex    // held while a digest too large to hold many of is read
	rings keyrings
	work  sync.WaitGroup // objects being read in the background
	begun atomic.Int64   // log files to be checked

	mu     sync.Mutex // guards what follows, and calls of Found
	report Report
	heads  Heads           // chains' ends as this run saw them
	seen   map[string]bool // heads of Options.Heads that were compared
}

// Run verifies what Options select. The error is for not being able to look;
// what was found wrong is in the report and told to Options.Found.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.InFlight <= 0 {
		o.InFlight = DefaultInFlight
	}
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Found == nil {
		o.Found = func(Finding) {}
	}
	r := &run{
		Options: o, slots: make(chan struct{}, o.InFlight),
		rings: keyrings{source: o.Keys, rings: map[string]*keyring{}},
		seen:  map[string]bool{},
	}
	r.report.From, r.report.To = o.From, o.To
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	err = r.each(ctx, r.expected(places))
	if err == nil {
		err = r.absentHeads(ctx)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if done := r.report.LogFiles.Total(); done != r.begun.Load() {
		return nil, fmt.Errorf("verify: %d log files were to be checked and %d were", r.begun.Load(), done)
	}
	if r.report.Digests.Total()+r.report.Backfills.Total() == 0 && r.report.Findings[Unverified]+r.report.Findings[Invalid] == 0 {
		r.found(Finding{Severity: Unverified, Kind: NothingFound, Bucket: o.Bucket, From: o.From, To: o.To, Text: "there are no digests of the trails and the time selected"})
	}
	r.report.finish(r.heads)
	return &r.report, nil
}

// placesAtOnce bounds how many accounts and regions are walked at once: each
// holds some digests.
const placesAtOnce = 16

// each verifies the places, several at once; the first error ends all.
func (r *run) each(ctx context.Context, places []digest.Place) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	turn := make(chan struct{}, placesAtOnce)
	known := map[digest.Place]bool{}
	for _, p := range places {
		known[p] = true
	}
	for _, p := range places {
		turn <- struct{}{}
		group.Go(func() {
			defer func() { <-turn }()
			if err := r.place(ctx, p, known); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	r.work.Wait() // before ctx ends, which it needs
	return context.Cause(ctx)
}

// acquire takes a slot for reading an object.
func (r *run) acquire(ctx context.Context) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *run) release() { <-r.slots }

// found tells a finding.
func (r *run) found(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Progress.Findings.Add(1)
	r.report.count(f)
	r.Found(f)
}
