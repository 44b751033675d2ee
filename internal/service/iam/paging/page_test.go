package paging_test

import (
	"strconv"
	"testing"

	"cairn/internal/service/iam/paging"
)

// FuzzPage checks that any marker is refused or leads to a rest of the listing.
func FuzzPage(f *testing.F) {
	all := make([]string, 9)
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	f.Add("NA==", int32(2))
	f.Add("", int32(0))
	f.Add("!", int32(1001))
	f.Fuzz(func(t *testing.T, marker string, size int32) {
		part, more, next, err := paging.Page(all, &size, &marker, func(s string) string { return s })
		if err != nil {
			return
		}
		if more != (next != nil) || len(part) > int(size) || (more && len(part) != int(size)) {
			t.Fatalf("page of %d: %v, more %v", size, part, more)
		}
		if len(part) > 0 && !more && part[len(part)-1] != "8" {
			t.Fatalf("the last page ends with %s", part[len(part)-1])
		}
	})
}
