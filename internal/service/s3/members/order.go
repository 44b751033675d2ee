package members

import (
	"cmp"
	"slices"
	"unicode/utf16"
)

// The tables S3's records come out of, in buckets: that of requestParameters,
// and that of a document's elements.
const (
	ParameterTable = 8
	ElementTable   = 16
)

// Sort puts member names in the order S3's records have: genuine records
// list them by their place in a Java hash map with that many buckets at least,
// and names that share a bucket in the order they were put in. A map doubles
// when it is more than three quarters full.
//
// Source: the order in all genuine records at hand; java.lang.String.hashCode
// and java.util.HashMap as documented.
func Sort(names []string, buckets int) {
	for len(names)*4 > buckets*3 {
		buckets *= 2
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(bucketOf(a, buckets), bucketOf(b, buckets))
	})
}

func bucketOf(name string, buckets int) uint32 {
	var h uint32
	for _, unit := range utf16.Encode([]rune(name)) {
		h = 31*h + uint32(unit)
	}
	return (h ^ h>>16) & uint32(buckets-1)
}
