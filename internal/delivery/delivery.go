// Package delivery writes what trails select to where they want it: log files
// in a bucket, with digest files that tell whether one was tampered with, and log
// events in a log group. It reads the journal and resumes where it stopped.
//
//	journal ──▶ pump (trail, bucket)    ──▶ AWSLogs/ACCOUNT/CloudTrail/REGION/... one file per region
//	        └─▶ pump (trail, log group) ──▶ ACCOUNT_CloudTrail_REGION
//
// Insights events are records of the journal like any other, and go to a folder of
// their own. An organization's trail takes the records of all of its accounts,
// with a file, a digest chain and a log stream for each.
//
// Every trail has a pump for each of its destinations; they share nothing, so
// that one that fails does not hold up the other. A pump delivers in plans. A
// plan names a stretch of the journal and a time, and everything that is written
// follows from it: keys, bytes, tokens. The order is
//
//  1. read a stretch of the journal and select,
//  2. make the plan durable,
//  3. write files or log events,
//  4. move the cursor past the stretch and drop the plan, in one compare-and-set.
//
// Whatever fails, and wherever the process dies, the next thing that is done for
// this destination is the same plan again, by the same code: it overwrites files
// with the same bytes and repeats PutLogEvents calls with the same tokens, which
// changes nothing. So each record is delivered exactly once. Nothing is skipped
// and nothing overtakes, except across a gap in the journal itself, which is
// named in the log and in the destination's progress.
//
// A trail whose bucket or prefix changes while a plan fails gets the plan's files
// where it points now.
//
// # Digests
//
// While a trail logs with log file validation on, the pump of its bucket keeps an
// interval open, from the start of logging on: two minutes first, then hour after
// hour. The update that ends a plan also lists its files in the progress row, so
// that a file is listed if and only if it was delivered, and once. When an interval
// is over, those delivered before its end are settled in one update; then a digest
// is written for each region's chain, each of which is remembered with what the
// next digest says of it (Chain). The pump does all that between two plans: no
// digest overtakes a log file, and what is repeated has the same names, bytes and
// signatures.
//
// The home region has a chain from the start, other regions from the interval of
// their first log file on; from there on every interval has a digest, be it empty.
// Intervals that went by while nothing ran or the bucket refused digests become
// one. A log file that a bucket took so late that the interval its name tells is
// closed is listed in a backfill digest of that interval, which is written with the
// next digests; backfill digests of a region are a chain of their own. The chains
// end with a final digest when what was logged until StopLogging or DeleteTrail is
// delivered, or when a pump finds that validation was turned off, up to Interval
// later; turned off and on again before that, they go on.
//
// What is undelivered waits in the journal, as long as that keeps records: 30
// days (spec 1.3).
package delivery

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cairn/internal/journal"
	"cairn/internal/trail"
)

// Destinations is where records go; the engine implements it. Calls for
// different trails run concurrently, those for one destination do not. Both must
// be durable when they return nil. An error, even if the write happened, makes
// the pump repeat the same call later. Errors that wrap *awserr.Error show their
// code in GetTrailStatus.
type Destinations interface {
	// CheckACL reads the ACL of the trail's bucket, as cloudtrail.amazonaws.com does
	// now and then while it delivers (spec 1.4).
	CheckACL(ctx context.Context, t *trail.Trail) error
	// PutObject writes a file to the trail's bucket, as cloudtrail.amazonaws.com
	// on behalf of the trail (spec 1.4), with user metadata of lower-case names.
	// Repeated calls overwrite.
	PutObject(ctx context.Context, t *trail.Trail, key string, body []byte, metadata map[string]string) error
	// PutLogEvents appends events to a stream of the trail's log group, which is
	// created if need be, in the trail's role (spec 5.4). A call whose token was
	// seen before must change nothing.
	PutLogEvents(ctx context.Context, t *trail.Trail, stream string, events []LogEvent, token string) error
}

// LogEvent is one event for a log group.
type LogEvent struct {
	// Timestamp is in milliseconds since 1970.
	Timestamp int64
	// Message is a record's JSON. It is valid during the call only.
	Message []byte
}

// Journal is where records are read from.
type Journal interface {
	// End is the first position not yet written.
	End() journal.Position
	// Read returns records from a position on, some megabytes at the most, and where
	// to go on.
	Read(ctx context.Context, from journal.Position) ([]journal.Located, journal.Position, error)
	// Count is how many records there are before a position.
	Count(ctx context.Context, p journal.Position) (uint64, error)
}

// Keys are what digest files are signed with.
type Keys interface {
	// At returns the key for digests of a region that end at a time: always the
	// same for the same arguments.
	At(ctx context.Context, region string, end time.Time) (*rsa.PrivateKey, error)
}

// The defaults of Options.
const (
	DefaultInterval       = 5 * time.Second
	DefaultDigestInterval = time.Hour
	DefaultMaxBytes       = 8 << 20
	DefaultMaxRetry       = time.Minute
	DefaultMaxPlans       = 4
	DefaultCheckInterval  = time.Hour
)

// largestFile is CloudTrail's limit on a compressed log file, 50 MB, less what
// gzip may add to text it cannot compress.
const largestFile = 48 << 20

// Options is the configuration of a Delivery.
type Options struct {
	// Journal, Tables, Dest and Keys are required. Journal returns the journal for one
	// more of those who read it side by side.
	Journal func() Journal
	Tables
	Dest Destinations
	Keys Keys
	// Interval is how long records wait to be delivered together; default 5 s.
	// AWS takes 5 minutes. Names of files are rounded up to whole multiples of
	// it, and at least to minutes.
	Interval time.Duration
	// DigestInterval is how much time one digest file covers, in whole seconds;
	// default 1 hour, which is CloudTrail's.
	DigestInterval time.Duration
	// MaxBytes is how many bytes of records one plan holds, before compression;
	// default 8 MB, at most 48 MB. A pump keeps at most twice that in memory, no
	// more than MaxPlans pumps have a plan there at once, and one delivers earlier
	// than Interval when it has that much. So memory depends on neither how many
	// records wait nor for how many trails.
	MaxBytes int
	// MaxPlans is how many plans are carried out at once; default 4. The others
	// wait for their turn.
	MaxPlans int
	// CheckInterval is how often the ACL of a bucket that is delivered to is read, at
	// most; default 1 hour. AWS's interval is not known: genuine records show it
	// minutes after a trail was made, and several times within a minute.
	CheckInterval time.Duration
	// MaxRetry caps the time between attempts at a destination that fails, which
	// starts at 1 s and doubles; default 1 minute.
	MaxRetry time.Duration
	// Log gets failures and gaps; required.
	Log *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Delivery delivers the records of all trails.
type Delivery struct {
	o Options
	// journal is where records are counted.
	journal Journal
	// turns has room for MaxPlans tokens: who has put one there carries out a plan.
	turns chan struct{}
	// ended tells Run that a pump has ended by itself.
	ended chan struct{}
}

// New returns a Delivery. It does nothing until Run.
func New(o Options) (*Delivery, error) {
	if o.Journal == nil || o.Trails == nil || o.Dest == nil || o.Keys == nil || o.Log == nil {
		return nil, errors.New("set up delivery: journal, tables, destinations, keys and log are required")
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.DigestInterval == 0 {
		o.DigestInterval = DefaultDigestInterval
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxPlans == 0 {
		o.MaxPlans = DefaultMaxPlans
	}
	if o.CheckInterval == 0 {
		o.CheckInterval = DefaultCheckInterval
	}
	if o.MaxRetry == 0 {
		o.MaxRetry = DefaultMaxRetry
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Interval < 0 || o.CheckInterval < 0 || o.MaxRetry < 0 || o.MaxBytes < 0 || o.MaxPlans < 0 || o.MaxBytes > largestFile {
		return nil, fmt.Errorf("set up delivery: interval %v, retry %v or size %d out of range: want positive values and at most %d bytes",
			o.Interval, o.MaxRetry, o.MaxBytes, largestFile)
	}
	if o.DigestInterval < time.Second || o.DigestInterval%time.Second != 0 {
		return nil, fmt.Errorf("set up delivery: digest interval %v: want whole seconds, at least one: digests are named by the second", o.DigestInterval)
	}
	return &Delivery{o: o, journal: o.Journal(), turns: make(chan struct{}, o.MaxPlans), ended: make(chan struct{}, 1)}, nil
}
