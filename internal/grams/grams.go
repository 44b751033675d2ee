// Package grams tells, of a page of text, whether a byte string may be in it,
// from a filter a few percent of the text's size: a Bloom filter of short
// substrings (grams) that the text itself chooses.
//
// A gram is the 6 bytes at a place whose hash is the smallest of a few
// neighbouring places. Whoever looks for a longer needle finds the same places
// in it, because only bytes inside the needle decide, and asks the filter for
// those grams. Grams that say nothing about what people look for, but would
// fill the filter, are left out by their bytes alone: those of hexadecimal
// digits and of the punctuation of times. A UUID is one gram of its own, and so
// are the beginnings of escapes that JSON seldom has, \u00 and \/.
//
// A filter errs to one side only: it may say that a needle may be there which
// is not, and never the reverse.
package grams

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// Builder makes the filter of one page. The zero value is ready for use; it is
// not safe for concurrent use.
type Builder struct {
	seen   placeSet // of grams
	pieces hashSet  // stretches of text
	chosen []uint32 // room for the grams of one piece, and then for all places
	has    escapes
}

// seed is that of the hashes of pieces, which never leave the process.
var seed = maphash.MakeSeed()

// pieceSize is about how long a piece is.
const pieceSize = 32

// Add puts a message of the page into the filter. Needles are looked for within
// messages: a needle across two of them may not be found.
//
// Messages of a page are much alike, so they are cut into pieces, at commas, and
// a piece that was there before is passed over. Each reaches into the next one
// as far as a window does: every window is in some piece. UUIDs and escapes have
// no comma, so each is whole in one.
func (b *Builder) Add(text []byte) {
	for from := 0; from < len(text); {
		to := len(text)
		if from+pieceSize < to {
			if n := bytes.IndexByte(text[from+pieceSize:], ','); n >= 0 {
				to = from + pieceSize + n
			}
		}
		piece := text[from:min(to+gramSize+window-2, len(text))]
		if b.pieces.add(maphash.Bytes(seed, piece)) {
			var has escapes
			b.chosen, has = chooseEscapes(chooseUUIDs(choose(b.chosen[:0], piece), piece), piece)
			b.seen.addAll(b.chosen)
			b.has |= has
		}
		from = to
	}
}

// Bytes returns the filter and makes the builder ready for the next page. The
// bytes are the caller's: how many there are follows from how many different
// grams the page has, at most about 12% of its text.
func (b *Builder) Bytes() []byte {
	b.chosen = b.seen.take(b.chosen[:0])
	b.pieces.reset()
	f := build(b.chosen, b.has)
	b.has = 0
	return f
}

// Filter is the filter of one page, as Builder.Bytes made it; its bytes are only
// read. Bytes that are no filter say that every needle may be there.
type Filter []byte

// May returns false only if the page has no message that q's needles may be in.
func (f Filter) May(q Query) bool {
	for _, clause := range q.clauses {
		if !f.any(clause) {
			return false
		}
	}
	return true
}

// any says whether the page may have one of the alternatives.
func (f Filter) any(alternatives []alternative) bool {
	return slices.ContainsFunc(alternatives, f.all)
}

// Query is the needles of a search, made ready to ask many filters.
type Query struct {
	clauses [][]alternative
}

// Compile makes needles ready. They are a condition in the form that
// logquery.Predicate.Needles has: a message has to contain one byte string of
// each clause.
func Compile(needles [][][]byte) Query {
	var q Query
	for _, clause := range needles {
		var alternatives []alternative
		for _, needle := range clause {
			a := needleGrams(needle)
			if a.useless() {
				alternatives = nil
				break
			}
			alternatives = append(alternatives, a)
		}
		if alternatives != nil {
			q.clauses = append(q.clauses, alternatives)
		}
	}
	return q
}

// Useless is true if the query says "maybe" of every page, as it does of needles
// that are short or hexadecimal digits only: no filter needs to be read for it.
func (q Query) Useless() bool { return len(q.clauses) == 0 }
