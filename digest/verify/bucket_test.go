package verify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn/digest"
	"cairn/digest/digesttest"
)

// source reads a store in memory.
type source struct{ digesttest.Store }

func (s source) List(_ context.Context, bucket, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range s.Keys(bucket) {
			if strings.HasPrefix(key, prefix) && key > after && !yield(key, nil) {
				return
			}
		}
	}
}

func (s source) Folders(_ context.Context, bucket, prefix string, file func(string)) (names []string, err error) {
	for _, key := range s.Keys(bucket) {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			folder, _, ok := strings.Cut(rest, "/")
			switch {
			case !ok:
				file(key)
			case !slices.Contains(names, folder):
				names = append(names, folder)
			}
		}
	}
	return names, nil
}

func (s source) Open(_ context.Context, bucket, key string) (*Object, error) {
	o, ok := s.Store[bucket+"/"+key]
	if !ok {
		return nil, ErrNotFound
	}
	m := o.Metadata
	if m == nil {
		m = map[string]string{}
	}
	return &Object{Body: io.NopCloser(bytes.NewReader(o.Body)), Metadata: m}, nil
}

// start is when the trails of these tests start.
var start = digesttest.Start

// keyList is what these tests trust.
func keyList() *KeyList {
	return &KeyList{Keys: []RegionKey{{Region: digesttest.Region, PublicKey: digesttest.PublicKey()}}}
}

// trail adds what tampering needs.
type trail struct{ *digesttest.Trail }

func newTrail(name string) *trail {
	return &trail{digesttest.NewTrail(digesttest.Store{}, name)}
}

// sixHours is a bucket with one trail: six digests, two log files each.
func sixHours(t testing.TB) *trail {
	t.Helper()
	tr := newTrail("t1")
	for range 6 {
		tr.Hour(t, 2)
	}
	return tr
}

// object returns an object of the trail's bucket.
func (tr *trail) object(key string) digesttest.Object { return tr.Store[tr.Full(key)] }

func (tr *trail) remove(keys ...string) {
	for _, k := range keys {
		delete(tr.Store, tr.Full(k))
	}
}

func (tr *trail) move(from, to string) {
	tr.Store[tr.Full(to)] = tr.object(from)
	tr.remove(from)
}

// alter changes the bytes of an object, keeping its metadata.
func (tr *trail) alter(key string, change func(body []byte) []byte) {
	o := tr.object(key)
	o.Body = change(bytes.Clone(o.Body))
	tr.Store[tr.Full(key)] = o
}

// rewrite changes the content of an object, keeping its metadata.
func (tr *trail) rewrite(t testing.TB, key string, change func(content []byte) []byte) {
	t.Helper()
	tr.alter(key, func(body []byte) []byte {
		content, err := digest.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		changed := change(bytes.Clone(content))
		if bytes.Equal(content, changed) {
			t.Fatalf("%s was not changed", key)
		}
		return digest.Encode(changed)
	})
}

// again signs a digest again, changed.
func (tr *trail) again(t testing.TB, i int, change func(*digest.Next)) {
	t.Helper()
	f := tr.Read(t, i)
	name, err := digest.ParseKey(tr.Digests[i])
	if err != nil {
		t.Fatal(err)
	}
	next := digest.Next{Name: name, Bucket: tr.Bucket, Start: f.Start, Previous: f.Previous, LogFiles: f.LogFiles}
	change(&next)
	tr.Put(t, digesttest.Key(), next)
}

// verify runs a verification and returns the report and what was found.
func verify(t testing.TB, o Options) (*Report, []Finding) {
	t.Helper()
	var found []Finding
	o.Found = func(f Finding) { found = append(found, f) }
	if o.Keys == nil {
		o.Keys = keyList()
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r, found
}

// of are the options to verify a trail's bucket.
func of(tr *trail) Options { return Options{Source: source{tr.Store}, Bucket: tr.Bucket} }

// brief is what tables expect of findings: severity, kind, last part of the key,
// number of log files.
func brief(found []Finding) []string {
	out := []string{}
	for _, f := range found {
		s := fmt.Sprintf("%s %s", f.Severity, f.Kind)
		if f.Key != "" {
			s += " " + base(f.Key)
		}
		if f.LogFiles > 0 {
			s += fmt.Sprintf(" %d", f.LogFiles)
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func base(key string) string { return key[strings.LastIndex(key, "/")+1:] }

func sorted(s ...string) []string {
	if s == nil {
		return []string{}
	}
	slices.Sort(s)
	return s
}

func clock(hour, minute, second int) time.Time {
	return time.Date(2025, 3, 1, hour, minute, second, 0, time.UTC)
}
