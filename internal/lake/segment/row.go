// Package segment is the form in which a lake's tables keep rows: a Parquet file
// of rows sorted by position, which any Parquet reader can read, and an index
// beside it with what that has no room for. It writes segments, and reads pages
// of them column by column.
//
//	NUMBER.parquet   columns time, ingestion, stream, seq, index, message; pages of
//	                 the same rows in each column, up to 1,024 rows or 2 MiB; row
//	                 groups of 64 pages
//	NUMBER.index     the gram filter of each page, one after the other; then the
//	                 directory, JSON: where each page is, its times and filter, a
//	                 summary of each stream, a checksum of each 16 KiB of the
//	                 Parquet file
//
// The directory's own checksum is in the Info, which a manifest keeps.
package segment

import (
	"fmt"
	"maps"
	"slices"
)

// DamageError says that a file of a table is not as it was written.
type DamageError struct {
	// File is its path, Offset about where in it, in bytes.
	File   string
	Offset int64
	Why    string
}

// Error says which file is damaged, where and how.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s (restore it from a copy, or delete its log group)", e.File, e.Offset, e.Why)
}

// Row is one timed message.
type Row struct {
	Pos Position
	// Ingestion is when the message came, in milliseconds since 1970.
	Ingestion int64
	// Stream says where the message came from.
	Stream  string
	Message []byte
}

// StreamNote is what a writer wants to find again of a stream.
type StreamNote struct {
	// Number is any number that only grows; the greatest is kept.
	Number uint64 `json:"number,omitempty"`
	// Tokens are the newest ones, oldest first; the last 256 are kept.
	Tokens []string `json:"tokens,omitempty"`
}

// StreamInfo sums up the rows of a stream. Rows that have expired count until
// they are gone from disk.
type StreamInfo struct {
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"` // of messages
	// First and Last are the earliest and latest timestamps.
	First         int64      `json:"first"`
	Last          int64      `json:"last"`
	LastIngestion int64      `json:"lastIngestion"`
	Note          StreamNote `json:"note"`
}

// Add adds the rows of other, which is of the same stream.
func (s *StreamInfo) Add(other StreamInfo) {
	s.Rows += other.Rows
	s.Bytes += other.Bytes
	s.First, s.Last = min(s.First, other.First), max(s.Last, other.Last)
	s.LastIngestion = max(s.LastIngestion, other.LastIngestion)
	s.Note = s.Note.merge(other.Note)
}

// merge joins two notes of one stream; the tokens of the one with the greater
// number are newer.
func (n StreamNote) merge(other StreamNote) StreamNote {
	if other.Number < n.Number {
		n, other = other, n
	}
	tokens := slices.Clone(n.Tokens)
	for _, t := range other.Tokens {
		if !slices.Contains(n.Tokens, t) { // segments split out of one repeat a note
			tokens = append(tokens, t)
		}
	}
	return StreamNote{Number: other.Number, Tokens: tokens[max(0, len(tokens)-keptTokens):]}
}

// Merge returns the summary of all streams of some segments.
func Merge(all map[string]StreamInfo, other map[string]StreamInfo) map[string]StreamInfo {
	if all == nil {
		return maps.Clone(other)
	}
	for name, o := range other {
		s, ok := all[name]
		if !ok {
			s = o
		} else {
			s.Add(o)
		}
		all[name] = s
	}
	return all
}
