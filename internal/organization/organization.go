// Package organization is the organization that the accounts of an engine are in:
// all of them, from when they are made. Its management account is the engine's
// first one.
//
// Source: "AWS Organizations API Reference" for ids and ARNs; that there is one
// organization and that it cannot be changed are choices made here.
package organization

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"cairn/internal/arn"
	"cairn/internal/state"
)

// row is what is kept.
type row struct {
	ID string `json:"id"`
}

// Organization is the organization.
type Organization struct{ id, management string }

// Open returns the organization of a store, and makes it the first time.
// management is the management account.
func Open(ctx context.Context, st *state.Store, management string) (*Organization, error) {
	table := state.NewTable[row](st, "organization")
	// A crash before this leaves no organization, and the next start makes one
	// with another id, which nobody has seen.
	err := table.Create(ctx, &row{ID: newID()}, management)
	if err != nil && !errors.Is(err, state.ErrExists) {
		return nil, fmt.Errorf("make the organization of account %s: %w", management, err)
	}
	r, ok := table.Get(management)
	if !ok {
		return nil, fmt.Errorf("read the organization of account %s: it is not there", management)
	}
	return &Organization{id: r.ID, management: management}, nil
}

// idLength is how many characters an id has after "o-"; AWS's have 10 to 32.
const idLength = 10

// newID returns a random id.
func newID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b [idLength]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return "o-" + string(b[:])
}

// ID returns the organization's id, such as o-a1b2c3d4e5.
func (o *Organization) ID() string { return o.id }

// Management returns the id of the management account.
func (o *Organization) Management() string { return o.management }

// ARN returns the organization's ARN.
func (o *Organization) ARN() string {
	return arn.New("organizations", "", o.management, "organization/"+o.id).String()
}

// AccountARN returns the ARN of an account as the organization's.
func (o *Organization) AccountARN(account string) string {
	return arn.New("organizations", "", o.management, "account/"+o.id+"/"+account).String()
}
