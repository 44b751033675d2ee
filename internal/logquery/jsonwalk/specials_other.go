//go:build !amd64

package jsonwalk

// specials is [specialsByWord].
func specials(b *[64]byte) uint64 { return specialsByWord(b) }
