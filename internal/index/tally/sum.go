package tally

import (
	"encoding/binary"
	"time"

	"cairn/internal/scan"
)

// Sum adds up groups that were counted in several places.
type Sum struct {
	groups []scan.Group
	at     map[string]int // where the groups are that may come again
	key    []byte
}

// Add adds a group that may come again.
func (s *Sum) Add(g scan.Group) {
	s.begin(g.Time)
	for _, v := range g.Values {
		s.key = appendText(s.key, v)
	}
	if !s.more(g.Count) {
		s.groups = append(s.groups, g)
	}
}

// AddValue adds a group of one value, which may come again.
func (s *Sum) AddValue(at time.Time, value []byte, count int64) {
	s.begin(at)
	s.key = appendText(s.key, value)
	if !s.more(count) {
		s.groups = append(s.groups, scan.Group{Time: at, Values: []string{string(value)}, Count: count})
	}
}

func (s *Sum) begin(at time.Time) {
	s.key = binary.LittleEndian.AppendUint64(s.key[:0], uint64(at.Unix()))
}

// more adds to the group of the key; it returns false if that comes for the first
// time, and is now to be added.
func (s *Sum) more(count int64) bool {
	if i, ok := s.at[string(s.key)]; ok {
		s.groups[i].Count += count
		return true
	}
	if s.at == nil {
		s.at = map[string]int{}
	}
	s.at[string(s.key)] = len(s.groups)
	return false
}

// AddOnce adds a group that comes only once.
func (s *Sum) AddOnce(g scan.Group) { s.groups = append(s.groups, g) }

// Counts returns the groups, the largest first. Of more than most, the smallest
// are Other.
func (s *Sum) Counts(most int) *scan.Counts {
	c := &scan.Counts{Groups: s.groups}
	scan.SortGroups(c.Groups)
	if len(c.Groups) > most {
		for _, g := range c.Groups[most:] {
			c.Other += g.Count
		}
		c.Groups = c.Groups[:most]
	}
	return c
}
