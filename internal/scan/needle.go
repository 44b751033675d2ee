package scan

import (
	"bytes"
	"math"
	"slices"

	"cairn/internal/find"
)

// sieve finds the records that can match: those with a byte string of each
// clause. One clause is searched for in the whole of a file's content, at
// memory speed, and the others only in records that have the first.
type sieve struct {
	clauses []*clause
	// lacked counts, for each clause, the records that had the first one's
	// strings but not its own.
	lacked []int
}

// clause is a list of byte strings of which a record must have one.
type clause struct {
	stems []stem
	tried bool // it was the first clause and did not keep enough out
}

// stem is what some needles begin with, all of one clause: many are escapes of
// characters, \u002f and the like, and rare ones.
type stem struct {
	find.Text
	needles [][]byte
	// next is where the next needle is in the buffer, and length how long; none
	// if there is none.
	next, length int
}

// stemLength is how much needles must have in common to be searched for at
// once.
const stemLength = 4

const none = math.MaxInt

func newSieve(needles [][][]byte) *sieve {
	s := &sieve{lacked: make([]int, len(needles))}
	for _, n := range needles {
		s.clauses = append(s.clauses, newClause(n))
	}
	// A long string is rarer than a short one, mostly.
	best := 0
	for i, c := range s.clauses {
		if c.shortest() > s.clauses[best].shortest() {
			best = i
		}
	}
	s.lead(best)
	return s
}

func newClause(needles [][]byte) *clause {
	c := &clause{}
	needles = slices.SortedFunc(slices.Values(needles), bytes.Compare)
	for len(needles) > 0 {
		n := 1
		for n < len(needles) && len(needles[0]) >= stemLength && bytes.HasPrefix(needles[n], needles[0][:stemLength]) {
			n++
		}
		first, last := needles[0], needles[n-1]
		common := 0 // of sorted strings, all have what the first and the last have in common
		for common < len(first) && common < len(last) && first[common] == last[common] {
			common++
		}
		c.stems = append(c.stems, stem{Text: find.New(first[:common]), needles: needles[:n]})
		needles = needles[n:]
	}
	return c
}

func (c *clause) shortest() int {
	n := none
	for i := range c.stems {
		for _, needle := range c.stems[i].needles {
			n = min(n, len(needle))
		}
	}
	return n
}

// lead makes a clause the first one.
func (s *sieve) lead(i int) {
	if len(s.clauses) > 0 {
		s.clauses[0], s.clauses[i] = s.clauses[i], s.clauses[0]
		clear(s.lacked)
	}
}

// moved forgets where needles are, because the buffer's bytes have changed.
func (s *sieve) moved() {
	if len(s.clauses) > 0 {
		for i := range s.clauses[0].stems {
			s.clauses[0].stems[i].next = -1
		}
	}
}

// candidate says whether the record buf[from:to] can match. Records of a buffer
// are asked for in their order.
func (s *sieve) candidate(buf []byte, from, to int) bool {
	if len(s.clauses) == 0 {
		return true
	}
	if !s.clauses[0].within(buf, from, to) {
		return false
	}
	for i, c := range s.clauses[1:] {
		if !c.in(buf[from:to]) {
			s.missed(i + 1)
			return false
		}
	}
	return true
}

// within searches ahead, beyond the record, and remembers what it finds.
func (c *clause) within(buf []byte, from, to int) bool {
	has := false
	for i := range c.stems {
		has = c.stems[i].within(buf, from, to) || has
	}
	return has
}

func (s *stem) within(buf []byte, from, to int) bool {
	if s.next < from {
		s.next, s.length = s.find(buf, from)
	}
	if s.next >= to || s.length <= to-s.next {
		return s.next < to
	}
	// The needle ends beyond the record; one that begins behind it may not.
	for at := s.next; at < to; {
		var n int
		if at, n = s.find(buf, at+1); at < to && n <= to-at {
			return true
		}
	}
	return false
}

// find returns where the first needle is from a place on, and how long the
// shortest is there.
func (s *stem) find(buf []byte, from int) (at, length int) {
	for {
		n := s.Index(buf[from:])
		if n < 0 {
			return none, 0
		}
		from += n
		length = none
		for _, needle := range s.needles {
			if len(needle) < length && bytes.HasPrefix(buf[from:], needle) {
				length = len(needle)
			}
		}
		if length < none {
			return from, length
		}
		from++
	}
}

func (c *clause) in(record []byte) bool {
	for i := range c.stems {
		if at, _ := c.stems[i].find(record, 0); at < none {
			return true
		}
	}
	return false
}

// enough is how many records a clause has to keep out, beyond the first one, to
// become the first itself.
const enough = 1000

// missed counts a record that lacks a clause's strings. A clause that keeps out
// much of what the first one lets pass is the better first one; none is twice.
func (s *sieve) missed(i int) {
	if s.lacked[i]++; s.lacked[i] < enough || s.clauses[i].tried {
		return
	}
	s.clauses[0].tried = true
	s.lead(i)
	s.moved()
}
