package lifecycle

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"cairn/internal/service/s3/config"
)

// Rule is an enabled rule. Of its actions those that are not asked for are
// zero.
type Rule struct {
	// ID is the rule's name.
	ID string
	// Filter says which objects the rule is about.
	Filter Filter
	// Days expires the current version so many days after it was made; Date
	// all of them from that day on.
	Days int
	Date time.Time
	// Markers removes delete markers that hide nothing any more.
	Markers bool
	// NoncurrentDays removes a version so many days after a newer one took its
	// place; the newest KeepNoncurrent of them stay.
	NoncurrentDays int
	KeepNoncurrent int
	// AbortDays ends uploads so many days after they were begun.
	AbortDays int
}

// Filter says which objects a rule is about: those that meet all conditions.
type Filter struct {
	Prefix string
	// Over and Under are sizes in bytes that an object is larger or smaller
	// than; nil for no condition.
	Over, Under *int64
	// Tags are the tags an object has, among others.
	Tags map[string]string
}

// Of returns the enabled rules of a bucket; none if it has no configuration.
func Of(b *config.Bucket) ([]Rule, error) {
	if _, ok := b.Documents[config.Lifecycle]; !ok {
		return nil, nil
	}
	doc, ok := b.Document(config.Lifecycle)
	if !ok {
		return nil, fmt.Errorf("the lifecycle document of bucket %s does not parse", b.Name)
	}
	return Rules(doc)
}

// Rules returns the enabled rules of a LifecycleConfiguration document that
// config.Read has accepted.
func Rules(doc *config.Node) ([]Rule, error) {
	var rules []Rule
	for _, n := range doc.All("Rule") {
		if n.At("Status") != "Enabled" {
			continue
		}
		r, err := readRule(n)
		if err != nil {
			return nil, fmt.Errorf("read lifecycle rule %q: %w", n.At("ID"), err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func readRule(n *config.Node) (Rule, error) {
	r := Rule{ID: n.At("ID"), Markers: strings.EqualFold(n.At("Expiration", "ExpiredObjectDeleteMarker"), "true")}
	for _, f := range []struct {
		into *int
		text string
	}{
		{&r.Days, n.At("Expiration", "Days")},
		{&r.NoncurrentDays, n.At("NoncurrentVersionExpiration", "NoncurrentDays")},
		{&r.KeepNoncurrent, n.At("NoncurrentVersionExpiration", "NewerNoncurrentVersions")},
		{&r.AbortDays, n.At("AbortIncompleteMultipartUpload", "DaysAfterInitiation")},
	} {
		if f.text == "" {
			continue
		}
		v, err := strconv.Atoi(f.text)
		if err != nil {
			return r, err
		}
		*f.into = v
	}
	if text := n.At("Expiration", "Date"); text != "" {
		var err error
		if r.Date, err = time.Parse(time.RFC3339, text); err != nil {
			return r, err
		}
	}
	var err error
	r.Filter, err = readFilter(n)
	return r, err
}

func readFilter(n *config.Node) (Filter, error) {
	f := Filter{Prefix: n.At("Prefix")}
	from := n.Find("Filter")
	if from == nil {
		return f, nil
	}
	if and := from.Find("And"); and != nil {
		from = and
	}
	f.Prefix = from.At("Prefix")
	for _, t := range from.All("Tag") {
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		f.Tags[t.At("Key")] = t.At("Value")
	}
	var err error
	if f.Over, err = size(from.At("ObjectSizeGreaterThan")); err != nil {
		return f, err
	}
	f.Under, err = size(from.At("ObjectSizeLessThan"))
	return f, err
}

func size(text string) (*int64, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no text, no condition
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return &n, err
}

// key reports whether the filter may be about a key. That decides about
// uploads, which have neither size nor tags.
func (f *Filter) key(key string) bool { return strings.HasPrefix(key, f.Prefix) }

// version reports whether the filter is about a version. Delete markers have
// neither size nor tags, so they meet no such condition. tags is asked only if
// everything else is met.
func (f *Filter) version(v *Version, tags Tags) (bool, error) {
	sized := f.Over != nil || f.Under != nil
	switch {
	case !f.key(v.Key),
		v.Marker && (sized || len(f.Tags) > 0),
		f.Over != nil && v.Size <= *f.Over,
		f.Under != nil && v.Size >= *f.Under:
		return false, nil
	case len(f.Tags) == 0:
		return true, nil
	}
	has, err := tags(v)
	if err != nil {
		return false, err
	}
	for k, want := range maps.All(f.Tags) {
		if got, ok := has[k]; !ok || got != want {
			return false, nil
		}
	}
	return true, nil
}
