// Package scan reads the log files of any bucket, folder or file at the speed
// at which they can be inflated.
//
// Only the folders and files that can hold what is looked for are listed and
// read. A file is read and inflated once; the byte strings that every record
// looked for must contain are searched for in its bytes, and only records with
// all of them are cut out and matched.
//
// # Files
//
// Log files are found in AWS's layout and Cairn's, which is the same, of
// accounts and of organizations, under any prefix and from any folder of it
// downwards; in other layouts every file that can hold records is read. A file
// holds, compressed with gzip or not, {"Records":[...]}, a list of records, or
// records one after the other (NDJSON), in any formatting. What kind it is shows
// in its bytes, not in its name.
//
// # Damage
//
// A file that cannot be read to its end as log files are is reported in
// [Report.Damaged] and passed over from there on; records before the damage are
// given. Of every file the checksum, and where records begin and end, is checked;
// of a record that cannot match nothing else is.
//
// # Memory
//
// It is bounded whatever files hold: by the buffers of files in flight (64 MiB in
// all, a MiB each at least), two longest records for each file that is searched,
// records that wait to be put in order ([Query.Memory]), groups that are counted
// ([Grouping.MaxGroups]), and, for each file that is in no folder of a day, its
// name: of those that are, a few days' are kept.
//
// # Duplicates
//
// CloudTrail may deliver a record twice, in two files, as the same bytes.
// Every copy is given unless [Query.Once] is set.
package scan

import (
	"context"
	"fmt"
	"io"
	"time"

	"cairn/internal/scan/cut"
)

// Source is where log files are. Its methods may be called concurrently.
type Source interface {
	// List calls each, from one goroutine at a time, for every file that can
	// hold records of a window: first those whose name says no time, then the
	// others in the order of the time in their names (oldest first, or newest
	// first). It returns the first error of each as it is.
	List(ctx context.Context, within Window, newest bool, each func(File) error) error
	// Open opens a file. The error wraps [io/fs.ErrNotExist] if it is gone.
	Open(ctx context.Context, f File) (io.ReadCloser, error)
}

// File is a log file of a source.
type File struct {
	// Key is its key in the bucket, or its path below the folder, with slashes.
	Key string
	// Size is its length in bytes as stored, Modified when it was written there.
	Size     int64
	Modified time.Time
	// Time is the delivery time in its name, Account and Region are whose
	// events it holds. They are zero if the name does not say.
	Time    time.Time
	Account string
	Region  string
	// Kind is the folder such files are in, as the name says it: CloudTrail,
	// CloudTrail-NetworkActivity, CloudTrail-Insight; empty in other layouts.
	Kind string
}

// Window says which records are looked for, as far as the names of folders and
// files tell. The zero window is everything.
type Window struct {
	// From and To bound the event time: From is in, To is out. Zero: no bound.
	From, To time.Time
	// Accounts and Regions are those whose files are read; none means all. A
	// file whose name does not say is read.
	Accounts, Regions []string
	// Late is how long after an event its file may be delivered; 0 means
	// [DefaultLate]. Files named later than that after To are not read.
	Late time.Duration
	// Insights also reads Insights events, which are kept in folders beside the
	// log files. Digests and aggregated events never are read.
	Insights bool
}

// DefaultLate is how long after an event its file may be delivered, unless a
// window says otherwise. CloudTrail delivers within minutes as a rule, and after
// an outage of the bucket within 30 days.
const DefaultLate = 24 * time.Hour

// Where is the condition records are chosen by; a compiled predicate of
// [cairn/internal/logquery] is one.
type Where interface {
	// Match says whether a record, the bytes of one JSON object, is chosen.
	Match(record []byte) bool
	// Needles returns byte strings that the bytes of every chosen record
	// contain: at least one of each element. None if nothing can be said.
	Needles() [][][]byte
}

// Order is the order in which records are given.
type Order uint8

// The orders of [Search].
const (
	// AsRead gives records as they are found: fastest, and different each time.
	AsRead Order = iota
	// OldestFirst gives records by rising event time, see [Query.Ahead].
	OldestFirst
	// NewestFirst gives records by falling event time. It is exact as long as
	// no file is named earlier than its events, which CloudTrail never does.
	NewestFirst
)

// Query is what to read and how.
type Query struct {
	// Where chooses records; nil takes every one.
	Where Where
	// Window bounds time, accounts and regions. The time of each record is
	// checked, and account and region of a file that names them; what records
	// say of accounts and regions is up to Where.
	Window
	Order Order
	// Limit ends the search after so many records, and reading with it; 0 means
	// no limit.
	Limit int64
	// Ahead is how long after an event its file may be delivered for records to
	// come in exact order with OldestFirst; 0 means [DefaultAhead]. A record
	// that comes later is given at once and counted in [Report.Late].
	Ahead time.Duration
	// Once leaves out records that have an eventID and are in every byte as one
	// that was given before. It remembers the last million.
	Once bool

	// InFlight is how many files are opened at once; 0 means what suits the
	// source: 64, and fewer for a local folder.
	InFlight int
	// Workers is how many files are inflated and searched at once; 0 means
	// GOMAXPROCS.
	Workers int
	// Memory bounds, in bytes, the records that wait to be put in order; 0
	// means 64 MiB. Beyond it they are given early.
	Memory int64
	// MaxRecord is the length of the longest record, in bytes; 0 means 16 MiB
	// (CloudTrail's are below 1 MiB). A file with a longer one is damaged.
	MaxRecord int
	// MaxFile is how many bytes a file may inflate to; 0 means 16 GiB.
	MaxFile int64

	// Progress, if set, is called about five times a second and at the end,
	// from one goroutine at a time.
	Progress func(Progress)
}

// DefaultAhead is the delivery delay within which OldestFirst is exact, unless a
// query says otherwise.
const DefaultAhead = time.Hour

// Match is a record that was found. Its bytes are valid until the function it
// was given to returns.
type Match struct {
	File File
	// Time is its eventTime; zero if it has none.
	Time   time.Time
	Record []byte
}

// Report is what was read.
type Report struct {
	// Files is how many were read, Skipped how many were listed and not: digests
	// and what cannot be a log file. Bytes is what was read, Inflated what that
	// came to.
	Files, Skipped  int64
	Bytes, Inflated int64
	// Records is how many were cut out and looked at, Matches how many were
	// found.
	Records, Matches int64
	// Late is how many came out of order, Twice how many were left out by Once.
	Late, Twice int64
	// Damaged are the first thousand files that could not be read as log files
	// are; DamagedFiles is how many there are.
	Damaged      []Damage
	DamagedFiles int64
}

// Damage says why a file was passed over, or what is wrong with it.
type Damage struct {
	File File
	// Err wraps one of this package's errors, or says why it cannot be read.
	Err error
}

func (d Damage) String() string { return fmt.Sprintf("%s: %v", d.File.Key, d.Err) }

// What can be wrong with a file, as [cairn/internal/scan/cut] explains.
var (
	ErrForeign     = cut.ErrForeign
	ErrCompression = cut.ErrCompression
	ErrMembers     = cut.ErrMembers
	ErrTrailing    = cut.ErrTrailing
	ErrSyntax      = cut.ErrSyntax
	ErrTooLarge    = cut.ErrTooLarge
	ErrTooDeep     = cut.ErrTooDeep
)

// Progress is how far a search has come.
type Progress struct {
	// Files and Bytes were read; FilesFound and BytesFound were listed. Complete
	// says that there are no more to be listed.
	Files, Bytes           int64
	FilesFound, BytesFound int64
	Complete               bool
	Matches                int64
	Elapsed                time.Duration
}

// Left estimates the time left; ok is false while that cannot be told.
func (p Progress) Left() (left time.Duration, ok bool) {
	if !p.Complete || p.Bytes == 0 {
		return 0, false
	}
	return time.Duration(float64(p.Elapsed) * float64(p.BytesFound-p.Bytes) / float64(p.Bytes)), true
}

// Search calls emit, from one goroutine at a time, for each record that is
// chosen, in the query's order. It returns the first error of emit as it is.
// The report is never nil and says what was done until an error.
func Search(ctx context.Context, src Source, q Query, emit func(Match) error) (*Report, error) {
	return search(ctx, src, q, emit)
}

// Grouping is what to count by.
type Grouping struct {
	// By are paths of fields, such as eventName or userIdentity.arn. None counts
	// all records together.
	By []string
	// Every also counts by time: the event time rounded down to a multiple of
	// it, in UTC; 0 does not.
	Every time.Duration
	// MaxGroups bounds how many groups are kept; 0 means a million. Records of
	// further groups are counted in [Counts.Other].
	MaxGroups int
}

// Group is how many records have the same values.
type Group struct {
	// Values are those of the fields counted by, as text; empty where a record
	// has no such field or null. Objects and lists are their JSON.
	Values []string
	// Time is the start of the time counted by.
	Time  time.Time
	Count int64
}

// Counts are groups by falling count; equal ones by time and values.
type Counts struct {
	Groups []Group
	// Other is how many records belong to none of the groups kept.
	Other int64
}

// Count counts the records that are chosen. The query's Order, Limit and Once
// mean nothing to it.
func Count(ctx context.Context, src Source, q Query, by Grouping) (*Counts, *Report, error) {
	return count(ctx, src, q, by)
}
