package find

// indexPair returns the first place in b that has one byte, and the other so
// many bytes behind it. If it finds none, it returns the complement of the place
// up to which it has looked: the last few places are left to the caller.
//
//go:noescape
func indexPair(b []byte, distance int, one, other byte) int
