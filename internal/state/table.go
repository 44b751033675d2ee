package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// rows is a table as the store sees it: the part that does not depend on the
// type of its objects.
type rows interface {
	// set applies one row under the store's lock; v is nil for a deleted row.
	set(key string, v *raw) error
}

// Row is one object of a table with its key.
type Row[T any] struct {
	// Key is the list of strings the object was stored under.
	Key []string
	// Value is shared by everyone who reads it: never modify it.
	Value *T
}

// Table holds JSON objects of one type. A key is a list of non-empty strings,
// which may hold any bytes.
//
// Objects are read strictly: one with a member T does not have was written by a
// newer version, which this one would destroy at the next update. The store then
// fails with ErrUnreadable.
type Table[T any] struct {
	s    *Store
	name string

	// Guarded by s.mu.
	byKey   map[string]*row[T] // by escaped key, without the table's name
	sorted  []*row[T]          // by key parts
	changed chan struct{}      // closed and replaced when a row changes
}

type row[T any] struct {
	Row[T]
	raw
}

// NewTable opens the table called name (letters, digits, "-" and "_") in the
// store. It panics if the name is not one, or is taken: both are mistakes in the
// program. An object in it that cannot be read makes Store.Err fail.
func NewTable[T any](s *Store, name string) *Table[T] {
	if key := appendKey(nil, []string{name}); string(key) != name || strings.Contains(name, "/") || name == "" {
		panic(fmt.Sprintf("state: bad table name %q", name))
	}
	t := &Table[T]{s: s, name: name, byKey: map[string]*row[T]{}, changed: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[name] != nil {
		panic(fmt.Sprintf("state: table %q opened twice", name))
	}
	s.tables[name] = t
	for key, v := range s.early {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		delete(s.early, key)
		r, err := t.decode(rest, v)
		if err != nil {
			s.failLocked(err)
			continue
		}
		t.byKey[rest] = r
		t.sorted = append(t.sorted, r)
	}
	slices.SortFunc(t.sorted, func(a, b *row[T]) int { return slices.Compare(a.Key, b.Key) })
	return t
}

func (t *Table[T]) decode(key string, v raw) (*row[T], error) {
	parts, ok := parseKey(key)
	if !ok {
		return nil, fmt.Errorf("%w: %s.%s: key is not spelled as this version spells keys", ErrUnreadable, t.name, key)
	}
	value, err := decodeStrict[T](v.json)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %q: %w (written by a newer version? use that one)", ErrUnreadable, t.name, parts, err)
	}
	return &row[T]{Row: Row[T]{Key: parts, Value: value}, raw: v}, nil
}

func decodeStrict[T any](b []byte) (*T, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	v := new(T)
	if err := d.Decode(v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// set implements rows. A row that cannot be read is taken out, so that nobody
// acts on what it was before; the store has failed then anyway.
func (t *Table[T]) set(key string, v *raw) error {
	var r *row[T]
	var err error
	if v != nil {
		r, err = t.decode(key, *v)
	}
	old := t.byKey[key]
	switch {
	case r != nil && old != nil:
		i, _ := t.search(old.Key)
		t.sorted[i], t.byKey[key] = r, r
	case r != nil:
		i, _ := t.search(r.Key)
		t.sorted = slices.Insert(t.sorted, i, r)
		t.byKey[key] = r
	case old != nil:
		i, _ := t.search(old.Key)
		t.sorted = slices.Delete(t.sorted, i, i+1)
		delete(t.byKey, key)
	}
	close(t.changed)
	t.changed = make(chan struct{})
	return err
}

func (t *Table[T]) search(key []string) (int, bool) {
	return slices.BinarySearchFunc(t.sorted, key, func(r *row[T], k []string) int { return slices.Compare(r.Key, k) })
}

// find returns the row, or nil. It does not allocate for keys of usual length.
func (t *Table[T]) find(key []string) *row[T] {
	var buf [256]byte
	k := appendKey(buf[:0], key)
	t.s.mu.RLock()
	defer t.s.mu.RUnlock()
	return t.byKey[string(k)]
}

// Get returns the object, which is shared: never modify it.
func (t *Table[T]) Get(key ...string) (*T, bool) {
	if r := t.find(key); r != nil {
		return r.Value, true
	}
	return nil, false
}

// List returns the rows whose keys begin with the given parts, all rows if there
// are none, in the order of their key parts (byte order, part by part).
func (t *Table[T]) List(prefix ...string) []Row[T] {
	t.s.mu.RLock()
	defer t.s.mu.RUnlock()
	begins := func(k []string) bool { return len(k) >= len(prefix) && slices.Equal(k[:len(prefix)], prefix) }
	i, _ := t.search(prefix)
	n := i
	for n < len(t.sorted) && begins(t.sorted[n].Key) {
		n++
	}
	list := make([]Row[T], 0, n-i)
	for _, r := range t.sorted[i:n] {
		list = append(list, r.Row)
	}
	return list
}

// Changed returns a channel that is closed at the next change of any row. Call
// it before reading, then read, then wait: no change is missed that way.
func (t *Table[T]) Changed() <-chan struct{} {
	t.s.mu.RLock()
	defer t.s.mu.RUnlock()
	return t.changed
}
