package grams

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

const (
	gramSize = 6
	// window is how many neighbouring places choose one gram among them: a
	// needle of gramSize+window-1 bytes has at least one.
	window   = 4
	uuidSize = 36
)

// dull are the bytes whose grams are left out, if a gram has no others:
// hexadecimal digits, and the punctuation of times and UUIDs.
const dull = "0123456789abcdefABCDEF-:"

// interesting is 1 for the bytes that are not dull.
var interesting = func() (t [256]byte) {
	for c := range t {
		if strings.IndexByte(dull, byte(c)) < 0 {
			t[c] = 1
		}
	}
	return t
}()

// none is the weight of a place whose gram is left out.
const none = ^uint32(0)

// choose appends the hashes of the grams that text chooses, some of them more
// than once. What is chosen at a place follows from the window's bytes alone, so
// a needle chooses the same.
func choose(dst []uint32, text []byte) []uint32 {
	var weights [blockSize + window - 1]uint32
	for len(text) >= gramSize+window-1 {
		w := weights[:min(len(text)-gramSize+1, len(weights))]
		weigh(w, text)
		dst = slices.Grow(dst, len(w))
		out := dst[len(dst) : len(dst)+len(w)]
		dst = dst[:len(dst)+smallest(out, w)]
		text = text[len(w)-window+1:]
	}
	return dst
}

// blockSize is how many windows of a text are looked at before the next: their
// weights stay in the nearest cache.
const blockSize = 512

// weigh sets the weights of the places at the begin of text.
func weigh(w []uint32, text []byte) {
	var lively byte // bit i: the byte i places back is not dull
	for _, c := range text[:gramSize-1] {
		lively = lively<<1 | interesting[c]
	}
	i := 0
	for ; i < len(w) && i+8 <= len(text); i++ {
		next8 := binary.LittleEndian.Uint64(text[i:])
		lively = lively<<1 | interesting[byte(next8>>(8*(gramSize-1)))]
		w[i] = weight(next8<<16, lively)
	}
	for ; i < len(w); i++ { // the last places, with fewer bytes behind them
		lively = lively<<1 | interesting[text[i+gramSize-1]]
		gram := uint64(binary.LittleEndian.Uint32(text[i:])) | uint64(binary.LittleEndian.Uint16(text[i+4:]))<<32
		w[i] = weight(gram<<16, lively)
	}
}

// weight returns the weight of a gram, which is in the high bytes.
func weight(gram uint64, lively byte) uint32 {
	if lively&(1<<gramSize-1) == 0 {
		return none
	}
	return uint32(gram * 0x9e3779b97f4a7c15 >> 32)
}

// smallest writes the smallest weight of each window to out and returns how
// many there are. There is no branch on what is chosen, which no processor could
// predict: each is written, and the next overwrites it unless it was another
// than the one before.
func smallest(out, w []uint32) int {
	n, last := 0, none
	pair, pair2 := min(w[0], w[1]), min(w[1], w[2]) // of neighbours
	for i, next := range w[window-1:] {
		pair3 := min(w[window-2:][i], next)
		m := min(pair, pair3)
		pair, pair2 = pair2, pair3
		out[n] = m
		if m != last {
			n++
		}
		last = m
	}
	return n
}

// chooseUUIDs appends the hash of every UUID in text.
func chooseUUIDs(dst []uint32, text []byte) []uint32 {
	for i := 8; i+uuidSize-8 <= len(text); i++ {
		n := bytes.IndexByte(text[i:len(text)-(uuidSize-9)], '-')
		if n < 0 {
			break
		}
		i += n
		if id := text[i-8 : i-8+uuidSize]; isUUID(id) {
			dst = append(dst, uuidHash(id))
		}
	}
	return dst
}

func isUUID(b []byte) bool {
	if b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return false
	}
	for i, c := range b {
		if i != 8 && i != 13 && i != 18 && i != 23 && (interesting[c] == 1 || c == '-' || c == ':') {
			return false
		}
	}
	return true
}

func uuidHash(b []byte) uint32 {
	h := uint64(0x51ed270b)
	for i := 0; i < uuidSize; i += 4 {
		h = mix(h ^ uint64(binary.LittleEndian.Uint32(b[i:])))
	}
	return uint32(h >> 32)
}

// alternative is one needle as filters know it: what every text with it has.
type alternative struct {
	grams   []uint32 // hashes
	escapes escapes
}

func needleGrams(needle []byte) (a alternative) {
	a.grams, a.escapes = chooseEscapes(chooseUUIDs(choose(nil, needle), needle), needle)
	slices.Sort(a.grams)
	a.grams = slices.Compact(a.grams)
	return a
}

// useless says that every filter may have the needle.
func (a *alternative) useless() bool { return len(a.grams) == 0 && a.escapes == 0 }
