package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketKey returns the row's key in the bucket, or why it cannot have one. It
// also refuses to write to a store that has failed or may be out of date.
func (t *Table[T]) bucketKey(key []string) (string, error) {
	k := appendKey([]byte(t.name), key)
	if k == nil {
		return "", fmt.Errorf("key %q of table %s is empty or has an empty part", key, t.name)
	}
	if len(k) > maxKey {
		return "", fmt.Errorf("key of table %s is too long: %d bytes escaped, limit %d", t.name, len(k), maxKey)
	}
	return string(k), t.s.Err()
}

// encode encodes v and checks that it will be readable: a type whose encoding it
// cannot decode itself would make the store fail at every start.
func encode[T any](v *T) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if _, err := decodeStrict[T](b); err != nil {
		return nil, fmt.Errorf("encoding of %T cannot be read back: %w", v, err)
	}
	return b, nil
}

// Create stores a new object. It returns ErrExists if there is one already.
func (t *Table[T]) Create(ctx context.Context, v *T, key ...string) error {
	return t.write(ctx, "create", v, key, func(k string, b []byte) (uint64, error) {
		rev, err := t.s.kv.Create(ctx, k, b)
		if conflict(err) {
			err = ErrExists
		}
		return rev, err
	})
}

// Put stores the object, whether or not there is one already.
func (t *Table[T]) Put(ctx context.Context, v *T, key ...string) error {
	return t.write(ctx, "put", v, key, func(k string, b []byte) (uint64, error) { return t.s.kv.Put(ctx, k, b) })
}

// write encodes v, writes it, and waits until it is visible.
func (t *Table[T]) write(ctx context.Context, verb string, v *T, key []string, put func(k string, b []byte) (uint64, error)) error {
	k, err := t.bucketKey(key)
	if err != nil {
		return fmt.Errorf("%s %s %q: %w", verb, t.name, key, err)
	}
	b, err := encode(v)
	if err != nil {
		return fmt.Errorf("%s %s %q: %w", verb, t.name, key, err)
	}
	rev, err := put(k, b)
	if err == nil {
		err = t.visible(ctx, rev)
	}
	if err != nil {
		return fmt.Errorf("%s %s %q: %w", verb, t.name, key, err)
	}
	return nil
}

// visible waits until revision rev is in memory. It is durable already: a crash
// here, or giving up, leaves a written row that the next start loads.
func (t *Table[T]) visible(ctx context.Context, rev uint64) error {
	if err := t.s.wait(ctx, func() bool { return t.s.rev >= rev }); err != nil {
		return fmt.Errorf("written, but not yet visible: %w", err)
	}
	return nil
}

// Update changes the object: change gets a fresh copy, which is stored if nobody
// else has changed the row meanwhile, and otherwise the whole is done again with
// what they stored. So change may be called several times and must depend on
// nothing but its argument. If it fails, Update stores nothing and returns its
// error as it is. Update returns ErrNotFound if there is no such row, ErrConflict
// if ctx ended before the row stood still, and else
// the object as stored.
func (t *Table[T]) Update(ctx context.Context, change func(*T) error, key ...string) (*T, error) {
	k, err := t.bucketKey(key)
	if err != nil {
		return nil, fmt.Errorf("update %s %q: %w", t.name, key, err)
	}
	var stored *T
	err = t.retry(ctx, key, func(old *row[T]) error {
		v, err := decodeStrict[T](old.json)
		if err != nil {
			return err
		}
		if err := change(v); err != nil {
			return refused{err}
		}
		b, err := encode(v)
		if err != nil {
			return err
		}
		rev, err := t.s.kv.Update(ctx, k, b, old.rev)
		if err != nil {
			return err
		}
		stored = v
		return t.visible(ctx, rev)
	})
	if r := (refused{}); errors.As(err, &r) {
		return nil, r.error
	}
	if err != nil {
		return nil, fmt.Errorf("update %s %q: %w", t.name, key, err)
	}
	return stored, nil
}

// refused carries the error of a change function through retry.
type refused struct{ error }

// Delete removes the row. It returns ErrNotFound if there is none.
func (t *Table[T]) Delete(ctx context.Context, key ...string) error {
	k, err := t.bucketKey(key)
	if err == nil {
		err = t.retry(ctx, key, func(old *row[T]) error {
			if err := t.s.kv.Delete(ctx, k, jetstream.LastRevision(old.rev)); err != nil {
				return err
			}
			return t.moved(ctx, key, old)
		})
	}
	if err != nil {
		return fmt.Errorf("delete %s %q: %w", t.name, key, err)
	}
	return nil
}

// retry runs try on the row as it is, again whenever somebody else was faster.
func (t *Table[T]) retry(ctx context.Context, key []string, try func(old *row[T]) error) error {
	for {
		old := t.find(key)
		if old == nil {
			return ErrNotFound
		}
		err := try(old)
		if !conflict(err) {
			return err
		}
		if err := t.moved(ctx, key, old); err != nil {
			return fmt.Errorf("%w: %w", ErrConflict, err)
		}
	}
}

// moved waits until the row in memory is no longer old.
func (t *Table[T]) moved(ctx context.Context, key []string, old *row[T]) error {
	k := string(appendKey(nil, key))
	return t.s.wait(ctx, func() bool { return t.byKey[k] != old })
}

// conflict reports whether a write was refused because the row had changed.
func conflict(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch)
}
