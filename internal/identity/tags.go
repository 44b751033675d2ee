package identity

import (
	"slices"
	"strings"
)

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
