package verify

import (
	"cmp"
	"slices"
	"time"

	"cairn/digest"
)

// Severity is what a finding means for the answer.
type Severity string

// Severities.
const (
	// Invalid: something is not as CloudTrail delivered it.
	Invalid Severity = "invalid"
	// Unverified: it could not be told.
	Unverified Severity = "unverified"
	// Note: nothing is wrong; the reader should know.
	Note Severity = "note"
)

// Kind is what was found.
type Kind string

// What is found wrong with digests.
const (
	DigestMissing   Kind = "digest-missing"   // the next digest names it, and it is not there
	DigestMoved     Kind = "digest-moved"     // it is a digest from another place
	DigestFormat    Kind = "digest-format"    // it is no digest, or not one gzip member
	DigestTrailing  Kind = "digest-trailing"  // data follows its end
	DigestKey       Kind = "digest-key"       // nobody knows the public key it names
	DigestSignature Kind = "digest-signature" // its signature is not of its content
	DigestStray     Kind = "digest-stray"     // a file among digests that has no digest's name
	DigestForked    Kind = "digest-forked"    // it is not the one the digest after it follows
	PreviousHash    Kind = "previous-hash"    // it is not what the digest after it was signed over
	PreviousSigned  Kind = "previous-signature"
	HeadMissing     Kind = "head-missing" // the newest digest of an earlier run is gone
	HeadChanged     Kind = "head-changed"
)

// What is found wrong with log files.
const (
	LogMissing  Kind = "log-missing"
	LogChanged  Kind = "log-changed"  // its hash is not the digest's
	LogFormat   Kind = "log-format"   // it is not gzip
	LogTrailing Kind = "log-trailing" // data follows its end
	LogUnlisted Kind = "log-unlisted" // no digest lists it
)

// What could not be told, and what is worth knowing.
const (
	Unreadable   Kind = "unreadable"   // reading it failed
	Unsigned     Kind = "unsigned"     // its signature is not known here
	Undigested   Kind = "undigested"   // log files without any digest
	NothingFound Kind = "nothing"      // no digests at all
	Gap          Kind = "gap"          // a chain ends and another starts
	Pending      Kind = "pending"      // log files newer than the newest digest
	Overdue      Kind = "overdue"      // log files so much newer that a digest should list them
	Uncovered    Kind = "uncovered"    // log files of a time without digests
	Unchecked    Kind = "hole"         // log files that a missing digest lists
	PassedOver   Kind = "passed-over"  // files and folders where no log files belong
	Unpinned     Kind = "unpinned"     // a chain of which no head was saved
	OtherBucket  Kind = "other-bucket" // the chain goes on in a bucket that is not here
)

// Finding is one thing found.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     Kind     `json:"kind"`
	// Bucket and Key name the object; empty if it is about a time.
	Bucket string `json:"bucket,omitempty"`
	Key    string `json:"key,omitempty"`
	// Account, Region and Trail are where it was found.
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	Trail   string `json:"trail,omitempty"`
	// From and To bound the time it is about; LogFiles counts the files of it.
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	LogFiles int64     `json:"logFiles,omitempty"`
	// Text says what is wrong in words.
	Text string `json:"text"`
}

// Count counts objects by outcome.
type Count struct {
	Valid      int64 `json:"valid"`
	Invalid    int64 `json:"invalid"`
	Unverified int64 `json:"unverified"`
}

// Total is how many were looked at.
func (c Count) Total() int64 { return c.Valid + c.Invalid + c.Unverified }

func (c *Count) add(s Severity) {
	switch s {
	case Invalid:
		c.Invalid++
	case Unverified:
		c.Unverified++
	case Note:
		c.Valid++
	}
}

// Chain is what was found of one trail in one account and region.
type Chain struct {
	Bucket string `json:"bucket,omitempty"`
	digest.Place
	Trail      string `json:"trail"`
	HomeRegion string `json:"homeRegion"`
	Backfill   bool   `json:"backfill,omitempty"`
	// From and To bound the digests that are valid.
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Digests Count     `json:"digests"`
}

// Report is what a run found.
type Report struct {
	// From and To are as asked for.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Chains are sorted by account, region and trail.
	Chains []Chain `json:"chains"`
	// Digests, Backfills and LogFiles count what was checked.
	Digests   Count `json:"digests"`
	Backfills Count `json:"backfillDigests"`
	LogFiles  Count `json:"logFiles"`
	// Findings counts findings by severity.
	Findings map[Severity]int64 `json:"findings"`
	// Heads are the newest valid digests of all chains, for the next run.
	Heads Heads `json:"-"`
}

// Outcome is the answer: Note if all is valid, else the worst that was found.
func (r *Report) Outcome() Severity {
	switch {
	case r.Findings[Invalid] > 0:
		return Invalid
	case r.Findings[Unverified] > 0:
		return Unverified
	}
	return Note
}

func (r *Report) count(f Finding) {
	if r.Findings == nil {
		r.Findings = map[Severity]int64{}
	}
	r.Findings[f.Severity]++
}

func (r *Report) finish(heads Heads) {
	if r.Chains == nil {
		r.Chains = []Chain{}
	}
	if r.Findings == nil {
		r.Findings = map[Severity]int64{}
	}
	r.Heads = heads
	slices.SortFunc(r.Chains, func(a, b Chain) int {
		return cmp.Or(cmp.Compare(a.Bucket+"/"+a.Prefix, b.Bucket+"/"+b.Prefix), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.Trail, b.Trail), cmp.Compare(a.HomeRegion, b.HomeRegion), compareBool(a.Backfill, b.Backfill))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
