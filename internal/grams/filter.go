package grams

import (
	"encoding/binary"
	"math/bits"
)

// A filter is, little endian: the number of bits as uint32, then those bits. Of
// each gram `probes` bits are set.
const (
	filterHeader = 4
	bitsPerGram  = 6
	probes       = 3
	// maxFilterBits bounds what a filter may claim: 32 MB.
	maxFilterBits = 1 << 28
)

func build(hashes []uint32) []byte {
	size := min(max(uint64(len(hashes))*bitsPerGram, 64), maxFilterBits)
	f := make([]byte, filterHeader+(size+7)/8)
	binary.LittleEndian.PutUint32(f, uint32(size))
	b := f[filterHeader:]
	for _, h := range hashes {
		x := uint64(h)
		for range probes {
			x = mix(x)
			at, _ := bits.Mul64(x, size)
			b[at>>3] |= 1 << (at & 7)
		}
	}
	return f
}

// all says whether all these grams may be in the page.
func (f Filter) all(hashes []uint32) bool {
	if len(f) < filterHeader {
		return true
	}
	size := uint64(binary.LittleEndian.Uint32(f))
	b := f[filterHeader:]
	if size == 0 || uint64(len(b)) != (size+7)/8 {
		return true
	}
	for _, h := range hashes {
		x := uint64(h)
		for range probes {
			x = mix(x)
			at, _ := bits.Mul64(x, size)
			if b[at>>3]&(1<<(at&7)) == 0 {
				return false
			}
		}
	}
	return true
}

// mix makes one well spread hash of another.
func mix(h uint64) uint64 {
	h += 0x632be59bd9b4e019
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h
}

// hashSet is a set of hashes, by open addressing: 0 marks a free place and is
// itself kept as 1.
type hashSet[H uint32 | uint64] struct {
	slots []H
	used  int
}

// add adds a hash and says whether it is new.
func (s *hashSet[H]) add(h H) bool {
	if h == 0 {
		h = 1
	}
	if s.used*2 >= len(s.slots) {
		s.grow()
	}
	mask := H(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return false
		case 0:
			s.slots[i] = h
			s.used++
			return true
		}
	}
}

func (s *hashSet[H]) grow() {
	old := s.slots
	s.slots, s.used = make([]H, max(2*len(old), 1<<12)), 0
	for _, h := range old {
		if h != 0 {
			s.add(h)
		}
	}
}

// all returns the hashes, in place: the set is good for nothing but reset then.
func (s *hashSet[H]) all() []H {
	n := 0
	for _, h := range s.slots {
		if h != 0 {
			s.slots[n] = h
			n++
		}
	}
	return s.slots[:n]
}

func (s *hashSet[H]) reset() {
	clear(s.slots)
	s.used = 0
}
