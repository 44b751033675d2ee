package identity

import (
	"context"
	"errors"
	"fmt"

	"cairn/internal/state"
)

// row is a user, role or managed policy as the store keeps it.
type row[T any] interface {
	*T
	// is reports whether the row is the one asked for, by the name of a user
	// or role or the ARN of a policy, and is not marked deleted.
	is(name string) bool
	// mark says whether the row is marked deleted.
	mark() *bool
}

// marked reports whether a row is marked deleted.
func marked[T any, R row[T]](v R) bool { return *v.mark() }

// list returns the values of one account that are not marked deleted, in the
// order of their keys.
func list[T any, R row[T]](t *state.Table[T], account string) []R {
	var all []R
	for _, r := range t.List(account) {
		if v := R(r.Value); !marked(v) {
			all = append(all, v)
		}
	}
	return all
}

// create adds a row. One that makes room, as every row marked deleted does, is
// deleted first: a crash between mark and delete left it, and this finishes the
// deletion.
func create[T any](ctx context.Context, t *state.Table[T], v *T, makesRoom func(*T) bool, key ...string) error {
	if old, ok := t.Get(key...); ok && makesRoom(old) {
		if err := t.Delete(ctx, key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return fmt.Errorf("finish an earlier deletion: %w", err)
		}
	}
	return known(t.Create(ctx, v, key...))
}

// update changes the row of a name by compare-and-set.
func update[T any, R row[T]](ctx context.Context, t *state.Table[T], name string, change func(R) error, key ...string) error {
	_, err := t.Update(ctx, func(v *T) error {
		if !R(v).is(name) {
			return ErrNotFound
		}
		return change(v)
	}, key...)
	return known(err)
}

// remove deletes the row of a name if check agrees. The mark is set by the same
// compare-and-set that checks, so nothing can be added to a row being deleted.
//
// A crash between mark and delete leaves a marked row, which readers take for
// absent and create replaces.
func remove[T any, R row[T]](ctx context.Context, t *state.Table[T], name string, check func(R) error, key ...string) error {
	err := update(ctx, t, name, func(v R) error {
		if err := check(v); err != nil {
			return err
		}
		*v.mark() = true
		return nil
	}, key...)
	if err != nil {
		return err
	}
	if err := t.Delete(ctx, key...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("delete a row marked deleted: %w", err)
	}
	return nil
}
