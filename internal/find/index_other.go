//go:build !amd64

package find

import "bytes"

// indexPair returns the first place in b that has one byte, and the other so
// many bytes behind it; if there is none, the complement of the place up to which
// it has looked.
func indexPair(b []byte, distance int, one, other byte) int {
	places := max(len(b)-distance, 0)
	for at := 0; at < places; at++ {
		n := bytes.IndexByte(b[at:places], one)
		if n < 0 {
			break
		}
		if at += n; b[at+distance] == other {
			return at
		}
	}
	return ^places
}
