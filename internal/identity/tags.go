package identity

import (
	"slices"
	"strings"

	"cairn/internal/policy"
)

// HasTag reports whether there is a tag with a key, which is compared as in PutTags.
func HasTag(tags []Tag, key string) bool {
	return slices.ContainsFunc(tags, func(t Tag) bool { return strings.EqualFold(t.Key, key) })
}

// DescribeTags adds the tags of a user, role, policy or provider to the condition keys
// of a call on it.
func DescribeTags(k policy.Context, tags []Tag) {
	for _, t := range tags {
		k.AddTag("aws:resourcetag/", t.Key, t.Value)
		k.AddTag("iam:resourcetag/", t.Key, t.Value)
	}
}

// PutTags returns tags with others added, in place of those with the same keys,
// which are compared without regard to case, as IAM does. It may change tags.
func PutTags(tags, add []Tag) []Tag {
	for _, t := range add {
		i := slices.IndexFunc(tags, func(old Tag) bool { return strings.EqualFold(old.Key, t.Key) })
		if i < 0 {
			tags = append(tags, t)
		} else {
			tags[i] = t
		}
	}
	return tags
}

// DropTags returns tags without those of some keys. It may change tags.
func DropTags(tags []Tag, keys []string) []Tag {
	return slices.DeleteFunc(tags, func(t Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}
