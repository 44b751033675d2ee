package sigv4

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// Keys remembers derived signing keys, so that verifying a call does not derive
// one each time: that is a third of its time and two thirds of its garbage. A
// key is remembered once a request was verified with it, so that callers who
// know no secret cannot fill it. The zero Keys and nil remember nothing. It is
// safe for concurrent use.
type Keys struct {
	mu    sync.Mutex // guards the rest
	max   int
	byID  map[keyID]*list.Element // of *derived
	order list.List               // most recently used first
}

// keyID names a derived key without holding the secret.
type keyID struct {
	secret [sha256.Size]byte // SHA-256 of the secret
	scope  string
}

type derived struct {
	id  keyID
	key []byte
}

// NewKeys returns a Keys that remembers up to n keys, the last used ones. A key
// serves one access key, day, region and service.
func NewKeys(n int) *Keys { return &Keys{max: n, byID: map[keyID]*list.Element{}} }

// get returns the derived key of a secret and scope, and whether it was
// remembered.
func (k *Keys) get(secret, scope string) (key []byte, known bool) {
	if k == nil || k.max == 0 {
		return deriveKey(secret, scope), false
	}
	id := keyID{sha256.Sum256([]byte(secret)), scope}
	k.mu.Lock()
	e, ok := k.byID[id]
	if ok {
		k.order.MoveToFront(e)
	}
	k.mu.Unlock()
	if ok {
		return e.Value.(*derived).key, true
	}
	return deriveKey(secret, scope), false
}

// keep remembers a key that has verified a request.
func (k *Keys) keep(secret, scope string, key []byte) {
	if k == nil || k.max == 0 {
		return
	}
	id := keyID{sha256.Sum256([]byte(secret)), scope}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.byID[id]; ok {
		return
	}
	if k.order.Len() >= k.max {
		oldest := k.order.Back()
		delete(k.byID, k.order.Remove(oldest).(*derived).id)
	}
	k.byID[id] = k.order.PushFront(&derived{id, key})
}
