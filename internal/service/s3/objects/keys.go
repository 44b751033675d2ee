package objects

import "sync"

// keys let one call at a time change an object. The backend takes such a lock only
// while it gives a new object its name: a deletion beside that would mark the new
// object deleted, instead of the one it found. The zero value is ready.
type keys struct {
	mu    sync.Mutex
	taken map[string]*taken
}

// taken is a key that somebody has, or waits for.
type taken struct {
	sync.Mutex
	users int
}

// take waits until the key is free, and returns what gives it back.
func (k *keys) take(bucket, key string) func() {
	name := bucket + "/" + key
	k.mu.Lock()
	t := k.taken[name]
	if t == nil {
		if k.taken == nil {
			k.taken = map[string]*taken{}
		}
		t = &taken{}
		k.taken[name] = t
	}
	t.users++
	k.mu.Unlock()
	t.Lock()
	return func() {
		t.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(k.taken, name)
		}
	}
}

// alone runs f on a thread of b while no other call changes the object.
func alone[T any](b *backing, bucket, key *string, f func() (T, error)) (T, error) {
	return write(b, bucket, key, func() (T, error) {
		defer b.keys.take(deref(bucket), deref(key))()
		return f()
	})
}
