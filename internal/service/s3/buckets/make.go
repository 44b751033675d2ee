package buckets

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"cairn/internal/awserr"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
	"cairn/internal/state"
)

// Make makes a bucket. The intent is in state before the folder is made, so a
// crash in between leaves a row that repair takes back.
func (r *Registry) Make(ctx context.Context, b *config.Bucket) error {
	if old, ok := r.rows.Get(b.Name); ok && (old.Pending == "" || old.Account != b.Account) {
		return exists(old, b.Account)
	}
	mu := r.lock(b.Name)
	if !mu.TryLock() {
		return aborted(b.Name)
	}
	defer mu.Unlock()
	// A caller who hangs up now must not leave a row whose state nobody knows:
	// a write cut off while it is acknowledged may have happened.
	ctx = context.WithoutCancel(ctx)
	if old, ok := r.rows.Get(b.Name); ok && old.Pending != "" && old.Account == b.Account {
		// An attempt that failed half-way; nobody else is at it, we hold the lock.
		if err := r.takeBack(ctx, b.Name); err != nil {
			return err
		}
	}
	b.Pending = config.Making
	if err := r.rows.Create(ctx, b, b.Name); err != nil {
		if errors.Is(err, state.ErrExists) {
			return aborted(b.Name)
		}
		return fmt.Errorf("keep the intent to make bucket %s: %w", b.Name, err)
	}
	// A crash here leaves the row without a folder.
	if err := r.makeFolder(ctx, b); err != nil {
		return errors.Join(err, r.takeBack(ctx, b.Name))
	}
	// A crash here leaves the row and an empty folder that nobody could use
	// yet; repair removes both. The caller has no answer and asks again.
	return r.pend(ctx, b.Name, "")
}

// exists is the error of making a bucket that is there.
func exists(b *config.Bucket, caller string) error {
	if b.Account == caller {
		return conflict("BucketAlreadyOwnedByYou", b.Name, "Your previous request to create the named bucket succeeded and you already own it.")
	}
	return conflict("BucketAlreadyExists", b.Name, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
}

// pend notes what is being done to a bucket; "" is nothing.
func (r *Registry) pend(ctx context.Context, name, what string) error {
	return r.Update(ctx, name, func(b *config.Bucket) error { b.Pending = what; return nil })
}

// makeFolder makes the bucket in the object store.
func (r *Registry) makeFolder(ctx context.Context, b *config.Bucket) error {
	h := http.Header{}
	if b.ObjectLock {
		h.Set("X-Amz-Bucket-Object-Lock-Enabled", "true")
	}
	_, err := r.objects.Ask(ctx, &objects.Request{Method: http.MethodPut, Bucket: b.Name, Header: h})
	return err
}

// takeBack removes what is left of a bucket that was not finished: its folder,
// then its row. Repeating it is harmless.
func (r *Registry) takeBack(ctx context.Context, name string) error {
	_, err := r.objects.Ask(ctx, &objects.Request{Method: http.MethodDelete, Bucket: name})
	if err != nil && !awserr.Is(err, "NoSuchBucket") {
		return fmt.Errorf("remove the folder of bucket %s: %w", name, err)
	}
	// A crash here leaves a row without a folder; repair comes here again.
	if err := r.rows.Delete(ctx, name); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("remove bucket %s: %w", name, err)
	}
	r.policies.Delete(name)
	return nil
}

// Remove removes an empty bucket. The intent is in state first: from then on
// nobody can write to the bucket. Readers find it until it is gone, so that one
// whose removal is refused never looks absent.
func (r *Registry) Remove(ctx context.Context, name string) error {
	mu := r.lock(name)
	if !mu.TryLock() {
		return aborted(name)
	}
	defer mu.Unlock()
	ctx = context.WithoutCancel(ctx) // as in Make
	if err := r.pend(ctx, name, config.Removing); err != nil {
		return err
	}
	// A crash here leaves a bucket that is being removed; repair goes on.
	return r.finishRemoval(ctx, name)
}

// finishRemoval removes a bucket whose removal was intended, or gives it back
// if it is not empty.
func (r *Registry) finishRemoval(ctx context.Context, name string) error {
	err := r.takeBack(ctx, name)
	if err == nil {
		return nil
	}
	err = errors.Join(r.pend(ctx, name, ""), err)
	if awserr.Is(err, "VersionedBucketNotEmpty") || awserr.Is(err, "BucketNotEmpty") {
		text := "The bucket you tried to delete is not empty"
		if awserr.Is(err, "VersionedBucketNotEmpty") {
			text += ". You must delete all versions in the bucket."
		}
		return conflict("BucketNotEmpty", name, text)
	}
	return err
}

// repair finishes what a crash interrupted: buckets that were being made are
// taken back (their callers got no answer), removals go on.
func (r *Registry) repair(ctx context.Context) error {
	for _, row := range r.rows.List() {
		name := row.Key[0]
		switch row.Value.Pending {
		case config.Making:
			if err := r.takeBack(ctx, name); err != nil {
				return err
			}
		case config.Removing:
			if err := r.finishRemoval(ctx, name); err != nil && !awserr.Is(err, "BucketNotEmpty") {
				return err
			}
		}
	}
	return nil
}
