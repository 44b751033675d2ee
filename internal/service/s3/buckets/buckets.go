// Package buckets keeps the buckets there are: a row in state for each, with its
// configuration, and a folder in the object store. It makes and removes the two
// together, finishes after a crash what was begun, and keeps a bucket from being
// removed while it is written to. Who may do what is not asked here.
package buckets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"cairn/internal/awserr"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
	"cairn/internal/state"
)

// Registry is the buckets there are. It is safe for concurrent use.
type Registry struct {
	rows    *state.Table[config.Bucket]
	objects *objects.Store
	// policies caches parsed bucket policies by bucket name.
	policies sync.Map // string -> *parsedPolicy
	// locks keep a bucket from being removed while it is written to.
	locks sync.Map // string -> *sync.RWMutex
}

// Open returns the buckets whose rows are in rows and whose folders are in folders,
// after repairing what a crash may have left of making or removing some.
func Open(ctx context.Context, rows *state.Store, folders *objects.Store) (*Registry, error) {
	r := &Registry{rows: state.NewTable[config.Bucket](rows, "s3-buckets"), objects: folders}
	return r, r.repair(ctx)
}

// Get returns a bucket that is made. One that is being removed is there until it is
// gone: its removal may be refused.
func (r *Registry) Get(name string) (*config.Bucket, error) {
	if b, ok := r.rows.Get(name); ok && b.Pending != config.Making {
		return b, nil
	}
	e := awserr.New(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	e.Detail = map[string]string{"BucketName": name}
	return nil, e
}

// All returns the buckets that are made, by name.
func (r *Registry) All() []*config.Bucket {
	var list []*config.Bucket
	for _, row := range r.rows.List() {
		if row.Value.Pending != config.Making {
			list = append(list, row.Value)
		}
	}
	return list
}

// Update changes a bucket's row and returns when the change is durable. change
// gets the row that is written, whatever was written meanwhile.
func (r *Registry) Update(ctx context.Context, name string, change func(*config.Bucket) error) error {
	_, err := r.rows.Update(ctx, change, name)
	if errors.Is(err, state.ErrNotFound) {
		_, err = r.Get(name) // removed meanwhile: NoSuchBucket
	}
	if err != nil {
		return fmt.Errorf("change bucket %s: %w", name, err)
	}
	return nil
}

// Share holds off the bucket's removal until done is called.
func (r *Registry) Share(name string) (done func(), err error) {
	mu := r.lock(name)
	if !mu.TryRLock() {
		return nil, aborted(name)
	}
	b, err := r.Get(name)
	if err == nil && b.Pending != "" {
		err = aborted(name) // a removal that failed half-way; deleting it again ends it
	}
	if err != nil {
		mu.RUnlock()
		return nil, err
	}
	return mu.RUnlock, nil
}

// lock returns the lock that writers of a bucket share and its removal takes
// alone.
func (r *Registry) lock(name string) *sync.RWMutex {
	v, _ := r.locks.LoadOrStore(name, new(sync.RWMutex))
	return v.(*sync.RWMutex)
}

// aborted is the error of a call that another one stands in the way of.
func aborted(bucket string) error {
	return conflict("OperationAborted", bucket, "A conflicting conditional operation is currently in progress against this resource. Please try again.")
}

func conflict(code, bucket, text string) error {
	e := awserr.New(http.StatusConflict, code, "%s", text)
	e.Detail = map[string]string{"BucketName": bucket}
	return e
}
