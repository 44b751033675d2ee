package delivery

import (
	"time"

	"cairn/internal/journal"
	"cairn/internal/trail"
)

// Kind is a kind of destination: the last part of a progress row's key.
type Kind string

// The kinds of destination.
const (
	Bucket   Kind = "bucket"
	LogGroup Kind = "loggroup"
)

// TrailKey returns the key of a trail in the table of trails.
func TrailKey(account, homeRegion, name string) []string { return []string{account, homeRegion, name} }

// keyOf returns the key of a trail, followed by more.
func keyOf(t *trail.Trail, more ...string) []string {
	return append(TrailKey(t.Account, t.HomeRegion, t.Name), more...)
}

// Progress is how far one destination of a trail is, and how its last delivery
// went.
type Progress struct {
	// TrailID is the id of the trail the row belongs to. A row left by an earlier
	// trail of the same name does not count.
	TrailID string
	// Span numbers the span being delivered, and Cursor is the place in the
	// journal up to which it is; both only grow, unless the journal loses its end.
	Span   uint64
	Cursor journal.Position
	// Rewound is the number of the span in which that happened last: its records
	// then come at places before its beginning. 0 if it never did.
	Rewound uint64 `json:",omitempty"`
	// Plan is the delivery under way, if there is one.
	Plan *Plan `json:",omitempty"`
	// Digests is how far the digest files of a bucket are; nil if the trail never
	// wanted any.
	Digests *Digests `json:",omitempty"`

	// Records and Writes count the records delivered, and the files or
	// PutLogEvents calls that took.
	Records uint64
	Writes  uint64
	// Oversized counts records that are too large for a log group.
	Oversized uint64
	// Passed counts records that were not selected, Lost those that the journal
	// lost, and Before those that came before this destination began: with Records
	// and Oversized, they make up all records before the cursor. Before is nil until
	// that was counted; it is negative where the journal lost its end.
	Passed, Lost uint64
	Before       *int64 `json:",omitempty"`
	// Gaps counts gaps met in the journal; LastGap describes the last one, and
	// LostAt is when it was met.
	Gaps    uint64
	LastGap string    `json:",omitempty"`
	LostAt  time.Time `json:",omitzero"`

	// Attempted is when delivery was last tried, and Succeeded when it last
	// worked; zero if never.
	Attempted time.Time
	Succeeded time.Time
	// Error is the error code of the last attempt, such as AccessDenied or
	// NoSuchBucket, and Message its text; empty if it worked.
	Error   string `json:",omitempty"`
	Message string `json:",omitempty"`
}

// Plan is one delivery: the records of [From,To) that the span's selection
// selects. It lies within one span.
type Plan struct {
	From journal.Position
	To   journal.Position
	// Last is true if the span ends at To.
	Last bool
	// Time is when the plan was made: the delivery time in log events. Stamp is
	// the same, rounded up for the names of files.
	Time  time.Time
	Stamp time.Time
}

func (p *Plan) equal(q *Plan) bool {
	return p != nil && q != nil && p.From == q.From && p.To == q.To && p.Last == q.Last && p.Time.Equal(q.Time) && p.Stamp.Equal(q.Stamp)
}

// mark and position convert between the places in the journal that trails keep
// and the journal's own.
func mark(p journal.Position) trail.Mark     { return trail.Mark{Seq: p.Seq, Index: p.Index} }
func position(m trail.Mark) journal.Position { return journal.Position{Seq: m.Seq, Index: m.Index} }

// LostCode is the error code of a delivery that went on without records which the
// journal has no longer: they waited for more than 30 days, or its store lost them.
const LostCode = "RecordsLost"

// tellLost is for how long that is told.
const tellLost = 24 * time.Hour

// DeliveryError is the error code of the last attempt, or LostCode for a day after
// records were lost; empty if all is well.
func (r *Progress) DeliveryError(now time.Time) string {
	if r.Error == "" && !r.LostAt.IsZero() && now.Sub(r.LostAt) < tellLost {
		return LostCode
	}
	return r.Error
}

// Status returns how the delivery of a trail to a kind of destination goes; an
// empty one if there was none yet.
func Status(rows Reader[Progress], t *trail.Trail, k Kind) *Progress {
	if row, ok := rows.Get(rowKey(t, k)...); ok && row.TrailID == t.ID {
		return row
	}
	return &Progress{}
}

func rowKey(t *trail.Trail, k Kind) []string { return keyOf(t, string(k)) }

// Delivered returns the number of the first span of a trail that may still be
// needed: all before it have been delivered to every destination.
func Delivered(rows Reader[Progress], t *trail.Trail) uint64 {
	n := Status(rows, t, Bucket).Span
	if t.LogGroupARN != "" {
		n = min(n, Status(rows, t, LogGroup).Span)
	}
	return n
}
