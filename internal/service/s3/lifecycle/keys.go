package lifecycle

import (
	"hash/maphash"
	"slices"
	"sync"
)

// Keys keep expiry away from keys that are written to. Several keys share a
// lock: a long upload only puts off the expiry of a few others to the next run.
// The zero value is ready.
type Keys [256]sync.RWMutex

var seed = maphash.MakeSeed()

func (k *Keys) index(bucket, key string) int {
	return int(maphash.String(seed, bucket+"/"+key) % uint64(len(k)))
}

// Share takes keys of a bucket together with other writers, and returns what
// gives them back. It waits for an expiry under way, which is short and waits
// for nobody.
func (k *Keys) Share(bucket string, keys []string) func() {
	taken := make([]int, len(keys))
	for i, key := range keys {
		taken[i] = k.index(bucket, key)
	}
	slices.Sort(taken)
	taken = slices.Compact(taken)
	for _, i := range taken {
		k[i].RLock()
	}
	return func() {
		for _, i := range taken {
			k[i].RUnlock()
		}
	}
}

// Alone runs f while nobody shares the key; ok is false, and f does not run, if
// somebody does.
func (k *Keys) Alone(bucket, key string, f func() error) (ok bool, err error) {
	mu := &k[k.index(bucket, key)]
	if !mu.TryLock() {
		return false, nil
	}
	defer mu.Unlock()
	return true, f()
}
