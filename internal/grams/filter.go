package grams

import (
	"encoding/binary"
	"math/bits"
)

// A filter is, little endian: the number of bits as uint32, with placed set in
// it; the escapes as uint32; the bits. Of each gram `probes` bits are set, by its
// place.
const (
	filterHeader = 8
	bitsPerGram  = 6
	probes       = 3
	// placed tells this form from an older one, which is read as no filter.
	placed = 1 << 31
	// maxFilterBits bounds what a filter may claim: 32 MB.
	maxFilterBits = 1 << 28
)

func build(places []uint32, has escapes) []byte {
	size := min(max(uint64(len(places))*bitsPerGram, 64), maxFilterBits)
	f := make([]byte, filterHeader+(size+7)/8)
	binary.LittleEndian.PutUint32(f, uint32(size)|placed)
	binary.LittleEndian.PutUint32(f[4:], uint32(has))
	b := f[filterHeader:]
	for _, p := range places {
		x := uint64(p)
		for range probes {
			x = mix(x)
			at, _ := bits.Mul64(x, size)
			b[at>>3] |= 1 << (at & 7)
		}
	}
	return f
}

// all says whether all that a needle has may be in the page.
func (f Filter) all(a alternative) bool {
	if len(f) < filterHeader {
		return true
	}
	head := binary.LittleEndian.Uint32(f)
	size := uint64(head &^ placed)
	b := f[filterHeader:]
	if head&placed == 0 || size == 0 || uint64(len(b)) != (size+7)/8 {
		return true
	}
	if has := escapes(binary.LittleEndian.Uint32(f[4:])); a.escapes&^has != 0 {
		return false
	}
	for _, h := range a.grams {
		x := uint64(place(h))
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

// placeBits is how many bits the place of a gram has: a page of a megabyte has
// 40,000 grams, which take one place in a hundred.
const placeBits = 22

// place returns the place of a gram with this hash.
func place(h uint32) uint32 { return h * 0x9e3779b1 >> (32 - placeBits) }

// placeSet is a set of places: a bit each. Adding to it takes no branch, which
// no processor could predict, and half a megabyte is near enough to it.
type placeSet struct{ bits []uint64 }

// addAll adds the places of grams.
func (s *placeSet) addAll(hashes []uint32) {
	if s.bits == nil {
		s.bits = make([]uint64, 1<<placeBits/64)
	}
	set := (*[1 << placeBits / 64]uint64)(s.bits)
	for _, h := range hashes {
		p := place(h)
		set[p>>6%uint32(len(set))] |= 1 << (p & 63)
	}
}

// take appends the places, in order, and leaves the set empty.
func (s *placeSet) take(dst []uint32) []uint32 {
	for i, word := range s.bits {
		if word == 0 {
			continue
		}
		for ; word != 0; word &= word - 1 {
			dst = append(dst, uint32(i<<6+bits.TrailingZeros64(word)))
		}
		s.bits[i] = 0
	}
	return dst
}

// hashSet is a set of hashes, by open addressing: 0 marks a free slot and is
// itself kept as 1.
type hashSet struct {
	slots []uint64
	used  int
}

// add adds a hash and says whether it is new.
func (s *hashSet) add(h uint64) bool {
	if h == 0 {
		h = 1
	}
	if s.used*2 >= len(s.slots) {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
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

func (s *hashSet) grow() {
	old := s.slots
	s.slots, s.used = make([]uint64, max(2*len(old), 1<<12)), 0
	for _, h := range old {
		if h != 0 {
			s.add(h)
		}
	}
}

func (s *hashSet) reset() {
	clear(s.slots)
	s.used = 0
}
