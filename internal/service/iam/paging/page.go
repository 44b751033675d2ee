// Package paging cuts IAM's listings into pages.
package paging

import (
	"encoding/base64"
	"net/http"
	"strings"

	"cairn/internal/awserr"
)

// Page sizes of IAM's listings.
const (
	defaultPage = 100
	maxPage     = 1000
)

// Page cuts one page out of a listing that is sorted by key. The marker is the
// key of the last item of the page before, so that it stays right when items
// come and go between pages. size and marker are what the caller asked for, nil for
// the first page of the usual size; errors are ValidationError.
func Page[T any](all []T, size *int32, marker *string, key func(T) string) (part []T, truncated bool, next *string, err error) {
	n := defaultPage
	if size != nil {
		if *size < 1 || *size > maxPage {
			return nil, false, nil, awserr.New(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and %d", *size, maxPage)
		}
		n = int(*size)
	}
	if marker != nil {
		after, derr := base64.URLEncoding.DecodeString(*marker)
		if derr != nil || len(after) == 0 {
			return nil, false, nil, awserr.New(http.StatusBadRequest, "ValidationError", "Invalid Marker.")
		}
		for len(all) > 0 && strings.Compare(key(all[0]), string(after)) <= 0 {
			all = all[1:]
		}
	}
	if len(all) <= n {
		return all, false, nil, nil
	}
	m := base64.URLEncoding.EncodeToString([]byte(key(all[n-1])))
	return all[:n], true, &m, nil
}
