package lifecycle

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Version is one version of an object, or a delete marker.
type Version struct {
	Key string
	// ID is the version's id, "null" for one made without versioning.
	ID string
	// Latest is true for the current version, Marker for a delete marker.
	Latest, Marker bool
	// Modified is when the version was made; of a noncurrent "null" version,
	// when it was replaced (see package objects).
	Modified time.Time
	// Size is in bytes.
	Size int64
}

// Tags returns the tags of a version.
type Tags func(v *Version) (map[string]string, error)

// Deletion is one thing to delete.
type Deletion struct {
	// Version is the id of the version to remove for good; empty means to
	// expire the object: in a versioned bucket that sets a delete marker, in
	// another it removes the object.
	Version string
	// Rule is the id of the rule that says so.
	Rule string
}

const day = 24 * time.Hour

// due is when something that happened at a time is so many days old, by S3's
// way of counting: the days are added, and the result is rounded up to the next
// midnight UTC.
func due(at time.Time, days int) time.Time {
	return at.UTC().Add(time.Duration(days) * day).Truncate(day).Add(day)
}

// Decide returns what to delete of one key at a time, given all its versions in
// any order. tags is asked only about versions a rule might be about but for
// their tags.
func Decide(rules []Rule, versions []Version, now time.Time, tags Tags) ([]Deletion, error) {
	vs := newestFirst(versions)
	if len(vs) == 0 || !vs[0].Latest {
		return nil, nil // half a listing says nothing about age
	}
	var list []Deletion
	for i := range vs {
		v := &vs[i]
		d, err := decide(rules, vs, i, now, tags)
		if err != nil {
			return nil, err
		}
		switch {
		case d == nil:
		case v.Latest && !v.Marker:
			list = append(list, *d)
		default:
			d.Version = v.ID
			list = append(list, *d)
		}
	}
	return list, nil
}

// decide returns the first rule's deletion of the version at i, or nil.
func decide(rules []Rule, vs []Version, i int, now time.Time, tags Tags) (*Deletion, error) {
	for j := range rules {
		r := &rules[j]
		if !r.wants(vs, i, now) {
			continue
		}
		ok, err := r.Filter.version(&vs[i], tags)
		if err != nil {
			return nil, err
		}
		if ok {
			return &Deletion{Rule: r.ID}, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing to delete is not an error
}

// wants reports whether the rule would delete the version at i if its filter is
// about it.
func (r *Rule) wants(vs []Version, i int, now time.Time) bool {
	v := &vs[i]
	switch {
	case v.Latest && !v.Marker:
		at, ok := r.expiry(v.Modified)
		return ok && !now.Before(at)
	case v.Latest && len(vs) == 1: // a delete marker that hides nothing
		return r.Markers || r.Days > 0 && !now.Before(due(v.Modified, r.Days))
	case v.Latest:
		return false
	}
	if r.NoncurrentDays == 0 || noncurrent(vs, i) < r.KeepNoncurrent {
		return false
	}
	return !now.Before(due(replaced(vs, i), r.NoncurrentDays))
}

// expiry is when the rule expires a current version; ok is false if it does not.
func (r *Rule) expiry(modified time.Time) (at time.Time, ok bool) {
	switch {
	case r.Days > 0:
		return due(modified, r.Days), true
	case !r.Date.IsZero():
		return r.Date, true
	}
	return time.Time{}, false
}

// noncurrent counts the noncurrent versions newer than the one at i.
func noncurrent(vs []Version, i int) int {
	n := 0
	for j := range i {
		if !vs[j].Latest {
			n++
		}
	}
	return n
}

// replaced is when the noncurrent version at i was replaced: when the next
// newer one was made. A noncurrent "null" version knows that of itself, and
// says nothing of when it was made, so it is passed over: that may find a later
// time than the true one, never an earlier.
func replaced(vs []Version, i int) time.Time {
	if vs[i].ID == null {
		return vs[i].Modified
	}
	for j := i - 1; j > 0; j-- {
		if vs[j].ID != null {
			return vs[j].Modified
		}
	}
	return vs[0].Modified
}

const null = "null"

// newestFirst sorts versions: the current one, then the others by when they
// were made; ids tell those of one millisecond apart.
func newestFirst(versions []Version) []Version {
	vs := slices.Clone(versions)
	slices.SortStableFunc(vs, func(a, b Version) int {
		switch {
		case a.Latest != b.Latest && a.Latest:
			return -1
		case a.Latest != b.Latest:
			return 1
		case !a.Modified.Equal(b.Modified):
			return b.Modified.Compare(a.Modified)
		}
		return strings.Compare(b.ID, a.ID)
	})
	return vs
}

// Header returns the value of x-amz-expiration: when, and by which rule, a
// current version will expire; empty if none says so. Rules that ask for tags
// are left out, because the tags are not at hand.
func Header(rules []Rule, v *Version) string {
	var at time.Time
	rule := ""
	for i := range rules {
		r := &rules[i]
		if len(r.Filter.Tags) > 0 {
			continue
		}
		if match, err := r.Filter.version(v, nil); err != nil || !match {
			continue
		}
		if t, expires := r.expiry(v.Modified); expires && (at.IsZero() || t.Before(at)) {
			at, rule = t, r.ID
		}
	}
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf("expiry-date=%q, rule-id=%q", at.UTC().Format(http.TimeFormat), rule)
}
