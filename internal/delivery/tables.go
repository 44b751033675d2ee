package delivery

import (
	"context"
	"time"

	"cairn/digest"
	"cairn/internal/state"
	"cairn/internal/trail"
)

// Reader reads a table; *state.Table is one.
type Reader[T any] interface {
	Get(key ...string) (*T, bool)
	List(prefix ...string) []state.Row[T]
	// Changed is closed at the next change of any row.
	Changed() <-chan struct{}
}

// Writer writes a table. Writes are durable and visible when they return nil; one
// that returns an error may have happened all the same.
type Writer[T any] interface {
	Create(ctx context.Context, v *T, key ...string) error
	Put(ctx context.Context, v *T, key ...string) error
	Update(ctx context.Context, change func(*T) error, key ...string) (*T, error)
	Delete(ctx context.Context, key ...string) error
}

// Table is a table that is read and written.
type Table[T any] interface {
	Reader[T]
	Writer[T]
}

// Tables are the tables delivery works on.
type Tables struct {
	// Trails are the trails there are, by TrailKey.
	Trails Table[trail.Trail]
	// Deleted are deleted trails whose last records are not delivered yet, by
	// TrailKey and id.
	Deleted Table[trail.Trail]
	// Progress is how far each destination is, by TrailKey and Kind.
	Progress Table[Progress]
	// Chains are the ends of the digest chains, by TrailKey, account and region.
	Chains Table[Chain]
	// Pending are log files that wait to be listed in a digest, by TrailKey and
	// the number of the row.
	Pending Table[Pending]
}

// OpenTables opens the tables in a store.
func OpenTables(s *state.Store) Tables {
	return Tables{
		Trails: state.NewTable[trail.Trail](s, "trails"), Deleted: state.NewTable[trail.Trail](s, "trails-deleted"),
		Progress: state.NewTable[Progress](s, "deliveries"),
		Chains:   state.NewTable[Chain](s, "digest-chains"), Pending: state.NewTable[Pending](s, "digest-pending"),
	}
}

// Chain is the end of a digest chain: of one account and region of a trail.
type Chain struct {
	// TrailID is the trail's id. A row left by an earlier trail of the same name
	// does not count.
	TrailID string
	// Last is the last digest written, and its End the end of its interval.
	Last digest.Previous
	End  time.Time
	// Over is true if that was the final digest: the next one begins a chain.
	Over bool `json:",omitempty"`
	// Backfill is the end of the chain of backfill digests beside it; nil if there
	// is none.
	Backfill *Backfill `json:",omitempty"`
}

// Backfill is the end of a chain of backfill digests.
type Backfill struct {
	// Last is the last one written, and End the end of its interval.
	Last digest.Previous
	End  time.Time
	// Made is when it was generated: the end of the interval that it was written
	// after. Nothing asks for it; it tells what a row is about.
	Made time.Time
}
