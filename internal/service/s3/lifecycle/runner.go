package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/service/s3/objects"
)

// DefaultInterval is how often rules are applied unless told otherwise. S3
// does it about once a day; rules count in days, so more often only means
// sooner after midnight UTC.
const DefaultInterval = time.Hour

// Bucket is a bucket with enabled rules.
type Bucket struct {
	Name string
	// Rules is not empty.
	Rules []Rule
	// Lock is true for a bucket with object lock.
	Lock bool
}

// Buckets is what the runner needs to know of buckets.
type Buckets interface {
	// Expiring returns the buckets that have enabled rules, as they are now.
	Expiring(ctx context.Context) []Bucket
	// Alone runs f while nobody writes to the key and the bucket is not being
	// removed. If somebody does, or it is, f does not run and ok is false.
	Alone(bucket, key string, f func() error) (ok bool, err error)
}

// Options configure a Runner; all but Interval are required.
type Options struct {
	Buckets Buckets
	Objects objects.Asker
	// Interval is how often Run applies the rules; 0 means DefaultInterval.
	Interval time.Duration
	// Now is the clock that ages are counted by.
	Now func() time.Time
	Log *slog.Logger
}

// Runner applies lifecycle rules. Nothing is kept between two runs: what is to
// be deleted follows from the rules and the objects alone, so a run that was
// cut off is simply done again.
type Runner struct{ o Options }

// NewRunner returns a runner.
func NewRunner(o Options) *Runner {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	return &Runner{o: o}
}

// Stats counts what a run did.
type Stats struct {
	// Expired are objects that got a delete marker or, without versioning, were
	// removed; Removed are versions and delete markers removed for good;
	// Aborted are uploads ended; Locked are versions that object lock kept, and
	// Busy are keys left for the next run because somebody was writing to them.
	Expired, Removed, Aborted, Locked, Busy int
}

// Run applies the rules at once and then at every interval, until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	ticker := time.NewTicker(r.o.Interval)
	defer ticker.Stop()
	for {
		if _, err := r.Sweep(ctx); err != nil && ctx.Err() == nil {
			r.o.Log.WarnContext(ctx, "cannot apply all lifecycle rules; they are tried again at the next run", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep applies the rules of all buckets once. A bucket that fails does not
// keep the others from their turn.
func (r *Runner) Sweep(ctx context.Context) (Stats, error) {
	var all Stats
	var errs []error
	for _, b := range r.o.Buckets.Expiring(ctx) {
		one := sweep{Runner: r, Bucket: b, now: r.o.Now()}
		err := one.run(ctx)
		if awserr.Is(err, "NoSuchBucket") {
			err = nil // removed meanwhile
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("apply lifecycle rules of bucket %s: %w", b.Name, err))
		}
		if one.stats != (Stats{}) {
			s := one.stats
			r.o.Log.InfoContext(ctx, "lifecycle rules applied", "bucket", b.Name,
				"expired", s.Expired, "removed", s.Removed, "aborted", s.Aborted, "locked", s.Locked, "busy", s.Busy)
		}
		all.add(&one.stats)
		if ctx.Err() != nil {
			break
		}
	}
	return all, errors.Join(errs...)
}

func (s *Stats) add(o *Stats) {
	s.Expired += o.Expired
	s.Removed += o.Removed
	s.Aborted += o.Aborted
	s.Locked += o.Locked
	s.Busy += o.Busy
}

// sweep is one run over one bucket.
type sweep struct {
	*Runner
	Bucket
	now   time.Time
	stats Stats
}

func (s *sweep) run(ctx context.Context) error {
	if err := s.abort(ctx); err != nil {
		return err
	}
	for versions, err := range s.keys(ctx, s.Name, commonPrefix(s.Rules)) {
		if err != nil {
			return err
		}
		deletions, err := Decide(s.Rules, versions, s.now, s.tags(ctx, s.Name))
		if err != nil {
			return err
		}
		if len(deletions) == 0 {
			continue
		}
		if err := s.expire(ctx, versions[0].Key); err != nil {
			return err
		}
	}
	return nil
}

// expire applies the rules to one key while nobody writes to it. The versions
// are read again: since they were listed a new one may have come, and what was
// old may be current again.
func (s *sweep) expire(ctx context.Context, key string) error {
	ok, err := s.o.Buckets.Alone(s.Name, key, func() error {
		for versions, err := range s.keys(ctx, s.Name, key) {
			if err != nil {
				return err
			}
			if versions[0].Key != key {
				continue // a longer key, which is not alone
			}
			deletions, err := Decide(s.Rules, versions, s.now, s.tags(ctx, s.Name))
			if err != nil {
				return err
			}
			return s.delete(ctx, key, deletions)
		}
		return nil
	})
	if !ok {
		s.stats.Busy++
	}
	return err
}

// delete deletes oldest first. A crash between two deletions leaves versions
// that the next run deletes.
func (s *sweep) delete(ctx context.Context, key string, deletions []Deletion) error {
	for _, d := range slices.Backward(deletions) {
		req := &objects.Request{Method: http.MethodDelete, Bucket: s.Name, Key: key, Query: url.Values{}}
		if d.Version != "" {
			req.Query.Set("versionId", d.Version)
		}
		switch held, err := s.held(ctx, req); {
		case err != nil:
			return err
		case held:
			s.stats.Locked++
			continue
		}
		_, err := s.o.Objects.Ask(ctx, req)
		switch {
		case locked(err):
			s.stats.Locked++
		case err != nil:
			return fmt.Errorf("delete %s/%s (version %q, rule %q): %w", s.Name, key, d.Version, d.Rule, err)
		case d.Version == "":
			s.stats.Expired++
		default:
			s.stats.Removed++
		}
	}
	return nil
}

// held reports whether a version is under legal hold. The store's own check
// forgets holds of versions whose retention has ended.
func (s *sweep) held(ctx context.Context, del *objects.Request) (bool, error) {
	if !s.Lock || del.Query.Get("versionId") == "" {
		return false, nil // a delete marker takes nothing away
	}
	return objects.Held(ctx, s.o.Objects, del.Bucket, del.Key, del.Query.Get("versionId"))
}

// locked reports whether the store refused because of object lock.
func locked(err error) bool {
	return awserr.Is(err, "AccessDenied")
}

// abort ends uploads that rules say are too old. An upload being completed at
// this moment is not listed any more, or answers that it is not there.
func (s *sweep) abort(ctx context.Context) error {
	wanted := false
	for _, r := range s.Rules {
		wanted = wanted || r.AbortDays > 0
	}
	if !wanted {
		return nil
	}
	uploads, err := s.uploads(ctx, s.Name)
	if err != nil {
		return err
	}
	for _, u := range uploads {
		if !s.stale(&u) {
			continue
		}
		ok, err := s.o.Buckets.Alone(s.Name, u.Key, func() error {
			_, err := s.o.Objects.Ask(ctx, &objects.Request{
				Method: http.MethodDelete, Bucket: s.Name, Key: u.Key, Query: url.Values{"uploadId": {u.UploadID}},
			})
			if awserr.Is(err, "NoSuchUpload") {
				return nil // completed or ended meanwhile
			}
			if err != nil {
				return fmt.Errorf("end upload %s of %s/%s: %w", u.UploadID, s.Name, u.Key, err)
			}
			s.stats.Aborted++
			return nil
		})
		if err != nil {
			return err
		}
		if !ok {
			s.stats.Busy++
		}
	}
	return nil
}

func (s *sweep) stale(u *uploaded) bool {
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.AbortDays > 0 && r.Filter.key(u.Key) && !s.now.Before(due(u.Initiated, r.AbortDays)) {
			return true
		}
	}
	return false
}

// commonPrefix is what all keys begin with that any rule is about.
func commonPrefix(rules []Rule) string {
	prefix := rules[0].Filter.Prefix
	for _, r := range rules[1:] {
		n := 0
		for n < len(prefix) && n < len(r.Filter.Prefix) && prefix[n] == r.Filter.Prefix[n] {
			n++
		}
		prefix = prefix[:n]
	}
	return prefix
}
