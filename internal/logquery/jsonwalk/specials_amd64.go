package jsonwalk

// specials is [specialsByWord], by the vector instructions that every amd64
// processor has.
//
//go:noescape
func specials(b *[64]byte) uint64
